"""Standard streams that are full, closed or go away: what was committed is never reported as a failure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.project import PGPLAN, Project
from tests.servers import Server

TOML = '[pgplan]\nname = "{0}"\n[connection]\nurl = "${{env.DATABASE_URL}}"\n[role."{0}_ł"]\n'


@pytest.fixture
def base(project: Project, unique: str) -> Project:
    project.write(TOML.format(unique))
    project.run("plan", "--out", project.plan_file)
    return project


def shell(project: Project, line: str, **environment: str) -> tuple[int, str, str]:
    """Run a line of bash in which $PGPLAN is pgplan with its directory; the exit code is that of pgplan, also in a pipe."""
    merged = {**os.environ, "DATABASE_URL": project.url, "PGPLAN": f"{PGPLAN} -C {project.directory}", **environment}
    command = ["bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, env=merged, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


def exists(server: Server, unique: str) -> bool:
    return bool(server.rows(f"SELECT 1 FROM pg_roles WHERE rolname = '{unique}_ł'"))


NOWHERE = [">/dev/full", ">&-", "| true", "2>&-", ">&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | true", "<&-"]


@pytest.mark.parametrize("where", NOWHERE)
def test_what_was_committed_ends_with_0(base: Project, server: Server, unique: str, where: str) -> None:
    code, _, error = shell(base, f"$PGPLAN apply {base.plan_file} {where}")
    assert exists(server, unique)
    assert code == 0, error
    assert "Traceback" not in error
    assert "Exception ignored" not in error
    if where == ">/dev/full":
        assert error == "The changes were made and committed, but standard output cannot be written: No space left on device\n"
    assert base.run("state", "list").out == f"role.{unique}_ł\n"
    code, _, error = shell(base, f"$PGPLAN apply --yes {where}")
    assert (code, "Traceback" in error) == (0, False), error


@pytest.mark.parametrize("where", NOWHERE)
@pytest.mark.parametrize("command", ["plan", "show $PLAN", "no-such-command"])
def test_nothing_else_shows_a_traceback(base: Project, command: str, where: str) -> None:
    code, _, error = shell(base, f"$PGPLAN {command} {where}", PLAN=base.plan_file)
    assert code in (0, 1, 64), error
    assert "Traceback" not in error
    assert "Exception ignored" not in error
    assert "unexpected" not in error


def test_what_nobody_could_read_is_not_done(base: Project, server: Server, unique: str) -> None:
    code, _, error = shell(base, "$PGPLAN apply --yes >/dev/full")
    assert (code, error) == (1, "Error: standard output cannot be written: No space left on device; nothing was changed\n")
    assert not exists(server, unique)


def test_an_encoding_that_lacks_a_character(base: Project, server: Server, unique: str) -> None:
    code, _, error = shell(base, "$PGPLAN apply --yes", PYTHONIOENCODING="latin-1")
    assert code == 1
    assert error.startswith("Error: the encoding of standard output, latin-1, lacks '\\u0142'; nothing was changed\n  set PYTHON")
    assert not exists(server, unique)
    code, out, error = shell(base, "$PGPLAN apply $PLAN", PYTHONIOENCODING="latin-1", PLAN=base.plan_file)
    assert (code, out, error) == (0, "Apply complete! 1 added, 0 changed, 0 destroyed.\n", "")


def test_what_was_imported_is_recorded(project: Project, server: Server, unique: str) -> None:
    project.write(TOML.format(unique).partition("[role")[0])
    server.execute(f'CREATE ROLE "{unique}_ł"')
    code, _, error = shell(project, f"$PGPLAN import role.{unique}_ł >/dev/full")
    assert code == 0
    assert error.endswith("All of this was recorded, but standard output cannot be written: No space left on device\n")
    assert project.run("state", "list").out == f"role.{unique}_ł\n"
    assert Path(project.directory / ".pgplan" / "state.json").exists()


def test_a_file_that_was_opened_is_never_a_standard_stream(base: Project, unique: str) -> None:
    """Where 1 and 2 are closed, the next two files would get these numbers: the state among them."""
    shell(base, "$PGPLAN -v apply $PLAN <&- >&- 2>&-", PLAN=base.plan_file)
    state = (base.directory / ".pgplan" / "state.json").read_text()
    assert "Apply complete" not in state
    assert base.run("state", "list").out == f"role.{unique}_ł\n"
