"""The transaction that apply and recovery work in: who may run, with which limits, and what makes its number last.

https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import psycopg
from attrs import frozen
from psycopg.pq import TransactionStatus

from pgplan.database.connection import Session, pin_local, refuse_recovery
from pgplan.database.scrub import server_error
from pgplan.errors import LockedError, PgplanError, Problem
from pgplan.patience import take


class Connect(Protocol):
    """Another connection to the same server as the same role: to the same database, or to another one."""

    def __call__(self, database: str = "", *, apart: bool = False) -> Session:
        """`apart`: in autocommit."""
        ...


LOCK_CLASS = 0x7067706C
"""First half of the advisory lock's key: "pgpl" in ASCII, 1885827180 in pg_locks.classid."""
LIMITS = {
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 30_000,
    "transaction_timeout": 900_000,
}
"""In milliseconds. A client that freezes for longer than the second cannot wake up and commit: its backend is gone by then.
The third exists from PostgreSQL 17."""
KEEPALIVES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
FLUSHING_MESSAGES = 170000
"""From this version on, a message can be flushed without a commit."""
WAIT = 10.0
"""Seconds to wait for another run's advisory lock."""

_CURRENT = "SELECT name, setting::int8 AS value FROM pg_catalog.pg_settings WHERE name = ANY (%s)"
_SET_LOCAL = """
SELECT pg_catalog.set_config(name, value, true)
  FROM unnest(%s::text[], %s::text[]) AS s (name, value)
"""
_HOLDER = """
SELECT l.pid, a.application_name, a.usename::text AS role, a.state
  FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND l.classid = %s::oid AND l.objid = %s::oid
"""


def lock_key(name: str) -> tuple[int, int]:
    """Key of the advisory lock of the configuration `name`: LOCK_CLASS, and the first four bytes of the name's SHA-256.

    Two names with the same key only wait for each other. Advisory locks are per database.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return LOCK_CLASS, int.from_bytes(digest[:4], signed=True)


NO_MORE: Mapping[str, int] = {}


def begin(connection: Session, name: str, *, wait: float = WAIT, at_most: Mapping[str, int] = NO_MORE) -> None:
    """Begin a READ COMMITTED transaction that holds the advisory lock of configuration `name`, waiting up to `wait` seconds.

    `at_most` are limits of the transaction that are stricter than LIMITS and than what the session asks for, by their names.

    Raises LockedError (exit code 4), which names the backend that holds it, and PgplanError when the server is a standby.
    """
    take(lambda seconds: _begin(connection, name, seconds, at_most), wait, connection.tell)


def _begin(connection: Session, name: str, wait: float, at_most: Mapping[str, int]) -> None:
    end(connection)
    pin_local(connection)
    refuse_recovery(connection)
    limits = _limits(connection, at_most)
    _set_local(connection, {"lock_timeout": str(max(1, round(wait * 1000)))})
    try:
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s, %s)", lock_key(name))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        # The latter where the session's statement_timeout is shorter.
        connection.rollback()
        raise _locked(connection, name) from None
    _set_local(connection, {**KEEPALIVES, "synchronous_commit": "on", **limits})
    connection.idle_limit = int(limits["idle_in_transaction_session_timeout"]) / 1000


def end(connection: Session) -> None:
    """Roll back whatever transaction is open; a lost connection has none."""
    if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
        try:
            connection.rollback()
        except psycopg.Error:
            # The connection is lost, so the server rolls back.
            connection.close()


def _set_local(connection: Session, values: dict[str, str]) -> None:
    connection.execute(_SET_LOCAL, (list(values), list(values.values())))


def _limits(connection: Session, at_most: Mapping[str, int]) -> dict[str, str]:
    """LIMITS, unless the session asks for less (0 asks for none); its own lock_timeout stands, unless `at_most` is less."""
    rows = connection.execute(_CURRENT, (list(LIMITS),)).fetchall()
    current: dict[str, int] = {row["name"]: row["value"] for row in rows}
    limits = {name: LIMITS[name] if not value else min(value, LIMITS[name]) for name, value in current.items()}
    limits["lock_timeout"] = current["lock_timeout"] or LIMITS["lock_timeout"]
    return {name: str(min(value, at_most.get(name, value))) for name, value in limits.items()}


def _locked(connection: Session, name: str) -> LockedError:
    classid, objid = lock_key(name)
    row = connection.execute(_HOLDER, (classid, objid % 2**32)).fetchone()
    connection.rollback()
    if row is None:
        return LockedError(Problem(f"the database was locked by another run of {name!r} until just now", hint="run it again"))
    who = f"process {row['pid']} ({row['application_name'] or 'unnamed'}, role {row['role']}, {row['state']})"
    hint = f"wait for it; or, if it hangs, end it with: SELECT pg_terminate_backend({row['pid']})"
    return LockedError(Problem(f"the database is locked by another run of {name!r}: {who}", hint=hint))


@frozen
class Mark:
    """What a transaction will be known by after a crash."""

    xid: str
    """xid8 as text."""
    pid: int
    lsn: str
    """Already flushed, so a server that recovers from a crash is not behind it."""


def make_last(connection: Session, run: str, connect: Connect) -> Mark:
    """Give the open transaction a number, and flush WAL so that the server never hands that number out again.

    An assigned number is otherwise forgotten in a crash, and pg_xact_status then tells of a stranger's transaction.
    """
    numbers = "SELECT pg_catalog.pg_current_xact_id()::text AS xid, pg_catalog.pg_backend_pid() AS pid"
    row = connection.execute(numbers).fetchone()
    assert row is not None
    xid, pid = str(row["xid"]), int(row["pid"])
    if connection.info.server_version >= FLUSHING_MESSAGES:
        connection.execute("SELECT pg_catalog.pg_logical_emit_message(false, 'pgplan', %s, true)", (run,))
    else:
        _flush_elsewhere(connect, run, xid, pid)
    row = connection.execute("SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS lsn").fetchone()
    assert row is not None
    return Mark(xid, pid, str(row["lsn"]))


_SEEN = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
                WHERE locktype = 'transactionid' AND granted AND pid = %s AND transactionid = %s::text::xid) AS yes
"""


def _flush_elsewhere(connect: Connect, run: str, xid: str, pid: int) -> None:
    """Before 17 only a commit flushes: a second connection commits a message, and its WAL comes after all of ours."""
    other = connect()
    try:
        pin_local(other)
        row = other.execute(_SEEN, (pid, str(int(xid) % 2**32))).fetchone()
        if row is None or not row["yes"]:
            message = "a second connection with the same settings reached another server"
            raise PgplanError(Problem(message, address="connection", hint="let url name one server, the primary"))
        _set_local(other, {"synchronous_commit": "local"})
        other.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'pgplan', %s)", (run,))
        other.commit()
    except psycopg.Error as error:
        raise server_error(error, doing="cannot flush the write-ahead log", address="connection") from None
    finally:
        other.close()
