"""How long state and plan file of N objects (default 20,000) take: ``python -m tests.benchmarks.files [N]``.

Processor seconds, then seconds of wall-clock, which hold the flush to disk.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pgplan import planfile
from pgplan.state.model import Entry, State
from pgplan.state.store import StateStore, content_hash
from pgplan_backends.local import LocalBackend
from tests.planfile.plans import REMARKS, plan

T = TypeVar("T")


def timed(label: str, work: Callable[[], T]) -> T:
    processor, wall = time.process_time(), time.perf_counter()
    result = work()
    print(f"{label:<14}{time.process_time() - processor:6.3f} s {time.perf_counter() - wall:6.3f} s")
    return result


def role(number: int) -> Entry:
    switches = dict.fromkeys(("superuser", "createdb", "createrole", "login", "inherit", "replication", "bypassrls"), False)
    spec = {**switches, "connection_limit": -1, "comment": None, "valid_until": None, "config": {"search_path": "a, b"}}
    return Entry(f"role.user_{number:06}", "", 16384 + number, spec, ("schema.billing",))


def main() -> None:
    gc.disable()  # as the command line does
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    state = State("benchmark", "lineage", 1, entries=tuple(role(number) for number in range(count)))
    large = plan(count)
    with tempfile.TemporaryDirectory() as directory:
        store = StateStore(LocalBackend({}, Path(directory)))
        timed("state save", lambda: store.save(state, None))
        loaded, _ = timed("state load", store.load)
        assert loaded is not None
        timed("state hash", lambda: content_hash(loaded))
        path = Path(directory) / "plan.bin"
        about = planfile.manifest(large, REMARKS, (), datetime.now(UTC))
        timed("plan digest", lambda: planfile.digest(large))
        timed("plan write", lambda: planfile.write(path, large, about))
        timed("plan read", lambda: planfile.read(path))
        for file in sorted(Path(directory).rglob("*")):
            if file.is_file() and file.stat().st_size:
                print(f"{file.name:<14}{file.stat().st_size / 1e6:6.1f} MB")


if __name__ == "__main__":
    main()
