"""https://www.postgresql.org/docs/current/sql-createschema.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from pgplan.sdk import SYSTEM_NAME, Declaration, Facts, Found, Mistakes, ReaderBase, Reference, Row, Statement, named, part, sql
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.rights import Rights
from pgplan_postgres.sql import comment_and_owner, name, statement


@frozen
class SchemaBlock:
    """``[schema.NAME]``. An omitted attribute is not managed."""

    owner: str | None = None
    comment: str | None = None


@frozen
class Schema(SchemaBlock):
    name: str = field(kw_only=True)


class SchemaKind(OwnedKind):
    name = "schema"
    block = SchemaBlock
    spec = Schema
    stands_on = ("role",)

    def declare(self, name: str, block: SchemaBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.new_name("schema", name)
        owner = mistakes.optional_role("owner", block.owner)
        mistakes.done()
        return [Declaration(self.name, part(name), named(Schema, block, name, owner=owner))]

    def references(self, spec: Schema) -> Sequence[Reference]:
        return to_role(spec.owner, "owner")

    def create(self, spec: Schema) -> Sequence[Statement]:
        return [statement("CREATE {}", _target(spec)), *comment_and_owner(_target(spec), spec, ("comment", "owner"))]

    def alter(self, found: Found, spec: Schema, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return comment_and_owner(_target(spec), spec, changed)

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def missing_rights(self, found: Found | None, spec: Schema | None, rights: Rights) -> Sequence[str]:
        database = rights.facts.database
        may = found is not None or rights.has("database", part(database), "CREATE")
        return [*([] if may else [f"CREATE on database {database}"]), *super().missing_rights(found, spec, rights)]


def _target(spec: Schema) -> sql.Composable:
    return sql.SQL("SCHEMA {}").format(name(spec.name))


_QUERY = """
WITH {listed}
SELECT n.oid::bigint AS oid, n.nspname AS name, o.rolname AS owner, d.description AS comment,
       {extension} AS extension,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_namespace AS n ON n.oid = listed.oid
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = n.tableoid AND d.objoid = n.oid AND d.objsubid = 0
"""
_FROM = """pg_catalog.pg_namespace AS n
     -- other sessions' temporary schemas come and go
     WHERE n.nspname !~ '^pg_(toast_)?temp_'"""


class SchemaReader(ReaderBase):
    type = "schema"
    always = True

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "n", "nspacl", "nspowner", _FROM)
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("n")).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    spec = Schema(name=row["name"], owner=row["owner"] or "", comment=row["comment"] or "")
    system = bool(SYSTEM_NAME.match(spec.name)) or spec.name == "information_schema"
    return found_with_list("schema", part(spec.name), spec, row, lists, system=system)
