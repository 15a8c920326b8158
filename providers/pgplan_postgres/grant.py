"""``[[grant]]``: privileges that a grantee must have. https://www.postgresql.org/docs/current/sql-grant.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from attrs import evolve, frozen

from pgplan.sdk import Catalog, Declaration, Found
from pgplan_postgres.access import Access
from pgplan_postgres.access_block import AccessBlock, Names, On, accesses
from pgplan_postgres.access_kind import AccessKind, common
from pgplan_postgres.acl import given
from pgplan_postgres.grantable import GRANTABLE
from pgplan_postgres.initial_privileges import INITIAL_PRIVILEGES
from pgplan_postgres.privileges import Right
from pgplan_postgres.targets import SYSTEM_FUNCTION
from pgplan_postgres.words import ACCESS


@frozen
class GrantBlock:
    """``grantable`` left out means false, and is enforced."""

    WORDS: ClassVar[Mapping[str, str]] = ACCESS

    to: Names
    on: tuple[On, ...]
    privileges: Names
    columns: Names | None = None
    grantable: bool = False
    with_sequences: bool = False


class GrantKind(AccessKind):
    name = "grant"
    block = GrantBlock
    forbids = False
    attribute = "to"
    on = tuple(GRANTABLE)
    surveys = (INITIAL_PRIVILEGES, SYSTEM_FUNCTION)

    def key_on(self, type_: str, key: str, grantee: str) -> str:
        return Access(grantee, type_, key, ()).key if type_ in GRANTABLE else ""

    def declare(self, name: str, block: GrantBlock) -> Iterable[Declaration]:
        both = AccessBlock(block.to, block.on, block.privileges, block.columns, block.grantable, block.with_sequences)
        return [Declaration(self.name, spec.key, spec) for spec in accesses(both, self.attribute)]

    def adoptable(self, key: str, catalog: Catalog) -> Access | None:
        """What the grantee has on the object, whoever granted it; with ``*_in``, what it has on every one of them."""
        spec, objects = self._found(key, catalog)
        found = common([one.acl.held(spec.grantee) for one in objects])
        rights = [Right(privilege, (column,) if column else (), grantable) for (column, privilege), grantable in found.items()]
        return evolve(spec, rights=rights) if rights else None

    def declarations(self, found: Found) -> Iterable[Declaration]:
        """One for each grantee, whoever granted it something."""
        if found.type not in GRANTABLE:
            return []
        rights: dict[str, list[Right]] = {}
        for one in given(found):
            right = Right(one.privilege, (one.column,) if one.column else (), one.grantable)
            rights.setdefault(one.grantee, []).append(right)
        specs = [Access(grantee, found.type, found.key, some) for grantee, some in rights.items()]
        return [Declaration(self.name, spec.key, spec) for spec in specs]
