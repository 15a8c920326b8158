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


HAS = [
    ("CREATE TABLE public.t (); ALTER TABLE public.t OWNER TO {0}", "it owns table public.t", "DROP TABLE public.t"),
    ("CREATE TYPE e AS ENUM (); ALTER TYPE e OWNER TO {0}", "it owns type public.e", "DROP TYPE e"),
    ("CREATE TABLE t (); GRANT SELECT ON t TO {0}", "it has privileges on table public.t", "REVOKE ALL ON t FROM {0}"),
    (
        "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION g TO {0}",
        "function public.g",
        "DROP FUNCTION g",
    ),
    ("GRANT USAGE ON SCHEMA app TO {0}", "it has privileges on schema app", "REVOKE ALL ON SCHEMA app FROM {0}"),
    (
        'GRANT CONNECT ON DATABASE "{1}" TO {0}',
        "it has privileges on database",
        'REVOKE ALL ON DATABASE "{1}" FROM {0}',
    ),
    (
        "GRANT USAGE ON FOREIGN DATA WRAPPER w TO {0}",
        "it has privileges on foreign data wrapper w",
        "REVOKE ALL ON FOREIGN DATA WRAPPER w FROM {0}",
    ),
    (
        "GRANT USAGE ON FOREIGN SERVER s TO {0}",
        "it has privileges on server s",
        "REVOKE ALL ON FOREIGN SERVER s FROM {0}",
    ),
    (
        "GRANT USAGE ON LANGUAGE plpgsql TO {0}",
        "it has privileges on language plpgsql",
        "REVOKE ALL ON LANGUAGE plpgsql FROM {0}",
    ),
    (
        "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO {0}",
        "it has privileges on large object 4711",
        "SELECT lo_unlink(4711)",
    ),
    (
        "GRANT CREATE ON TABLESPACE pg_default TO {0}",
        "it has privileges on tablespace pg_default",
        "REVOKE ALL ON TABLESPACE pg_default FROM {0}",
    ),
    (
        "GRANT SET ON PARAMETER work_mem TO {0}",
        "it has privileges on parameter work_mem",
        "REVOKE ALL ON PARAMETER work_mem FROM {0}",
    ),
    (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {0}",
        "it has privileges on default privileges postgres/*/tables",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM {0}",
    ),
    (
        'GRANT CREATE ON DATABASE "{1}" TO PUBLIC; SET ROLE {0}; CREATE EXTENSION hstore SCHEMA app; RESET ROLE',
        "it owns extension hstore",
        "DROP EXTENSION hstore",
    ),
]


def test_what_a_role_has(project: Project, server: Server, unique: str) -> None:
    """Each of it alone; without any of it the role goes."""
    role, here = f"{unique}_leaver", f"{unique}_db"
    project.write(TEXT + f"[role.{role}]\n")
    project.plan_and_apply()
    project.write(TEXT)
    for made, said, gone in HAS:
        if "PARAMETER" in made and server.version < 15:
            continue
        server.execute(*made.format(role, here).split("; "), database=here)
        error = project.run("plan", expect=1).err
        assert "cannot delete it: it " in error
        assert said.format(role) in error
        assert f"or keep role.{role} declared" in error
        server.execute(gone.format(role, here), database=here)
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
