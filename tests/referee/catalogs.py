"""What a server has, by the tests' own queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from attrs import define, field

from tests.referee.configuration import LARGE_OBJECTS, PARAMETERS, PRIVILEGES, PUBLIC, quoted

Connection = psycopg.Connection[Any]
Key = tuple[str, str]
"""A type and an object of it, as blocks name it. A list of default privileges is ``("tables", "owner/schema")``."""
Row = tuple[str, str, str, str]
"""(column, grantee, privilege, grantor)"""


@define
class Thing:
    """An object with an access list."""

    owner: str
    rows: dict[Row, bool] = field(factory=dict[Row, bool])
    """With grant option or without."""
    columns: tuple[str, ...] = ()


_OF_EXTENSION = "EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = {0}.tableoid AND e.objid = {0}.oid AND e.deptype = 'e')"
_THINGS = f"""
WITH lists (type, names, arguments, owner, acl) AS (
  SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, ARRAY[nspname, relname]::text[], '', relowner,
         coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
   WHERE relkind IN ('r', 'v', 'm', 'p', 'f', 'S') AND nspname !~ '^pg_|^information_schema$'
  UNION ALL SELECT 'function', ARRAY[nspname, proname]::text[],
         '(' || coalesce((SELECT string_agg(t::regtype::text, ',' ORDER BY i)
                            FROM unnest(proargtypes) WITH ORDINALITY AS x (t, i)), '') || ')',
         proowner, coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
   WHERE nspname !~ '^pg_|^information_schema$' AND NOT {_OF_EXTENSION.format("p")}
  UNION ALL SELECT 'type', ARRAY[nspname, typname]::text[], '', typowner, coalesce(typacl, acldefault('T', typowner))
    FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace
   WHERE nspname !~ '^pg_|^information_schema$' AND typtype IN ('c', 'd', 'e')
     AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c'))
  UNION ALL SELECT 'schema', ARRAY[nspname]::text[], '', nspowner, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'
  UNION ALL SELECT 'database', ARRAY[datname]::text[], '', datdba, coalesce(datacl, acldefault('d', datdba))
    FROM pg_database WHERE datname = current_database()
  UNION ALL SELECT 'language', ARRAY[lanname]::text[], '', lanowner, coalesce(lanacl, acldefault('l', lanowner))
    FROM pg_language WHERE lanpltrusted
  UNION ALL SELECT 'foreign_data_wrapper', ARRAY[fdwname]::text[], '', fdwowner, coalesce(fdwacl, acldefault('F', fdwowner))
    FROM pg_foreign_data_wrapper AS w WHERE NOT {_OF_EXTENSION.format("w")}
  UNION ALL SELECT 'server', ARRAY[srvname]::text[], '', srvowner, coalesce(srvacl, acldefault('S', srvowner))
    FROM pg_foreign_server
  UNION ALL SELECT 'tablespace', ARRAY[spcname]::text[], '', spcowner, coalesce(spcacl, acldefault('t', spcowner))
    FROM pg_tablespace WHERE spcname = 'pg_default'
  UNION ALL SELECT 'large_object', ARRAY[oid::text], '', lomowner, coalesce(lomacl, acldefault('L', lomowner))
    FROM pg_largeobject_metadata)
SELECT type, names, arguments, o.rolname, g.rolname, e.grantee, e.privilege_type, e.is_grantable, b.rolname
  FROM lists AS l JOIN pg_roles AS o ON o.oid = l.owner
  LEFT JOIN LATERAL aclexplode(acl) AS e ON true
  LEFT JOIN pg_roles AS g ON g.oid = e.grantee LEFT JOIN pg_roles AS b ON b.oid = e.grantor
"""
_COLUMNS = """
SELECT nspname, relname, attname, g.rolname, e.grantee, e.privilege_type, e.is_grantable, b.rolname
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid JOIN pg_namespace AS n ON n.oid = relnamespace
  LEFT JOIN LATERAL aclexplode(attacl) AS e ON true
  LEFT JOIN pg_roles AS g ON g.oid = e.grantee LEFT JOIN pg_roles AS b ON b.oid = e.grantor
 WHERE nspname !~ '^pg_|^information_schema$' AND relkind IN ('r', 'v', 'm', 'p', 'f') AND attnum > 0 AND NOT attisdropped
"""
_PARAMETERS = """
SELECT parname, g.rolname, e.grantee, e.privilege_type, e.is_grantable, b.rolname
  FROM pg_parameter_acl CROSS JOIN LATERAL aclexplode(paracl) AS e
  LEFT JOIN pg_roles AS g ON g.oid = e.grantee LEFT JOIN pg_roles AS b ON b.oid = e.grantor
 WHERE e.grantee <> 10
