"""What commands do after an apply that was cut off, during one that hangs, and after the database went back in time."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.project import Project, patched
from tests.servers import Server

TEXT = '[pgplan]\nname = "{0}"\n\n[connection]\nurl = "${{env.DATABASE_URL}}"\n\n[role.{0}_app]\n'
PATCH = """\
import os, signal
import pgplan.database.commit as apply
commit = apply._commit
def cut(connection):
    answer = commit(connection) if os.environ["CUT"] == "after" else ""
    open(os.environ["MARKER"], "w").close()
    os.kill(os.getpid(), signal.SIGSTOP if os.environ["CUT"] == "frozen" else signal.SIGKILL)
    return answer or commit(connection)
apply._commit = cut
"""


@pytest.fixture
def base(project: Project, unique: str) -> Project:
    project.write(TEXT.format(unique))
    (project.directory / "sitecustomize.py").write_text(PATCH)
    return project


def _environment(project: Project, when: str) -> dict[str, str]:
    marker = str(project.directory / "marker")
    return {**patched(project.directory), "CUT": when, "MARKER": marker}


@pytest.mark.parametrize(("when", "last"), [("before", "Plan: 1 to add"), ("after", "No changes.")])
def test_a_plan_finds_out_how_an_interrupted_apply_ended(base: Project, when: str, last: str) -> None:
    base.run("apply", "--yes", expect=-signal.SIGKILL, environment=_environment(base, when))
    assert "in progress or was interrupted" in base.run("state", "list").err
    assert last in base.run("plan").out
    assert base.run("state", "list").err == ""
    base.run("apply", "--yes")
    base.run("drift")
    base.run("destroy", "--yes")


def test_nothing_is_planned_while_an_apply_is_in_progress(base: Project) -> None:
    process = base.process("apply", "--yes", environment=_environment(base, "frozen"))
    while not (base.directory / "marker").exists():
        assert process.poll() is None
        time.sleep(0.02)
    for command in (["plan"], ["drift"], ["apply", "--yes"], ["destroy", "--yes"], ["import", "role.x"]):
        assert base.run(*command, expect=4).err.startswith("Error: ")
    base.run("validate")
    base.run("state", "list")
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert base.run("plan", "--detailed-exitcode").out.startswith("No changes.")
    base.run("destroy", "--yes")


def test_a_database_that_went_back_in_time(base: Project, unique: str, server: Server) -> None:
    base.run("apply", "--yes")
    path = base.directory / ".pgplan" / "state.json"
    _set_back(path)
    server.execute(f'DROP ROLE "{unique}_app"')
    result = base.run("plan", expect=3)
    assert "restored or failed over" in result.err
    assert f"+ role.{unique}_app  # had disappeared from the database" in result.out
    base.run("apply", "--yes", expect=3)
    base.run("drift", expect=3)
    base.run("plan", "--out", base.plan_file, expect=3)
    base.run("apply", base.plan_file)
    base.run("plan", "--detailed-exitcode")
    base.run("destroy", "--yes")


def _set_back(path: Path) -> None:
    """As if the last commit had been at a position that the database has not reached."""
    document = json.loads(path.read_text())
    document["target"]["lsn"] = "FFFFFF/0"
    path.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
