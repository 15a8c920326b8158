"""What people do by hand between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import psycopg

from tests.referee.catalogs import Key, Thing
from tests.referee.configuration import IN, OF_COLUMNS, PUBLIC, WORDS, Config, Place, known, unrole

_KEYWORDS = {
    "table": "TABLE",
    "sequence": "SEQUENCE",
    "function": "ROUTINE",
    "type": "TYPE",
    "schema": "SCHEMA",
    "database": "DATABASE",
    "language": "LANGUAGE",
    "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
    "server": "FOREIGN SERVER",
    "tablespace": "TABLESPACE",
    "large_object": "LARGE OBJECT",
    "parameter": "PARAMETER",
}
_OF_ROLES = (
    "ALTER ROLE {} CREATEDB",
    "ALTER ROLE {} NOINHERIT",
    "ALTER ROLE {} SET work_mem TO '7MB'",
    "ALTER ROLE {} VALID UNTIL '2033-03-03'",
    "COMMENT ON ROLE {} IS 'by hand'",
)
_DROPS = {"schema": "SCHEMA", "server": "SERVER", "foreign_table": "FOREIGN TABLE", "function": "FUNCTION"}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def meddle(random: Random, place: Place, config: Config, things: dict[Key, Thing], url: str) -> list[str]:
    """Do some of it, as a superuser; what PostgreSQL refuses is left out. The statements."""
    done: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _statements(random, place, config, things):
            try:
                connection.execute(statement.encode())
            except psycopg.Error:
                continue
            done.append(statement)
    return done


def _statements(random: Random, place: Place, config: Config, things: dict[Key, Thing]) -> Iterator[str]:
    roles = config.roles
    for _ in range(random.randrange(8)):
        key = random.choice([key for key in sorted(things) if key[0] not in WORDS and "kept" not in key[1]])
        if random.random() < 0.6:
            yield _privilege(random, place, key, things[key], [PUBLIC, *roles])
    for block in config.blocks:
        chance = random.random()
        if block.kind == "role" and chance < 0.2:
            name = quoted(unrole(block.name))
            yield random.choice(_OF_ROLES).format(name)
        elif block.kind in _DROPS and chance < 0.08:
            name = block.name if block.kind in ("function", "foreign_table") else quoted(block.name)
            yield f"DROP {_DROPS[block.kind]} {name} CASCADE"
        elif block.kind in ("schema", "server") and chance < 0.2 and "owner" in block.body:
            owner = quoted(random.choice([place.me, *roles]))
            yield f"ALTER {block.kind} {quoted(block.name)} OWNER TO {owner}"
        elif block.kind == "membership" and chance < 0.15 and block.body["member"] != place.me:
            yield f"REVOKE {quoted(unrole(block.body['role']))} FROM {quoted(unrole(block.body['member']))} CASCADE"
        elif block.kind == "user_mapping" and chance < 0.2:
            user = "PUBLIC" if block.body["user"] == "PUBLIC" else quoted(unrole(block.body["user"]))
            yield f"ALTER USER MAPPING FOR {user} SERVER {quoted(block.body['server'])} OPTIONS (ADD added 'x')"


def _privilege(random: Random, place: Place, key: Key, thing: Thing, grantees: list[str]) -> str:
    type_, name = key
    privilege = random.choice(known(type_, place.version))
    column = random.choice(thing.columns) if thing.columns and privilege in OF_COLUMNS and random.random() < 0.3 else ""
    what = f"{privilege} ({quoted(column)})" if column else privilege
    written = name if type_ in (*IN.values(), "large_object", "parameter") else quoted(name)
    to = random.choice(grantees)
    grantee = "PUBLIC" if to == PUBLIC else quoted(to)
    on = f"{what} ON {_KEYWORDS[type_]} {written}"
    if to == PUBLIC and random.random() < 0.7:
        return f"GRANT {on} TO PUBLIC"  # nothing declares what a role is given by hand, and so it could not go
    return f"REVOKE {on} FROM {grantee} CASCADE"