"""
_DEFAULTS = """
SELECT CASE defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
                          WHEN 'n' THEN 'schemas' ELSE 'large_objects' END,
       o.rolname, coalesce(nspname, ''), g.rolname, e.grantee, e.privilege_type, e.is_grantable, b.rolname
  FROM pg_default_acl JOIN pg_roles AS o ON o.oid = defaclrole LEFT JOIN pg_namespace AS n ON n.oid = defaclnamespace
  LEFT JOIN LATERAL aclexplode(defaclacl) AS e ON true
  LEFT JOIN pg_roles AS g ON g.oid = e.grantee LEFT JOIN pg_roles AS b ON b.oid = e.grantor
"""


def _grantee(name: str | None, oid: int) -> str:
    return PUBLIC if oid == 0 else name or f"OID {oid}"


def written(type_: str, names: list[str], arguments: str = "") -> str:
    """An object as blocks name it."""
    if len(names) == 1:
        return names[0]
    if type_ == "function":
        own = names[1] if names[1].isalnum() and names[1].islower() else quoted(names[1])
        return f"{quoted(names[0])}.{own}{arguments}"
    return quoted(*names)


def things(connection: Connection) -> dict[Key, Thing]:
    """Everything that has an access list, extensions and PostgreSQL's own left out."""
    found: dict[Key, Thing] = {}
    for type_, names, arguments, owner, grantee, oid, privilege, grantable, grantor in connection.execute(_THINGS.encode()):
        thing = found.setdefault((type_, written(type_, names, arguments)), Thing(owner))
        if privilege is not None:
            thing.rows["", _grantee(grantee, oid), privilege, grantor] = grantable
    for schema, table, column, grantee, oid, privilege, grantable, grantor in connection.execute(_COLUMNS.encode()):
        thing = found["table", quoted(schema, table)]
        thing.columns = tuple(dict.fromkeys((*thing.columns, column)))
        if privilege is not None:
            thing.rows[column, _grantee(grantee, oid), privilege, grantor] = grantable
    if connection.info.server_version >= 150000:
        found |= {("parameter", name): Thing("postgres") for name in PARAMETERS}
        for name, grantee, oid, privilege, grantable, grantor in connection.execute(_PARAMETERS.encode()):
            thing = found.setdefault(("parameter", name), Thing("postgres"))
            thing.rows["", _grantee(grantee, oid), privilege, grantor] = grantable
    for word, owner, schema, grantee, oid, privilege, grantable, grantor in connection.execute(_DEFAULTS.encode()):
        thing = found.setdefault((word, f"{owner}\0{schema}"), Thing(owner))
        if privilege is not None:
            thing.rows["", _grantee(grantee, oid), privilege, grantor] = grantable
    return found


_REST = (
    "SELECT 'role', rolname, to_jsonb(r) - 'oid' FROM pg_roles AS r WHERE rolname !~ '^pg_'",
    "SELECT 'member', roleid::regrole, member::regrole, to_jsonb(a) - '{oid,roleid,member}'::text[] FROM pg_auth_members AS a",
    "SELECT 'mapping', srvname, usename, umoptions FROM pg_user_mappings",
    "SELECT 'server', srvname, srvtype, srvversion, srvoptions FROM pg_foreign_server",
    "SELECT 'wrapper', fdwname, fdwoptions FROM pg_foreign_data_wrapper",
    "SELECT 'setting', setrole::regrole, setconfig FROM pg_db_role_setting WHERE setrole <> 0",
    "SELECT 'extension', extname FROM pg_extension",
    "SELECT 'about a role', description FROM pg_shdescription WHERE classoid = 'pg_authid'::regclass",
    "SELECT 'about', objoid::regnamespace, description FROM pg_description WHERE classoid = 'pg_namespace'::regclass",
)


def rest(connection: Connection) -> set[str]:
    """What there is besides access lists, but for what the database itself is set to."""
    return {str(row) for query in _REST for row in connection.execute(query.encode())}


