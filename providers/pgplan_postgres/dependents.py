"""What stands on an object and would stop its DROP, whoever made it: views, functions, defaults, constraints, triggers, …

https://www.postgresql.org/docs/current/catalog-pg-depend.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from pgplan.sdk import Dependent, join, sql

_HELD = """(
    SELECT found.object, json_agg(json_build_array(found.type, found.schema, found.name)) AS list
      FROM (SELECT DISTINCT x.object, CASE WHEN p.oid IS NULL THEN 'table' ELSE 'function' END AS type, n.nspname AS schema,
                   coalesce(c.relname, p.proname, x.objid::bigint::text) AS name
              FROM (SELECT x.object, d.classid, d.objid, coalesce(w.ev_class, f.adrelid, k.conrelid) AS relation
                      FROM ({source}) AS x (object, class, referenced)
                      JOIN pg_catalog.pg_depend AS d ON d.refclassid = x.class AND d.refobjid = x.referenced AND d.deptype = 'n'
                      -- OIDs of catalogs: what belongs to a table or a view is told by the name of that
                      LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 2618 AND w.oid = d.objid
                      LEFT JOIN pg_catalog.pg_attrdef AS f ON d.classid = 2604 AND f.oid = d.objid
                      LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 2606 AND k.oid = d.objid
                    -- planned by itself: the time to plan joins grows with the square and more of their number
                    OFFSET 0) AS x
              LEFT JOIN pg_catalog.pg_trigger AS g ON x.classid = 2620 AND g.oid = x.objid
              LEFT JOIN pg_catalog.pg_policy AS y ON x.classid = 3256 AND y.oid = x.objid
              LEFT JOIN pg_catalog.pg_index AS i ON x.classid = 1259 AND i.indexrelid = x.objid
              LEFT JOIN pg_catalog.pg_class AS c
                     ON c.oid = coalesce(x.relation, g.tgrelid, y.polrelid, i.indrelid,
                                         CASE WHEN x.classid = 1259 THEN x.objid END)
              LEFT JOIN pg_catalog.pg_proc AS p ON x.classid = 1255 AND p.oid = x.objid
              LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = coalesce(c.relnamespace, p.pronamespace)
             -- what is within an object does not stop its DROP
             WHERE c.oid IS DISTINCT FROM x.object
            OFFSET 0) AS found
     GROUP BY found.object)"""
OF_FOREIGN_TABLES: LiteralString = """
    SELECT f.ftrelid, 1259, f.ftrelid FROM pg_catalog.pg_foreign_table AS f
     UNION ALL
    -- its row, and an array of these
    SELECT f.ftrelid, 1247, used.type
      FROM pg_catalog.pg_foreign_table AS f
      JOIN pg_catalog.pg_type AS t ON t.typrelid = f.ftrelid
     CROSS JOIN LATERAL unnest(ARRAY[t.oid, t.typarray]) AS used (type)"""


def held(source: LiteralString) -> sql.Composed:
    """SQL for a subselect with `object` and `list`: what `dependents` reads.

    `source` is a SELECT of three OIDs: of an object, of a catalog, and of what stands for the object there: a table's row.
    """
    return sql.SQL(_HELD).format(source=sql.SQL(source))


def dependents(rows: Iterable[tuple[str, str | None, str]] | None) -> tuple[Dependent, ...]:
    """For `Found.holds`. What is neither a table's nor a function is named by its OID."""
    return tuple(sorted(_dependent(*row) for row in rows or ()))


def _dependent(type_: str, schema: str | None, name: str) -> Dependent:
    if schema is None:
        return Dependent("object with the OID", name)
    return Dependent(type_, join(schema, name) + ("(" if type_ == "function" else ""))
