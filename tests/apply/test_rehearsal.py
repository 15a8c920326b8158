"""A rehearsal says what apply then does, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import psycopg
import pytest
from attrs import evolve

from pgplan import execution
from pgplan.database import rehearsal
from pgplan.database.transaction import begin
from pgplan.errors import Exit, LockedError, PgplanError
from pgplan.events import Event, Ran, Waiting
from pgplan.plan.model import Plan
from tests.apply.world import World, only_steps, schema_blocks, with_steps
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

ONE = {"s_a": "one"}
TWO = {"s_a": "two", 's_"b': "new"}
_LEFT = """
SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
 WHERE a.application_name LIKE 'pgplan %' AND (l.locktype = 'advisory' OR a.state <> 'idle')
"""


def left(world: World) -> object:
    """All that a rehearsal could leave."""
    state = world.directory / ".pgplan" / "state.json"
    files = sorted(path.name for path in world.directory.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    tables = world.rows("SELECT relname FROM pg_class WHERE relname LIKE 'pgplan%'")
    return world.schemas(), state.read_bytes() if state.exists() else None, files, tables, world.rows(_LEFT)


def outcome(act: Callable[[], object]) -> PgplanError | None:
    try:
        act()
    except PgplanError as error:
        return error
    return None


def as_it_is(_: World, plan: Plan) -> Plan:
    return plan


def does_nothing(_: World, plan: Plan) -> Plan:
    return only_steps(plan, *(evolve(step, statements=step.statements[:1]) for step in plan.steps[:1]))


def fails(_: World, plan: Plan) -> Plan:
    return with_steps(plan, "CREATE SCHEMA s_x", 'ALTER SCHEMA "no such" RENAME TO s_y')


def lacks_a_right(_: World, plan: Plan) -> Plan:
    return with_steps(plan, "CREATE SCHEMA s_x", run_as="pg_monitor")


def is_stale(world: World, plan: Plan) -> Plan:
    world.execute("COMMENT ON SCHEMA s_a IS 'by hand'")
    return plan


def does_half(world: World, plan: Plan) -> Plan:
    world.execute("CREATE TABLE public.t (a int)", "GRANT SELECT ON public.t TO pg_monitor WITH GRANT OPTION")
    world.execute(f"GRANT CREATE ON DATABASE {world.database} TO pg_monitor")
    return with_steps(plan, "GRANT SELECT, INSERT ON public.t TO pg_read_all_data", run_as="pg_monitor")


def is_forbidden_by_an_event_trigger(world: World, plan: Plan) -> Plan:
    world.execute(
        "CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not on Fridays'; END$$",
        "CREATE EVENT TRIGGER no ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION public.no()",
    )
    return plan


def would_fail_at_commit(world: World, plan: Plan) -> Plan:
    world.execute(
        "CREATE TABLE public.known (a int PRIMARY KEY)",
        "CREATE TABLE public.seen (a int REFERENCES public.known DEFERRABLE INITIALLY DEFERRED)",
        "CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO public.seen VALUES (1); END$$",
        "CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION public.note()",
    )
    return plan


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (as_it_is, None),
        (does_nothing, "the steps ran, but what is found after them is not what was planned"),
        (fails, 'pgplan.toml:8: schema."s_""b": step 4 of 4 failed: schema "no such" does not exist'),
        (lacks_a_right, "SQLSTATE 42501"),
        (is_stale, 'schema.s_a: comment is "by hand"; the plan found "one"'),
        (does_half, "not all privileges were granted"),
        (is_forbidden_by_an_event_trigger, "not on Fridays"),
        (would_fail_at_commit, "a constraint that is checked at COMMIT fails: insert or update on table"),
    ],
)
def test_what_a_rehearsal_says_apply_does(world: World, change: Callable[[World, Plan], Plan], said: str | None) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = change(world, world.declare(schema_blocks(TWO).replace('s_"b', '"s_\\"b"')).plan())
    before = left(world)
    rehearsed = outcome(lambda: world.rehearse(plan))
    assert left(world) == before
    with world.opened() as run:
        applied = outcome(lambda: execution.apply_plan(run, plan, world.remarks(run)))
    if said is None:
        assert (rehearsed, applied) == (None, None)
        assert world.schemas() == TWO
        return
    assert rehearsed is not None
    assert applied is not None
    assert said in str(rehearsed), rehearsed
    assert rehearsed.problems[0].message == "the plan was rehearsed, and apply would fail"
    assert (rehearsed.problems[1:], rehearsed.exit_code) == (applied.problems, applied.exit_code)


@contextmanager
def held(world: World, *statements: str) -> Generator[None]:
    with psycopg.connect(world.url) as other:
        for statement in statements:
            other.execute(statement.encode())
        yield
        other.rollback()


def test_a_lock_that_is_not_to_be_had_leaves_the_question_open(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two"})).plan()
    with held(world, "COMMENT ON SCHEMA s_a IS 'x'"):
        started = time.monotonic()
        with pytest.raises(LockedError) as raised:
            world.rehearse(plan)
        assert 0.9 < time.monotonic() - started < 4
    assert raised.value.exit_code == Exit.LOCKED
    assert "another session holds a lock" in str(raised.value)
    assert "pgplan.toml:6: schema.s_a: step 1 of 1 failed: canceling statement due to lock timeout" in str(raised.value)
    assert "statement: COMMENT ON SCHEMA" in str(raised.value)
    assert "lock_timeout in [connection]" not in str(raised.value)
    assert left(world)
    world.rehearse(plan)


def test_runs_of_one_configuration_wait_for_one_another(world: World) -> None:
    """Apply takes the same lock first of all in the database, so neither of the two can wait for the other in a circle."""
    plan = world.declare(schema_blocks(ONE)).plan()
    heard: list[Event] = []
    with world.opened() as run:
        begin(run.connection, world.name)
        with pytest.raises(LockedError, match=r"locked by another run of .*: process"):
            world.rehearse(plan)
        free = threading.Timer(2.5, run.connection.rollback)
        free.start()
        world.rehearse(plan, lock_timeout=30, tell=heard.append)
    assert any(isinstance(event, Waiting) for event in heard)
    assert [event.text for event in heard if isinstance(event, Ran)] == ["Rehearsing: 2 of 2 statements"]


SLOW = (["SELECT pg_sleep(20)"], ["SELECT 1", "SELECT pg_sleep(20)", "SELECT 2"])


@pytest.mark.parametrize("statements", SLOW, ids=["alone", "in a batch"])
def test_what_takes_too_long_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch, statements: list[str]) -> None:
    monkeypatch.setattr(rehearsal, "LONGEST", 0.5)
    plan = world.declare(schema_blocks(ONE)).plan()
    before = left(world)
    with pytest.raises(PgplanError, match=r"(?s)took longer than 0.5 s.*statement: SELECT pg_sleep.20."):
        world.rehearse(with_steps(plan, *statements))
    assert left(world) == before
    world.apply(plan)


@pytest.fixture
def _interruptible() -> Generator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.enough(18)
def test_interrupt_rolls_back(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    before = left(world)
    started = time.monotonic()
    with world.opened() as run:
        remarks = world.remarks(run)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            execution.rehearse_plan(run, with_steps(plan, "SELECT pg_sleep(20)"), remarks)
        assert time.monotonic() - started < 10
        assert left(world) == before


def test_a_session_that_asks_for_less_gets_less(world: World) -> None:
    """And what asks for more, as [connection].settings may, gets no more than a rehearsal takes."""
    plan = world.declare(schema_blocks(ONE)).plan()
    path = world.directory / "pgplan.toml"
    path.write_text(path.read_text() + '[connection]\nsettings = { lock_timeout = "1min", statement_timeout = "700ms" }\n')
    lock_timeout = "current_setting('lock_timeout')"
    shown = f"DO $$BEGIN IF {lock_timeout} <> '1s' THEN RAISE 'it waits %', {lock_timeout}; END IF; END$$"
    world.rehearse(with_steps(plan, shown))
    with pytest.raises(PgplanError, match="statement timeout"):
        world.rehearse(with_steps(plan, "SELECT pg_sleep(20)"))


def test_what_is_only_recorded_is_named(world: World) -> None:
    world.execute("CREATE SCHEMA s_a", "COMMENT ON SCHEMA s_a IS 'one'")
    notes = world.rehearse(world.declare(schema_blocks(ONE)).plan())
    assert notes == ("not rehearsed: what is adopted or forgotten, for which nothing is sent: schema.s_a",)
    assert world.state() is None


def kept(world: World, sequence: str) -> Sequence[tuple[object, ...]]:
    return world.rows(f"SELECT last_value, is_called FROM {sequence}")


def test_what_no_rollback_undoes_stays(world: World, server: Server) -> None:
    """As the help says: whoever reads this test finds out what else does."""
    assert server
    world.execute(
        "CREATE SEQUENCE public.q",
        "CREATE FUNCTION public.count() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('public.q'); END$$",
        "CREATE EVENT TRIGGER count ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION public.count()",
    )
    world.rehearse(world.declare(schema_blocks(ONE)).plan())
    assert kept(world, "public.q") == [(1, True)]
