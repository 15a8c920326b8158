"""Reads roles: all of them, predefined ones too.

https://www.postgresql.org/docs/current/catalog-pg-authid.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

from pgplan.sdk import SYSTEM_NAME, Dependent, Facts, Found, ReaderBase, Row, Scope, Secret, join, part, sql
from pgplan_postgres import moments
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.role import Role
from pgplan_postgres.settings import from_catalog

_QUERY = """
SELECT r.oid::bigint AS oid, r.rolname AS name, r.rolsuper AS superuser, r.rolcreatedb AS createdb,
       r.rolcreaterole AS createrole, r.rolcanlogin AS login, r.rolinherit AS inherit, r.rolreplication AS replication,
       r.rolbypassrls AS bypassrls, r.rolconnlimit AS connection_limit,
       {valid_until} AS valid_until,
       s.settings, c.description AS comment, held.items AS held,
       {secret}
  FROM {roles} AS r
  -- 1260 is pg_authid's own OID
  LEFT JOIN pg_catalog.pg_shdescription AS c ON c.classoid = 1260 AND c.objoid = r.oid
  LEFT JOIN (SELECT s.setrole, json_agg(json_build_array(d.datname, s.setconfig)) AS settings
               FROM pg_catalog.pg_db_role_setting AS s
               LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
              GROUP BY s.setrole) AS s ON s.setrole = r.oid
  CROSS JOIN LATERAL (
    -- some of what would stop DROP ROLE: relations, routines and types here, anything in another database
    SELECT json_agg(json_build_array(
             CASE WHEN x.dbid <> {here} THEN 'elsewhere' WHEN x.deptype = 'o' THEN 'owned' ELSE 'privilege' END,
             CASE WHEN x.dbid <> {here} THEN 'database' WHEN t.relkind = 'S' THEN 'sequence' WHEN t.oid IS NOT NULL THEN 'table'
                  WHEN p.oid IS NOT NULL THEN 'function' ELSE 'type' END,
             n.nspname, coalesce(b.datname, t.relname, p.proname, y.typname))) AS items
      FROM (SELECT d.dbid, d.classid, d.objid, d.deptype
              FROM pg_catalog.pg_shdepend AS d
             WHERE d.refclassid = 1260 AND d.refobjid = r.oid AND d.deptype IN ('o', 'a')
               AND (d.dbid NOT IN (0, {here}) OR (d.dbid = {here} AND d.classid IN (1259, 1255, 1247)))
             LIMIT 20) AS x
      -- 1259, 1255 and 1247 are the OIDs of these catalogs
      LEFT JOIN pg_catalog.pg_database AS b ON x.dbid <> {here} AND b.oid = x.dbid
      LEFT JOIN pg_catalog.pg_class AS t ON x.dbid = {here} AND x.classid = 1259 AND t.oid = x.objid
      LEFT JOIN pg_catalog.pg_proc AS p ON x.dbid = {here} AND x.classid = 1255 AND p.oid = x.objid
      LEFT JOIN pg_catalog.pg_type AS y ON x.dbid = {here} AND x.classid = 1247 AND y.oid = x.objid
      LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = coalesce(t.relnamespace, p.pronamespace, y.typnamespace)) AS held
"""
_SUPERUSER: tuple[LiteralString, LiteralString] = (
    "pg_catalog.pg_authid",
    "true AS visible, r.rolpassword AS password, r.xmin::text AS xmin",
)
# pg_authid can be read by superusers only, and pg_roles shows eight asterisks to everybody.
_OTHERS: tuple[LiteralString, LiteralString] = (
    "pg_catalog.pg_roles",
    "false AS visible, NULL AS password, NULL AS xmin",
)


class RoleReader(ReaderBase):
    type = "role"
    scope: Scope = "cluster"
    always = True

    def query(self, facts: Facts) -> str:
        roles, secret = _SUPERUSER if facts.superuser else _OTHERS
        valid_until = sql.SQL(moments.QUERY).format(moment=sql.Identifier("r", "rolvaliduntil"))
        here = sql.Literal(facts.database_oid)
        return sql.SQL(_QUERY).format(valid_until=valid_until, roles=sql.SQL(roles), secret=sql.SQL(secret), here=here).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_found(row) for row in rows]


def _found(row: Row) -> Found:
    role: Any = row["name"]
    password: str | None = row["password"]
    everywhere, by_database = _settings(row["settings"] or ())
    spec = Role(
        name=role,
        superuser=row["superuser"],
        createdb=row["createdb"],
        createrole=row["createrole"],
        login=row["login"],
        inherit=row["inherit"],
        replication=row["replication"],
        bypassrls=row["bypassrls"],
        connection_limit=row["connection_limit"],
        password=Secret() if password is not None else None,
        valid_until=moments.from_catalog(row["valid_until"]),
        config=everywhere,
        database_config=by_database,
        comment=row["comment"] or "",
    )
    return Found(
        "role",
        part(role),
        row["oid"],
        spec,
        hidden=() if row["visible"] else ("password",),
        # The verifier stands nowhere else, so this is what tells that someone set another password.
        extra={"xmin": row["xmin"]} if password is not None else {},
        secrets={"password": Secret(f"{password} {role}")} if password is not None else {},
        holds=tuple(_held(*one) for one in row["held"] or ()),
        system=bool(SYSTEM_NAME.match(role)) or row["oid"] < FIRST_NORMAL_OID,
    )


def _held(how: Any, type_: str, schema: str | None, name: str) -> Dependent:
    key = part(name) if schema is None else join(schema, name)
    return Dependent(type_, key + ("(" if type_ == "function" else ""), how)


def _settings(stored: Iterable[tuple[str | None, list[str]]]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What holds in every database, and what holds in one."""
    by_database = {database: from_catalog(items) for database, items in stored}
    everywhere = by_database.pop(None, {})
    return everywhere, {database: values for database, values in by_database.items() if database is not None}
