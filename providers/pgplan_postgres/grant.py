"""``[[grant]]``: privileges that a grantee must have. https://www.postgresql.org/docs/current/sql-grant.html"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from pgplan.kind import Declaration, Snapshot
from pgplan_postgres.access import Access, AccessKind, common, held
from pgplan_postgres.access_block import AccessBlock, Names, On, accesses
from pgplan_postgres.privileges import Right


@frozen
class GrantBlock:
    """``grantable`` left out means false, and is enforced."""

    to: Names
    on: tuple[On, ...]
    privileges: Names
    columns: Names | None = None
    grantable: bool = False


class GrantKind(AccessKind):
    name = "grant"
    block = GrantBlock
    forbids = False
    attribute = "to"

    def declare(self, name: str, block: GrantBlock) -> Iterable[Declaration]:
        both = AccessBlock(block.to, block.on, block.privileges, block.columns, block.grantable)
        return [Declaration(self.name, spec.key, spec) for spec in accesses(both, self.attribute)]

    def adoptable(self, key: str, snapshot: Snapshot) -> Access | None:
        """What the grantee has on the object, whoever granted it; with ``*_in``, what it has on every one of them."""
        spec, objects = self._object(key, snapshot)
        found = common([held(one, spec.grantee) for one in objects])
        rights = [Right(privilege, (column,) if column else (), grantable) for (column, privilege), grantable in found.items()]
        wanted = rights if spec.named else [right for right in rights if not right.columns]
        return evolve(spec, rights=wanted) if wanted else None
