"""What the tables say of the options of PostgreSQL's own wrappers, compared with the validators themselves."""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from psycopg.rows import dict_row

from pgplan.database import trial
from pgplan.database.connection import Session
from pgplan.snapshot import Catalog, Refusal
from pgplan_postgres.wrapper_options import OPTIONS, Place, knows, refused, trials
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
        catalog = b.catalog()
        version = catalog.facts.version
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
            if bool(row["said"]) != bool(list(refused("postgres_fdw", place, {option: value}, catalog))):
                differ.append((option, value, row["said"]))
        assert differ == []


@pytest.mark.enough(14, 18)
def test_where_the_validator_was_asked_that_counts(database: str) -> None:
    """An option of a newer libpq is what no table knows, and may look like a mistake."""
    with bench(database) as b:
        b.run("CREATE EXTENSION postgres_fdw SCHEMA public", "CREATE EXTENSION file_fdw SCHEMA public")
        catalog = b.catalog("extension")

    def told(extension: str, place: Place, options: dict[str, str], said: Refusal | None) -> list[str]:
        (query,) = trials(extension, place, options, catalog)
        snapshot = evolve(catalog.snapshot, tried={query: said})
        return [message for message, _ in refused(extension, place, options, Catalog(snapshot, catalog.database))]

    newer = {"sslkeys": "x"}
    assert told("postgres_fdw", "server", newer, None) == []
    assert told("postgres_fdw", "server", newer, Refusal("HV00D", "…")) == ["postgres_fdw knows no option sslkeys of a [server]"]
    assert list(refused("postgres_fdw", "server", {"brand_new": "x"}, catalog)) == []
    unknown = Refusal("HV00D", 'invalid option "brand_new"')
    assert told("postgres_fdw", "server", {"brand_new": "x"}, unknown) == [f"postgres_fdw refuses its options: {unknown.message}"]
    (query,) = trials("file_fdw", "foreign_table", {"filename": "f", "format": "csv", "delimiter": "ab"}, catalog)
    with Session.connect(database, row_factory=dict_row) as session:
        session.execute("CREATE EXTENSION file_fdw SCHEMA public")
        session.commit()
        (said,) = trial.tried(session, [query]).values()
    assert said == Refusal("0A000", "COPY delimiter must be a single one-byte character")
