"""Others grant and revoke on the same tables all the time: what they do on other rows of the lists makes no plan stale."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
import pytest

from pgplan.errors import PgplanError
from tests.apply.world import World

TABLES = 30
SESSIONS = 3
APPLIES = 10
BLOCKS = """
[role.{u}_app]
[[grant]]
to = "{u}_app"
on = {{ tables_in = "public" }}
privileges = {privileges}
"""


@contextmanager
def _noise(world: World, role: str) -> Generator[None]:
    """Sessions that grant and revoke without a pause, each statement a transaction of its own."""
    stop = threading.Event()

    def noise() -> None:
        with psycopg.connect(world.url, autocommit=True) as connection:
            for number, verb in itertools.cycle(
                itertools.product(range(TABLES), (f"GRANT UPDATE ON t{{}} TO {role}", f"REVOKE UPDATE ON t{{}} FROM {role}"))
            ):
                if stop.is_set():
                    return
                try:
                    connection.execute(verb.format(number).encode())
                except psycopg.errors.InternalError_ as error:
                    assert "tuple concurrently updated" in str(error)  # noqa: PT017 any other would be news

    threads = [threading.Thread(target=noise) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.enough(14, 18)
def test_nine_of_ten_get_through(world: World, unique: str) -> None:
    world.execute(f"CREATE ROLE {unique}_noise", *(f"CREATE TABLE t{number} ()" for number in range(TABLES)))
    refused: list[str] = []
    with _noise(world, f"{unique}_noise"):
        for number in range(APPLIES):
            privileges = '["SELECT", "INSERT"]' if number % 2 else '["SELECT"]'
            plan = world.declare(BLOCKS.format(u=unique, privileges=privileges)).plan()
            try:
                world.apply(plan)
            except PgplanError as error:
                refused.append(str(error))
    assert len(refused) <= APPLIES // 10, refused


def test_giving_up_says_why(world: World, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgplan.database.attempt.LONGEST_PAUSE", 0)
    world.execute("CREATE TABLE t0 ()")
    world.declare(f"[role.{unique}_app]").apply()
    plan = world.declare(BLOCKS.format(u=unique, privileges='["SELECT"]')).plan()

    def somebody(at: str) -> None:
        if at == "compared":
            _hold(world, f"{unique}_app")

    with pytest.raises(PgplanError) as raised:
        # In each attempt somebody has changed the row just before the steps, and commits once pgplan waits for it.
        world.apply(plan, checkpoint=somebody)
    assert "in each of 8 attempts" in str(raised.value)
    assert "tuple concurrently updated" in str(raised.value)


def _hold(world: World, role: str) -> None:
    """Change the row of t0, and commit a moment after this returned."""
    connection = psycopg.connect(world.url)
    connection.execute(f"GRANT UPDATE ON t0 TO {role}".encode())

    def commit() -> None:
        with psycopg.connect(world.url, autocommit=True) as other:
            waiting = (
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
            )
            while other.execute(waiting).fetchone() != (True,):
                pass
        connection.commit()
        connection.close()

    threading.Thread(target=commit).start()
