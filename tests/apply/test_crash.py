"""Processes and servers that die or freeze between two numbered steps: the next run recovers, losing and inventing nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from attrs import evolve

from pgplan.database.apply import CHECKPOINTS
from pgplan.errors import Exit, LockedError, StaleError
from pgplan.plan.model import Plan
from tests.apply.child import Child, child
from tests.apply.world import World, schema_blocks
from tests.servers import Server, versions

# Before 17 a second connection flushes: what depends on that says so.
pytestmark = pytest.mark.enough(18)

BEFORE = {"s_gone": "old", "s_kept": "old"}
AFTER = {"s_kept": "new", "s_new": "new"}


def applying(
    world: World, plan: Plan, action: str, at: str, *, idle: int = 30_000, locked: bool = True
) -> AbstractContextManager[Child]:
    """A process that applies `plan` and has come to the checkpoint `at`."""
    world.save(plan)
    return child(world.directory, world.url, action, at, idle=idle, locked=locked)


def planned(world: World) -> Plan:
    """A plan that creates, alters and drops, on top of a first apply."""
    world.declare(schema_blocks(BEFORE)).apply()
    plan = world.declare(schema_blocks(AFTER)).plan()
    assert sorted(change.action for change in plan.changes) == ["create", "delete", "update"]
    return plan


@pytest.mark.parametrize("at", CHECKPOINTS)
def test_killed_after_any_step(world: World, at: str) -> None:
    plan = planned(world)
    with applying(world, plan, "kill", at) as process:
        assert process.wait() == -signal.SIGKILL
    committed = at in ("committed", "recorded")
    if committed:
        with pytest.raises(StaleError, match="serial"):
            world.apply(plan)
    else:
        assert world.apply(plan).recovered is (False if at == "noted" else None)
    assert world.schemas() == AFTER
    world.assert_consistent()
    assert [t.address for t in world.apply().state.tombstones] == ["schema.s_gone"]
    assert not world.plan().pending_changes


@pytest.mark.enough(16, 18)
@pytest.mark.parametrize("at", ["noted", "committed"])
def test_killed_in_the_very_first_apply(world: World, at: str) -> None:
    plan = world.declare(schema_blocks({"s_a": "one"})).plan()
    with applying(world, plan, "kill", at) as process:
        process.wait()
    if at == "committed":
        assert world.resolve().committed
        assert not world.plan().pending_changes
    else:
        assert world.apply(plan).recovered is False
    assert world.schemas() == {"s_a": "one"}
    world.assert_consistent()


@pytest.fixture(params=versions(), ids=lambda version: f"pg{version}")
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A server of its own, to be crashed."""
    running = Server(request.param, settings={"autovacuum": "off"}, durable=True).create()
    yield World(running, tmp_path, "postgres")
    running.destroy()


def crash_and_let_strangers_in(own: World) -> None:
    own.server.stop("immediate")
    own.server.start()
    for number in range(20):
        own.execute(f"CREATE TABLE stranger_{number} ()")


@pytest.mark.enough(16, 18)
def test_server_crashes_between_pending_and_commit(own: World) -> None:
    """A transaction number that was not flushed would be given to a stranger now, whose commit is not ours."""
    plan = planned(own)
    with applying(own, plan, "stop", "noted") as process:
        crash_and_let_strangers_in(own)
        process.send_signal(signal.SIGKILL)
    state = own.state()
    assert state is not None
    assert state.pending is not None
    assert own.rows(f"SELECT pg_xact_status('{state.pending.xid}')") == [("aborted",)]
    assert own.resolve().committed is False
    assert own.schemas() == BEFORE
    own.assert_consistent()
    own.apply(plan)
    assert own.schemas() == AFTER
    own.assert_consistent()


@pytest.mark.enough(16, 18)
def test_server_crashes_after_commit(own: World) -> None:
    plan = planned(own)
    with applying(own, plan, "stop", "committed") as process:
        crash_and_let_strangers_in(own)
        process.send_signal(signal.SIGKILL)
    assert own.resolve().committed is True
    assert own.schemas() == AFTER
    own.assert_consistent()
    assert not own.plan().pending_changes


