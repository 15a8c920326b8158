"""https://www.postgresql.org/docs/current/sql-createextension.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from pgplan.sdk import (
    Declaration,
    Facts,
    Found,
    IsThere,
    Mistakes,
    ObjectKindBase,
    ReaderBase,
    Reference,
    Row,
    Statement,
    named,
    part,
    sql,
)
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.sql import comment, name, statement, text, words
from pgplan_postgres.targets import schema_of


@frozen
class ExtensionBlock:
    """``[extension.NAME]``. An omitted attribute is not managed; `cascade` installs required extensions when creating.

    Without `schema` the extension is created where it says itself, or in schema public.
    """

    schema: str | None = None
    version: str | None = None
    cascade: bool | None = None
    """Used by CREATE only: None in every found spec."""
    comment: str | None = None


@frozen
class Extension(ExtensionBlock):
    name: str = field(kw_only=True)


_WITHOUT_SCHEMA = ("foreign_data_wrapper", "language", "schema", "server")
_WITHIN_SCHEMA = ("function", "sequence", "table", "type")


class ExtensionKind(ObjectKindBase):
    name = "extension"
    block = ExtensionBlock
    spec = Extension
    stands_on = ("schema",)
    has_members = True
    creation_only = ("cascade",)

    def declare(self, name: str, block: ExtensionBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.name((), name)
        mistakes.names(("schema", block.schema))
        if block.version is not None and not block.version:
            mistakes.add(("version",), "a version is empty", "leave it out to take the server's default")
        mistakes.done()
        return [Declaration(self.name, part(name), named(Extension, block, name))]

    def references(self, spec: Extension) -> Sequence[Reference]:
        return [Reference("schema", part(spec.schema), "schema")] if spec.schema else []

    def brings(self, spec: Extension, type_: str, key: str, is_there: IsThere) -> bool:
        """Only its script says what an extension holds, so it may be whatever extensions create: a wrapper, a server, a language,
        a schema. Of what lies within a schema it may be what lies in the extension's own (public, if none is declared) or in one
        that is not there yet, and so may come with it. A name in any other schema is a mistake."""
        if type_ in _WITHOUT_SCHEMA:
            return True
        if type_ not in _WITHIN_SCHEMA:
            return False
        schema = schema_of(key)
        return schema == (spec.schema or "public") or not is_there("schema", part(schema))

    def create(self, spec: Extension) -> Sequence[Statement]:
        options = words(
            sql.SQL("CREATE EXTENSION {}").format(name(spec.name)),
            sql.SQL("SCHEMA {}").format(name(spec.schema)) if spec.schema else None,
            sql.SQL("VERSION {}").format(text(spec.version)) if spec.version else None,
            sql.SQL("CASCADE") if spec.cascade else None,
        )
        created = [statement("{}", options)]
        if spec.schema is None:
            # Without SCHEMA an extension that can live anywhere goes where search_path says, and pgplan's holds pg_catalog only.
            # SCHEMA public instead would be refused for one that has its place (pg_cron).
            created = [statement("SET LOCAL search_path TO public"), *created, statement("SET LOCAL search_path TO pg_catalog")]
        return [*created, *self._comment(spec)]

    def alter(self, found: Found, spec: Extension, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        statements: list[Statement] = []
        if "version" in changed and spec.version is not None:
            statements.append(statement("ALTER EXTENSION {} UPDATE TO {}", name(spec.name), text(spec.version)))
        if "schema" in changed and spec.schema is not None:
            statements.append(statement("ALTER EXTENSION {} SET SCHEMA {}", name(spec.name), name(spec.schema)))
        return [*statements, *(self._comment(spec) if "comment" in changed else ())]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP EXTENSION {}", name(found.spec.name))]

    def _comment(self, spec: Extension) -> list[Statement]:
        return comment(words(sql.SQL("EXTENSION"), name(spec.name)), spec.comment)


class ExtensionReader(ReaderBase):
    type = "extension"

    def query(self, facts: Facts) -> str:
        return """
SELECT x.oid::bigint AS oid, x.extname AS name, n.nspname AS schema, x.extversion AS version, d.description AS comment
  FROM pg_catalog.pg_extension AS x
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
  -- 3079 is pg_extension's own OID
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = 3079 AND d.objoid = x.oid AND d.objsubid = 0
"""

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_found(row) for row in rows]


def _found(row: Row) -> Found:
    spec = Extension(name=row["name"], schema=row["schema"], version=row["version"], comment=row["comment"] or "")
    # plpgsql is there from the start.
    return Found("extension", part(spec.name), row["oid"], spec, system=row["oid"] < FIRST_NORMAL_OID)
