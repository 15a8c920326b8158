"""Every type of object, every privilege, every grantee: what is declared is what the server has, from any state of the list."""

from __future__ import annotations

import itertools

import pytest

from pgplan.address import unpart
from pgplan_postgres.grantable import GRANTABLE, every
from tests.grants.bench import Bench, Block, Right, bench, found, rights
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

LONG = "l" * 63
AWKWARD = ('a "b', "O'Hara", "Ünï", "public-ish", "a.b/c:d", r"back\slash")


def names(unique: str) -> list[str]:
    """Roles, as a block names them."""
    return [f"{unique}_a", f"{unique}_b", *(f"{unique}{name}" for name in AWKWARD), f"{unique}{LONG}"[:63]]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def setup(unique: str) -> list[str]:
    """An object of every kind that has an access list."""
    return [
        *(f"CREATE ROLE {quoted(name)}" for name in names(unique)),
        'CREATE ROLE "PUBLIC"',
        "CREATE SCHEMA s",
        'CREATE SCHEMA "a.b c"',
        "CREATE TABLE s.t (a int, b text, c int)",
        "CREATE TABLE s.parted (a int) PARTITION BY LIST (a)",
        "CREATE VIEW s.v AS SELECT 1 AS a",
        "CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS a",
        "CREATE EXTENSION postgres_fdw SCHEMA public",
        "CREATE SERVER srv FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE FOREIGN DATA WRAPPER plain",
        "CREATE FOREIGN TABLE s.ft (a int) SERVER srv",
        "CREATE SEQUENCE s.q",
        "CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.f(text[], VARIADIC s.t[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE s.p(INOUT a varchar, OUT b int) LANGUAGE sql AS 'SELECT ''x'', 1'",
        "CREATE AGGREGATE s.agg(float8) (SFUNC = float8pl, STYPE = float8)",
        "CREATE FUNCTION s.w(int) RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number'",
        "CREATE TYPE s.mood AS ENUM ('a')",
        "CREATE TYPE s.pair AS (a int, b s.mood[])",
        'CREATE DOMAIN s."Dom ain" AS text',
        "CREATE TYPE s.span AS RANGE (SUBTYPE = text)",
        f"SELECT lo_create({LARGE_OBJECT})",
    ]


LARGE_OBJECT = 4199999999
UNLOADED = "some.thing"
OBJECTS = {
    "database": ["here"],
    "schema": ["s", '"a.b c"'],
    "table": ["s.t", "s.parted", "s.v", "s.m", "s.ft"],
    "sequence": ["s.q"],
    "function": [
        "s.f(integer)",
        "s.f(text[],s.t[])",
        "s.f()",
        "s.p(character varying)",
        "s.agg(double precision)",
        "s.w(integer)",
    ],
    "foreign_data_wrapper": ["plain", "postgres_fdw"],
    "server": ["srv"],
    "type": ["s.mood", "s.pair", 's."Dom ain"', "s.span", "pg_catalog.int4"],
    "language": ["plpgsql", "sql"],
    "tablespace": ["pg_default"],
    "large_object": [str(LARGE_OBJECT)],
    "parameter": ["work_mem", "datestyle", UNLOADED],
}


BUILT_IN = {("", "PUBLIC", privilege, False) for privilege in ("EXECUTE", "CONNECT", "TEMPORARY", "USAGE")}


def objects(type_: str, unique: str) -> list[str]:
    """Keys of the objects of a type; the database is the one that the test runs in."""
    return [f"{unique}_db"] if type_ == "database" else OBJECTS[type_]


def on(type_: str, unique: str) -> Block:
    """A name with one part is written as it is; in its key it is quoted where it must be."""
    keys = objects(type_, unique)
    return {type_: keys if GRANTABLE[type_].in_schema else [unpart(key) for key in keys]}


def check(b: Bench, blocks: list[Block], expected: set[Right], type_: str, unique: str) -> None:
    """Bring every object of a type to the same rights. What PUBLIC has from the start stays where nothing asks for it."""
    b.apply(*blocks)
    catalog = b.seen if blocks and b.seen else b.catalog(type_)
    for key in objects(type_, unique):
        assert rights(catalog, type_, key) - BUILT_IN == expected - BUILT_IN


@pytest.mark.parametrize("type_", OBJECTS)
def test_every_privilege_for_every_grantee_from_any_state(server: Server, database: str, unique: str, type_: str) -> None:
    """One by one and together, with and without option, to roles with awkward names, PUBLIC and a role called so; and back."""
    roles = names(unique)
    privileges = every(type_, server.version * 10000)
    if not privileges:
        pytest.skip("needs a later PostgreSQL")

    def state(to: list[str], *some: str, grantable: bool = False) -> tuple[list[Block], set[Right]]:
        block = {"to": to, "on": on(type_, unique), "privileges": list(some) or ["ALL"], "grantable": grantable}
        return [block], {("", who, privilege, grantable) for who in to for privilege in some or privileges}

    one, other = roles[:2]
    states: list[tuple[list[Block], set[Right]]] = [
        *(state([one], privilege) for privilege in privileges),
        state([one, other]),
        state([one], grantable=True),
        ([], set()),
        state(["PUBLIC"]),
        state([*roles, '"PUBLIC"']),
        state([other], privileges[0], grantable=True),
    ]
    with bench(database, setup(unique)) as b:
        for blocks, expected in itertools.chain(states, reversed(states)):
            check(b, blocks, expected, type_, unique)


@pytest.mark.parametrize("type_", OBJECTS)
def test_absences_hold(server: Server, database: str, unique: str, type_: str) -> None:
    """What PUBLIC and others have, built in or granted by hand, goes; an owner keeps its own; nothing is given back."""
    if not every(type_, server.version * 10000):
        pytest.skip("needs a later PostgreSQL")
    roles = names(unique)
    block = {"from": [*roles, "PUBLIC"], "on": on(type_, unique), "privileges": ["ALL"]}
    with bench(database, setup(unique)) as b:
        b.apply({"to": [*roles, "PUBLIC"], "on": on(type_, unique), "privileges": ["ALL"]})
        b.recorded = []
        b.apply(block)
        catalog = b.catalog(type_)
        for key in objects(type_, unique):
            assert rights(catalog, type_, key) == set()
            # A parameter that no loaded extension has is known by what is granted on it, and by nothing else.
            own = () if key == UNLOADED else every(type_, server.version * 10000)
            assert {p.privilege for p in found(catalog, type_, key).acl.privileges} == set(own)
        assert b.apply() == []


def test_every_type_is_tried() -> None:
    assert set(OBJECTS) == set(GRANTABLE)
