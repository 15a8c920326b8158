"""Tables (every kind of relation that has a table's access list) and sequences, as found.

https://www.postgresql.org/docs/current/catalog-pg-class.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen
from psycopg import sql

from pgplan.address import join, part
from pgplan.kind import Facts, Found, Row
from pgplan_postgres.acl import acl_lists, acl_of, effective, item
from pgplan_postgres.base import ReaderBase
from pgplan_postgres.targets import is_system

_RELKINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}


@frozen
class Relation:
    """What a plan relies on when it changes the access list of a table, a sequence or a routine."""

    kind: str
    """table, partitioned table, view, materialized view, foreign table, sequence, function, procedure, aggregate, window"""
    owner: str


@frozen
class FoundTable(Found):
    columns: frozenset[str] = frozenset()
    """Names, for checking those that a block names; no part of what a plan relies on."""


_TABLES = """
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS relkind, o.rolname AS owner,
       a.names AS columns, granted.acl AS column_acl,
       (SELECT x.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid
                WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e') AS extension,
       lists.items AS acl
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
  LEFT JOIN {lists} AS lists ON lists.acl = {acl}
  LEFT JOIN (
    SELECT a.attrelid, array_agg(a.attname::text) AS names
      FROM pg_catalog.pg_attribute AS a
     WHERE a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid) AS a ON a.attrelid = c.oid
  LEFT JOIN (
    SELECT a.attrelid, json_agg({column_item}) AS acl
      FROM pg_catalog.pg_attribute AS a
     CROSS JOIN LATERAL aclexplode(a.attacl) AS e
     -- a column without a list has no privileges of its own: acldefault('c') is empty
     WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
     GROUP BY a.attrelid) AS granted ON granted.attrelid = c.oid
 -- tables, partitioned tables, views, materialized views, foreign tables
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   -- temporary and TOAST tables are nobody's to grant
   AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog')
"""
_SEQUENCES = """
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, o.rolname AS owner,
       (SELECT x.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid
                WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e') AS extension,
       lists.items AS acl
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
  LEFT JOIN {lists} AS lists ON lists.acl = {acl}
 WHERE c.relkind = 'S'
   AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog')
"""


class TableReader(ReaderBase):
    type = "table"

    def query(self, facts: Facts) -> str:
        acl = effective("c.relacl", "r", "c.relowner")
        lists = acl_lists(acl, "pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')")
        return (
            sql.SQL(_TABLES)
            .format(acl=acl, lists=lists, column_item=item("a.attname", "ARRAY[e.privilege_type]"))
            .as_string(None)
        )

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_table(row) for row in rows]


class SequenceReader(ReaderBase):
    type = "sequence"

    def query(self, facts: Facts) -> str:
        acl = effective("c.relacl", "s", "c.relowner")
        lists = acl_lists(acl, "pg_catalog.pg_class AS c WHERE c.relkind = 'S'")
        return sql.SQL(_SEQUENCES).format(acl=acl, lists=lists).as_string(None)

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_sequence(row) for row in rows]


def _table(row: Row) -> FoundTable:
    return FoundTable(
        "table",
        join(row["schema"], row["name"]),
        row["oid"],
        Relation(_RELKINDS[row["relkind"]], row["owner"] or ""),
        owner=row["owner"] or "",
        acl=acl_of(row["acl"], row["column_acl"]),
        extension=part(row["extension"]) if row["extension"] else "",
        system=is_system(row["schema"]),
        columns=frozenset(row["columns"] or ()),
    )


def _sequence(row: Row) -> Found:
    return Found(
        "sequence",
        join(row["schema"], row["name"]),
        row["oid"],
        Relation("sequence", row["owner"] or ""),
        owner=row["owner"] or "",
        acl=acl_of(row["acl"]),
        extension=part(row["extension"]) if row["extension"] else "",
        system=is_system(row["schema"]),
    )
