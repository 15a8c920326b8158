"""Functions, procedures, aggregates and window functions, as found: PostgreSQL has one namespace and one access list for all.

https://www.postgresql.org/docs/current/catalog-pg-proc.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pgplan.sdk import Facts, Found, ReaderBase, Row, join, sql
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.relations import relation
from pgplan_postgres.signatures import argument_list, catalog_type
from pgplan_postgres.targets import is_system

_PROKINDS = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window"}

_FROM = """pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     -- temporary functions are nobody's to grant
     WHERE n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog'"""
_QUERY = """
WITH {listed}
SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS prokind, o.rolname AS owner,
       {extension} AS extension,
       input.types, listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_proc AS p ON p.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
  LEFT JOIN (
    -- input types only: they are what tells overloaded routines apart
    SELECT p.oid, json_agg(json_build_array(tn.nspname, t.typname, en.nspname, et.typname) ORDER BY a.position) AS types
      FROM pg_catalog.pg_proc AS p
     CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, position)
      JOIN pg_catalog.pg_type AS t ON t.oid = a.type
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
      -- an array is the one type that its element names; int2vector and its like are none
      LEFT JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem AND et.typarray = t.oid
      LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = et.typnamespace
     GROUP BY p.oid) AS input ON input.oid = p.oid
"""


class FunctionReader(ReaderBase):
    type = "function"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "p", "proacl", "proowner", _FROM)
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("p")).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    arguments = argument_list(_type(*argument) for argument in row["types"] or ())
    key = join(row["schema"], row["name"]) + arguments
    spec = relation(_PROKINDS[row["prokind"]], row["owner"] or "")
    return found_with_list("function", key, spec, row, lists, system=is_system(row["schema"]))


def _type(schema: Any, name: Any, element_schema: Any, element: Any) -> str:
    return catalog_type(schema, name) if element is None else catalog_type(element_schema, element) + "[]"
