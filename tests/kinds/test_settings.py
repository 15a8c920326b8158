"""Settings: what is equal, what there is and what it can be. The server is the referee."""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from psycopg.rows import dict_row

from pgplan.database import trial
from pgplan.database.connection import Session
from pgplan.snapshot import Catalog
from pgplan_postgres import setting, settings
from pgplan_postgres.setting import Setting
from tests.kinds.bench import bench
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


def test_settings_are_of_the_types_that_the_server_says(server: Server) -> None:
    rows = server.rows(
        "SELECT lower(name), vartype, coalesce(unit, '') FROM pg_settings WHERE context NOT IN ('internal', 'postmaster')"
    )
    known = {name: unit or vartype for name, vartype, unit in rows}
    if server.version < 15:
        del known["wal_compression"]  # a boolean then
    wrong = {
        name: (kind, known[name])
        for name, kind in settings.TYPES.items()
        if name in known and kind != "list" and known[name] != kind
    }
    assert wrong == {}
    own = server.rows("SELECT lower(name) FROM pg_settings WHERE context IN ('user', 'superuser') AND vartype <> 'string'")
    assert {name for (name,) in own if "." not in name} - settings.TYPES.keys() == set()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("statement_timeout", ("30000", "30s", "0.5min", "1h", "1.5h", "90min", "0", "86400000", " 1500 ms", "36h", "1d")),
        ("work_mem", ("65536", "64MB", "64", "1GB", "1.5GB", "1048576kB")),
        ("effective_cache_size", ("100", "800kB", "1GB", "0.25MB")),
        ("log_parameter_max_length", ("-1", "0", "1024", "1kB", "100")),
        ("geqo_threshold", ("12", "0xC", "014", "12.4", "1.2e1", " 12 ")),
        ("random_page_cost", ("1.1", "1.10", "11e-1", "2", "2.0", "010")),
        ("synchronous_commit", ("on", "TRUE", "yes", "1", "off", "No", "Remote_Write")),
        ("log_min_messages", ("debug", "DEBUG2", "panic")),
        ("jit", ("on", "true", "YES", "1", "t", "off", "0", "of", "n", "False")),
        ("search_path", ('"$user", public', "a,b", '"A b", c', '""', '"q""q"')),
    ],
)
def test_canonical_text_is_what_the_server_shows(database: str, name: str, values: tuple[str, ...]) -> None:
    with bench(database) as b:
        for value in values:
            listed = settings.elements(value) if name == "search_path" else [value]
            b.run(f"SET LOCAL {name} TO " + ", ".join(f"'{element}'" for element in listed))
            row = b.session.execute(f"SHOW {name}".encode()).fetchone()
            assert row is not None
            assert settings.settings({name: value}) == row


VALUES = {
    "bool": ("on", "of", "TRUE", "maybe", "2"),
    "enum": ("nope", "true", "No", "1", "debug", "info", "fatal"),
    "integer": ("many", "1kB", "2min", "3.6", "0x10", "1e400"),
    "real": ("much", "0.5", "1e400", "1min"),
    "string": ("x", "Mars/Base", "C", "1", "", "utf8"),
}
_TRY = """
CREATE FUNCTION pg_temp.refusal(statement text, setting text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(statement, replace(setting, '.', '"."'), value);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END $$"""


def _tried(known: Setting) -> set[str]:
    more = [known.low, known.high, f"{known.high}0"] if known.high else []
    return {*VALUES[known.type], *(value.upper() for value in known.values), *more}


def _by_the_server(database: str, pairs: list[tuple[str, str]], statement: str) -> tuple[list[bool], Catalog]:
    """Whether it refuses each, and what is known of settings, with what was tried beforehand."""
    with bench(database) as b:
        b.run("CREATE ROLE probe", _TRY)
        catalog = b.catalog("setting")
        pairs += [(one.key, value) for one in catalog.of("setting") for value in _tried(one.spec)]
        probes = [{"setting": name, "value": value} for name, value in pairs]
        query = (
            b"SELECT pg_temp.refusal(%s, t.setting, t.value) AS said FROM jsonb_to_recordset(%s) AS t(setting text, value text)"
        )
        said = [bool(row["said"]) for row in b.session.execute(query, (statement, json.dumps(probes)))]
    asked = [one for name, value in pairs for one in setting.trials({}, {name: value}, catalog)]
    with Session.connect(database, row_factory=dict_row) as session:
        session.execute("DO 'BEGIN END'")  # PL/pgSQL brings settings of its own
        shown = session.execute("SELECT name, setting FROM pg_settings").fetchall()
        session.rollback()
        tried = trial.tried(session, asked)
        assert session.execute("SELECT name, setting FROM pg_settings").fetchall() == shown
    return said, Catalog(evolve(catalog.snapshot, tried=tried), catalog.database)


@pytest.mark.parametrize("of_function", [False, True], ids=["of a role", "of a function"])
def test_what_is_refused_is_what_the_server_refuses(database: str, *, of_function: bool) -> None:
    """Every setting that the server has, with values that suit it and values that do not, and some that it does not have."""
    function = "CREATE OR REPLACE FUNCTION pg_temp.f() RETURNS int SET \"%s\" TO %L LANGUAGE sql AS 'SELECT 1'"
    pairs = [(name, "1") for name in ("nope", "sort_meme", "role", "seed", "my.own", "my.own.setting", "my-own.x", "a.", ".b")]
    said, catalog = _by_the_server(database, pairs, function if of_function else 'ALTER ROLE probe SET "%s" TO %L')
    told = [list(setting.refused("config", {}, {name: value}, catalog, of_function=of_function)) for name, value in pairs]
    wrong = [(pair, one) for pair, one, refused in zip(pairs, told, said, strict=True) if bool(one) != refused]
    # A function's role must be there, and may be one that the plan makes; the empty name is an error before 16.
    assert wrong == [
        (pair, one) for pair, one in wrong if not one and pair in (("role", "1"), ("default_text_search_config", ""))
    ]
    assert len(said) / 10 < sum(said) < len(said) * 9 / 10


def test_what_is_shown_to_superusers_only(server: Server, unique: str) -> None:
    """Of what can be set for a role: its absence means nothing to others."""
    server.execute(f"CREATE ROLE {unique} LOGIN")
    query = "SELECT lower(name) FROM pg_settings WHERE context IN ('user', 'superuser')"
    concealed = {name for (name,) in server.rows(query)} - {name for (name,) in server.rows(query, user=unique)}
    assert {name for name in concealed if "." not in name} - {*setting.CONCEALED} == set()
