"""An open transaction that does not idle while its client computes.

The server ends a session that says nothing for idle_in_transaction_session_timeout, so that a frozen process cannot wake up and
commit. A large plan computes for longer than that. A frozen process says nothing in any thread.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

from pgplan.database.connection import Session

LONGEST = 900.0
"""Seconds after which the server may end it all the same: whoever hangs must not hold locks for ever."""


@contextmanager
def kept_alive(connection: Session, *, after_pipeline: bool = False) -> Generator[None]:
    """Say something now and then in the open transaction, while the body computes, or stores something elsewhere.

    The body may run statements, but neither a pipeline nor a COPY, and does not end the transaction. That the connection is lost
    its own next statement finds out. `after_pipeline`: say something at once. The flush that psycopg asks for at the end of a
    pipeline is a message to the server, which stops its clock and does not start it again.
    """
    if not connection.idle_limit:
        yield
        return
    done = Event()

    def beat() -> None:
        until = time.monotonic() + LONGEST
        pause = 0.0 if after_pipeline else connection.idle_limit / 3
        while not done.wait(pause) and time.monotonic() < until:
            pause = connection.idle_limit / 3
            try:
                connection.execute("SELECT 1")
            except psycopg.Error:
                return

    thread = Thread(target=beat, name="pgplan-alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
