"""ALTER … RENAME TO: the part of `pgplan.kind.Renamable` that kinds share.

https://www.postgresql.org/docs/current/sql-alterschema.html, and the same of each other type
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pgplan.sdk import Facts, Found, InvalidBlockError, Mistakes, Statement, part, split, sql, unpart
from pgplan_postgres.rights import Rights, ownership
from pgplan_postgres.signatures import split_signature
from pgplan_postgres.sql import name, statement
from pgplan_postgres.targets import object_key, schema_of


class Renamed:
    """For an object with a name of one part."""

    keyword: ClassVar[sql.SQL]
    """What stands behind ALTER."""

    def former(self, name: str, key: str) -> str:
        mistakes = Mistakes()
        mistakes.name(("renamed_from",), name)
        mistakes.done()
        return part(name)

    def also_called(self, key: str) -> Sequence[str]:
        return ()

    def rename(self, old: str, new: str) -> Sequence[Statement]:
        return [statement("ALTER {} {} RENAME TO {}", self.keyword, name(unpart(old)), name(unpart(new)))]

    def not_renamed(self, found: Found, facts: Facts) -> str:
        return "is PostgreSQL's own" if found.system else ""

    def missing_to_rename(self, found: Found, rights: Rights) -> Sequence[str]:
        return ownership(found, rights)

    def lost_by_rename(self, found: Found) -> str:
        return ""


class RenamedInSchema(Renamed):
    """For an object in a schema, which it stays in."""

    type: ClassVar[str]
    """The type of object that it is in the catalogs."""

    def former(self, name: str, key: str) -> str:
        try:
            old = object_key(self.type, name)
        except ValueError as error:
            raise InvalidBlockError((("renamed_from",), str(error), "")) from None
        if self._stays(old) != self._stays(key):
            hint = f"write it as it would be called in the place of {key}, but for its name"
            raise InvalidBlockError((("renamed_from",), f"a rename does not lead from {old} to {key}", hint))
        return old

    def _stays(self, key: str) -> tuple[str, str | None]:
        """What a rename leaves as it is: the schema, and the types of arguments."""
        return schema_of(key), split_signature(key)[1] if self.type == "function" else None

    def also_called(self, key: str) -> Sequence[str]:
        """A function without its types."""
        return [split_signature(key)[0]] if self.type == "function" else []

    def target(self, key: str) -> sql.Composable:
        return name(*split(key))

    def rename(self, old: str, new: str) -> Sequence[Statement]:
        _, last = split(split_signature(new)[0] if self.type == "function" else new)
        return [statement("ALTER {} {} RENAME TO {}", self.keyword, self.target(old), name(last))]

    def missing_to_rename(self, found: Found, rights: Rights) -> Sequence[str]:
        schema = part(schema_of(found.key))
        lacks = [f"{each} on schema {schema}" for each in ("USAGE", "CREATE") if not rights.has("schema", schema, each)]
        return [*super().missing_to_rename(found, rights), *lacks]
