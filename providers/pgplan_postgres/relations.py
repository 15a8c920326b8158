"""Tables (every kind of relation that has a table's access list) and sequences, as found.

https://www.postgresql.org/docs/current/catalog-pg-class.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from attrs import frozen

from pgplan.sdk import Facts, Found, ReaderBase, Row, join, sql
from pgplan_postgres.acl import Lists, extension, found_with_list, item, listed
from pgplan_postgres.sql import roles
from pgplan_postgres.targets import is_system

_RELKINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence"}


@frozen
class Relation:
    """What a plan relies on when it changes the access list of a table or a sequence."""

    kind: str
    """table, partitioned table, view, materialized view, foreign table, sequence"""
    owner: str


@lru_cache(maxsize=1024)
def relation(kind: str, owner: str) -> Relation:
    """One instance for all that are of one kind and owner."""
    return Relation(kind, owner)


_TABLES_FROM = """pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     -- tables, partitioned tables, views, materialized views, foreign tables
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
       -- temporary and TOAST tables are nobody's to grant
       AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog')"""
_TABLES = """
WITH {listed}
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS relkind, o.rolname AS owner,
       a.names AS columns, granted.items AS column_acl,
       {extension} AS extension,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_class AS c ON c.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN {roles} AS o ON o.oid = c.relowner
  LEFT JOIN (
    SELECT a.attrelid, array_agg(a.attname::text) AS names
      FROM pg_catalog.pg_attribute AS a
     WHERE a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid) AS a ON a.attrelid = c.oid
  LEFT JOIN (
    SELECT a.attrelid, json_agg({column_item} ORDER BY a.attnum)::text AS items
      FROM pg_catalog.pg_attribute AS a
     CROSS JOIN LATERAL aclexplode(a.attacl) AS e
     -- a column without a list has no privileges of its own: acldefault('c') is empty
     WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
     GROUP BY a.attrelid) AS granted ON granted.attrelid = c.oid
"""
_SEQUENCES_FROM = """pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S'
       AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog')"""
_SEQUENCES = """
WITH {listed}
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS relkind, o.rolname AS owner,
       tn.nspname AS table_schema, t.relname AS table_name, d.deptype = 'a' AS owned_by,
       {extension} AS extension,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_class AS c ON c.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN {roles} AS o ON o.oid = c.relowner
  -- the table whose column owns it: a serial one, or by OWNED BY ('a'), or an identity ('i'). 1259 is the OID of pg_class
  LEFT JOIN pg_catalog.pg_depend AS d
    ON d.classid = 1259 AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 1259 AND d.refobjsubid > 0
       AND d.deptype IN ('a', 'i')
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid
  LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
"""


class TableReader(ReaderBase):
    type = "table"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "c", "relacl", "relowner", _TABLES_FROM, facts)
        column_item = item("a.attname", "ARRAY[e.privilege_type]", facts)
        query = sql.SQL(_TABLES)
        return query.format(listed=lists, extension=extension("c"), column_item=column_item, roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return _relations(self.type, rows)


class SequenceReader(ReaderBase):
    type = "sequence"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "c", "relacl", "relowner", _SEQUENCES_FROM, facts)
        return sql.SQL(_SEQUENCES).format(listed=lists, extension=extension("c"), roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return _relations(self.type, rows)


def _relations(type_: str, rows: Sequence[Row]) -> Iterable[Found]:
    lists = Lists(rows)
    columns: dict[tuple[str, ...], frozenset[str]] = {}
    for row in rows:
        names = tuple(row.get("columns") or ())
        table = join(row["table_schema"], row["table_name"]) if row.get("table_name") else None
        yield found_with_list(
            type_,
            join(row["schema"], row["name"]),
            relation(_RELKINDS[row["relkind"]], row["owner"] or ""),
            row,
            lists,
            system=is_system(row["schema"]),
            columns=columns.setdefault(names, frozenset(names)),
            # For an identity column's sequence no privilege is asked.
            belongs_to=table if table is not None and row["owned_by"] else "",
            follows=None if table is None else ("table", table),
        )
