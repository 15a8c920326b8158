"""A change made by hand in any attribute is found as just that, and repaired."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pgplan.configuration.model import Declared
from tests.kinds.bench import bench, one
from tests.kinds.examples import examples
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

SETUP = (
    "CREATE ROLE {u}_o; CREATE ROLE {u}_p; CREATE ROLE {u}_super SUPERUSER; CREATE SCHEMA elsewhere;"
    "CREATE EXTENSION file_fdw SCHEMA public; CREATE FOREIGN DATA WRAPPER w; CREATE FOREIGN DATA WRAPPER w2;"
    "CREATE SERVER s1 FOREIGN DATA WRAPPER w; CREATE SERVER s2 FOREIGN DATA WRAPPER w"
)
ROLE_CHANGES = {
    "superuser": "ALTER ROLE {u} NOSUPERUSER",
    "createdb": "ALTER ROLE {u} NOCREATEDB",
    "createrole": "ALTER ROLE {u} NOCREATEROLE",
    "login": "ALTER ROLE {u} NOLOGIN",
    "inherit": "ALTER ROLE {u} INHERIT",
    "replication": "ALTER ROLE {u} NOREPLICATION",
    "bypassrls": "ALTER ROLE {u} NOBYPASSRLS",
    "connection_limit": "ALTER ROLE {u} CONNECTION LIMIT 1",
    "password": "ALTER ROLE {u} PASSWORD NULL",
    "valid_until": "ALTER ROLE {u} VALID UNTIL '2031-01-01'",
    "config": "ALTER ROLE {u} SET search_path = 'a, b'",
    "database_config": "ALTER ROLE {u} IN DATABASE postgres SET jit = off",
    "comment": "COMMENT ON ROLE {u} IS NULL",
}
SERVER_CHANGES = {
    "type": "DROP SERVER s; CREATE SERVER s TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER w OPTIONS (a 'b');"
    "COMMENT ON SERVER s IS 'c'; ALTER SERVER s OWNER TO {u}_o",
    "fdw": "DROP SERVER s; CREATE SERVER s TYPE 't' VERSION '1' FOREIGN DATA WRAPPER w2 OPTIONS (a 'b');"
    "COMMENT ON SERVER s IS 'c'; ALTER SERVER s OWNER TO {u}_o",
    "version": "ALTER SERVER s VERSION '2'",
    "options": "ALTER SERVER s OPTIONS (ADD password 'careless')",
    "owner": "ALTER SERVER s OWNER TO {u}_p",
    "comment": "COMMENT ON SERVER s IS 'd'",
}
WRAPPER_CHANGES = {
    "handler": "ALTER FOREIGN DATA WRAPPER x NO HANDLER",
    "validator": "ALTER FOREIGN DATA WRAPPER x NO VALIDATOR",
    "options": "ALTER FOREIGN DATA WRAPPER x NO VALIDATOR OPTIONS (ADD password 'careless');"
    "ALTER FOREIGN DATA WRAPPER x VALIDATOR public.file_fdw_validator",
    "owner": "ALTER FOREIGN DATA WRAPPER x OWNER TO postgres",
    "comment": "COMMENT ON FOREIGN DATA WRAPPER x IS 'd'",
}
TABLE_CHANGES = {
    "server": "DROP FOREIGN TABLE elsewhere.t; CREATE FOREIGN TABLE elsewhere.t (a int OPTIONS (x 'y'), b text NOT NULL)"
    " SERVER s2 OPTIONS (a 'b'); COMMENT ON FOREIGN TABLE elsewhere.t IS 'c'; ALTER FOREIGN TABLE elsewhere.t OWNER TO {u}_o",
    "columns": "ALTER FOREIGN TABLE elsewhere.t ALTER a TYPE bigint, ALTER a SET NOT NULL, ALTER a OPTIONS (SET x 'z'), DROP b,"
    " ADD b varchar(3), ADD token text OPTIONS (token 'careless')",
    "options": "ALTER FOREIGN TABLE elsewhere.t OPTIONS (ADD password 'careless')",
    "owner": "ALTER FOREIGN TABLE elsewhere.t OWNER TO {u}_p",
    "comment": "COMMENT ON FOREIGN TABLE elsewhere.t IS 'd'",
}
FUNCTION = "CREATE OR REPLACE FUNCTION elsewhere.f(a int) RETURNS SETOF int {more} SET search_path = x AS '{body}'"
SAME = "LANGUAGE sql STABLE STRICT PARALLEL SAFE LEAKPROOF SECURITY DEFINER COST 5 ROWS 6"
FUNCTION_AGAIN = "COMMENT ON FUNCTION elsewhere.f(int) IS 'c'; ALTER FUNCTION elsewhere.f(int) OWNER TO {u}_o"
FUNCTION_CHANGES = {
    "arguments": "DROP FUNCTION elsewhere.f(int);"
    + FUNCTION.format(more=SAME, body="SELECT 1").replace("a int", "b int")
    + f";{FUNCTION_AGAIN}",
    "returns": "DROP FUNCTION elsewhere.f(int);"
    + FUNCTION.format(more=SAME, body="SELECT 1").replace("SETOF int", "SETOF oid")
    + f";{FUNCTION_AGAIN}",
    "language": FUNCTION.format(more=SAME.replace("LANGUAGE sql", "LANGUAGE plpgsql"), body="SELECT 1").replace(
        "CREATE", "SET LOCAL check_function_bodies = off; CREATE"
    ),
    "body": FUNCTION.format(more=SAME, body="SELECT 2"),
    "volatility": "ALTER FUNCTION elsewhere.f(int) IMMUTABLE",
    "strict": "ALTER FUNCTION elsewhere.f(int) CALLED ON NULL INPUT",
    "parallel": "ALTER FUNCTION elsewhere.f(int) PARALLEL UNSAFE",
    "leakproof": "ALTER FUNCTION elsewhere.f(int) NOT LEAKPROOF",
    "security": "ALTER FUNCTION elsewhere.f(int) SECURITY INVOKER",
    "cost": "ALTER FUNCTION elsewhere.f(int) COST 5.5",
    "rows": "ALTER FUNCTION elsewhere.f(int) ROWS 7",
    "config": "ALTER FUNCTION elsewhere.f(int) SET search_path = y",
    "owner": "ALTER FUNCTION elsewhere.f(int) OWNER TO {u}_p",
    "comment": "COMMENT ON FUNCTION elsewhere.f(int) IS 'd'",
    "beyond": "ALTER FUNCTION elsewhere.f(int) SUPPORT pg_catalog.textlike_support",
}


DATABASE_CHANGES = {
    "owner": "ALTER DATABASE {u}_db OWNER TO {u}_p",
    "connection_limit": "ALTER DATABASE {u}_db CONNECTION LIMIT 4",
    "allow_connections": "UPDATE pg_database SET datallowconn = false WHERE datname = '{u}_db'",
    "is_template": "ALTER DATABASE {u}_db IS_TEMPLATE false",
    "config": "ALTER DATABASE {u}_db SET search_path = 'a, b'",
    "comment": "COMMENT ON DATABASE {u}_db IS NULL",
}
FIXED = ("name", "encoding", "locale_provider", "lc_collate", "lc_ctype", "icu_locale", "builtin_locale")


def _cases(unique: str) -> list[tuple[Declared, dict[str, str]]]:
    switches = dict.fromkeys(("superuser", "createdb", "createrole", "login", "replication", "bypassrls"), True)
    role = one(
        "role",
        unique,
        **switches,
        inherit=False,
        connection_limit=3,
        password="p",
        valid_until="2030-01-01T00:00:00Z",
        config={"search_path": ["a", "b"]},
        database_config={},
        comment="c",
    )
    server = one("server", "s", fdw="w", type="t", version="1", options={"a": "b"}, owner=f"{unique}_o", comment="c")
    schema = one("schema", "s", owner=f"{unique}_o", comment="c")
    extension = one("extension", "hstore", schema="public", version="1.8", comment="c")
    wrapper = one(
        "foreign_data_wrapper",
        "x",
        handler="public.file_fdw_handler",
        validator="public.file_fdw_validator",
        options={},
        owner=f"{unique}_super",
        comment="c",
    )
    table = one(
        "foreign_table",
        "elsewhere.t",
        server="s1",
        columns=[{"name": "a", "type": "int", "options": {"x": "y"}}, {"name": "b", "type": "text", "not_null": True}],
        options={"a": "b"},
        owner=f"{unique}_o",
        comment="c",
    )
    function = one(
        "function",
        "elsewhere.f(int)",
        arguments=[{"name": "a", "type": "int"}],
        returns="setof int",
        language="sql",
        body="SELECT 1",
        volatility="stable",
        strict=True,
        parallel="safe",
        leakproof=True,
        security="definer",
        cost=5,
        rows=6,
        config={"search_path": "x"},
        owner=f"{unique}_o",
        comment="c",
    )
    return [
        (role, ROLE_CHANGES),
        (server, SERVER_CHANGES),
        (schema, {"owner": "ALTER SCHEMA s OWNER TO {u}_p", "comment": "COMMENT ON SCHEMA s IS NULL"}),
        (
            extension,
            {
                "schema": "ALTER EXTENSION hstore SET SCHEMA elsewhere",
                "version": "DROP EXTENSION hstore; CREATE EXTENSION hstore SCHEMA public VERSION '1.4';"
                "COMMENT ON EXTENSION hstore IS 'c'",
                "comment": "COMMENT ON EXTENSION hstore IS 'd'",
            },
        ),
        (wrapper, WRAPPER_CHANGES),
        (table, TABLE_CHANGES),
        (function, FUNCTION_CHANGES),
    ]


@pytest.mark.parametrize("number", range(7), ids=["role", "server", "schema", "extension", "wrapper", "table", "function"])
def test_each_attribute(database: str, unique: str, number: int) -> None:
    declared, by_attribute = _cases(unique)[number]
    with bench(database) as b:
        b.run(SETUP.format(u=unique))
        by_hand = {attribute: change.format(u=unique) for attribute, change in by_attribute.items()}
        # A function's types follow from its arguments and its result.
        b.check_by_hand(declared, by_hand, key=("name", "types") if declared.kind == "function" else ("name",))


IMPORT_CHANGES = {
    "server": "ALTER FOREIGN TABLE s.sql_features RENAME TO old; CREATE FOREIGN TABLE s.sql_features () SERVER b"
    " OPTIONS (schema_name 'information_schema', table_name 'sql_features'); ALTER FOREIGN TABLE s.sql_features OWNER TO {u}_one",
    "remote_schema": "ALTER FOREIGN TABLE s.sql_features OPTIONS (SET schema_name 'elsewhere')",
    "owner": "ALTER FOREIGN TABLE s.sql_features OWNER TO {u}_two",
}


def test_each_attribute_of_an_import(server: Server, database: str, unique: str) -> None:
    example = next(each for each in examples(unique, server.version) if each.name == "import")
    with bench(database) as b:
        b.run(*example.setup)
        # What the options of an import were nobody can change, nor see.
        by_hand = {attribute: change.format(u=unique) for attribute, change in IMPORT_CHANGES.items()}
        b.check_by_hand(example.states[1], by_hand, key=("name", "options"))
        assert any("OWNER" in sent for sent in b.reach(example.states[2], recorded=example.states[1]))


def test_each_attribute_of_a_database(database: str, unique: str) -> None:
    attributes = {"connection_limit": 3, "allow_connections": True, "is_template": True, "config": {"search_path": ["a", "b"]}}
    declared = one("database", f"{unique}_db", owner=f"{unique}_o", comment="c", **attributes)
    with bench(database) as b:
        b.run(SETUP.format(u=unique))
        by_hand = {attribute: change.format(u=unique) for attribute, change in DATABASE_CHANGES.items()}
        b.check_by_hand(declared, by_hand, key=FIXED)


def test_what_is_found_of_a_secret_is_masked(database: str, unique: str) -> None:
    with bench(database) as b:
        b.run(SETUP.format(u=unique), "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (a 'b', password 'careless')")
        found = b.found(one("server", "s", fdw="w"))
        assert found is not None
        assert "careless" not in repr(found)


def test_password_changed_by_hand(database: str, unique: str) -> None:
    declared = one("role", unique, password="right")
    with bench(database) as b:
        b.reach(declared)
        before = b.found(declared)
        with b.session.transaction():  # a savepoint has a transaction ID of its own
            b.run(f"ALTER ROLE {unique} PASSWORD 'wrong'")
        after = b.found(declared)
        assert before is not None
        assert after is not None
        assert before.extra != after.extra
        assert b.decide(declared, recorded=declared).slots == {"password": "changed"}
        assert b.reach(declared, recorded=declared) == [f"ALTER ROLE \"{unique}\" PASSWORD :'password'"]


def _mapping(**options: str) -> Declared:
    return one("user_mapping", "", server="s", user="PUBLIC", options=options)


@pytest.mark.parametrize(
    ("by_hand", "changed", "slots"),
    [
        ("SET user 'other'", ("options",), ("same",)),
        ("DROP user", ("options",), ("same",)),
        ("ADD more 'x'", ("options",), ("same",)),
        ("SET password 'other'", (), ("changed",)),
        ("DROP password", ("options",), ("new",)),
    ],
)
def test_options_of_a_mapping(database: str, by_hand: str, changed: Sequence[str], slots: Sequence[str]) -> None:
    declared = _mapping(user="u", password="p")
    with bench(database) as b:
        b.run("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w")
        b.reach(declared)
        b.run(f"ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS ({by_hand})")
        decision = b.decide(declared, recorded=declared)
        assert (decision.changed, tuple(decision.slots.values())) == (changed, slots)
        b.reach(declared, recorded=declared)


@pytest.mark.pg(">= 16")
@pytest.mark.parametrize("option", ["admin", "inherit", "set"])
def test_options_of_a_membership(database: str, unique: str, option: str) -> None:
    declared = one("membership", "", role=f"{unique}_o", member=f"{unique}_p", admin=True)
    with bench(database) as b:
        b.run(SETUP.format(u=unique))
        b.reach(declared)
        b.run(f"REVOKE {option} OPTION FOR {unique}_o FROM {unique}_p")
        assert b.decide(declared, recorded=declared).changed == (option,)
        b.reach(declared, recorded=declared)
