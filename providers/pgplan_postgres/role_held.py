"""What would stop DROP ROLE, as far as this provider can take it off a role: read with the roles, in the same query.

https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
"""

from __future__ import annotations

from typing import Any

from pgplan.sdk import Dependent, Facts, join, part, sql
from pgplan_postgres.default_lists import list_of
from pgplan_postgres.grantable import DEFAULT_PRIVILEGES
from pgplan_postgres.sql import roles

_SOME = 20
"""What is told is the first that the plan does not take off the role; a role may own everything."""
_PARAMETERS = 150000
"""server_version_num from which on privileges on parameters are known."""

_QUERY = """
    -- each name is looked up in its own catalog only; catalogs go by their OIDs
    SELECT json_agg(json_build_array(
             CASE WHEN x.elsewhere THEN 'elsewhere' WHEN x.deptype = 'o' THEN 'owned' ELSE 'privilege' END,
             x.classid::bigint,
             CASE x.classid
               WHEN 1259 THEN (SELECT json_build_array(n.nspname, t.relname, t.relkind)
                                 FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
                                WHERE t.oid = x.objid)
               WHEN 1255 THEN (SELECT json_build_array(n.nspname, p.proname)
                                 FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
                                WHERE p.oid = x.objid)
               WHEN 1247 THEN (SELECT json_build_array(n.nspname, y.typname)
                                 FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace
                                WHERE y.oid = x.objid)
               WHEN 826 THEN (SELECT json_build_array(o.rolname, n.nspname, a.defaclobjtype)
                                FROM pg_catalog.pg_default_acl AS a JOIN {roles} AS o ON o.oid = a.defaclrole
                                LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = a.defaclnamespace
                               WHERE a.oid = x.objid)
               WHEN 2615 THEN (SELECT json_build_array(nspname) FROM pg_catalog.pg_namespace WHERE oid = x.objid)
               WHEN 1262 THEN (SELECT json_build_array(datname) FROM pg_catalog.pg_database WHERE oid = x.objid)
               WHEN 2328 THEN (SELECT json_build_array(fdwname) FROM pg_catalog.pg_foreign_data_wrapper WHERE oid = x.objid)
               WHEN 1417 THEN (SELECT json_build_array(srvname) FROM pg_catalog.pg_foreign_server WHERE oid = x.objid)
               WHEN 2612 THEN (SELECT json_build_array(lanname) FROM pg_catalog.pg_language WHERE oid = x.objid)
               WHEN 1213 THEN (SELECT json_build_array(spcname) FROM pg_catalog.pg_tablespace WHERE oid = x.objid)
               WHEN 3079 THEN (SELECT json_build_array(extname) FROM pg_catalog.pg_extension WHERE oid = x.objid){parameter}
               ELSE json_build_array(x.objid::bigint::text)
             END)) AS items
      FROM (SELECT CASE WHEN e.elsewhere THEN 1262 ELSE d.classid END AS classid,
                   CASE WHEN e.elsewhere THEN d.dbid ELSE d.objid END AS objid, d.deptype, e.elsewhere
              FROM pg_catalog.pg_shdepend AS d CROSS JOIN LATERAL (SELECT d.dbid NOT IN (0, {here}) AS elsewhere) AS e
             WHERE d.refclassid = 1260 AND d.refobjid = r.oid AND d.deptype IN ('o', 'a')
               AND (e.elsewhere OR d.classid IN (1259, 1255, 1247, 3079)
                    -- the owners of these are told by their kinds; lists of default privileges go with their owner
                    OR (d.deptype = 'a' AND d.classid IN (826, 2615, 1262, 2328, 1417, 2612, 2613, 1213, 6243)))
             LIMIT {some}) AS x
"""
_PARAMETER = """
               WHEN 6243 THEN (SELECT json_build_array(parname) FROM pg_catalog.pg_parameter_acl WHERE oid = x.objid)"""
_TYPES = {
    826: DEFAULT_PRIVILEGES,
    1213: "tablespace",
    1247: "type",
    1255: "function",
    1259: "table",
    1262: "database",
    1417: "server",
    2328: "foreign_data_wrapper",
    2612: "language",
    2613: "large_object",
    2615: "schema",
    3079: "extension",
    6243: "parameter",
}
"""By the OID of the catalog."""


def query(facts: Facts) -> sql.Composable:
    """What the role ``r`` has, as one JSON array ``items``."""
    parameter = sql.SQL(_PARAMETER if facts.version >= _PARAMETERS else "")
    return sql.SQL(_QUERY).format(
        here=sql.Literal(facts.database_oid), roles=roles(facts), parameter=parameter, some=sql.Literal(_SOME)
    )


def dependent(how: Any, catalog: int, names: list[Any] | None) -> Dependent | None:
    """One of the items. None: it went while the role was read."""
    if names is None:
        return None
    type_ = _TYPES[catalog]
    if type_ == DEFAULT_PRIVILEGES:
        owner, schema, letter = names
        return Dependent(type_, list_of(owner, schema, letter).key, how)
    if type_ == "table":
        *names, relkind = names
        type_ = "sequence" if relkind == "S" else "table"
    if type_ == "parameter":
        return Dependent(type_, names[0], how)  # its dot is no schema's
    key = part(names[0]) if len(names) == 1 else join(*names)
    return Dependent(type_, key + ("(" if type_ == "function" else ""), how)
