"""The types of objects that privileges are granted on, and all that tells one from another: the only table of it.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class Defaults:
    """What ALTER DEFAULT PRIVILEGES knows of a type."""

    word: str
    """As ``objects`` of a block spells it; ``ON TABLES`` in SQL."""
    letter: str
    """pg_default_acl.defaclobjtype, which is not always the letter of ``acldefault()``."""
    in_schema: bool = True
    """Whether there can be a list for one schema."""
    since: int = 0
    """The first major version that has it."""


@frozen
class Grantable:
    """One type of object."""

    keyword: str
    """What stands before the objects' names in GRANT and REVOKE."""
    letter: str
    """The type's letter in ``acldefault()``."""
    privileges: Mapping[str, int]
    """Sorted, each with the first major version that has it; 0 for all that are supported."""
    columns: tuple[str, ...] = ()
    """Privileges that its columns can have too, sorted."""
    public: tuple[str, ...] = ()
    """What PUBLIC has before anybody grants anything. The owner has everything."""
    in_schema: bool = False
    bulk: str = ""
    """The word for all objects of schemas, such as ``tables_in``."""
    namesake: str = ""
    """The type whose names are in the same catalog, so that one is easily taken for the other."""
    defaults: Defaults | None = None


def _privileges(*names: str, **since: int) -> dict[str, int]:
    return {name: since.get(name, 0) for name in sorted((*names, *since))}


GRANTABLE: Mapping[str, Grantable] = {
    "database": Grantable("DATABASE", "d", _privileges("CONNECT", "CREATE", "TEMPORARY"), public=("CONNECT", "TEMPORARY")),
    "foreign_data_wrapper": Grantable("FOREIGN DATA WRAPPER", "F", _privileges("USAGE")),
    "function": Grantable(
        "ROUTINE",  # functions, procedures and aggregates alike: PostgreSQL has one list for all
        "f",
        _privileges("EXECUTE"),
        public=("EXECUTE",),
        in_schema=True,
        bulk="functions_in",
        defaults=Defaults("functions", "f"),
    ),
    "language": Grantable("LANGUAGE", "l", _privileges("USAGE"), public=("USAGE",)),
    "large_object": Grantable(
        "LARGE OBJECT",
        "L",
        _privileges("SELECT", "UPDATE"),
        defaults=Defaults("large_objects", "L", in_schema=False, since=18),
    ),
    "parameter": Grantable("PARAMETER", "p", _privileges(SET=15, **{"ALTER SYSTEM": 15})),
    "schema": Grantable("SCHEMA", "n", _privileges("CREATE", "USAGE"), defaults=Defaults("schemas", "n", in_schema=False)),
    "sequence": Grantable(
        "SEQUENCE",
        "s",
        _privileges("SELECT", "UPDATE", "USAGE"),
        in_schema=True,
        bulk="sequences_in",
        namesake="table",
        defaults=Defaults("sequences", "S"),
    ),
    "server": Grantable("FOREIGN SERVER", "S", _privileges("USAGE")),
    "table": Grantable(
        "TABLE",  # views, materialized views, partitioned and foreign tables too
        "r",
        _privileges("DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE", MAINTAIN=17),
        columns=("INSERT", "REFERENCES", "SELECT", "UPDATE"),
        in_schema=True,
        bulk="tables_in",
        namesake="sequence",
        defaults=Defaults("tables", "r"),
    ),
    "tablespace": Grantable("TABLESPACE", "t", _privileges("CREATE")),
    "type": Grantable(
        "TYPE",  # domains too
        "T",
        _privileges("USAGE"),
        public=("USAGE",),
        in_schema=True,
        bulk="types_in",
        defaults=Defaults("types", "T"),
    ),
}
DEFAULT_PRIVILEGES = "default_privileges"
"""The type of a list of default privileges, on which privileges are granted as on an object."""
BULK = {one.bulk: type_ for type_, one in GRANTABLE.items() if one.bulk}
"""By word in TOML, the type of the objects in schemas."""
DEFAULTS = {one.defaults.word: type_ for type_, one in GRANTABLE.items() if one.defaults is not None}
"""By word in TOML, the type that default privileges are about."""


def since(type_: str, privilege: str) -> int:
    """The first major version that has the privilege, 0 for all that are supported."""
    return GRANTABLE[type_].privileges[privilege]


def every(type_: str, version: int, *, columns: bool = False) -> tuple[str, ...]:
    """What ALL means for an object of this type, or for columns of a table, on a server of this server_version_num."""
    one = GRANTABLE[type_]
    return tuple(name for name in (one.columns if columns else one.privileges) if version // 10000 >= one.privileges[name])
