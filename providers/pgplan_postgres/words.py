"""What people look for who know PostgreSQL or Terraform's provider for it, and what is written here instead."""

from __future__ import annotations

from collections.abc import Mapping

_LOGIN = "a login is a role: write [role.NAME] with login = true"
_GROUP = 'a group is a role: write [role.NAME], and member_of = ["NAME"] in the roles that are in it'
_OBJECT = 'pgplan makes none, but grants privileges on it: write [[grant]] with on = { %s = "…" }'
_MEMBERSHIP = "write [[membership]], or member_of in [role.NAME]"

TABLES: Mapping[str, str] = {
    "user": _LOGIN,
    "users": _LOGIN,
    "login": _LOGIN,
    "group": _GROUP,
    "groups": _GROUP,
    "grant_role": _MEMBERSHIP,
    "privileges": "write [[grant]]",
    "default_privilege": "write [[default_privileges]]",
    **dict.fromkeys(("owner", "owners", "ownerships"), "write [[ownership]]"),
    **dict.fromkeys(("table", "view", "materialized_view", "partitioned_table"), _OBJECT % "table"),
    **dict.fromkeys(("procedure", "aggregate", "routine"), _OBJECT % "function"),
    "sequence": _OBJECT % "sequence",
    "postgresql_role": "write [role.NAME]",
    "postgresql_database": "write [database.NAME]",
    "postgresql_grant": "write [[grant]]",
    "postgresql_grant_role": _MEMBERSHIP,
    "postgresql_default_privileges": "write [[default_privileges]]",
    "postgresql_extension": "write [extension.NAME]",
    "postgresql_schema": "write [schema.NAME]",
    "postgresql_server": "write [server.NAME]",
    "postgresql_user_mapping": "write [[user_mapping]]",
}
"""By the name of a table that is no kind."""

_SETTING = "settings of a role stand in config: config = { %s = … }"

ROLE: Mapping[str, str] = {
    "create_database": "write createdb = true",
    "create_db": "write createdb = true",
    "create_role": "write createrole = true",
    "bypass_row_level_security": "write bypassrls = true",
    "bypass_rls": "write bypassrls = true",
    "can_login": "write login = true",
    "encrypted_password": "write password: it always travels as a SCRAM verifier",
    "roles": 'write member_of = ["…"]',
    "groups": 'write member_of = ["…"]',
    "in_role": 'write member_of = ["…"]',
    "members": 'write member_of = ["…"] in the members, or [[membership]]',
    **{
        name: _SETTING % name
        for name in ("search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    },
}

DATABASE: Mapping[str, str] = {
    "locale": "write lc_collate and lc_ctype",
    "collation": "write lc_collate",
    "ctype": "write lc_ctype",
    "allow_connection": "write allow_connections",
    "template_name": "write template",
    "settings": "write config",
    **dict.fromkeys(("tablespace", "tablespace_name"), "pgplan moves no databases: they stay in their tablespace"),
}

_ON = 'write on = { TYPE = "…" }, with TYPE such as schema, table or tables_in'

ACCESS: Mapping[str, str] = {
    "with_grant_option": "write grantable = true",
    "grant_option": "write grantable = true",
    "privilege": "write privileges = […]",
    **dict.fromkeys(("object", "objects", "object_type", "database", "schema", "schemas", "table", "tables"), _ON),
}
"""Keys of a grant or revoke."""


OWNERSHIP: Mapping[str, str] = {
    "role": 'write owner = "…"',
    "to": 'write owner = "…"',
    **dict.fromkeys(("object", "objects", "object_type", "database", "schema", "schemas", "table", "tables"), _ON),
}
"""Keys of an ownership."""


def _bulk(type_: str) -> str:
    return f'write {type_} = "schema.name" for one {type_}, or {type_}s_in = "schema" for all of a schema'


_TABLE = 'write table = "schema.name": to privileges, views and foreign tables are tables'
_FUNCTION = 'write function = "schema.name(types)": to privileges, procedures and aggregates are functions'

ON: Mapping[str, str] = {
    **{f"{type_}s": _bulk(type_) for type_ in ("table", "sequence", "function")},
    **{f"all_{type_}s": _bulk(type_) for type_ in ("table", "sequence", "function")},
    **dict.fromkeys(("view", "materialized_view", "foreign_table", "partitioned_table", "views", "materialized_views"), _TABLE),
    **dict.fromkeys(("procedure", "aggregate", "routine", "procedures", "aggregates", "routines"), _FUNCTION),
    "schemas": 'write schema = "…", or schema = ["…", "…"]',
    "foreign_server": 'write server = "…"',
}
"""Types of objects in ``on``."""
