"""A process that applies a plan and kills or freezes itself after one numbered step.

It is forked from one that has imported everything, which takes longer than all that such a process does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from attrs import frozen

from pgplan import offline, planfile, workflow
from pgplan.database import transaction
from pgplan.database.apply import apply
from pgplan.errors import PgplanError
from pgplan.state.backend import Backend, Stored
from pgplan.state.store import StateStore

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class FreeLock:
    def release(self) -> None:
        """Nothing is held."""


@frozen
class Unlocked:
    """A backend whose lock is like a lease that has run out: anybody may have it."""

    backend: Backend

    @property
    def location(self) -> str:
        return self.backend.location

    def read(self) -> Stored | None:
        return self.backend.read()

    def write(self, data: bytes, expected: str | None) -> str:
        return self.backend.write(data, expected)

    def lock(self, holder: str, timeout: float) -> FreeLock:
        del holder, timeout
        return FreeLock()


def run(tell: Connection, directory: Path, url: str, action: str, at: str, idle: int, locked: bool) -> None:
    transaction.LIMITS["idle_in_transaction_session_timeout"] = idle

    def checkpoint(name: str) -> None:
        if name == at:
            tell.send("reached")
            os.kill(os.getpid(), SIGNALS[action])

    plan, about = planfile.read(directory / "plan.bin")
    with workflow.opened(offline.Request(directory, url=url)) as run:
        store = run.store if locked else StateStore(Unlocked(run.store.backend), run.store.name)
        try:
            apply(
                plan,
                about.remarks,
                run.connection,
                store,
                run.registry,
                run.secrets(),
                connect=run.connect,
                directory=directory,
                checkpoint=checkpoint,
            )
        except PgplanError as error:
            tell.send(str(error))
            sys.exit(int(error.exit_code))


_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload([__name__, "pgplan_postgres.provider", "pgplan_backends.local"])


@frozen
class Child:
    process: ForkServerProcess
    told: Connection

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int | None:
        """How it ended, as subprocess says; None: it has not."""
        self.process.join(10)
        return self.process.exitcode


@contextmanager
def child(directory: Path, url: str, action: str, at: str, *, idle: int, locked: bool) -> Generator[Child]:
    """A process that applies the plan in `directory` and has come to the checkpoint `at`."""
    told, tell = _FORKING.Pipe(duplex=False)
    process = _FORKING.Process(target=run, args=(tell, directory, url, action, at, idle, locked))
    process.start()
    tell.close()
    with told:
        try:
            assert told.recv() == "reached"
            yield Child(process, told)
        finally:
            process.kill()
            process.join()
            process.close()
