"""Steps 7 to 9 of apply: note the transaction in the state, COMMIT, close the books."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psycopg
from attrs import evolve, frozen

from pgplan.database import emergency
from pgplan.database.alive import kept_alive
from pgplan.database.connection import Session
from pgplan.database.pending import Books, pending, recorded, settled
from pgplan.database.recovery import Resolved, flushed, found_out
from pgplan.database.scrub import server_message
from pgplan.database.transaction import Mark, end
from pgplan.database.working import AS_BEFORE, Prepared, Working
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.state.backend import BackendError, ConflictError
from pgplan.state.model import State
from pgplan.state.text import line as pending_line

RECORDINGS = 3
"""How often step 9 is tried while the state still notes this run's transaction, in whatever version."""


def conclude(
    working: Working, resolved: Resolved, prepared: Prepared, done: Books, parts: Mapping[str, str]
) -> tuple[State, str | None]:
    """Steps 7 to 9. `parts` are the lines of the state as it is."""
    state, version = resolved.state, resolved.version
    known = prepared.before.facts
    if prepared.mark is None:
        # Nothing was sent, so there is nothing to be in doubt about: the state alone changes, under the database's lock.
        after = recorded(state, done, known, flushed(working.connection))
        return after, save(working, after, version)
    with kept_alive(working.connection):
        noted = evolve(state, pending=pending(working.id, working.plan, prepared.mark, prepared.before, prepared.after, done))
        version = save(working, noted, version, {**parts, "pending": pending_line(noted.pending)})
    working.checkpoint("noted")
    failure = _commit(working.connection)
    working.checkpoint("committed")
    if failure:
        return _find_out(working, noted, version, failure)
    after = settled(noted, known, _position(working.connection, prepared.mark), committed=True)
    return record(working, after, version)


def save(working: Working, state: State, version: str | None, parts: Mapping[str, str] | None = None) -> str:
    try:
        return working.store.save(state, version, parts)
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
    connection = working.connection
    lost = connection.closed
    try:
        if lost:
            connection = working.connect()
        with found_out(noted, connection, working.registry, wait=working.wait, own=True) as (committed, after):
            if committed:
                return record(working, after, version)
            with suppress(BackendError):  # then it stays pending, and the next run finds out the same
                working.store.save(after, version)
    except ConflictError:
        message = f"COMMIT failed: {failure}; another run has found out meanwhile how it ended, and recorded it"
        raise PgplanError(Problem(message, hint="plan again to see what is left to do")) from None
    except CommittedError:
        raise
    except PgplanError as error:
        raise _unknown(working, noted, failure, error) from None
    finally:
        if lost and connection is not working.connection:
            connection.close()
    raise PgplanError(Problem(f"COMMIT failed: {failure}", hint=AS_BEFORE))


def _unknown(working: Working, noted: State, failure: str, error: PgplanError) -> PgplanError:
    message = f"the answer to COMMIT is missing ({failure}), and its outcome cannot be found out now"
    hint = "the state notes the transaction as pending: the next run finds out how it ended"
    found = _found(working, noted)
    if not found.ours:
        message = f"{message}; meanwhile the state {working.store.location} {found.said}"
        hint = _kept(working, noted, found)
    return PgplanError(Problem(message, hint=hint), *error.problems, exit_code=error.exit_code)


class CommittedError(PgplanError):
    """The database was changed, and the state does not say so."""


@frozen
class _Stored:
    """What is found in the state's place once COMMIT was sent."""

    state: State | None
    version: str | None
    said: str = ""
    """In words, to be put after the state's location."""
    ours: bool = False
    """It still notes this run's transaction."""
    problems: tuple[Problem, ...] = ()


def _found(working: Working, books: State) -> _Stored:
    try:
        stored, version = working.store.load()
    except PgplanError as error:
        return _Stored(None, None, "cannot be read any more", problems=error.problems)
    if stored is None:
        return _Stored(None, None, "is not there any more")
    if stored.pending is not None and stored.pending.id == working.id:
        return _Stored(stored, version, ours=True)
    if stored.lineage != books.lineage:
        said = f"was replaced by another one: its lineage is {stored.lineage}, and was {books.lineage}"
    elif stored.pending is not None:
        said = "notes a transaction of another run"
    else:
        said = f"was replaced by another one: its serial is {stored.serial}, without what this run has made"
    return _Stored(stored, version, said)


def record(working: Working, after: State, version: str | None) -> tuple[State, str | None]:
    """Step 9. Whatever is found in the state's place, this run's books are in it afterwards, or it is said where they are.

    Raises CommittedError when they are not in it.
    """
    for _ in range(RECORDINGS):
        try:
            written = working.store.save(after, version)
        except BackendError as error:
            raise _committed(
                working, after, _Stored(None, None, "cannot be written", ours=True, problems=error.problems)
            ) from None
        except ConflictError:
            found = _found(working, after)
            if found.state is not None and _holds(found.state, after, working):
                # Once the transaction has ended, another run may find out about it first.
                return found.state, found.version
            if not found.ours:
                raise _committed(working, after, found) from None
            version = found.version
        else:
            working.checkpoint("recorded")
            return after, written
    raise _committed(working, after, _Stored(None, None, "is written by others all the time", ours=True))


def _holds(stored: State, after: State, working: Working) -> bool:
    """Whether a state tells of all that this run has made."""
    if stored.lineage != after.lineage or stored.serial < after.serial:
        return False
    addresses = {change.address for change in working.plan.changes} | {change.previous_address for change in working.plan.changes}
    there, books = stored.by_address(), after.by_address()
    return all(there.get(address) == books.get(address) for address in addresses)


def _committed(working: Working, after: State, found: _Stored) -> CommittedError:
    message = f"the database was changed and committed, but the state {working.store.location} {found.said}"
    return CommittedError(Problem(message, address="state", hint=_kept(working, after, found)), *found.problems)


def _kept(working: Working, books: State, found: _Stored) -> str:
    """Keep the books in a file of their own, and say what to do with it."""
    location = working.store.location
    try:
        path = emergency.keep(working.directory, working.id, books)
    except OSError as error:
        if found.ours:
            return "the state notes the transaction as pending: the next run finds out that it committed, and records it"
        where = f"the new state cannot be kept in {working.directory} either: {error.strerror}"
        return f"{where}; put back a copy of the old one, and record what was made with: pgplan import ADDRESS…"
    if found.ours or (found.state is None and not found.problems):
        return f"the new state is kept in {path}: the next run takes it up"
    return f"the new state is kept in {path}: put that in the place of {location}, unless what is there now shall count"
