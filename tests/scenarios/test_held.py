"""What a schema holds would stop its DROP: the plan says so, not the server once it was approved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

TEXT = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[foreign_data_wrapper.w]
[server.s]
fdw = "w"
[schema.app]
[schema."odd name"]
[foreign_table."app.f"]
server = "s"
columns = []
"""


@pytest.fixture
def project(tmp_path: Path, database: str) -> Project:
    project = Project(tmp_path, database)
    project.write(TEXT)
    project.plan_and_apply()
    return project


@pytest.mark.parametrize(
    ("made", "said", "gone"),
    [
        ("CREATE TABLE app.t (a serial)", "table app.t", "DROP TABLE app.t"),
        ("CREATE VIEW app.v AS SELECT 1 AS a", "table app.v", "DROP VIEW app.v"),
        ("CREATE SEQUENCE app.q", "sequence app.q", "DROP SEQUENCE app.q"),
        ("CREATE FUNCTION app.g(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "function app.g", "DROP FUNCTION app.g"),
        ("CREATE DOMAIN app.d AS text", "type app.d", "DROP DOMAIN app.d"),
        ('CREATE TYPE "odd name"."x.y" AS ENUM ()', 'type "odd name"."x.y"', 'DROP TYPE "odd name"."x.y"'),
        ("CREATE COLLATION app.c (provider = libc, locale = 'C')", "an object in app with the OID", "DROP COLLATION app.c"),
    ],
)
def test_what_stands_in_a_schema(project: Project, server: Server, unique: str, made: str, said: str, gone: str) -> None:
    server.execute(made, database=f"{unique}_db")
    error = project.run("plan", "--destroy", expect=1).err
    assert f"cannot delete it: {said}" in error
    assert "remove it by hand (`pgplan psql`)" in error
    server.execute(gone, database=f"{unique}_db")
    project.run("destroy", "--yes")


@pytest.mark.enough(18)
def test_what_goes_with_it_stops_nothing(project: Project, server: Server, unique: str) -> None:
    """Extensions that stand in it and are dropped first, with all that they brought."""
    project.write(TEXT + '[extension.hstore]\nschema = "app"\n')
    project.plan_and_apply()
    project.run("destroy", "--yes")
    assert server.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ 'app|odd'", f"{unique}_db") == []
