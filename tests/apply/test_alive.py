"""However long pgplan computes between BEGIN and COMMIT, the server does not end the transaction for idling."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest

from pgplan.database import alive, attempt, commit, pending, phases, read, transaction
from pgplan.errors import PgplanError
from pgplan_backends.local import LocalBackend
from tests.apply.world import World, schema_blocks

pytestmark = pytest.mark.enough(18)

IDLE = 300
"""Milliseconds: less than what is slow here takes, and enough for what is not."""
SLOW = 0.5
BEFORE, AFTER = {"s_a": "one", "s_c": "three"}, {"s_a": "two", "s_b": "new"}
PLACES: Sequence[tuple[Any, str]] = (
    (read, "part_of"),
    (attempt, "stale"),
    (attempt, "unfulfilled"),
    (phases, "with_found"),
    (commit, "pending"),
    (pending, "noted"),
    (commit, "pending_line"),
    (LocalBackend, "write"),
)


def slow(real: Callable[..., Any]) -> Callable[..., Any]:
    """Slow the first time."""
    left = [SLOW]

    def called(*arguments: Any, **named: Any) -> Any:
        end = time.monotonic() + (left.pop() if left else 0)
        while time.monotonic() < end:  # computing: it does not hand the interpreter over by itself
            pass
        return real(*arguments, **named)

    return called


def test_a_large_plan_is_applied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.declare(schema_blocks(BEFORE)).apply()
    plan = world.declare(schema_blocks(AFTER)).plan()
    monkeypatch.setitem(transaction.LIMITS, "idle_in_transaction_session_timeout", IDLE)
    for module, name in PLACES:
        monkeypatch.setattr(module, name, slow(getattr(module, name)))
    world.apply(plan)
    assert world.schemas() == AFTER
    world.assert_consistent()
    assert not world.plan().pending_changes


def test_what_hangs_is_ended_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a store that never answers would keep every lock for ever."""
    plan = world.declare(schema_blocks(AFTER)).plan()
    monkeypatch.setitem(transaction.LIMITS, "idle_in_transaction_session_timeout", IDLE)
    monkeypatch.setattr(alive, "LONGEST", IDLE / 1000)
    monkeypatch.setattr(commit, "pending", slow(slow(pending.pending)))
    with pytest.raises(PgplanError, match=r"(?s)COMMIT failed.*everything was rolled back"):
        world.apply(plan)
    assert world.schemas() == {}
    world.assert_consistent()


def test_who_says_nothing_is_ended_after_a_pipeline_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogs are read in one; a process that freezes then must not hold its locks until it wakes up."""
    monkeypatch.setitem(transaction.LIMITS, "idle_in_transaction_session_timeout", IDLE)
    with world.declare("").opened() as run:
        transaction.begin(run.connection, world.name)
        read.read_now(run.connection, run.registry, ["schema"])
        time.sleep(2 * IDLE / 1000)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            run.connection.execute("SELECT 1")


def test_what_can_be_made_before_the_transaction_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The books but for OIDs, the digests of secrets, and the text of the state as it is."""
    world.declare(schema_blocks(BEFORE)).apply()
    plan = world.declare(schema_blocks(AFTER)).plan()
    seen: list[str] = []
    made: list[str] = []

    def noting(module: Any, name: str) -> None:
        real = getattr(module, name)

        def called(*arguments: Any, **named: Any) -> Any:
            made.append(seen[-1])
            return real(*arguments, **named)

        monkeypatch.setattr(module, name, called)

    noting(phases, "books")
    noting(phases, "record_secrets")
    noting(phases, "lines")
    world.apply(plan, checkpoint=seen.append)
    assert made == ["locked"] * 3
