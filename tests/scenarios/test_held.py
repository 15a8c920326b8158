"""What a schema or a role holds would stop its DROP: the plan says so, not the server once it was approved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

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


@pytest.mark.parametrize(
    ("made", "said", "gone"),
    [
        ("CREATE TABLE public.t (); ALTER TABLE public.t OWNER TO {0}", "it owns table public.t", "DROP TABLE public.t"),
        ("CREATE TYPE e AS ENUM (); ALTER TYPE e OWNER TO {0}", "it owns type public.e", "DROP TYPE e"),
        ("CREATE TABLE t (); GRANT SELECT ON t TO {0}", "it has privileges on table public.t", "REVOKE ALL ON t FROM {0}"),
        (
            "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION g TO {0}",
            "function public.g",
            "DROP FUNCTION g",
        ),
    ],
)
def test_what_a_role_has(project: Project, server: Server, unique: str, made: str, said: str, gone: str) -> None:
    role = f"{unique}_leaver"
    project.write(TEXT + f"[role.{role}]\n")
    project.plan_and_apply()
    server.execute(*made.format(role).split("; "), database=f"{unique}_db")
    project.write(TEXT)
    error = project.run("plan", expect=1).err
    assert "cannot delete it: it " in error
    assert said in error
    assert f"or keep role.{role} declared" in error
    server.execute(gone.format(role), database=f"{unique}_db")
    project.plan_and_apply()
    project.run("destroy", "--yes")


def test_what_a_role_has_in_another_database(project: Project, server: Server, unique: str) -> None:
    role = f"{unique}_leaver"
    project.write(TEXT + f"[role.{role}]\n")
    project.plan_and_apply()
    server.execute(f"CREATE DATABASE {unique}_other")
    server.execute("CREATE SCHEMA s", f"GRANT USAGE ON SCHEMA s TO {role}", database=f"{unique}_other")
    project.write(TEXT)
    error = project.run("plan", expect=1).err
    assert f"it owns something, or has privileges, in the database {unique}_other" in error
    server.execute(f"DROP DATABASE {unique}_other")
    project.plan_and_apply()
    project.run("destroy", "--yes")


def test_what_the_plan_revokes_itself_stops_nothing(project: Project, server: Server, unique: str) -> None:
    role = f"{unique}_leaver"
    server.execute("CREATE TABLE public.t ()", database=f"{unique}_db")
    grant = f'[[grant]]\nto = "{role}"\non = {{ table = "public.t" }}\nprivileges = ["SELECT"]\n'
    project.write(TEXT + f'[role.{role}]\n{grant}[foreign_table."app.g"]\nserver = "s"\ncolumns = []\nowner = "{role}"\n')
    project.plan_and_apply()
    project.write(TEXT + '[foreign_table."app.g"]\nserver = "s"\ncolumns = []\nowner = "postgres"\n')
    project.plan_and_apply()
    project.run("destroy", "--yes")
