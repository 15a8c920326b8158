"""Functions, procedures, aggregates and window functions, as found: PostgreSQL has one namespace and one access list for all.

https://www.postgresql.org/docs/current/catalog-pg-proc.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql

from pgplan.address import join, part
from pgplan.kind import Facts, Found, Row
from pgplan_postgres.acl import acl_lists, acl_of, effective
from pgplan_postgres.base import ReaderBase
from pgplan_postgres.relations import Relation
from pgplan_postgres.signatures import argument_list, catalog_type
from pgplan_postgres.targets import is_system

_PROKINDS = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window"}

_QUERY = """
SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS prokind, o.rolname AS owner,
       (SELECT x.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid
                WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.deptype = 'e') AS extension,
       input.types, lists.items AS acl
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
  LEFT JOIN {lists} AS lists ON lists.acl = {acl}
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
 -- temporary functions are nobody's to grant
 WHERE n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog'
"""


class FunctionReader(ReaderBase):
    type = "function"

    def query(self, facts: Facts) -> str:
        acl = effective("p.proacl", "f", "p.proowner")
        return sql.SQL(_QUERY).format(acl=acl, lists=acl_lists(acl, "pg_catalog.pg_proc AS p")).as_string(None)

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_found(row) for row in rows]


def _found(row: Row) -> Found:
    return Found(
        "function",
        join(row["schema"], row["name"]) + argument_list(_type(*argument) for argument in row["types"] or ()),
        row["oid"],
        Relation(_PROKINDS[row["prokind"]], row["owner"] or ""),
        owner=row["owner"] or "",
        acl=acl_of(row["acl"]),
        extension=part(row["extension"]) if row["extension"] else "",
        system=is_system(row["schema"]),
    )


def _type(schema: Any, name: Any, element_schema: Any, element: Any) -> str:
    return catalog_type(schema, name) if element is None else catalog_type(element_schema, element) + "[]"
