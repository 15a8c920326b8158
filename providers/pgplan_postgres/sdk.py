"""What a provider of another package is written with where its objects are of PostgreSQL, besides `pgplan.sdk`.

Owners and what it takes to be one, comments, options, references to roles, and the provider's own object. The built-in kinds use
the same. Each name is explained where it is defined; what else is in this package may change in any version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attrs import field, frozen

from pgplan.sdk import (
    AccessList,
    Catalog,
    EdgeChange,
    EdgeKind,
    EdgeStatement,
    Facts,
    Found,
    Names,
    ObjectKind,
    OwnerChange,
    Reader,
    Reference,
    Statement,
    Whereabouts,
    grantee_role,
    part,
)
from pgplan_postgres import options
from pgplan_postgres.acl import extension
from pgplan_postgres.base import FIRST_NORMAL_OID, OwnedKind, to_role
from pgplan_postgres.default_lists import born, born_by, without_list
from pgplan_postgres.edge_statements import edge_statements
from pgplan_postgres.names import renamed
from pgplan_postgres.owner_statements import owner_statements
from pgplan_postgres.rights import Rights, new_owner, ownership
from pgplan_postgres.sql import comment, comment_and_owner, grantee, name, statement, text, text_or_null, words
from pgplan_postgres.tally import TALLIED, tally
from pgplan_postgres.targets import is_system, object_key, readers_of, schema_of
from pgplan_postgres.whereabouts import initial, whereabouts


@frozen
class PostgresProvider:
    """An entry point's object: kinds, readers, and what all objects of PostgreSQL have in common, whoever brings their kind."""

    kinds: Sequence[ObjectKind | EdgeKind]
    readers: Sequence[Reader]
    words: Mapping[str, str] = field(factory=dict[str, str])

    def readers_of(self, type_: str, key: str) -> Sequence[str]:
        return readers_of(type_, key)

    def grantee(self, name: str) -> Reference | None:
        role = grantee_role(name)
        return None if role is None else Reference("role", part(role))

    def built_in(self, type_: str, key: str, owner: str, facts: Facts) -> AccessList:
        return without_list(type_, key, owner, facts)

    def born(self, type_: str, key: str, owner: str, catalog: Catalog) -> AccessList:
        return born(type_, key, owner, catalog)

    def born_by(self, type_: str, key: str, owner: str) -> Sequence[Reference]:
        return born_by(type_, key, owner)

    def rights(self, catalog: Catalog, later: Catalog) -> Rights:
        return Rights(catalog, later)

    def edge_statements(self, changes: Sequence[EdgeChange]) -> Sequence[EdgeStatement]:
        return edge_statements(changes)

    def renamed(self, found: Found, names: Names) -> Found:
        return renamed(found, names)

    def whereabouts(self, found: Found, catalog: Catalog) -> Whereabouts:
        return whereabouts(found, catalog)

    @property
    def tallied(self) -> Sequence[str]:
        return TALLIED

    def tally(self, types: Collection[str]) -> str:
        return tally(types)

    def initial(self, found: Found, catalog: Catalog) -> AccessList:
        return initial(found, catalog)

    def owner_statements(self, changes: Sequence[OwnerChange]) -> Sequence[tuple[OwnerChange, Statement]]:
        return owner_statements(changes)


__all__ = [
    "FIRST_NORMAL_OID",
    "OwnedKind",
    "PostgresProvider",
    "Rights",
    "comment",
    "comment_and_owner",
    "extension",
    "grantee",
    "is_system",
    "name",
    "new_owner",
    "object_key",
    "options",
    "ownership",
    "schema_of",
    "statement",
    "text",
    "text_or_null",
    "to_role",
    "words",
]
