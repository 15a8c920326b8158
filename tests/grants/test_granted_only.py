"""Types, languages, tablespaces, large objects and parameters: through the command line, and what cannot be said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

TEXT = """
[pgplan]
name = "t"
[connection]
url = "${{env.DATABASE_URL}}"
[role.{0}_app]
[[grant]]
to = "{0}_app"
on = {{ types_in = "app", except = ["app.secret"] }}
privileges = ["USAGE"]
[[revoke]]
from = "PUBLIC"
on = [{{ types_in = "app" }}, {{ language = "plpgsql" }}, {{ type = "app.mood" }}]
privileges = ["USAGE"]
[[grant]]
to = "{0}_app"
on = {{ language = "plpgsql" }}
privileges = ["USAGE"]
[[grant]]
to = "{0}_app"
on = {{ large_object = "90001" }}
privileges = ["SELECT"]
"""
PARAMETER = """
[[grant]]
to = "{0}_app"
on = {{ parameter = ["Work_Mem", "auto_explain.log_min_duration"] }}
privileges = ["SET"]
"""
SETUP = (
    "CREATE SCHEMA app",
    "CREATE TYPE app.mood AS ENUM ('a')",
    "CREATE DOMAIN app.secret AS text",
    "CREATE TABLE app.t (a app.mood[])",
    "SELECT lo_create(90001)",
)


@pytest.fixture
def project(tmp_path: Path, server: Server, database: str, unique: str) -> Project:
    server.execute(*SETUP, database=f"{unique}_db")
    project = Project(tmp_path, database)
    project.write(TEXT.format(unique) + (PARAMETER.format(unique) if server.version >= 15 else ""))
    return project


def may(server: Server, unique: str, asked: str) -> bool:
    ((answer,),) = server.rows(f"SELECT has_{asked.format(f'{unique}_app')}", f"{unique}_db")
    return bool(answer)


def test_a_whole_round(project: Project, server: Server, unique: str) -> None:
    project.plan_and_apply()
    assert may(server, unique, "type_privilege('{}', 'app.mood', 'USAGE')")
    assert not may(server, unique, "type_privilege('{}', 'app.secret', 'USAGE')")
    assert may(server, unique, "language_privilege('{}', 'plpgsql', 'USAGE')")
    if server.version >= 15:
        assert may(server, unique, "parameter_privilege('{}', 'work_mem', 'SET')")
        assert may(server, unique, "parameter_privilege('{}', 'auto_explain.log_min_duration', 'SET')")
        assert f"grant.{unique}_app/parameter:work_mem" in project.run("state", "list").out
    server.execute("DROP OWNED BY " + f"{unique}_app", database=f"{unique}_db")
    drifted = project.run("drift", expect=2).out
    assert "USAGE on type app.mood" in drifted
    assert "SELECT on large object 90001" in drifted
    project.plan_and_apply()
    project.run("destroy", "--yes")
    server.execute("GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC", database=f"{unique}_db")


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ('large_object = "lo"', "'lo' is no large object: write its OID"),
        ('parameter = "work mem"', "'work mem' is no configuration parameter"),
        ('type = "mood"', "'mood' names no type: write schema.name"),
        ('language = "c", except = ["x"]', "except goes with"),
    ],
)
@pytest.mark.enough(18)
def test_mistakes_that_need_no_server(project: Project, unique: str, on: str, said: str) -> None:
    project.write(f'[[grant]]\nto = "{unique}_app"\non = {{ {on} }}\nprivileges = ["ALL"]\n', "more.pgplan.toml")
    assert said in project.run("validate", expect=1).err


@pytest.mark.parametrize(
    ("on", "privilege"),
    [
        ('parameter = "work_memm"', "SET"),
        ('language = "c"', "USAGE"),
        ('type = "app.t"', "USAGE"),
        ('type = "app._mood"', "USAGE"),
        ('tablespace = "nowhere"', "CREATE"),
        ('large_object = "90002"', "SELECT"),
    ],
)
def test_what_nothing_can_be_granted_on_is_an_error_of_the_plan(project: Project, unique: str, on: str, privilege: str) -> None:
    project.write(f'[[grant]]\nto = "{unique}_app"\non = {{ {on} }}\nprivileges = ["{privilege}"]\n', "more.pgplan.toml")
    error = project.run("plan", expect=1).err
    assert "more.pgplan.toml:1: grant." in error


@pytest.mark.pg("< 15")
def test_parameters_need_15(project: Project, unique: str) -> None:
    project.write(PARAMETER.format(unique), "more.pgplan.toml")
    assert "SET exists from 15 on" in project.run("plan", expect=1).err
