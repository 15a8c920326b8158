"""https://www.postgresql.org/docs/current/sql-createschema.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve, field, frozen

from pgplan.sdk import (
    SYSTEM_NAME,
    Declaration,
    Dependent,
    Facts,
    Found,
    Mistakes,
    ReaderBase,
    Reference,
    Row,
    Statement,
    join,
    named,
    part,
    sql,
)
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.renaming import Renamed
from pgplan_postgres.rights import Rights
from pgplan_postgres.sql import comment_and_owner, name, roles, statement


@frozen
class SchemaBlock:
    """``[schema.NAME]``. An omitted attribute is not managed."""

    owner: str | None = None
    comment: str | None = None


@frozen
class Schema(SchemaBlock):
    name: str = field(kw_only=True)


class SchemaKind(Renamed, OwnedKind):
    name = "schema"
    block = SchemaBlock
    spec = Schema
    stands_on = ("role",)
    reads = ("default_privileges",)
    keyword = sql.SQL("SCHEMA")

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
        """To give a schema to another role takes what it takes to make one."""
        database = rights.facts.database
        moves = spec is not None and (found is None or spec.owner not in (None, found.owner))
        may = not moves or rights.has("database", part(database), "CREATE")
        return [*([] if may else [f"CREATE on database {database}"]), *super().missing_rights(found, spec, rights)]

    def missing_to_rename(self, found: Found, rights: Rights) -> Sequence[str]:
        database = rights.facts.database
        may = rights.has("database", part(database), "CREATE")
        return [*([] if may else [f"CREATE on database {database}"]), *super().missing_to_rename(found, rights)]


def _target(spec: Schema) -> sql.Composable:
    return sql.SQL("SCHEMA {}").format(name(spec.name))


_QUERY = """
WITH {listed}
SELECT n.oid::bigint AS oid, n.nspname AS name, o.rolname AS owner, d.description AS comment,
       {extension} AS extension,
       held.content,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_namespace AS n ON n.oid = listed.oid
  LEFT JOIN {roles} AS o ON o.oid = n.nspowner
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = n.tableoid AND d.objoid = n.oid AND d.objsubid = 0
  CROSS JOIN LATERAL (
    -- some of what is in it, but for what goes with something else: members of extensions, sequences of columns
    SELECT json_agg(json_build_array(
             CASE WHEN c.relkind = 'S' THEN 'sequence' WHEN c.oid IS NOT NULL THEN 'table'
                  WHEN p.oid IS NOT NULL THEN 'function' WHEN t.oid IS NOT NULL THEN 'type' ELSE 'object' END,
             coalesce(c.relname, p.proname, t.typname, x.objid::bigint::text))) AS content
      FROM (SELECT d.classid, d.objid
              FROM pg_catalog.pg_depend AS d
             WHERE d.refclassid = n.tableoid AND d.refobjid = n.oid AND d.deptype = 'n'
               -- 3079 is the OID of pg_extension, whose kind says where it stands
               AND d.classid <> 3079
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                                WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype IN ('e', 'a', 'i'))
             LIMIT 20) AS x
      -- 1259, 1255 and 1247 are the OIDs of these catalogs
      LEFT JOIN pg_catalog.pg_class AS c ON x.classid = 1259 AND c.oid = x.objid
      LEFT JOIN pg_catalog.pg_proc AS p ON x.classid = 1255 AND p.oid = x.objid
      LEFT JOIN pg_catalog.pg_type AS t ON x.classid = 1247 AND t.oid = x.objid) AS held
"""
_FROM = """pg_catalog.pg_namespace AS n
     -- other sessions' temporary schemas come and go
     WHERE n.nspname !~ '^pg_(toast_)?temp_'"""


class SchemaReader(ReaderBase):
    type = "schema"
    always = True

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "n", "nspacl", "nspowner", _FROM, facts)
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("n"), roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    spec = Schema(name=row["name"], owner=row["owner"] or "", comment=row["comment"] or "")
    system = bool(SYSTEM_NAME.match(spec.name)) or spec.name == "information_schema"
    found = found_with_list("schema", part(spec.name), spec, row, lists, system=system)
    return evolve(found, holds=tuple(_content(spec.name, *one) for one in row["content"])) if row["content"] else found


def _content(schema: str, type_: str, name_: str) -> Dependent:
    if type_ == "object":
        return Dependent(f"an object in {part(schema)} with the OID", name_)
    return Dependent(type_, join(schema, name_) + ("(" if type_ == "function" else ""))
