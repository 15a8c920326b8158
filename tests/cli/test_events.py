"""--events FILE: what happened, for whoever runs pgplan from a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.project import Project

TEXT = """
[pgplan]
name = "{0}"
[connection]
url = "${{env.DATABASE_URL}}"
[variables.p]
type = "string"
sensitive = true
[role.{0}_app]
password = "${{var.p}}"
"""


def _events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_command_appends_what_happened(project: Project, unique: str) -> None:
    project.write(TEXT.format(unique))
    path = project.directory / "events.ndjson"
    for command in (["plan", "--out", project.plan_file], ["apply", project.plan_file], ["drift"], ["destroy", "--yes"]):
        project.run("--var", "p=hunter2", "--events", "events.ndjson", *command)
    heard = _events(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [event["event"] for event in heard if event["event"] in ("planned", "committed")] == ["planned", "committed"] * 2
    assert next(event for event in heard if event["event"] == "ran")["total"] == 2  # with a statement of the password alone
    assert all(event["at"].endswith("+00:00") and event["text"] for event in heard)
    assert "hunter2" not in path.read_text()


def test_a_file_that_cannot_be_opened_stops_before_anything_happens(project: Project, unique: str) -> None:
    project.write(TEXT.format(unique))
    result = project.run("apply", "--yes", "--var", "p=hunter2", "--events", "missing/events", expect=1)
    assert "events cannot be written to missing/events: No such file or directory" in result.err
    assert project.run("state", "list").out == ""


def test_a_file_that_is_full_stops_nothing(project: Project, unique: str) -> None:
    project.write(TEXT.format(unique))
    result = project.run("apply", "--yes", "--var", "p=hunter2", "--events", "/dev/full")
    assert "Apply complete!" in result.out
    assert "Some events could not be written to /dev/full: No space left on device" in result.err
    project.run("destroy", "--yes", "--var", "p=hunter2")
