"""Finding out how a transaction ended whose COMMIT was on its way, and closing the books on it.

https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import psycopg
from attrs import frozen

from pgplan.database.connection import Session, facts
from pgplan.database.pending import noted, settled
from pgplan.database.read import read_now
from pgplan.database.scrub import server_error
from pgplan.database.stale import elsewhere
from pgplan.database.transaction import WAIT, Connect, begin, end
from pgplan.database.verify import same_image
from pgplan.errors import LockedError, PgplanError, Problem, StaleError
from pgplan.registry import Registry
from pgplan.snapshot import Facts, Snapshot
from pgplan.state.backend import ConflictError
from pgplan.state.model import Noted, Pending, State
from pgplan.state.store import StateStore

Status = Literal["committed", "aborted", "in progress", "unknown"]
Look = Literal["after", "before", "same", "neither"]
"""What is found is as after the transaction, as before it, as both (it left no visible trace), or as neither."""

SAID = ("committed", "aborted")
_POLL = 0.1

# What a number says is worthless when the server went back behind the moment at which it was noted.
_REACHED = "SELECT pg_catalog.pg_current_wal_insert_lsn() >= %s::text::pg_lsn AS yes"
_STATUS = "SELECT pg_catalog.pg_xact_status(%s::text::xid8) AS status"
_LSN = """
SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_flush_lsn()
       END::text AS lsn
"""
_BACKEND = """
SELECT pid FROM pg_catalog.pg_locks
 WHERE locktype = 'transactionid' AND granted AND mode = 'ExclusiveLock' AND transactionid = %s::text::xid
"""


@frozen
class Resolved:
    """`committed` is None when there was nothing to resolve."""

    state: State
    version: str | None
    committed: bool | None = None


def resolve(
    state: State,
    version: str | None,
    store: StateStore,
    connection: Session,
    registry: Registry,
    *,
    connect: Connect,
    wait: float = WAIT,
) -> Resolved:
    """Find out how the transaction of ``state.pending`` ended, and save the state without it.

    Holds the database's advisory lock meanwhile, so that no other run acts on the same state. `connection` is idle after; if
    the transaction was one of another database, `connect` gives a connection to that.

    Raises LockedError (exit code 4), naming the backend, while that transaction is still in progress after `wait` seconds;
    StaleError (3) when the connection leads to another database; PgplanError, keeping `pending`, when what is found is neither
    what was before nor what was to come.
    """
    if state.pending is None:
        return Resolved(state, version)
    with (
        _there(state, connection, connect) as there,
        found_out(state, there, registry, wait=wait) as (committed, after),
    ):
        try:
            return Resolved(after, store.save(after, version), committed)
        except ConflictError:
            message = "another operation changed the state while a transaction that it notes as pending was being resolved"
            raise LockedError(Problem(message, address="state", hint="run it again")) from None


@contextmanager
def _there(state: State, connection: Session, connect: Connect) -> Generator[Session]:
    """A connection to the database of the transaction that is pending."""
    pending, target = state.pending, state.target
    if pending is None or target is None or pending.database == target.databases[0][0]:
        yield connection
        return
    other = connect(pending.database)
    try:
        yield other
    finally:
        other.close()


@contextmanager
def found_out(
    state: State, connection: Session, registry: Registry, *, wait: float = WAIT, own: bool = False
) -> Generator[tuple[bool, State]]:
    """Whether the transaction of ``state.pending`` committed, and the state without it; the database's lock is held in the body.

    Where it is this run's `own`, the server's word counts before what is found: nobody restored it since, but another run
    may have acted already. Raises as `resolve` does.
    """
    pending = state.pending
    assert pending is not None
    try:
        begin(connection, state.name, wait=wait)
        known = facts(connection)
        _refuse_elsewhere(pending, known)
        status = _status(connection, pending, known, wait)
        types = {type_ for one in pending.before for type_ in registry.readers_of(one.type, one.key)}
        snapshot = read_now(connection, registry, types)
        committed = status == "committed" if own and status in SAID else verdict(status, look(pending, snapshot))
        if committed is None:
            raise _undecided(pending, status)
        yield committed, settled(state, known, flushed(connection), committed=committed)
    except psycopg.Error as error:
        raise server_error(error, doing="cannot find out how an interrupted apply ended", hint="run it again") from None
    finally:
        end(connection)


def flushed(connection: Session) -> str:
    """How far the server's WAL is on disk."""
    row = connection.execute(_LSN).fetchone()
    assert row is not None
    return str(row["lsn"])