# Functions that tell what somebody may do: what they say is compared with what a configuration means.
_MAY = {
    "table": "SELECT r.rolname, ARRAY[nspname, c.relname]::text[], '', '', p, has_table_privilege(r.oid, c.oid, p) "
    "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace, {} "
    "AND relkind IN ('r', 'v', 'm', 'p', 'f') AND nspname !~ '^pg_|^information_schema$'",
    "column": "SELECT r.rolname, ARRAY[nspname, c.relname]::text[], '', attname, p, "
    "has_column_privilege(r.oid, c.oid, attnum, p) "
    "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid JOIN pg_namespace AS n ON n.oid = relnamespace, {} "
    "AND relkind IN ('r', 'v', 'm', 'p', 'f') AND nspname !~ '^pg_|^information_schema$' AND attnum > 0 AND NOT attisdropped",
    "sequence": "SELECT r.rolname, ARRAY[nspname, c.relname]::text[], '', '', p, has_sequence_privilege(r.oid, c.oid, p) "
    "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace, {} "
    "AND relkind = 'S' AND nspname !~ '^pg_|^information_schema$'",
    "function": "SELECT r.rolname, ARRAY[nspname, proname]::text[], "
    "'(' || coalesce((SELECT string_agg(t::regtype::text, ',' ORDER BY i) "
    "FROM unnest(proargtypes) WITH ORDINALITY AS x (t, i)), '') || ')', '', p, has_function_privilege(r.oid, f.oid, p) "
    "FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = pronamespace, {} "
    f"AND nspname !~ '^pg_|^information_schema$' AND NOT {_OF_EXTENSION.format('f')}",
    "type": "SELECT r.rolname, ARRAY[nspname, typname]::text[], '', '', p, has_type_privilege(r.oid, t.oid, p) "
    "FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace, {} "
    "AND nspname !~ '^pg_|^information_schema$' AND typtype IN ('c', 'd', 'e') "
    "AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c'))",
    "schema": "SELECT r.rolname, ARRAY[nspname]::text[], '', '', p, has_schema_privilege(r.oid, n.oid, p) "
    "FROM pg_namespace AS n, {} AND nspname !~ '^pg_|^information_schema$'",
    "database": "SELECT r.rolname, ARRAY[datname]::text[], '', '', p, has_database_privilege(r.oid, d.oid, p) "
    "FROM pg_database AS d, {} AND datname = current_database()",
    "language": "SELECT r.rolname, ARRAY[lanname]::text[], '', '', p, has_language_privilege(r.oid, l.oid, p) "
    "FROM pg_language AS l, {} AND lanpltrusted",
    "foreign_data_wrapper": "SELECT r.rolname, ARRAY[fdwname]::text[], '', '', p, "
    "has_foreign_data_wrapper_privilege(r.oid, w.oid, p) "
    f"FROM pg_foreign_data_wrapper AS w, {{}} AND NOT {_OF_EXTENSION.format('w')}",
    "server": "SELECT r.rolname, ARRAY[srvname]::text[], '', '', p, has_server_privilege(r.oid, s.oid, p) "
    "FROM pg_foreign_server AS s, {}",
    "tablespace": "SELECT r.rolname, ARRAY[spcname]::text[], '', '', p, has_tablespace_privilege(r.oid, s.oid, p) "
    "FROM pg_tablespace AS s, {} AND spcname = 'pg_default'",
    "parameter": "SELECT r.rolname, ARRAY[x.name], '', '', p, has_parameter_privilege(r.oid, x.name, p) "
    "FROM (VALUES ('work_mem'), ('my.param')) AS x (name), {}",
    "large_object": "SELECT r.rolname, ARRAY[m.oid::text], '', '', p, has_largeobject_privilege(r.oid, m.oid, p) "
    f"FROM pg_largeobject_metadata AS m, {{}} AND m.oid IN ({', '.join(LARGE_OBJECTS)})",
}
_SINCE = {"parameter": 15, "large_object": 18}
May = tuple[str, Key, str, str]
"""(role, object, column, privilege)"""


def may(connection: Connection) -> Mapping[May, bool]:
    """What the server says that each role may do."""
    version = connection.info.server_version // 10000
    found: dict[May, bool] = {}
    for word, query in _MAY.items():
        type_ = "table" if word == "column" else word
        if version < _SINCE.get(type_, 0):
            continue
        names = (
            ["SELECT", "INSERT", "UPDATE", "REFERENCES"]
            if word == "column"
            else [name for name, since in PRIVILEGES[type_].items() if version >= since]
        )
        listed = ", ".join(f"'{name}'" for name in names)
        them = f"pg_roles AS r, unnest(ARRAY[{listed}]) AS p WHERE r.rolname !~ '^pg_'"
        for role, parts, arguments, column, privilege, held in connection.execute(query.format(them).encode()):
            found[role, (type_, written(type_, parts, arguments)), column, privilege] = held
    return found
