"""What the tables say of the options of PostgreSQL's own wrappers, compared with the validators themselves."""

from __future__ import annotations

import json

import pytest

from pgplan_postgres.wrapper_options import OPTIONS, Place, knows, refused
from tests.kinds.bench import bench

CATALOGS: dict[Place, str] = {
    "foreign_data_wrapper": "pg_foreign_data_wrapper",
    "server": "pg_foreign_server",
    "user_mapping": "pg_user_mapping",
    "foreign_table": "pg_foreign_table",
    "column": "pg_attribute",
}
VALIDATORS = {"postgres_fdw": "postgres_fdw_validator", "dblink": "dblink_fdw_validator", "file_fdw": "file_fdw_validator"}
_TRY = """
CREATE FUNCTION pg_temp.refusal(validator text, catalog text, options text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT public.%I($1, $2::regclass)', validator) USING options, catalog;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END $$"""
EVERY = sorted({option for places in OPTIONS.values() for options in places.values() for option in options})
VALUES = ("true", "ON", "1", "yes", "0", "0.4", "1.5", " 7 ", "010", "1kB", "-1", "1e3", "9999999999", "csv", "random", "")
VALUED: dict[Place, tuple[str, ...]] = {
    "server": ("use_remote_estimate", "fetch_size", "fdw_tuple_cost", "keep_connections", "parallel_abort", "analyze_sampling"),
    "user_mapping": ("password_required", "use_scram_passthrough"),
    "foreign_table": ("batch_size", "updatable"),
}


@pytest.mark.parametrize("extension", VALIDATORS)
def test_the_validators_take_what_the_tables_say(database: str, extension: str) -> None:
    with bench(database) as b:
        b.run("SET LOCAL search_path = public", f"CREATE EXTENSION {extension}", _TRY)
        major = b.snapshot().facts.version // 10000
        tried = [{"place": place, "option": option} for place in CATALOGS for option in [*EVERY, "nope"]]
        query = (
            "SELECT place, option, pg_temp.refusal(%s, %s::jsonb ->> place, ARRAY[option || '=true']) AS said"
            " FROM jsonb_to_recordset(%s) AS t(place text, option text)"
        )
        rows = b.session.execute(query, (VALIDATORS[extension], json.dumps(CATALOGS), json.dumps(tried))).fetchall()
    taken = {(row["place"], row["option"]) for row in rows if not (row["said"] or "").startswith("invalid option")}
    # These servers come with the libpq of their own version.
    said = {
        (place, option)
        for place, options in OPTIONS[extension].items()
        for option, since in options.items()
        if since <= major and knows(extension, place, option, major)
    }
    assert taken == said


def test_the_validators_refuse_the_same_values(database: str) -> None:
    with bench(database) as b:
        b.run("SET LOCAL search_path = public", "CREATE EXTENSION postgres_fdw", _TRY)
        version = b.snapshot().facts.version
        tried: list[tuple[Place, str, str]] = [
            (place, option, value)
            for place, options in VALUED.items()
            for option in options
            for value in VALUES
            if knows("postgres_fdw", place, option, version // 10000)
        ]
        query = "SELECT pg_temp.refusal('postgres_fdw_validator', %s, ARRAY[%s]) AS said"
        differ: list[tuple[str, str, str]] = []
        for place, option, value in tried:
            row = b.session.execute(query, (CATALOGS[place], f"{option}={value}")).fetchone()
            assert row is not None
            if bool(row["said"]) != bool(list(refused("postgres_fdw", place, {option: value}, version))):
                differ.append((option, value, row["said"]))
        assert differ == []
