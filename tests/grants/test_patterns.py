"""Columns of what a pattern matches, and patterns that match nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgplan_postgres.grant import GrantKind
from pgplan_postgres.privileges import Right
from tests.grants.bench import Bench, Block, bench
from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

SETUP = [
    "CREATE SCHEMA s",
    "CREATE TABLE s.both (id int, name text)",
    "CREATE TABLE s.id_only (id int)",
    "CREATE VIEW s.v AS SELECT 1 AS id, 2 AS name",
    "CREATE TABLE s.neither (x int)",
    "CREATE TABLE s.parted (id int) PARTITION BY LIST (id)",
    "CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS name",
    "CREATE FOREIGN DATA WRAPPER plain",
    "CREATE SERVER srv FOREIGN DATA WRAPPER plain",
    "CREATE FOREIGN TABLE s.ft (id int, name text) SERVER srv",
]
ALL_OF_S: Block = {"on": {"tables_in": "s"}, "privileges": ["SELECT"], "columns": ["id", "name"]}
WITH_ID, WITH_NAME = {"both", "id_only", "v", "parted", "ft"}, {"both", "v", "m", "ft"}
NOTES = (
    "{}: 2 of 7 matched tables lack the column id, left out there",
    "{}: 3 of 7 matched tables lack the column name, left out there",
)


def having(b: Bench, role: str) -> set[tuple[str, str]]:
    tables = b.catalog("table").of("table")
    return {(one.key, row.column) for one in tables for row in one.acl.privileges if row.grantee == role}


WANTED = {(f"s.{name}", "id") for name in WITH_ID} | {(f"s.{name}", "name") for name in WITH_NAME}


def test_columns_of_all_that_a_pattern_matches(database: str, unique: str) -> None:
    role = f"{unique}_a"
    with bench(database, [f"CREATE ROLE {role}", *SETUP]) as b:
        block: Block = {"to": role, **ALL_OF_S}
        assert b.both(block)[1].notes == tuple(note.format(f"grant.{role}/tables_in:s") for note in NOTES)
        b.apply(block)
        assert having(b, role) == WANTED
        b.run("ALTER TABLE s.neither ADD COLUMN name text", "ALTER TABLE s.m OWNER TO CURRENT_USER")
        assert b.apply(block) == [f'GRANT SELECT ("name") ON TABLE "s"."neither" TO "{role}"']
        b.apply({**block, "columns": ["id"]})
        assert having(b, role) == {one for one in WANTED if one[1] == "id"}
        nothing: Block = {**block, "columns": ["nix"]}
        assert b.both(nothing)[1].notes == (f"grant.{role}/tables_in:s: no matched table has the column nix",)
        b.apply(nothing)
        assert having(b, role) == set()
        b.apply(block)
        b.apply()
        assert having(b, role) == set()


def test_what_holds_for_many_is_said_once(database: str, unique: str) -> None:
    roles = [f"{unique}_{number}" for number in range(7)]
    with bench(database, [*(f"CREATE ROLE {role}" for role in roles), *SETUP]) as b:
        shown = ", ".join(f"grant.{role}/tables_in:s" for role in roles[:5]) + " and 2 more"
        assert b.both({"to": roles, **ALL_OF_S})[1].notes == tuple(note.format(shown) for note in NOTES)


def test_columns_that_must_not_be_there(database: str, unique: str) -> None:
    role = f"{unique}_a"
    with bench(database, [f"CREATE ROLE {role}", *SETUP]) as b:
        given = [f"GRANT SELECT (id) ON s.{name} TO {role}" for name in sorted(WITH_ID)]
        b.run(*given, f"GRANT SELECT (x) ON s.neither TO {role}", f"GRANT INSERT (name) ON s.both TO {role}")
        block: Block = {"from": role, **ALL_OF_S}
        assert b.both(block)[1].notes == tuple(note.format(f"revoke.{role}/tables_in:s") for note in NOTES)
        (sql,) = b.apply(block)
        assert sql.startswith('REVOKE SELECT ("id") ON TABLE "s"."both", "s"."ft", "s"."id_only", "s"."parted", "s"."v" FROM')
        assert having(b, role) == {("s.neither", "x"), ("s.both", "name")}


def test_columns_of_all_that_a_pattern_matches_are_imported(database: str, unique: str) -> None:
    role = f"{unique}_a"
    setup = [f"CREATE ROLE {role}", "CREATE SCHEMA s", "CREATE TABLE s.t (a int, b int)", "CREATE TABLE s.u (a int)"]
    with bench(database, [*setup, f"GRANT SELECT (a), UPDATE (a) ON s.t TO {role}", f"GRANT SELECT (a) ON s.u TO {role}"]) as b:
        spec = GrantKind().adoptable(f"{role}/tables_in:s", b.catalog("table"))
        assert spec is not None
        assert spec.rights == (Right("SELECT", ("a",)),)


def test_a_block_that_names_the_table_beats_one_for_columns_of_the_schema(database: str, unique: str) -> None:
    role = f"{unique}_a"
    with bench(database, [f"CREATE ROLE {role}", *SETUP]) as b:
        b.apply(
            {"to": role, **ALL_OF_S},
            {"from": role, "on": {"table": "s.both"}, "privileges": ["SELECT"], "columns": ["name"]},
        )
        assert having(b, role) == WANTED - {("s.both", "name")}


HEAD = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[schema.s]
"""


def test_columns_of_what_the_same_plan_makes(server: Server, database: str, unique: str, tmp_path: Path) -> None:
    project = Project(tmp_path, database)
    table = """
[foreign_data_wrapper.plain]
[server.srv]
fdw = "plain"
[foreign_table."s.ft"]
server = "srv"
columns = [{ name = "id", type = "integer" }, { name = "secret", type = "text" }]
"""
    role = f"{unique}_a"
    columns = (
        f'[role.{role}]\n[[grant]]\nto = "{role}"\non = {{ tables_in = "s" }}\nprivileges = ["SELECT"]\ncolumns = ["id", "x"]\n'
    )
    project.write(HEAD + table + columns)
    shown = project.run("plan").out
    assert f"Note: grant.{role}/tables_in:s: no matched table has the column x" in shown
    project.plan_and_apply()
    query = "SELECT attname FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid = 's.ft'::regclass"
    assert server.rows(query, database=f"{unique}_db") == [("id",)]
    project.run("destroy", "--yes")


@pytest.mark.parametrize(
    ("key", "privilege", "several"),
    [("tables_in", "SELECT", "tables"), ("sequences_in", "USAGE", "sequences"), ("functions_in", "EXECUTE", "functions")],
)
@pytest.mark.parametrize("schemas", ["empty", "nix_*"])
def test_a_pattern_that_matches_nothing_yet_is_a_note(
    database: str, key: str, privilege: str, several: str, schemas: str
) -> None:
    with bench(database, ["CREATE SCHEMA empty"]) as b:
        block: Block = {"from": "PUBLIC", "on": {key: schemas}, "privileges": [privilege]}
        assert b.both(block)[1].notes == (f"revoke.PUBLIC/{key}:{schemas} matches no {several} yet",)
        b.apply(block)
