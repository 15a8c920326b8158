"""What every backend promises (pgplan.state.backend), with real processes."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import pytest

from pgplan.errors import Exit, LockedError
from pgplan.state.backend import ConflictError
from tests.state.conftest import Open

SPAWN = get_context("spawn")


def start(target: Callable[..., None], *arguments: Any) -> tuple[SpawnProcess, Connection]:
    """A process and the pipe on which it says how far it is."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def kill(process: SpawnProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_nothing_is_stored_at_first(place: Open) -> None:
    assert place().read() is None


def test_read_gives_what_was_written_and_its_version(place: Open) -> None:
    first = place().write(b"one", None)
    second = place().write(b"two", first)
    stored = place().read()
    assert stored is not None
    assert (stored.data, stored.version) == (b"two", second)
    assert first != second


def test_any_bytes_are_kept(place: Open) -> None:
    data = bytes(range(256)) * 4096
    place().write(data, None)
    stored = place().read()
    assert stored is not None
    assert stored.data == data


@pytest.mark.parametrize("expected", [None, "another version"])
def test_a_write_over_another_version_is_a_conflict_and_changes_nothing(place: Open, expected: str | None) -> None:
    version = place().write(b"one", None)
    with pytest.raises(ConflictError):
        place().write(b"two", expected)
    stored = place().read()
    assert stored is not None
    assert (stored.data, stored.version) == (b"one", version)


def test_a_version_that_is_gone_is_a_conflict(place: Open) -> None:
    with pytest.raises(ConflictError):
        place().write(b"two", "a version")
    assert place().read() is None


def count_up(place: Open, times: int, pipe: Connection) -> None:
    """Add one `times` times by compare-and-swap. A total that is written twice would lose an addition."""
    conflicts = 0
    backend = place()
    pipe.send("ready")
    pipe.recv()
    done = 0
    while done < times:
        stored = backend.read()
        number = int(stored.data) if stored else 0
        try:
            backend.write(str(number + 1).encode(), stored.version if stored else None)
        except ConflictError:
            conflicts += 1
        else:
            done += 1
    pipe.send(conflicts)


def test_of_racing_processes_none_loses_a_write(place: Open) -> None:
    processes, times = 4, 50
    running = [start(count_up, place, times) for _ in range(processes)]
    for _, pipe in running:
        assert pipe.recv() == "ready"
    for _, pipe in running:
        pipe.send("go")
    conflicts = sum(pipe.recv() for _, pipe in running)
    for process, _ in running:
        process.join()
        assert process.exitcode == 0
    stored = place().read()
    assert stored is not None
    assert int(stored.data) == processes * times
    assert conflicts > 0, "the processes did not meet"


def rewrite_for_ever(place: Open, size: int, pipe: Connection) -> None:
    backend = place()
    stored = backend.read()
    assert stored is not None
    version, letter = stored.version, 0
    pipe.send("ready")
    while True:
        letter = (letter + 1) % 26
        version = backend.write(bytes([97 + letter]) * size, version)


def test_a_writer_that_is_killed_leaves_the_old_bytes_or_the_new(place: Open) -> None:
    size = 3_000_000
    before = time.monotonic()
    place().write(b"a" * size, None)
    once = time.monotonic() - before
    chance = random.Random(7)
    seen: set[bytes] = set()
    for _ in range(12):
        process, pipe = start(rewrite_for_ever, place, size)
        assert pipe.recv() == "ready"
        time.sleep(chance.uniform(0, 5 * once))
        kill(process)
        stored = place().read()
        assert stored is not None
        assert len(stored.data) == size
        assert len(set(stored.data)) == 1
        seen.add(stored.data[:1])
        # The next one can write at once: nothing of the dead one is in the way.
        place().write(b"a" * size, stored.version)
    assert len(seen) > 1, "no process was killed after a write"


def hold(place: Open, holder: str, pipe: Connection) -> None:
    lock = place().lock(holder, 0)
    pipe.send("held")
    pipe.recv()
    lock.release()
    pipe.send("released")
    pipe.recv()


def test_the_lock_keeps_another_process_out_and_says_who_holds_it(place: Open) -> None:
    process, pipe = start(hold, place, "ann@host, process 7")
    assert pipe.recv() == "held"
    with pytest.raises(LockedError, match="ann@host, process 7") as caught:
        place().lock("bob", 0)
    assert caught.value.exit_code == Exit.LOCKED
    assert caught.value.problems[0].hint
    pipe.send("release")
    assert pipe.recv() == "released"
    place().lock("bob", 0).release()
    kill(process)


def test_the_lock_keeps_the_same_process_out_too(place: Open) -> None:
    lock = place().lock("ann", 0)
    with pytest.raises(LockedError, match="ann"):
        place().lock("bob", 0)
    lock.release()


def test_the_lock_of_a_killed_process_is_free(place: Open) -> None:
    process, pipe = start(hold, place, "ann")
    assert pipe.recv() == "held"
    kill(process)
    place().lock("bob", 5).release()


def test_the_holder_that_is_named_is_the_present_one(place: Open) -> None:
    place().lock("a holder with a long name, who has gone", 0).release()
    lock = place().lock("ann", 0)
    with pytest.raises(LockedError) as caught:
        place().lock("bob", 0)
    assert "locked by ann" in str(caught.value)
    assert "gone" not in str(caught.value)
    lock.release()


def release_soon(place: Open, pipe: Connection) -> None:
    lock = place().lock("ann", 0)
    pipe.send("held")
    time.sleep(0.3)
    lock.release()
    pipe.recv()


def test_waiting_for_the_lock_gets_it_when_it_is_released(place: Open) -> None:
    process, pipe = start(release_soon, place)
    assert pipe.recv() == "held"
    place().lock("bob", 30).release()
    kill(process)


def test_waiting_for_the_lock_ends(place: Open) -> None:
    lock = place().lock("ann", 0)
    before = time.monotonic()
    with pytest.raises(LockedError, match="is locked by ann"):
        place().lock("bob", 0.2)
    assert 0.2 <= time.monotonic() - before < 5
    lock.release()


def test_releasing_twice_is_no_error_and_frees_nobody_elses_lock(place: Open) -> None:
    first = place().lock("ann", 0)
    first.release()
    second = place().lock("bob", 0)
    first.release()
    with pytest.raises(LockedError, match="bob"):
        place().lock("cid", 0)
    second.release()


def test_the_lock_does_not_hinder_reading_and_writing(place: Open) -> None:
    lock = place().lock("ann", 0)
    version = place().write(b"one", None)
    place().write(b"two", version)
    lock.release()
