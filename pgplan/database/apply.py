"""Apply: carry out exactly what a plan says, or nothing. docs/explanation/apply.md tells why each numbered step is there.

1  lock the state, load it, settle what an earlier run left pending
2  begin; lock the database
3  compare everything that the plan touches or relies upon with what it found
4  run the steps
5  compare again: what is there must be what the plan promised
6  flush, so that the transaction's number outlives a crash of the server
7  note the transaction in the state, by compare-and-swap
8  COMMIT
9  write the state, release its lock
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg
from attrs import evolve, frozen

from pgplan.address import Address
from pgplan.database import emergency
from pgplan.database.alive import kept_alive
from pgplan.database.attempt import prepare
from pgplan.database.commit import conclude, save
from pgplan.database.connection import Session, facts, pin_local
from pgplan.database.notices import Notice
from pgplan.database.pending import Digests, books, with_found
from pgplan.database.read import read
from pgplan.database.recovery import Resolved, resolve
from pgplan.database.scrub import server_error
from pgplan.database.stale import check_state, check_target
from pgplan.database.steps import StepError, check_phases, check_statements
from pgplan.database.transaction import WAIT, Connect, end
from pgplan.database.working import AS_BEFORE, Working
from pgplan.errors import Exit, PgplanError, Problem, StaleError, raise_all
from pgplan.interrupts import deferred
from pgplan.plan.model import Plan, Remarks, Secrecy
from pgplan.registry import Registry
from pgplan.secret import Secret
from pgplan.snapshot import Facts, Snapshot
from pgplan.state.digests import SENT, record
from pgplan.state.model import Digest, State
from pgplan.state.store import StateStore, new_state
from pgplan.state.text import lines

CHECKPOINTS = ("locked", "begun", "compared", "executed", "verified", "flushed", "noted", "committed", "recorded")
"""What `checkpoint` is called with when each of the numbered steps is done."""

Again = Callable[[State], Plan]
"""Makes a plan again from the state whose lock is held, or raises StaleError. The connection is idle, before and after."""

_AGAIN = "make a new plan; nothing was changed"


@frozen
class Applied:
    """What became of a plan."""

    state: State
    version: str | None
    notices: tuple[Notice, ...] = ()
    recovered: bool | None = None
    """Whether a transaction that an earlier run had left pending was found committed; None if there was none."""
    interrupted: bool = False
    """Whether the user asked to stop when it was too late for that."""


def _pass(checkpoint: str) -> None:
    del checkpoint


def apply(
    plan: Plan,
    remarks: Remarks,
    connection: Session,
    store: StateStore,
    registry: Registry,
    secret_of: Callable[[str, str], Secret],
    *,
    connect: Connect,
    directory: Path,
    lock_timeout: float = 0,
    wait: float = WAIT,
    checkpoint: Callable[[str], None] = _pass,
    again: Again | None = None,
) -> Applied:
    """Apply `plan`, or leave the database and the state as they are.

    `remarks` are those made with the plan; `secret_of` gives the value of a secret by address and slot; `connect` another
    connection like `connection` (before 17 one is needed to flush, and any version needs one when the first is lost); `directory`
    is the configuration's. `lock_timeout` and `wait` are seconds to wait for the state's and the database's lock. `checkpoint` is
    called after each numbered step. `again` makes a plan that was kept in a file anew; what it returns is applied.

    Raises StaleError (exit code 3) when the state, the target or an object is not what the plan was made for; LockedError (4);
    PgplanError when a step fails, or with exit code 130 when interrupted.
    """
    working = Working(
        plan=plan,
        remarks=remarks,
        connection=connection,
        store=store,
        registry=registry,
        secret_of=secret_of,
        connect=connect,
        directory=directory,
        wait=wait,
        checkpoint=checkpoint,
        id=secrets.token_hex(16),
    )
    lock = store.lock(lock_timeout, connection.tell)
    try:
        return _locked(working, again)
    except KeyboardInterrupt:
        raise PgplanError(Problem("interrupted", hint=AS_BEFORE), exit_code=Exit.INTERRUPTED) from None
    except StepError as error:
        raise PgplanError(error.problem) from None
    except psycopg.Error as error:
        # Errors of steps and of COMMIT are dealt with where they come up.
        raise server_error(error, doing="the server ended the apply", hint=AS_BEFORE) from None
    finally:
        end(connection)
        lock.release()


def _locked(working: Working, again: Again | None) -> Applied:
    check_phases(working.plan)
    check_statements(working.plan)
    known = _facts(working.connection)
    check_target(working.plan, working.remarks, known)
    resolved = _load(working)
    check_state(working.plan, resolved.state, known)
    if again is not None:
        working = evolve(working, plan=again(resolved.state))
    working.checkpoint("locked")
    if not working.plan.changes:
        judged = again is not None or working.remarks.timeline == known.timeline
        return _nothing_to_do(working, resolved, known if judged else None)
    # All that can be made before the transaction: once it is open, others wait for its locks.
    digests, overall = _digests(working, resolved.state, known)
    done, parts = books(working.plan, resolved.state, working.registry, digests, overall), lines(resolved.state)
    prepared = prepare(working)
    with kept_alive(working.connection):
        done = with_found(done, working.plan, prepared.after, working.registry)
    with deferred() as interrupts:
        try:
            state, version = conclude(working, resolved, prepared, done, parts)
        except KeyboardInterrupt:
            message = "interrupted while the transaction was being committed"
            hint = "the next run finds out how it ended, and records it"
            raise PgplanError(Problem(message, hint=hint), exit_code=Exit.INTERRUPTED) from None
    return Applied(state, version, prepared.notices, resolved.committed, interrupts.count > 0)


def _nothing_to_do(working: Working, resolved: Resolved, judged: Facts | None) -> Applied:
    """Only a new timeline is recorded, if it was looked at: else it would stand in the way for ever."""
    state, version = resolved.state, resolved.version
    if judged is not None and state.target is not None and state.target.timeline != judged.timeline:
        state = evolve(state, target=evolve(state.target, timeline=judged.timeline))
        version = save(working, state, version)
    return Applied(state, version, recovered=resolved.committed)


def _facts(connection: Session) -> Facts:
    end(connection)
    pin_local(connection)
    known = facts(connection)
    connection.rollback()
    return known


def _load(working: Working) -> Resolved:
    """Step 1: the state, with whatever an earlier run left pending settled."""
    state, version = emergency.take_up(working.directory, working.store, *working.store.load())
    if state is None:
        return Resolved(new_state(working.plan.decided.name), None)
    return resolve(state, version, working.store, working.connection, working.registry, wait=working.wait)


def _digests(working: Working, state: State, known: Facts) -> tuple[Digests, Digest | None]:
    """What the state will say of secrets. Made before the transaction, because it takes long on purpose."""
    plan, secret_of = working.plan, working.secret_of
    # The plan also lists secrets that it leaves alone, because they could not be checked.
    changed = {change.address for change in plan.changes}
    slots = [one for one in plan.decided.slots if one.address in changed]
    missing = [
        Problem(f"the secret {one.slot} has no value here", address=one.address, hint=_give(one.source))
        for one in slots
        if one.status in SENT and secret_of(one.address, one.slot).withheld
    ]
    raise_all(PgplanError, missing)
    raise_all(StaleError, _other_sources(slots, secret_of))
    types = {Address.parse(one.address).kind for one in slots}
    snapshot = read(working.connection, working.registry, types) if types else Snapshot(known)
    return record(plan, state, snapshot, working.registry, secret_of)


def _other_sources(slots: Iterable[Secrecy], secret_of: Callable[[str, str], Secret]) -> Iterator[Problem]:
    """A secret that is taken from elsewhere than the plan says is not the one that was approved."""
    for one in slots:
        now = secret_of(one.address, one.slot).source
        if one.status in SENT and one.source != now:
            message = (
                f"the secret {one.slot} is taken from {now or 'a literal'}; the plan took it from {one.source or 'a literal'}"
            )
            yield Problem(message, address=one.address, hint=_AGAIN)


def _give(source: str | None) -> str:
    return f"give {source} a value" if source else "declare its value"
