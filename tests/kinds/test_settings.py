"""Settings: what is equal, what there is and what it can be. The server is the referee."""

from __future__ import annotations

import json

import pytest

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
    "string": ("x",),
}
_TRY = """
CREATE FUNCTION pg_temp.refusal(setting text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER ROLE probe SET "%s" TO %L', replace(setting, '.', '"."'), value);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END $$"""
# What only their own code refuses, besides what is text.
BY_ITSELF = ("max_stack_depth", "transaction_deferrable", "transaction_isolation", "vacuum_buffer_usage_limit")


def _tried(known: Setting) -> set[str]:
    more = [known.low, known.high, f"{known.high}0"] if known.high else []
    return {*VALUES[known.type], *(value.upper() for value in known.values), *more}


def test_what_is_refused_is_what_the_server_refuses(database: str) -> None:
    """Every setting that the server has, with values that suit it and values that do not, and some that it does not have."""
    with bench(database) as b:
        b.run("CREATE ROLE probe", _TRY)
        catalog = b.catalog("setting")
        pairs = [(one.key, value) for one in catalog.of("setting") for value in _tried(one.spec)]
        pairs += [
            (name, "1") for name in ("nope", "sort_meme", "role", "seed", "my.own", "my.own.setting", "my-own.x", "a.", ".b")
        ]
        tried = [{"setting": name, "value": value} for name, value in pairs]
        query = b"SELECT t.*, pg_temp.refusal(setting, value) AS said FROM jsonb_to_recordset(%s) AS t(setting text, value text)"
        rows = list(b.session.execute(query, (json.dumps(tried),)))
        texts = [one.key for one in catalog.of("setting") if one.spec.type == "string"]
        wrong = [
            (row, told)
            for row in rows
            if bool(told := list(setting.refused("config", {}, {row["setting"]: row["value"]}, catalog))) != bool(row["said"])
            and (told or row["setting"] not in (*texts, *BY_ITSELF))
        ]
        assert wrong == []
        assert len([row for row in rows if row["said"]]) > len(rows) / 4
        assert len([row for row in rows if not row["said"]]) > len(rows) / 4


def test_what_is_shown_to_superusers_only(server: Server, unique: str) -> None:
    """Of what can be set for a role: its absence means nothing to others."""
    server.execute(f"CREATE ROLE {unique} LOGIN")
    query = "SELECT lower(name) FROM pg_settings WHERE context IN ('user', 'superuser')"
    concealed = {name for (name,) in server.rows(query)} - {name for (name,) in server.rows(query, user=unique)}
    assert {name for name in concealed if "." not in name} - {*setting.CONCEALED} == set()
