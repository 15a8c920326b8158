"""``pgplan psql``: the configuration's connection, and no password where others could read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgplan.configuration.model import Connection
from pgplan.database import embedded
from pgplan.database.client import client
from pgplan.errors import PgplanError
from pgplan.secret import Secret
from tests.project import Project
from tests.servers import Server

HEAD = '[pgplan]\nname = "p"\n\n[connection]\nurl = "${env.DATABASE_URL}"\n'
FAKE = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done
printf 'PGPASSWORD=%s\\n' "$PGPASSWORD"
exit 3
"""


def _value(project: Project, sql: str, *arguments: str) -> str:
    return project.run("psql", *arguments, "--", "-X", "-A", "-t", "-c", sql).out.removesuffix("\n")


def test_it_is_the_same_connection(project: Project, unique: str, server: Server) -> None:
    server.execute(f'CREATE ROLE "{unique} \\ r"')
    role = f"{unique} \\\\ r"
    settings = 'settings = { lock_timeout = "7s", "app.text" = "a \\\\b  c", application_name = "it is me" }\n'
    project.write(f'{HEAD}role = "{role}"\n{settings}')
    shown = "SELECT current_user, current_database(), current_setting('lock_timeout'), current_setting('app.text')"
    assert _value(project, shown) == f"{unique} \\ r|{unique}_db|7s|a \\b  c"
    assert _value(project, "SHOW application_name") == "it is me"
    assert _value(project, "SELECT current_database()", "--url", server.url("postgres")) == "postgres"
    environment = {"PGOPTIONS": "-c work_mem=5MB -c lock_timeout=1s"}
    project.environment |= environment
    assert _value(project, "SELECT current_setting('work_mem') || current_setting('lock_timeout')") == "5MB7s"
    server.execute(f'DROP ROLE "{unique} \\ r"')


def test_the_exit_code_is_that_of_psql(project: Project) -> None:
    project.write(HEAD)
    project.run("psql", "--", "-c", "SELECT 1/0", expect=1)
    project.run("psql", "--", "-v", "ON_ERROR_STOP=1", "-f", "/dev/null")
    project.run("psql", "--url", f"postgresql:///x?host={project.directory}", expect=2)


def test_what_is_wrong_elsewhere_locks_nobody_out(project: Project) -> None:
    project.write(HEAD + "[role.x]\nlogn = true\n")
    project.run("validate", expect=1)
    assert _value(project, "SELECT 1") == "1"
    project.write(HEAD.replace("DATABASE_URL", "NOWHERE"))
    assert "the environment variable NOWHERE is not set" in project.run("psql", expect=1).err


@pytest.mark.parametrize("where", ["in the url", "beside it"])
def test_the_password_is_in_no_argument(project: Project, where: str) -> None:
    (project.directory / "psql").write_text(FAKE)
    (project.directory / "psql").chmod(0o755)
    inline = where == "in the url"
    project.url = f"postgresql://me{':hunter2' if inline else ''}@db.internal/app"
    project.write(HEAD + ("" if inline else 'password = { env = "PW" }\n'))
    environment = {"PATH": f"{project.directory}:{os.environ['PATH']}", "PW": "hunter2"}
    shown = project.run("psql", "--no-input", "--", "--csv", expect=3, environment=environment).out.splitlines()
    assert shown == ["-d", "user=me dbname=app host=db.internal", "-w", "--csv", "PGPASSWORD=hunter2"]


def test_what_psql_can_only_be_told_openly_is_refused(tmp_path: Path) -> None:
    url = Secret("postgresql://me@host/db?sslpassword=hunter2", "x")
    with pytest.raises(PgplanError, match="psql takes sslpassword only where every user") as caught:
        client(Connection(url), tmp_path, os.environ)
    assert "hunter2" not in str(caught.value)


def test_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "psql", lambda: None)
    with pytest.raises(PgplanError, match="there is no psql on PATH\n  install PostgreSQL's client"):
        client(Connection("postgresql:///x"), tmp_path, {"PATH": str(tmp_path)})


def test_the_embedded_server_brings_its_own(directory: Path) -> None:
    project = Project(directory, "")
    project.write(HEAD.replace("${env.DATABASE_URL}", "embedded"))
    project.environment["PATH"] = str(directory)
    assert project.apart("psql", "--", "-Atc", "SELECT current_user").out == "postgres\n"
    assert not (embedded.data_directory(directory) / "postmaster.pid").exists()
