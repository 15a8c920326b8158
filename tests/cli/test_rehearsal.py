"""pgplan plan --rehearse: what it prints, what it saves, and what it does not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

TEXT = """[pgplan]
name = "{0}"

[connection]
url = "${{env.DATABASE_URL}}"

[extension.postgres_fdw]

[server.s]
fdw = "postgres_fdw"
options = {{ host = "h" }}

[role.{0}]
"""


@pytest.fixture
def base(project: Project, unique: str) -> Project:
    project.write(TEXT.format(unique))
    return project


def _left(project: Project, server: Server, unique: str) -> object:
    roles = server.rows(f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{unique}%'")
    files = sorted(str(path) for path in project.directory.rglob("*") if path.name != "events")
    return roles, server.rows("SELECT 1 FROM pg_extension WHERE extname <> 'plpgsql'", f"{unique}_db"), files


def test_a_plan_that_was_rehearsed_says_so_and_is_the_same_plan(base: Project, server: Server, unique: str) -> None:
    before = _left(base, server, unique)
    shown = base.run("--events", "events", "plan", "--rehearse", "--detailed-exitcode", expect=2)
    assert _left(base, server, unique) == before
    assert "Note: rehearsed: 5 statements were run as postgres, compared with the plan, and rolled back\n" in shown.out
    heard = [json.loads(line) for line in (base.directory / "events").read_text().splitlines()]
    assert [event["text"] for event in heard if event["event"] == "ran"] == ["Rehearsing: 5 of 5 statements"]
    assert [event["phase"] for event in heard if event["event"] == "began"][-2:] == ["plan", "rehearsal"]
    plain = json.loads(base.run("plan", "--format", "json").out)
    saved = json.loads(base.run("plan", "--rehearse", "--out", base.plan_file, "--format", "json").out)
    assert (plain["rehearsed"], saved["rehearsed"], saved["digest"]) == (False, True, plain["digest"])
    with zipfile.ZipFile(base.plan_file) as file:
        assert json.loads(file.read("manifest.json"))["remarks"]["rehearsed"] is True
    assert "Note: rehearsed: 5 statements" in base.run("show", base.plan_file).out
    base.run("apply", base.plan_file)
    assert "rehearsed" not in base.run("plan", "--rehearse").out
    assert "Note: rehearsed: " in base.run("plan", "--rehearse", "--destroy").out
    base.run("destroy", "--yes")


def test_what_only_the_server_knows_is_found_and_nothing_is_saved(base: Project, server: Server, unique: str) -> None:
    server.refuse("CREATE SERVER", f"{unique}_db")
    before = _left(base, server, unique)
    base.run("plan")
    result = base.run("plan", "--rehearse", "--out", base.plan_file, expect=1)
    assert result.out == ""
    assert result.err.startswith(
        "Error: the plan was rehearsed, and apply would fail\n  nothing was changed, and no plan was made\n"
    )
    assert "Error: pgplan.toml:9: server.s: step 3 of 3 failed: CREATE SERVER is refused here" in result.err
    assert 'statement: CREATE SERVER "s" FOREIGN DATA WRAPPER "postgres_fdw"' in result.err
    assert not Path(base.plan_file).exists()
    assert _left(base, server, unique) == before
    assert (
        "Error: pgplan.toml:9: server.s: step 3 of 3 failed: CREATE SERVER is refused here"
        in base.run("apply", "--yes", expect=1).err
    )
