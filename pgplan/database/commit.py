"""Steps 7 to 9 of apply: note the transaction in the state, COMMIT, close the books."""

from __future__ import annotations

import psycopg
from attrs import evolve

from pgplan.database import emergency
from pgplan.database.connection import Session
from pgplan.database.pending import Books, pending, recorded, settled
from pgplan.database.recovery import Resolved, flushed, resolve
from pgplan.database.scrub import server_message
from pgplan.database.transaction import Mark, end
from pgplan.database.working import AS_BEFORE, Prepared, Working
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.state.backend import BackendError, ConflictError
from pgplan.state.model import State


def conclude(working: Working, resolved: Resolved, prepared: Prepared, done: Books) -> tuple[State, str | None]:
    """Steps 7 to 9."""
    state, version = resolved.state, resolved.version
    known = prepared.before.facts
    if prepared.mark is None:
        # Nothing was sent, so there is nothing to be in doubt about: the state alone changes, under the database's lock.
        after = recorded(state, done, known, flushed(working.connection))
        return after, _save(working, after, version)
    noted = evolve(state, pending=pending(working.id, working.plan, prepared.mark, prepared.before, prepared.after, done))
    version = _save(working, noted, version)
    working.checkpoint("noted")
    failure = _commit(working.connection)
    working.checkpoint("committed")
    if failure:
        return _find_out(working, noted, version, failure)
    after = settled(noted, known, _position(working.connection, prepared.mark), committed=True)
    return _record(working, after, version)


def _save(working: Working, state: State, version: str | None) -> str:
    try:
        return working.store.save(state, version)
    except ConflictError:
        end(working.connection)
        message = "the plan can no longer be applied: the state was changed by another operation while this one was at work"
        raise StaleError(Problem(message, address="state", hint=f"{AS_BEFORE}; make a new plan")) from None


def _commit(connection: Session) -> str:
    """Step 8: why it is not certain that the transaction committed; "" when it is."""
    try:
        answer = connection.execute("COMMIT").statusmessage
    except psycopg.Error as error:
        return server_message(error)
    return "" if answer == "COMMIT" else f"the server answered COMMIT with {answer}"


def _position(connection: Session, mark: Mark) -> str:
    """The WAL position after the commit, or an earlier one if the connection is lost by now."""
    try:
        position = flushed(connection)
        connection.rollback()
    except psycopg.Error:
        return mark.lsn
    return position


def _find_out(working: Working, noted: State, version: str, failure: str) -> tuple[State, str | None]:
    """A COMMIT without a good answer is never repeated: its outcome is looked up."""
    stored, _ = working.store.load()
    if stored is None or stored.pending is None or stored.pending.id != working.id:
        message = (
            f"the answer to COMMIT is missing ({failure}); another run has found out meanwhile how it ended, and recorded it"
        )
        raise PgplanError(Problem(message, hint="plan again to see what is left to do"))
    connection = working.connection
    lost = connection.closed
    try:
        if lost:
            connection = working.connect()
        resolved = resolve(noted, version, working.store, connection, working.registry, wait=working.wait)
    except PgplanError as error:
        message = f"the answer to COMMIT is missing ({failure}), and its outcome cannot be found out now"
        hint = "the state notes the transaction as pending: the next run finds out how it ended"
        raise PgplanError(Problem(message, hint=hint), *error.problems, exit_code=error.exit_code) from None
    finally:
        if lost and connection is not working.connection:
            connection.close()
    if not resolved.committed:
        raise PgplanError(Problem(f"COMMIT failed: {failure}", hint=AS_BEFORE))
    return resolved.state, resolved.version


def _record(working: Working, after: State, version: str) -> tuple[State, str | None]:
    """Step 9."""
    try:
        try:
            written = working.store.save(after, version)
        except ConflictError:
            return _settled_elsewhere(working, after)
    except BackendError as error:
        raise _kept(working, after, error) from None
    working.checkpoint("recorded")
    return after, written


def _settled_elsewhere(working: Working, after: State) -> tuple[State, str | None]:
    """Once the transaction has ended, another run may find out about it first."""
    stored, version = working.store.load()
    if stored is not None and stored.pending is not None and stored.pending.id == working.id:
        return after, working.store.save(after, version)
    return stored or after, version


def _kept(working: Working, after: State, error: BackendError) -> PgplanError:
    message = "the database was changed and committed, but the state cannot be written"
    try:
        path = emergency.keep(working.directory, working.id, after)
    except OSError:
        hint = "the state notes the transaction as pending: the next run finds out that it committed, and records it"
        return PgplanError(Problem(message, address="state", hint=hint), *error.problems)
    hint = f"the new state is kept in {path}: the next run takes it up"
    return PgplanError(Problem(message, address="state", hint=hint), *error.problems)
