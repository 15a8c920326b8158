"""A process that applies a plan and kills or freezes itself after one numbered step."""

from __future__ import annotations

import json
import os
import signal
import sys
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


def main(directory: str, url: str, action: str, at: str, idle: str, unlocked: str) -> int:
    transaction.LIMITS["idle_in_transaction_session_timeout"] = int(idle)

    def checkpoint(name: str) -> None:
        if name == at:
            print("reached", flush=True)
            os.kill(os.getpid(), SIGNALS[action])

    plan, about = planfile.read(Path(directory) / "plan.bin")
    with workflow.opened(offline.Request(Path(directory), url=url)) as run:
        store = StateStore(Unlocked(run.store.backend), run.store.name) if unlocked == "unlocked" else run.store
        try:
            apply(
                plan,
                about.remarks,
                run.connection,
                store,
                run.registry,
                run.secrets(),
                connect=run.connect,
                directory=Path(directory),
                checkpoint=checkpoint,
            )
        except PgplanError as error:
            print(json.dumps({"code": int(error.exit_code), "message": str(error)}))
            return int(error.exit_code)
    print("done")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
