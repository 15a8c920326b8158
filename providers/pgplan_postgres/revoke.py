"""``[[revoke]]``: privileges that a grantee must not have, PUBLIC above all.

Removing the block forgets them; it never grants. https://www.postgresql.org/docs/current/sql-revoke.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from attrs import evolve, frozen

from pgplan.sdk import Catalog, Declaration, Found
from pgplan_postgres.access import Access
from pgplan_postgres.access_block import AccessBlock, Names, On, accesses
from pgplan_postgres.access_kind import AccessKind
from pgplan_postgres.grantable import every
from pgplan_postgres.privileges import Right
from pgplan_postgres.words import ACCESS


@frozen
class RevokeBlock:
    WORDS: ClassVar[Mapping[str, str]] = ACCESS

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

    def adoptable(self, key: str, catalog: Catalog) -> Access | None:
        """What the grantee lacks on the object; with ``*_in``, what it has on none of them."""
        spec, objects = self._found(key, catalog)
        if not objects:
            return None
        found = {privilege for one in objects for _, privilege in one.acl.held(spec.grantee)}
        absent = [name for name in every(spec.object_type, catalog.facts.version) if name not in found]
        return evolve(spec, rights=map(Right, absent)) if absent else None

    def declarations(self, found: Found) -> Iterable[Declaration]:
        """None: what is in a list is granted."""
        return []