def _refuse_elsewhere(pending: Pending, known: Facts) -> None:
    another = elsewhere(pending.system_identifier, ((pending.database, pending.database_oid),), known)
    if another:
        message = f"the state notes a transaction as pending that belongs to {another}"
        hint = "connect to the database that the state belongs to, so that pgplan can find out how that transaction ended"
        raise StaleError(Problem(message, address="connection", hint=hint))


def _status(connection: Session, pending: Pending, known: Facts, wait: float) -> Status:
    """What the server says of the transaction's number, where its word is evidence."""
    row = connection.execute(_REACHED, (pending.lsn,)).fetchone()
    if known.timeline != pending.timeline or row is None or not row["yes"]:
        return "unknown"
    deadline = time.monotonic() + wait
    while (status := _reported(connection, pending.xid)) == "in progress":
        if time.monotonic() >= deadline:
            raise _in_progress(connection, pending)
        time.sleep(_POLL)
    return status


def _reported(connection: Session, xid: str) -> Status:
    try:
        with connection.transaction():
            row = connection.execute(_STATUS, (xid,)).fetchone()
    except psycopg.errors.InvalidParameterValue:
        # A number that this server has not given out yet.
        return "unknown"
    return row["status"] if row is not None and row["status"] is not None else "unknown"


def _in_progress(connection: Session, pending: Pending) -> LockedError:
    row = connection.execute(_BACKEND, (str(int(pending.xid) % 2**32),)).fetchone()
    pid = row["pid"] if row is not None else None
    message = f"a transaction of another run is still in progress: server process {pid}, transaction {pending.xid}"
    hint = f"wait for it; or end it with: SELECT pg_terminate_backend({pid}) and run this again, which finds out how it ended"
    return LockedError(Problem(message, address="state", hint=hint))


def look(pending: Pending, snapshot: Snapshot) -> Look:
    """Compare what is found with both images of every object that the transaction changed.

    An OID decides alone: that of an object which it created, or of one which it dropped and which is still there. Of access
    lists only the items that stand in one of the images count: others may have granted and revoked since.
    """
    if not pending.before:
        return "same"
    oids = {(identity.type, identity.database, found.oid) for identity, found in snapshot.objects() if found.oid}
    dropped, created = ({(one.type, one.database, one.oid) for one in side} for side in (pending.before, pending.after))
    # What is on both sides stays, though perhaps under another name.
    dropped, created = dropped - created, created - dropped
    after = before = False
    for was, becomes in zip(pending.before, pending.after, strict=True):
        if becomes.oid != was.oid:
            if (becomes.type, becomes.database, becomes.oid) in created & oids:
                return "after"
            if (was.type, was.database, was.oid) in dropped & oids:
                return "before"
        found = snapshot.get(was.identity)
        items = {row.item for row in (*was.acl, *becomes.acl)}
        after |= _same(becomes, noted(was.identity, found, items, becomes.image))
        before |= _same(was, noted(was.identity, found, items, was.image))
    if after == before:
        return "neither"
    return "after" if after else "before"


def _same(noted_down: Noted, now: Noted) -> bool:
    if noted_down.image is None or now.image is None:
        return noted_down.oid == now.oid
    return noted_down.oid == now.oid and noted_down.acl == now.acl and same_image(noted_down.image, now.image)


def verdict(status: Status, seen: Look) -> bool | None:
    """Whether it committed; None when that cannot be said. On a conflict, what is found wins.

    A transaction without a visible trace, such as a new password, counts as rolled back unless the server says otherwise: the
    next plan then sends it again.
    """
    if seen == "after":
        return True
    if seen == "before":
        return False
    if status in SAID:
        return status == "committed"
    return False if seen == "same" else None


def _undecided(pending: Pending, status: Status) -> PgplanError:
    lines = [
        f"{was.identity}\n    before: {_shown(was)}\n    after:  {_shown(becomes)}"
        for was, becomes in zip(pending.before, pending.after, strict=True)
    ]
    message = (
        "the last apply was cut off while it committed, and what is found is neither what was there before nor what it was to "
        f"write (the server says of transaction {pending.xid}: {status}); somebody changed it since:\n  " + "\n  ".join(lines)
    )
    hint = "bring these objects into one of the two shapes and run this again: pgplan then records which of the two it found"
    return PgplanError(Problem(message, address="state", hint=hint))


def _shown(one: Noted) -> str:
    if one.oid is None:
        return "absent"
    shown = json.dumps(one.image, sort_keys=True, ensure_ascii=False)
    rights = [f"{row.privilege} to {row.grantee}" for row in one.acl]
    return f"OID {one.oid}, {shown}" + (f", {', '.join(rights)}" if rights else "")
