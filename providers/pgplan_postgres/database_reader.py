"""https://www.postgresql.org/docs/current/catalog-pg-database.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import LiteralString

from pgplan.sdk import Facts, Found, ReaderBase, Row, Scope, part, sql
from pgplan_postgres.acl import Lists, found_with_list, listed
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.database import PROVIDERS, Database, Provider
from pgplan_postgres.settings import from_catalog
from pgplan_postgres.sql import roles

_QUERY = """
WITH {listed}
SELECT d.oid::bigint AS oid, d.datname AS name, o.rolname AS owner, d.datconnlimit AS connection_limit,
       d.datallowconn AS allow_connections, d.datistemplate AS is_template, s.setconfig AS config, c.description AS comment,
       pg_catalog.pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS lc_collate, d.datctype AS lc_ctype,
       {locale},
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_database AS d ON d.oid = listed.oid
  LEFT JOIN {roles} AS o ON o.oid = d.datdba
  LEFT JOIN pg_catalog.pg_db_role_setting AS s ON s.setdatabase = d.oid AND s.setrole = 0
  LEFT JOIN pg_catalog.pg_shdescription AS c ON c.classoid = d.tableoid AND c.objoid = d.oid
"""
ONE_LOCALE = 170000
"""server_version_num from which daticulocale is datlocale, of whatever provider."""
_PROVIDERS: dict[str, Provider] = {"c": "libc", "i": "icu", "b": "builtin"}


def _locale(version: int) -> LiteralString:
    if version < PROVIDERS:
        return "'c' AS locale_provider, NULL AS locale"
    if version < ONE_LOCALE:
        return "d.datlocprovider::text AS locale_provider, d.daticulocale AS locale"
    return "d.datlocprovider::text AS locale_provider, d.datlocale AS locale"


class DatabaseReader(ReaderBase):
    type = "database"
    scope: Scope = "cluster"
    always = True

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "d", "datacl", "datdba", "pg_catalog.pg_database AS d", facts)
        return sql.SQL(_QUERY).format(listed=lists, roles=roles(facts), locale=sql.SQL(_locale(facts.version))).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    provider = _PROVIDERS[row["locale_provider"]]
    spec = Database(
        name=row["name"],
        owner=row["owner"] or "",
        connection_limit=row["connection_limit"],
        allow_connections=row["allow_connections"],
        is_template=row["is_template"],
        config=from_catalog(row["config"] or ()),
        comment=row["comment"] or "",
        encoding=row["encoding"],
        locale_provider=provider,
        lc_collate=row["lc_collate"],
        lc_ctype=row["lc_ctype"],
        icu_locale=(row["locale"] or "") if provider == "icu" else "",
        builtin_locale=(row["locale"] or "") if provider == "builtin" else "",
    )
    # initdb makes the database postgres for people, and the others for CREATE DATABASE.
    system = row["oid"] < FIRST_NORMAL_OID and spec.name != "postgres"
    return found_with_list("database", part(spec.name), spec, row, lists, system=system)
