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

from attrs import evolve, frozen

from pgplan.database import emergency
from pgplan.database.apart import leave_none
from pgplan.database.commit import save
from pgplan.database.connection import Session, facts, pin_local
from pgplan.database.notices import Notice
from pgplan.database.phases import Approved, Run, told
from pgplan.database.recovery import Resolved, resolve
from pgplan.database.stale import check_state, check_target
from pgplan.database.steps import check_statements
from pgplan.database.transaction import WAIT, Connect, end
from pgplan.database.working import Working
from pgplan.errors import PgplanError, Problem, StaleError, raise_all
from pgplan.plan.model import Plan, Remarks, Secrecy
from pgplan.planfile import digest
from pgplan.registry import Registry
from pgplan.secret import Secret
from pgplan.snapshot import Facts
from pgplan.state.digests import SENT
from pgplan.state.model import State
from pgplan.state.store import StateStore, new_state

CHECKPOINTS = ("locked", "begun", "compared", "executed", "verified", "flushed", "noted", "committed", "recorded")
"""What `checkpoint` is called with when each of the numbered steps is done."""

Again = Callable[[State, tuple[int, ...]], Plan]
"""Makes a plan again, but for the phases that are done already, from the state whose lock is held, or raises StaleError. The
connection is idle, before and after."""

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
        steps=len(plan.steps),
    )
    lock = store.lock(lock_timeout, connection.tell)
    try:
        with told():
            return _locked(working, again)
    finally:
        end(connection)
        lock.release()


def _locked(working: Working, again: Again | None) -> Applied:
    check_statements(working.plan)
    known = _facts(working.connection)
    check_target(working.plan, working.remarks, known)
    resolved = _load(working)
    approved = _approved(working.plan, resolved.state)
    if not approved.done:
        check_state(working.plan, resolved.state, known)
    elif again is None:
        raise PgplanError(Problem("this plan is carried out in part already", hint="make a new plan, for what is left"))
    if again is not None:
        working = evolve(working, plan=again(resolved.state, approved.done))
        working = evolve(working, steps=len(working.plan.steps))
    working.checkpoint("locked")
    if not working.plan.changes:
        judged = again is not None or working.remarks.timeline == known.timeline
        return _nothing_to_do(working, resolved, known if judged else None)
    _check_secrets(working)
    run = Run(working, approved, known, resolved.state, resolved.version)
    run.carry_out()
    return Applied(run.state, run.version, run.notices, resolved.committed, run.interrupts > 0)


def _approved(plan: Plan, state: State) -> Approved:
    """Which phases of the plan there are to carry out."""
    count = len(plan.decided.phases)
    # It takes long to work out for a large plan, and one with a single phase is done when that is.
    known = digest(plan) if count > 1 else ""
    done = state.unfinished.done if state.unfinished is not None and state.unfinished.digest == known else ()
    return Approved(known, tuple(number for number in range(max(count, 1)) if number not in done), done)


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
    resolved = resolve(
        state, version, working.store, working.connection, working.registry, connect=working.connect, wait=working.wait
    )
    state, version = leave_none(working, resolved.state, resolved.version)
    return evolve(resolved, state=state, version=version)


def _check_secrets(working: Working) -> None:
    """Raise PgplanError where the value of a secret is missing, StaleError where it is not taken from where the plan says."""
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
