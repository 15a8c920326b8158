"""Apply where nobody dies and nothing stands in the way; and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from attrs import evolve

from pgplan.errors import Exit, PgplanError
from tests.apply.world import World, once, schema_blocks, with_steps

pytestmark = pytest.mark.enough(16, 18)

ONE = {"s_a": "one"}


def test_what_is_planned_is_done_and_recorded(world: World) -> None:
    plan = world.declare(schema_blocks({"s_a": "one", "s_b": "two"})).plan()
    seen: list[str] = []
    applied = world.apply(plan, checkpoint=seen.append)
    assert world.schemas() == {"s_a": "one", "s_b": "two"}
    assert [(e.address, e.origin) for e in applied.state.entries] == [("schema.s_a", "created"), ("schema.s_b", "created")]
    assert applied.state.serial == 1
    stored = world.state()
    assert stored is not None
    assert evolve(stored, nonce="") == applied.state
    world.assert_consistent()
    assert seen == ["locked", "begun", "compared", "executed", "verified", "flushed", "noted", "committed", "recorded"]
    assert not world.plan().pending_changes


def test_nothing_to_do_touches_nothing(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    before = world.state()
    world.apply()
    assert world.state() == before


def test_adopting_alone_sends_nothing(world: World) -> None:
    world.execute("CREATE SCHEMA s_a", "COMMENT ON SCHEMA s_a IS 'one'")
    plan = world.declare(schema_blocks(ONE)).plan()
    seen: list[str] = []
    applied = world.apply(plan, checkpoint=seen.append)
    assert "flushed" not in seen
    assert [(e.address, e.origin) for e in applied.state.entries] == [("schema.s_a", "adopted")]
    assert applied.state.target is not None
    world.assert_consistent()


def test_a_dropped_object_is_remembered_and_a_new_one_is_not(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    oid = world.rows("SELECT 's_a'::regnamespace::oid::int8")[0][0]
    gone = world.declare("").apply().state
    assert [(t.address, t.oid, t.serial) for t in gone.tombstones] == [("schema.s_a", oid, 2)]
    assert world.declare(schema_blocks(ONE)).apply().state.tombstones == ()


def test_secrets_are_recorded_as_digests(world: World, unique: str) -> None:
    block = f'[role.{unique}]\nlogin = true\npassword = "hunter-{{}}"\n'
    state = world.declare(block.format(1)).apply().state
    assert list(state.entries[0].secrets) == ["password"]
    assert state.secrets is not None
    assert not world.plan().pending_changes
    changed = world.declare(block.format(2)).apply().state
    assert changed.entries[0].secrets != state.entries[0].secrets
    assert changed.secrets != state.secrets
    assert not world.plan().pending_changes
    assert "hunter" not in (world.directory / ".pgplan" / "state.json").read_text()
    world.declare("").apply()


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """A shell's background jobs are started with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("at", ["locked", "begun", "compared", "executed", "verified", "flushed"])
def test_interrupt_before_the_books_are_opened(world: World, at: str) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two"})).plan()
    interrupt = once(lambda: os.kill(os.getpid(), signal.SIGINT), at)
    with pytest.raises(PgplanError, match="interrupted") as raised:
        world.apply(plan, checkpoint=interrupt)
    assert raised.value.exit_code == Exit.INTERRUPTED
    assert world.schemas() == ONE
    assert world.apply(plan).recovered is None


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("statements", [["SELECT pg_sleep(20)"], ["SELECT 1", "SELECT pg_sleep(20)", "SELECT 2"]])
def test_interrupt_while_a_statement_runs(world: World, statements: list[str]) -> None:
    plan = with_steps(world.declare(schema_blocks(ONE)).plan(), *statements)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    started = time.monotonic()
    with pytest.raises(PgplanError, match="interrupted") as raised:
        world.apply(plan, checkpoint=once(timer.start, "compared"))
    assert raised.value.exit_code == Exit.INTERRUPTED
    assert time.monotonic() - started < 10
    assert world.schemas() == {}
    assert not world.rows("SELECT 1 FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()")


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("at", ["noted", "committed"])
def test_interrupt_when_it_is_too_late(world: World, at: str) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    applied = world.apply(plan, checkpoint=once(lambda: os.kill(os.getpid(), signal.SIGINT), at))
    assert applied.interrupted
    assert world.schemas() == ONE
    world.assert_consistent()


@pytest.mark.usefixtures("_interruptible")
def test_second_interrupt_leaves_the_rest_to_the_next_run(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()

    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(PgplanError, match="the next run finds out") as raised:
        world.apply(plan, checkpoint=once(twice, "noted"))
    assert raised.value.exit_code == Exit.INTERRUPTED
    assert world.apply(plan).recovered is False
    world.assert_consistent()
