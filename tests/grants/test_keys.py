"""What is found has keys that can be printed and read again, whatever PostgreSQL lets things be called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from pgplan import sql
from pgplan.address import Address, join, part, split, unpart
from pgplan.kind import BlockWriter, Catalog, Found
from pgplan.registry import is_edge_kind
from pgplan_postgres.access import parse_key
from pgplan_postgres.column_types import column_type
from pgplan_postgres.default_lists import parse_list
from pgplan_postgres.grantable import GRANTABLE
from pgplan_postgres.targets import object_key
from tests.grants.bench import REGISTRY, Bench, Block, bench, declared, found
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

PARTS = (
    "[]",
    "[",
    "]",
    "(",
    ")",
    '"',
    '""',
    ",",
    ".",
    ":",
    "/",
    "@",
    "*",
    " ",
    "\t",
    "\n",
    "'",
    "\\",
    "$",
    "%",
    "-",
    ";",
    "\u00a0",
)
WORDS = ("PUBLIC", "int", "varchar", "integer[]", "i[]", "i", "A", "ü", "timestamp with time zone", "a.b", "s.f(int)")
NAMES = st.lists(st.sampled_from(PARTS + WORDS), min_size=1, max_size=4).map("".join).filter(lambda name: len(name.encode()) < 60)
DOTTED = ("table", "sequence", "foreign_table", "type", "multirange", "parameter", "setting")


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Bench]:
    """One transaction for all examples, each undone by a savepoint."""
    setup = ("CREATE EXTENSION IF NOT EXISTS postgres_fdw", "CREATE SERVER keys FOREIGN DATA WRAPPER postgres_fdw")
    with bench(server.url(), setup) as made:
        yield made


def make(b: Bench, *names: str) -> None:
    """Something of every type, under these names."""
    schema, table, type_, _, role = map(sql.Identifier, names)
    in_schema = {name: sql.Identifier(names[0], other) for name, other in zip(("t", "y", "f"), names[1:], strict=False)}
    statements = (
        sql.SQL("CREATE ROLE {}").format(role),
        sql.SQL("CREATE SCHEMA {}").format(schema),
        sql.SQL("CREATE TABLE {} (a int)").format(in_schema["t"]),
        sql.SQL("CREATE TYPE {} AS (a int)").format(in_schema["y"]),
        sql.SQL("CREATE SEQUENCE {}").format(sql.Identifier(names[0], f"{names[1]}q")),
        sql.SQL("CREATE FUNCTION {} ({y}, {y}[], int[]) RETURNS int LANGUAGE sql AS 'SELECT 1'").format(
            in_schema["f"], y=in_schema["y"]
        ),
        sql.SQL("CREATE FOREIGN TABLE {} (a {y}, b {y}[]) SERVER keys").format(
            sql.Identifier(names[0], f"{names[1]}x"), y=in_schema["y"]
        ),
        sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw").format(table),
        sql.SQL("CREATE FOREIGN DATA WRAPPER {}").format(type_),
        sql.SQL("CREATE USER MAPPING FOR {} SERVER {}").format(role, table),
        sql.SQL("CREATE ROLE {}").format(sql.Identifier(f"{names[3]}r")),
        sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(f"{names[3]}r")),
        sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT SELECT ON TABLES TO PUBLIC").format(role, schema),
        sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC").format(role),
    )
    b.run(*(statement.text for statement in statements))


def read_again(one: Found) -> str:
    """The key that what `one.key` is read as would be printed as."""
    assert Address.parse(f"{one.type}.{one.key}") == Address(one.type, one.key)
    if one.type == "function":
        return object_key("function", one.key)
    if one.type in DOTTED:
        return join(*split(one.key))
    if one.type == "default_privileges":
        return parse_list(one.key).key
    if one.type in ("membership", "user_mapping"):
        return one.key
    return part(unpart(one.key))


def check_keys(catalog: Catalog, role: str, *, system: bool) -> None:
    for one in (each for name in REGISTRY.readers for each in catalog.of(name) if each.system == system):
        assert read_again(one) == one.key
        if one.type in GRANTABLE:
            key = f"{part(role)}/{one.type}:{one.key}"
            assert parse_key(key).key == key


def test_keys_of_what_postgresql_brings(shared: Bench) -> None:
    check_keys(shared.catalog(*REGISTRY.readers), "a", system=True)


# A smaller example tells little more, and each costs a whole catalog.
@settings(max_examples=8, phases=(Phase.generate,), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=5, max_size=5, unique=True))
def test_every_key_survives_printing_and_parsing(shared: Bench, names: list[str]) -> None:
    schema, table, type_, function, role = names
    assume(not any(name.startswith("pg_") for name in names) and f'"{role}"' != '""PUBLIC""')
    shared.run("SAVEPOINT example")
    try:
        make(shared, *names)
        catalog = shared.catalog(*REGISTRY.readers)
        check_keys(catalog, role, system=False)
        made = join(schema, function) + f"({join(schema, type_)},{join(schema, type_)}[],integer[])"
        assert found(catalog, "function", made).oid
        for column in found(catalog, "foreign_table", join(schema, f"{table}x")).spec.columns:
            assert column_type(column.type) == column.type
        # The server finds each by what is sent for it.
        grantee = f'"{role}"' if role == "PUBLIC" else role
        blocks: list[Block] = [
            {"to": grantee, "on": {"function": made}, "privileges": ["EXECUTE"]},
            {"to": grantee, "on": {"table": join(schema, table)}, "privileges": ["SELECT"]},
            {"to": grantee, "on": {"sequence": join(schema, f"{table}q")}, "privileges": ["USAGE"]},
            {"to": grantee, "on": {"schema": schema}, "privileges": ["USAGE"]},
            {"to": grantee, "on": {"server": table}, "privileges": ["USAGE"]},
            {"to": grantee, "on": {"foreign_data_wrapper": type_}, "privileges": ["USAGE"]},
        ]
        shared.apply(*blocks)
        # What is found would be declared by blocks that mean the same.
        catalog = shared.catalog(*REGISTRY.readers)
        for one in (each for name in REGISTRY.readers for each in catalog.of(name) if not each.system):
            for kind in (REGISTRY.edge_kind(name) for name, kind in REGISTRY.kinds.items() if is_edge_kind(kind)):
                for declaration in kind.declarations(one):
                    assert isinstance(kind, BlockWriter)
                    again = declared(*(dict(block) for block in kind.blocks(declaration.spec)))
                    assert [each.key for each in again] == [declaration.key]
    finally:
        shared.run("ROLLBACK TO SAVEPOINT example")
        shared.recorded = []


def test_a_type_that_is_called_like_an_array(database: str) -> None:
    setup = [
        "CREATE SCHEMA s",
        'CREATE TYPE s."i[]" AS (a int)',
        "CREATE TYPE s.i AS (a int)",
        "CREATE FUNCTION s.f(s.\"i[]\") RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.f(s.i[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]
    with bench(database, setup) as b:
        keys = [one.key for one in b.catalog("function").of("function") if not one.system]
        assert keys == ['s.f(s."i[]")', "s.f(s.i[])"]
        b.apply({"from": "PUBLIC", "on": {"function": 's.f(s."i[]")'}, "privileges": ["EXECUTE"]})
        assert found(b.catalog("function"), "function", "s.f(s.i[])").acl.held("PUBLIC")
