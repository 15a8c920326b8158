"""Reads roles: all of them, predefined ones too.

https://www.postgresql.org/docs/current/catalog-pg-authid.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

from pgplan.sdk import SYSTEM_NAME, Facts, Found, ReaderBase, Row, Scope, Secret, part, sql
from pgplan_postgres import moments, role_held
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
  CROSS JOIN LATERAL ({held}) AS held
"""
_CATALOG: tuple[LiteralString, LiteralString] = (
    "pg_catalog.pg_authid",
    "true AS visible, r.rolpassword AS password, r.xmin::text AS xmin",
)
# To superusers, too, it shows eight asterisks for a password.
_VIEW: tuple[LiteralString, LiteralString] = (
    "pg_catalog.pg_roles",
    "false AS visible, NULL AS password, NULL AS xmin",
)


class RoleReader(ReaderBase):
    type = "role"
    scope: Scope = "cluster"
    always = True

    def query(self, facts: Facts) -> str:
        roles, secret = _CATALOG if facts.reads_secrets else _VIEW
        valid_until = sql.SQL(moments.QUERY).format(moment=sql.Identifier("r", "rolvaliduntil"))
        held = role_held.query(facts)
        return sql.SQL(_QUERY).format(valid_until=valid_until, roles=sql.SQL(roles), secret=sql.SQL(secret), held=held).text

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
        holds=tuple(one for item in row["held"] or () if (one := role_held.dependent(*item)) is not None),
        system=bool(SYSTEM_NAME.match(role)) or row["oid"] < FIRST_NORMAL_OID,
    )


def _settings(stored: Iterable[tuple[str | None, list[str]]]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What holds in every database, and what holds in one."""
    by_database = {database: from_catalog(items) for database, items in stored}
    everywhere = by_database.pop(None, {})
    return everywhere, {database: values for database, values in by_database.items() if database is not None}
