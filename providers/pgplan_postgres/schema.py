"""https://www.postgresql.org/docs/current/sql-createschema.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen
from psycopg import sql

from pgplan.address import part
from pgplan.kind import Declaration, Facts, Found, Reference, Row, Statement
from pgplan_postgres.acl import acl_items, acl_of
from pgplan_postgres.base import SYSTEM_NAME, Mistakes, ObjectKindBase, ReaderBase, to_role
from pgplan_postgres.rights import Rights, ownership
from pgplan_postgres.sql import comment, name, statement, words


@frozen
class SchemaBlock:
    """``[schema.NAME]``. An omitted attribute is not managed."""

    owner: str | None = None
    comment: str | None = None


@frozen
class Schema:
    name: str
    owner: str | None = None
    comment: str | None = None


class SchemaKind(ObjectKindBase):
    name = "schema"
    block = SchemaBlock
    spec = Schema

    def declare(self, name: str, block: SchemaBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        spec = Schema(mistakes.new_name("schema", name), mistakes.optional_role("owner", block.owner), block.comment)
        mistakes.done()
        return [Declaration(self.name, part(name), spec)]

    def references(self, spec: Schema) -> Sequence[Reference]:
        return to_role(spec.owner, "owner")

    def create(self, spec: Schema) -> Sequence[Statement]:
        return [statement("CREATE SCHEMA {}", name(spec.name)), *_set(spec, ("comment", "owner"))]

    def alter(self, found: Found, spec: Schema, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return _set(spec, changed)

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP SCHEMA {}", name(found.spec.name))]

    def missing_right(self, found: Found | None, spec: Schema | None, rights: Rights) -> str | None:
        if found is not None:
            return ownership(found, rights)
        database = rights.facts.database
        return None if rights.has("database", part(database), "CREATE") else f"CREATE on database {database}"


def _set(spec: Schema, attributes: Sequence[str]) -> list[Statement]:
    target = words(sql.SQL("SCHEMA"), name(spec.name))
    statements: list[Statement] = []
    if "comment" in attributes:
        statements += comment(target, spec.comment)
    if "owner" in attributes and spec.owner is not None:
        # Last: the connected role may lose its rights with it.
        statements.append(statement("ALTER {} OWNER TO {}", target, name(spec.owner)))
    return statements


_QUERY = """
SELECT n.oid::bigint AS oid, n.nspname AS name, o.rolname AS owner, d.description AS comment,
       (SELECT x.extname FROM pg_catalog.pg_depend AS e JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
                WHERE e.classid = 2615 AND e.objid = n.oid AND e.deptype = 'e') AS extension,
       {acl} AS acl
  FROM pg_catalog.pg_namespace AS n
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
  -- 2615 is pg_namespace's own OID
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = 2615 AND d.objoid = n.oid AND d.objsubid = 0
  -- other sessions' temporary schemas come and go
 WHERE n.nspname !~ '^pg_(toast_)?temp_'
"""


class SchemaReader(ReaderBase):
    type = "schema"
    always = True

    def query(self, facts: Facts) -> str:
        return sql.SQL(_QUERY).format(acl=acl_items("n.nspacl", "n", "n.nspowner")).as_string(None)

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_found(row) for row in rows]


def _found(row: Row) -> Found:
    schema: Any = row["name"]
    return Found(
        "schema",
        part(schema),
        row["oid"],
        Schema(schema, row["owner"] or "", row["comment"] or ""),
        owner=row["owner"] or "",
        acl=acl_of(row["acl"]),
        extension=part(row["extension"]) if row["extension"] else "",
        system=bool(SYSTEM_NAME.match(schema)) or schema == "information_schema",
    )
