"""A configuration in a directory, a database, and what apply makes of them: real in every part."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from pgplan import execution, offline, planfile, workflow
from pgplan.database.apply import Applied, apply
from pgplan.database.connection import facts, reading
from pgplan.database.pending import Books
from pgplan.database.recovery import Resolved, resolve
from pgplan.errors import PgplanError
from pgplan.kind import Statement
from pgplan.plan.model import Phase, Plan, Remarks, Step
from pgplan.state.model import State
from tests.servers import Server

NOTHING_DONE = Books((), (), (), None)


@frozen
class World:
    server: Server
    directory: Path
    database: str
    user: str = "postgres"
    socket: Path | None = None
    """The directory of another socket that leads to the server."""

    @property
    def name(self) -> str:
        return f"c_{self.database}"

    @property
    def url(self) -> str:
        url = self.server.url(self.database, self.user)
        return url.replace(str(self.server.directory), str(self.socket)) if self.socket else url

    def declare(self, blocks: str) -> World:
        head = f'[pgplan]\nname = "{self.name}"\n[policy]\nexisting = "adopt"\nplaintext_secrets = "allow"\n'
        (self.directory / "pgplan.toml").write_text(head + blocks)
        return self

    @contextmanager
    def opened(self) -> Generator[workflow.Run]:
        with workflow.opened(offline.Request(self.directory, url=self.url)) as run:
            yield run

    def plan(self) -> Plan:
        with self.opened() as run:
            return workflow.make_plan(run).plan

    def apply(self, plan: Plan | None = None, **options: Any) -> Applied:
        """Apply `plan`, or plan and apply."""
        with self.opened() as run:
            plan = plan or workflow.make_plan(run).plan
            given: dict[str, Any] = {
                "remarks": self.remarks(run),
                "connect": run.connect,
                "directory": self.directory,
                "store": run.store,
                "wait": 2.0,
            }
            return apply(plan, connection=run.connection, registry=run.registry, secret_of=run.secrets(), **{**given, **options})

    def rehearse(self, plan: Plan, *, lock_timeout: float = 0, **options: Any) -> Sequence[str]:
        """What is noted of it."""
        request = offline.Request(self.directory, url=self.url, lock_timeout=lock_timeout)
        with workflow.opened(request, **options) as run:
            return execution.rehearse_plan(run, plan, self.remarks(run)).notes

    def remarks(self, run: workflow.Run) -> Remarks:
        """What a plan made now would be accompanied by, as far as apply compares it."""
        with reading(run.connection):
            return Remarks(timeline=facts(run.connection).timeline)

    def resolve(self, wait: float = 2.0) -> Resolved:
        with self.opened() as run, run.store.lock(0):
            state, version = run.store.load()
            assert state is not None
            return resolve(state, version, run.store, run.connection, run.registry, connect=run.connect, wait=wait)

    def state(self) -> State | None:
        with self.opened() as run:
            return run.store.load()[0]

    def recorded(self) -> list[str]:
        state = self.state()
        return [] if state is None else [entry.address for entry in state.entries]

    def save(self, plan: Plan) -> Path:
        path = self.directory / "plan.bin"
        with self.opened() as run:
            remarks = self.remarks(run)
        planfile.write(path, plan, planfile.manifest(plan, remarks, (), datetime.now(UTC)))
        return path

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        return self.server.rows(query, self.database)

    def execute(self, *statements: str) -> None:
        self.server.execute(*statements, database=self.database)

    def schemas(self) -> dict[str, str]:
        """Comments by name of the schemas that tests make."""
        query = "SELECT nspname, coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname LIKE 's\\_%'"
        return dict(self.rows(query))

    def assert_consistent(self) -> None:
        """Nothing is lost and nothing invented: what is recorded is there, with the OID that is recorded."""
        state = self.state()
        assert state is not None
        assert state.pending is None
        found = dict(self.rows("SELECT nspname, oid::int8 FROM pg_namespace"))
        entries = {entry.address: entry.oid for entry in state.entries if entry.address.startswith("schema.")}
        assert entries == {f"schema.{name}": found[name] for name in self.schemas()}


def with_steps(plan: Plan, *statements: str, run_as: str = "") -> Plan:
    """The plan with more statements at its end, each a step of its own."""
    steps = list(plan.steps)
    for sql in statements:
        steps.append(Step(len(steps) + 1, (plan.changes[0].address,), (Statement(sql, run_as=run_as),)))
    return only_steps(plan, *steps)


def only_steps(plan: Plan, *steps: Step) -> Plan:
    """The plan with these steps instead of its own."""
    phase = Phase(plan.observed.databases[0][0], steps)
    return evolve(plan, decided=evolve(plan.decided, phases=(phase,)))


def schema_blocks(comments: Mapping[str, str]) -> str:
    return "".join(f'[schema.{name}]\ncomment = "{comment}"\n' for name, comment in comments.items())


def refused(world: World, plan: Plan, error: type[PgplanError] = PgplanError, **options: Any) -> str:
    """Apply a plan that must not be applied; the database and the state stay as they are. What the user reads."""
    before = world.schemas(), world.state()
    with pytest.raises(error) as raised:
        world.apply(plan, **options)
    assert (world.schemas(), world.state()) == before
    return str(raised.value)


def once(action: Callable[[], object], at: str) -> Callable[[str], None]:
    """A checkpoint that does something the first time it comes to `at`."""
    left = [action]

    def checkpoint(name: str) -> None:
        if name == at and left:
            left.pop()()

    return checkpoint
