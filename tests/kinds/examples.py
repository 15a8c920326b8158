"""Example states of every kind: blocks of which each can become any other."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from pgplan.configuration.model import Declared
from tests.kinds.bench import declare


@frozen
class Example:
    """`setup` makes what the states refer to. Every state declares the same address."""

    name: str
    states: Sequence[Declared]
    setup: Sequence[str] = ()


def _of(kind: str, name: str, *blocks: dict[str, object]) -> list[Declared]:
    return [declare(kind, name, **block)[0] for block in blocks]


def examples(prefix: str, version: int) -> list[Example]:
    owners = f'CREATE ROLE "{prefix}_one"; CREATE ROLE "{prefix}_two" NOINHERIT'
    one, two = f"{prefix}_one", f"{prefix}_two"
    fdw = "CREATE FOREIGN DATA WRAPPER w1; CREATE FOREIGN DATA WRAPPER w2"
    return [
        _schema(one, two, owners),
        _database(prefix, one, two, owners),
        _role(prefix),
        Example(
            "extension",
            _of(
                "extension",
                "postgres_fdw",
                {},
                {"schema": "public", "comment": ""},
                {"schema": "other", "comment": "it's \\ foreign"},
                {"schema": "public", "cascade": True, "comment": "x"},
            ),
            ("CREATE SCHEMA other",),
        ),
        _server(one, two, (owners, fdw)),
        _wrapper(f"{prefix}_super", ("CREATE EXTENSION postgres_fdw SCHEMA public", f'CREATE ROLE "{prefix}_super" SUPERUSER')),
        _foreign_table(one, two, (owners, fdw, "CREATE SCHEMA s; GRANT CREATE ON SCHEMA s TO PUBLIC")),
        _import(one, two, (owners,)),
        _function(one, two, (owners, "CREATE SCHEMA s", f'GRANT CREATE ON SCHEMA s TO "{one}", "{two}"')),
        _mapping("a role", one, (owners, fdw, "CREATE SERVER s FOREIGN DATA WRAPPER w1")),
        _mapping("PUBLIC", "PUBLIC", (fdw, "CREATE SERVER s FOREIGN DATA WRAPPER w1")),
        *_memberships(one, two, owners, version),
    ]


def _schema(one: str, two: str, owners: str) -> Example:
    states = _of(
        "schema",
        "s",
        {},
        {"owner": one},
        {"owner": two, "comment": "it's"},
        {"owner": two, "comment": ""},
        {"comment": "back\\slash\nnew line"},
    )
    return Example("schema", states, (owners,))


def _database(prefix: str, one: str, two: str, owners: str) -> Example:
    """Of the database that the test is connected to, and no other: pgplan makes none."""
    states = _of(
        "database",
        f"{prefix}_db",
        {},
        {"owner": one, "connection_limit": 5, "is_template": True, "comment": "it's", "encoding": "utf-8"},
        {"owner": two, "connection_limit": 0, "allow_connections": True, "comment": "", "lc_collate": "C", "lc_ctype": "C"},
        {"is_template": False, "connection_limit": -1, "config": {"search_path": ["$user", "a, b"], "statement_timeout": 30000}},
        {"config": {"search_path": "public", "App.Name": "a=b\\", "jit": "no"}, "template": "template0", "icu_locale": ""},
        {"config": {}, "comment": "back\\slash\nnew line", "locale_provider": "libc", "builtin_locale": ""},
    )
    return Example("database", states, (owners,))


def _role(prefix: str) -> Example:
    switches = ("superuser", "createdb", "createrole", "login", "replication", "bypassrls")
    states = _of(
        "role",
        f"{prefix}_r",
        {},
        {**dict.fromkeys(switches, True), "inherit": False, "connection_limit": 5},
        {"login": True, "password": "first", "valid_until": "2030-01-01T01:00:00+01:00", "comment": "it's"},
        {"login": True, "password": "sécond\u00a0'\\", "valid_until": "infinity", "comment": ""},
        {"valid_until": "2030-02-03T04:05:06.070000Z", "connection_limit": 0},
        {"config": {"search_path": ["$user", "a, b", "Ünï"], "statement_timeout": "30000", "jit": False, "App.Name": "a=b\\"}},
        {
            "config": {"search_path": "public", "statement_timeout": "1min", "work_mem": "65536"},
            "database_config": {"postgres": {"search_path": ["x"]}, "template1": {"lock_timeout": 5000}},
        },
        {"config": {}, "database_config": {"postgres": {"jit": "off", "work_mem": "1GB"}}},
        {"config": {"search_path": []}, "database_config": {}},
    )
    return Example("role", states)


def _server(one: str, two: str, setup: tuple[str, ...]) -> Example:
    states = _of(
        "server",
        "s",
        {"fdw": "w1"},
        {"fdw": "w1", "version": "1", "options": {"host": "a", "port": 5432, "x": "k=v"}, "owner": one},
        {"fdw": "w1", "version": "", "options": {"host": "b", "dbname": "it's \\"}, "owner": two, "comment": "c"},
        {"fdw": "w1", "type": "t", "options": {}, "comment": ""},
        {"fdw": "w2", "type": "", "version": "2", "options": {'o "q': "=", "Ünï": ""}},
        {"fdw": "w2", "type": "t"},
    )
    return Example("server", states, setup)


def _wrapper(owner: str, setup: tuple[str, ...]) -> Example:
    handler, validator = "public.postgres_fdw_handler", "public.postgres_fdw_validator"
    states = _of(
        "foreign_data_wrapper",
        "w",
        {},
        {"handler": handler, "validator": validator},
        {"handler": handler, "validator": "", "options": {"a": "it's \\", 'o "q': "="}, "owner": owner, "comment": "c"},
        {"handler": "", "validator": "pg_catalog.postgresql_fdw_validator", "options": {}, "comment": ""},
        {"validator": "", "options": {"host": "h", "port": 5432}, "owner": "postgres"},
        {"validator": "", "options": {"a": "b", "c": 1}},
    )
    return Example("foreign_data_wrapper", states, setup)


def _foreign_table(one: str, two: str, setup: tuple[str, ...]) -> Example:
    def column(name: str, type_: str, **more: object) -> dict[str, object]:
        return {"name": name, "type": type_, **more}

    servers = "CREATE SERVER a FOREIGN DATA WRAPPER w1; CREATE SERVER b FOREIGN DATA WRAPPER w2"
    usage = f'GRANT USAGE ON FOREIGN SERVER a, b TO "{one}", "{two}"'
    states = _of(
        "foreign_table",
        "s.t",
        {"server": "a", "columns": []},
        {"server": "a", "columns": [column("id", "bigint", not_null=True)], "options": {"table": "it's \\"}, "owner": one},
        {
            "server": "a",
            "columns": [column("id", "int", options={"key": "true"}), column('a "b', "varchar(20)", not_null=True)],
            "options": {},
            "owner": two,
            "comment": "it's",
        },
        {
            "server": "a",
            "columns": [
                column("id", "int4", not_null=True, options={"key": "false", "Ünï": "="}),
                column('a "b', "numeric(10,2)[]"),
                column("at", "timestamp(3) with time zone", options={"x": ""}),
            ],
            "comment": "",
        },
        {"server": "b", "columns": [column("at", "interval day to second(3)")], "options": {"o": 1}},
        {"server": "b", "columns": [column("at", '"char"'), column("more", "bit varying(3)")]},
    )
    return Example("foreign_table", states, (*setup, servers, usage))


def _import(one: str, two: str, setup: tuple[str, ...]) -> Example:
    """Of the server itself: what another transaction of it sees is what it always has."""
    where = "OPTIONS (host %L, port %L, dbname %L)', current_setting('unix_socket_directories'), current_setting('port')"
    made = [
        f"DO $$ BEGIN EXECUTE format('CREATE SERVER {server} FOREIGN DATA WRAPPER postgres_fdw {where}, current_database());"
        f" END $$; CREATE USER MAPPING FOR CURRENT_USER SERVER {server} OPTIONS (user 'postgres')"
        for server in ("a", "b")
    ]
    into = {"into": "s", "limit_to": "sql_features"}
    states = _of(
        "import_foreign_schema",
        "",
        {"server": "a", "remote_schema": "information_schema", **into},
        {"server": "a", "remote_schema": "information_schema", **into, "owner": one},
        {"server": "b", "remote_schema": "information_schema", **into, "owner": two},
    )
    schema = "CREATE SCHEMA s; GRANT CREATE ON SCHEMA s TO PUBLIC"
    return Example("import", states, (*setup, "CREATE EXTENSION postgres_fdw SCHEMA public", *made, schema))


def _function(one: str, two: str, setup: tuple[str, ...]) -> Example:
    def argument(name: str, type_: str, mode: str = "in") -> dict[str, object]:
        return {"name": name, "type": type_, "mode": mode}

    types = (
        'CREATE TYPE s."My, type" AS (a int); CREATE TABLE s.t (a int); CREATE DOMAIN s.d AS int;'
        'GRANT CREATE ON SCHEMA s TO PUBLIC; REVOKE USAGE ON TYPE s."My, type" FROM PUBLIC;'
        f'GRANT USAGE ON TYPE s."My, type" TO "{one}", "{two}"'
    )
    switches: dict[str, object] = {
        "volatility": "immutable",
        "strict": True,
        "parallel": "safe",
        "leakproof": True,
        "security": "definer",
    }
    states = _of(
        "function",
        "s.f(int, text[])",
        {"returns": "int", "language": "sql", "body": "SELECT $1"},
        {
            "returns": "int4",
            "language": "plpgsql",
            "body": "\nBEGIN -- it's \\ \n  RETURN 1;\nEND",
            **switches,
            "cost": 0.5,
            "config": {"search_path": ["pg_catalog", "a b"], "work_mem": "64MB", "my.Setting": "x"},
            "owner": two,
            "comment": "it's",
        },
        {
            "arguments": [
                argument("a", "int"),
                {**argument("b", "text[]", "variadic"), "default": "'{}'::text[]"},
                argument("x", "date", "table"),
            ],
            "language": "sql",
            "body": "SELECT current_date",
            "rows": 12.5,
            "config": {"search_path": ""},
        },
        {
            "arguments": [argument("a", "int"), argument('b "c', "text[]", "inout"), argument("", "s.t", "out")],
            "language": "sql",
            "body": "SELECT $2, ROW(1)::s.t",
            "comment": "two of them",
        },
        {
            "returns": 'setof s."My, type"',
            "language": "sql",
            "body": "SELECT 1",
            "config": {},
            "cost": 1e6,
            "owner": one,
            "comment": "",
        },
    )
    return Example("function", states, (*setup, types))


def _mapping(name: str, user: str, setup: tuple[str, ...]) -> Example:
    options: list[dict[str, object]] = [
        {},
        {"user": "remote"},
        {"user": "other", "password": "first\\", "x": "k=v"},
        {"user": "other", "password": "it's $pgplan$ second", "sslpassword": "third"},
        {"password": "alone"},
        {"password": "", "api_key": "k", 'o "q': "\\"},
    ]
    states = [declare("user_mapping", "", server="s", user=user, options=each)[0] for each in options]
    return Example(f"user mapping of {name}", states, setup)


def _memberships(one: str, two: str, owners: str, version: int) -> list[Example]:
    blocks: list[dict[str, bool]] = [{}, {"admin": True}]
    if version >= 16:
        blocks += [{"inherit": i, "set": s, "admin": a} for i in (True, False) for s in (True, False) for a in (True, False)]
    pairs = {"member": (one, two), "member that does not inherit": (two, one)}
    made = [
        Example(name, [declare("membership", "", role=r, member=m, **block)[0] for block in blocks], (owners,))
        for name, (m, r) in pairs.items()
    ]
    if version >= 16:
        states = [declare("membership", "", role=one, member=two, granted_by="postgres", **block)[0] for block in blocks]
        made.append(Example("membership by grantor", states, (owners,)))
    return made
