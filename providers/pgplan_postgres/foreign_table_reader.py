"""Reads foreign tables, partitions too, with all columns.

https://www.postgresql.org/docs/current/catalog-pg-foreign-table.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve

from pgplan.sdk import Facts, Found, ReaderBase, Row, join, sql
from pgplan_postgres.acl import Lists, extension, found_with_list, item, listed
from pgplan_postgres.column_types import found_type
from pgplan_postgres.dependents import OF_FOREIGN_TABLES, dependents, held
from pgplan_postgres.foreign_table import Column, ForeignTable
from pgplan_postgres.options import found_options, query_column
from pgplan_postgres.sql import roles
from pgplan_postgres.targets import is_system

_QUERY = """
WITH {listed}
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, s.srvname AS server, o.rolname AS owner,
       d.description AS comment, columns.list AS columns, granted.items AS column_acl,
       {extension} AS extension,
       {options} AS options,
       held.list AS held, listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_class AS c ON c.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_foreign_table AS f ON f.ftrelid = c.oid
  LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver
  LEFT JOIN {roles} AS o ON o.oid = c.relowner
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = c.tableoid AND d.objoid = c.oid AND d.objsubid = 0
  LEFT JOIN (
    SELECT a.attrelid,
           json_agg(json_build_array(a.attname, a.attnotnull, a.atttypmod, tn.nspname, t.typname, en.nspname, et.typname,
                                     {column_options}) ORDER BY a.attnum) AS list
      FROM pg_catalog.pg_foreign_table AS f
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.ftrelid
      JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
      -- an array is the one type that its element names; int2vector and its like are none
      LEFT JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem AND et.typarray = t.oid
      LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = et.typnamespace
     WHERE a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid) AS columns ON columns.attrelid = c.oid
  LEFT JOIN (
    SELECT a.attrelid, json_agg({column_item} ORDER BY a.attnum)::text AS items
      FROM pg_catalog.pg_foreign_table AS f
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.ftrelid
     CROSS JOIN LATERAL aclexplode(a.attacl) AS e
     WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
     GROUP BY a.attrelid) AS granted ON granted.attrelid = c.oid
  LEFT JOIN {held} AS held ON held.object = c.oid
"""


class ForeignTableReader(ReaderBase):
    type = "foreign_table"

    def query(self, facts: Facts) -> str:
        query = sql.SQL(_QUERY).format(
            # A foreign table has a table's access list.
            listed=listed("table", "c", "relacl", "relowner", "pg_catalog.pg_class AS c WHERE c.relkind = 'f'", facts),
            extension=extension("c"),
            held=held(OF_FOREIGN_TABLES),
            options=query_column("f.ftoptions"),
            column_options=query_column("a.attfdwoptions"),
            column_item=item("a.attname", "ARRAY[e.privilege_type]", facts),
            roles=roles(facts),
        )
        return query.text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    spec = ForeignTable(
        name=join(row["schema"], row["name"]),
        server=row["server"],
        columns=tuple(_column(*column) for column in row["columns"] or ()),
        options=found_options(row["options"]),
        owner=row["owner"] or "",
        comment=row["comment"] or "",
    )
    columns = frozenset(column.name for column in spec.columns)
    found = found_with_list("foreign_table", spec.name, spec, row, lists, system=is_system(row["schema"]), columns=columns)
    return evolve(found, holds=dependents(row["held"])) if row["held"] else found


def _column(
    name: str,
    not_null: bool,
    modifier: int,
    schema: str,
    type_: str,
    element_schema: str | None,
    element: str | None,
    options: Any,
) -> Column:
    return Column(name, found_type(schema, type_, element_schema, element, modifier), not_null, found_options(options))
