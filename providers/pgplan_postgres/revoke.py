"""``[[revoke]]``: privileges that a grantee must not have, PUBLIC above all.

Removing the block forgets them; it never grants. https://www.postgresql.org/docs/current/sql-revoke.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from pgplan.kind import Declaration, Edge, Snapshot, Wanted
from pgplan_postgres.access import Access, AccessKind, held
from pgplan_postgres.access_block import AccessBlock, Names, On, accesses
from pgplan_postgres.privileges import Right, every


@frozen
class RevokeBlock:
    from_: Names
    on: tuple[On, ...]
    privileges: Names
    columns: Names | None = None


class RevokeKind(AccessKind):
    name = "revoke"
    block = RevokeBlock
    forbids = True
    attribute = "from"

    def declare(self, name: str, block: RevokeBlock) -> Iterable[Declaration]:
        both = AccessBlock(block.from_, block.on, block.privileges, block.columns)
        return [Declaration(self.name, spec.key, spec) for spec in accesses(both, self.attribute)]

    def edges(self, spec: Access, snapshot: Snapshot) -> Iterable[Wanted]:
        """A table's privilege is also absent from its columns, as REVOKE has it, but for what a grant says of a column."""
        whole = list(super().edges(spec, snapshot))
        absent = {wanted.edge for wanted in whole if wanted.edge.type == "table" and not wanted.edge.column}
        return [*whole, *(Wanted(edge, named=False) for edge in _columns(absent, spec.grantee, snapshot))]

    def adoptable(self, key: str, snapshot: Snapshot) -> Access | None:
        """What the grantee lacks on the object; with ``*_in``, what it has on none of them."""
        spec, objects = self._object(key, snapshot)
        if not objects:
            return None
        found = {privilege for one in objects for _, privilege in held(one, spec.grantee)}
        absent = [name for name in every(spec.object_type, snapshot.facts.version) if name not in found]
        return evolve(spec, rights=map(Right, absent)) if absent else None


def _columns(absent: set[Edge], grantee: str, snapshot: Snapshot) -> Iterator[Edge]:
    """The columns on which the grantee is found to have what must be absent from their tables."""
    for target in sorted({edge.target for edge in absent}):
        found = snapshot.found.get(target)
        for one in found.acl if found else ():
            if one.column and one.grantee == grantee and Edge(*target, "", grantee, one.privilege) in absent:
                yield Edge(*target, one.column, grantee, one.privilege)
