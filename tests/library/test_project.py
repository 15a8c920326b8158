"""`import pgplan`: what the command line stands on, as another program uses it."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

import pgplan
from pgplan import events
from tests.project import Project
from tests.servers import Server

TEXT = """
[pgplan]
name = "t"
[connection]
url = "${{env.DATABASE_URL}}"
[variables.p]
type = "string"
sensitive = true
[role.{0}_app]
password = "${{var.p}}"
[extension.postgres_fdw]
[server.s]
fdw = "postgres_fdw"
[[user_mapping]]
server = "s"
user = "{0}_app"
options = {{ password = "${{var.p}}" }}
"""


@pytest.fixture
def directory(tmp_path: Path, unique: str) -> Path:
    (tmp_path / "pgplan.toml").write_text(TEXT.format(unique))
    return tmp_path


def opened(directory: Path, url: str, secret: str = "p", **more: Any) -> pgplan.Project:
    return pgplan.open(directory, variables={"p": secret}, environment={"DATABASE_URL": url}, **more)


def test_a_whole_round(directory: Path, database: str) -> None:
    with opened(directory, database) as project:
        assert project.validate() == 4
        assert project.state().entries == ()
        plan = project.plan()
        assert plan.changes[0].address == "extension.postgres_fdw"
        assert plan.document()["digest"] == plan.digest
        plan.save(directory / "plan.bin")
        applied = project.apply(plan)
        assert (applied.state.serial, project.state().serial) == (1, 1)
        assert project.plan().changes == ()
        assert (project.drift().changes, project.drift().compared) == ((), 4)
        with pytest.raises(pgplan.StaleError):
            project.apply(pgplan.load(directory / "plan.bin"))
        project.plan(destroy=True).save(directory / "plan.bin")
        loaded = pgplan.load(directory / "plan.bin")
        with pytest.raises(pgplan.StaleError, match="say --destroy"):
            project.apply(loaded)
        project.apply(loaded, destroy=True, expect_digest=loaded.digest)
        assert project.state().entries == ()


def test_the_command_line_and_the_library_share_everything(directory: Path, database: str) -> None:
    line = Project(directory, database, environment={"PGPLAN_VAR_p": "p"})
    line.run("plan", "--out", line.plan_file)
    with opened(directory, database) as project:
        assert project.plan().digest == pgplan.load(line.plan_file).digest
        project.apply(pgplan.load(line.plan_file))
        shown = json.loads(line.run("plan", "--format", "json").out)
        assert shown == project.plan().document()
    line.run("destroy", "--yes")


def test_events(directory: Path, database: str) -> None:
    heard: list[events.Event] = []
    with opened(directory, database, on_event=heard.append) as project:
        plan = project.plan()
        phases = [event.phase for event in heard if isinstance(event, events.Began)]
        assert phases == ["configuration", "connection", "state", "catalogs", "plan"]
        assert heard[-1] == events.Planned(plan.digest, 4)
        heard.clear()
        own: list[events.Event] = []
        applied = project.apply(plan, on_event=own.append)
        assert heard == []
        assert own[0] == events.Began("apply")
        ran = [event for event in own if isinstance(event, events.Ran)]
        assert ran[-1].done == ran[-1].total > 3
        assert own[-1] == events.Committed(plan.digest, 4, applied.state.serial)
        assert all(events.document(event)["text"] for event in own)
        project.apply(project.plan(destroy=True))


def test_a_listener_that_raises_before_commit_undoes_everything(directory: Path, database: str) -> None:
    class StopError(Exception):
        pass

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Ran):
            raise StopError

    with opened(directory, database) as project:
        plan = project.plan()
        with pytest.raises(StopError):
            project.apply(plan, on_event=stop)
        assert project.state().entries == ()
        assert [change.address for change in project.plan().changes] == [change.address for change in plan.changes]
        project.apply(plan)
        project.apply(project.plan(destroy=True))


def test_a_lost_connection_is_made_anew(directory: Path, database: str, server: Server) -> None:
    with opened(directory, database) as project:
        plan = project.plan()
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgplan t'")
        with pytest.raises(pgplan.PgplanError):
            project.plan()
        assert project.plan().digest == plan.digest


def test_a_project_that_was_closed_is_not_used_again(directory: Path, database: str) -> None:
    with opened(directory, database) as project:
        plan = project.plan()
    for use in (project.plan, project.drift, project.state, lambda: project.apply(plan)):
        with pytest.raises(pgplan.PgplanError, match="is closed"):
            use()


def test_a_plan_of_a_closed_project_is_made_again(directory: Path, database: str) -> None:
    with opened(directory, database) as project:
        plan = project.plan()
    with opened(directory, database) as project:
        project.apply(plan)
        project.apply(project.plan(destroy=True))


def test_nothing_of_a_secret_outlives_the_project(directory: Path, database: str) -> None:
    marker = "-".join(("a", "marker", str(len(database))))  # no constant of this module
    heard: list[events.Event] = []
    with opened(directory, database, marker, on_event=heard.append) as project:
        plan = project.plan()
        kept = project.apply(plan), project.drift(), project.state(), project.plan(), plan
        assert _holding(marker)
    assert _holding(marker) == []
    assert len(kept) == 5
    with opened(directory, database, marker) as project:
        project.apply(project.plan(destroy=True))


def _holding(marker: str) -> list[Any]:
    """Everything alive that holds the text, but for the frames and variables of this test."""
    gc.collect()
    found: list[Any] = []
    for one in gc.get_objects():
        if isinstance(one, (FrameType, ModuleType)) or one is found:
            continue
        for held in gc.get_referents(one):
            text = held.decode(errors="replace") if isinstance(held, bytes) else held
            if isinstance(text, str) and marker in text:
                found.append((type(one), str(one)[:200]))
    return found


def test_every_name_that_is_offered_is_there() -> None:
    for name in pgplan.__all__:
        assert getattr(pgplan, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'plam'"):
        pgplan.plam  # noqa: B018