@pytest.mark.enough(16, 18)
def test_what_is_found_wins_over_a_number_that_lies(own: World) -> None:
    """The same crash, of a server whose number was not flushed: what pg_xact_status says of it is a stranger's outcome."""
    plan = planned(own)
    with applying(own, plan, "stop", "noted") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        xid = own.rows("SELECT (pg_current_xact_id()::text::int8 - 1)::text")[0][0]
        own.execute("CREATE TABLE stranger ()")
        stranger = str(int(xid) + 2)
        assert own.rows(f"SELECT pg_xact_status('{stranger}')") == [("committed",)]
        with own.opened() as run:
            state, version = run.store.load()
            assert state is not None
            assert state.pending is not None
            run.store.save(evolve(state, pending=evolve(state.pending, xid=stranger)), version)
    assert own.resolve().committed is False
    assert own.schemas() == BEFORE
    own.assert_consistent()


def test_frozen_between_pending_and_commit(world: World) -> None:
    """The process holds the state's lock and the database's; when it wakes up it finishes its own books."""
    plan = planned(world)
    with applying(world, plan, "stop", "noted") as process:
        with pytest.raises(LockedError, match=f"process {process.pid}") as locked:
            world.apply(plan)
        assert locked.value.exit_code == Exit.LOCKED
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0
    assert world.schemas() == AFTER
    world.assert_consistent()


def backend_of(world: World) -> int:
    rows = world.rows("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgplan%' AND state = 'idle in transaction'")
    assert len(rows) == 1
    return int(rows[0][0])


def test_frozen_without_the_states_lock(world: World) -> None:
    """A lease that ran out: the database's lock still keeps others from acting, and names the backend."""
    plan = planned(world)
    with applying(world, plan, "stop", "noted", locked=False) as process:
        pid = backend_of(world)
        with pytest.raises(LockedError, match=rf"SELECT pg_terminate_backend\({pid}\)") as locked:
            world.apply(plan, wait=0.3)
        assert locked.value.exit_code == Exit.LOCKED
        state = world.state()
        assert state is not None
        assert state.pending is not None
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0
    assert world.schemas() == AFTER
    world.assert_consistent()


def test_terminated_while_frozen(world: World) -> None:
    """As the message advises: end the backend and run again. What wakes up finds its transaction gone, and touches nothing."""
    plan = planned(world)
    with applying(world, plan, "stop", "noted", locked=False) as process:
        world.execute(f"SELECT pg_terminate_backend({backend_of(world)}, 5000)")
        assert world.apply(plan).recovered is False
        after = world.state()
        process.send_signal(signal.SIGCONT)
        assert process.wait() == Exit.ERROR
        assert "another run has found out meanwhile how it ended" in process.told.recv()
    assert world.schemas() == AFTER
    assert world.state() == after
    world.assert_consistent()


def test_frozen_for_longer_than_the_limit(world: World) -> None:
    """A frozen process cannot wake up and commit: its backend is ended first, and another run goes on."""
    plan = planned(world)
    with applying(world, plan, "stop", "noted", idle=300, locked=False) as process:
        deadline = time.monotonic() + 10
        while world.rows("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'pgplan%'") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert world.resolve(wait=0.1).committed is False
        assert world.schemas() == BEFORE
        process.send_signal(signal.SIGCONT)
        assert process.wait() not in (0, None)
    assert world.schemas() == BEFORE
    world.assert_consistent()
    world.apply(plan)
    assert world.schemas() == AFTER


def test_commit_that_waits_for_a_standby(own: World) -> None:
    """Its client is gone, and nobody may act until it is over. Ending the backend as advised makes it committed."""
    plan = planned(own)
    with applying(own, plan, "stop", "noted") as process:
        own.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
        pid = backend_of(own)
        process.send_signal(signal.SIGCONT)
        waits = f"SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}"
        deadline = time.monotonic() + 10
        while own.rows(waits) != [("SyncRep",)] and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    with pytest.raises(LockedError, match=rf"SELECT pg_terminate_backend\({pid}\)"):
        own.apply(plan, wait=0.3)
    own.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    assert own.resolve().committed is True
    assert own.schemas() == AFTER
    own.assert_consistent()
