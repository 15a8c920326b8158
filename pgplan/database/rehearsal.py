"""Rehearsal: carry a plan out as apply does, as far as COMMIT, and roll it back (docs/explanation/apply.md#rehearsal)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import NoReturn

import psycopg
from attrs import define, evolve, field

from pgplan.database.attempt import prepare
from pgplan.database.connection import Session
from pgplan.database.notices import Notice
from pgplan.database.scrub import server_error
from pgplan.database.steps import StepError
from pgplan.database.transaction import Connect, end
from pgplan.database.working import AS_BEFORE, Work
from pgplan.errors import LockedError, PgplanError, Problem
from pgplan.plan.model import Plan, Remarks
from pgplan.plan.rehearsal import rehearsals
from pgplan.registry import Registry
from pgplan.secret import Secret

LOCK_WAIT = 1.0
"""Seconds that it waits for a lock: whoever comes after it waits for it in turn."""
LONGEST = 30.0
"""Seconds between its first lock and its rollback."""
LIMITS = {"lock_timeout": round(LOCK_WAIT * 1000), "transaction_timeout": round(LONGEST * 1000) + 5_000}
"""The second is the server's own, from 17 on, where this process does not get to say that the time is over."""
_CANCEL_AGAIN = 0.5
_LOCK_NOT_AVAILABLE = "55P03"
_WITHOUT = "or plan without --rehearse"


def rehearse(
    plan: Plan,
    remarks: Remarks,
    connection: Session,
    registry: Registry,
    secret_of: Callable[[str, str], Secret],
    *,
    connect: Connect,
    wait: float = LOCK_WAIT,
    checkpoint: Callable[[str], None] = lambda _: None,
) -> tuple[Notice, ...]:
    """Carry out `plan` as `pgplan.database.apply.apply` does, with the secrets that are known here, and roll it back.

    The state is neither locked nor written. The arguments are apply's; `wait` is how many seconds to wait for the lock that keeps
    runs of one configuration apart. Returns what the server said.

    Raises PgplanError, after the rollback, with what apply would end with; LockedError (exit code 4) when a lock was not to be
    had, so that nobody knows.
    """
    notices: tuple[Notice, ...] = ()
    for one in rehearsals(plan):
        database, here = one.observed.databases[0][0], plan.observed.databases[0][0]
        session = connection if database == here else connect(database)
        try:
            notices += _rehearse(one, remarks, session, registry, secret_of, connect=connect, wait=wait, checkpoint=checkpoint)
        finally:
            if session is not connection:
                session.close()
    return notices


def _rehearse(
    plan: Plan,
    remarks: Remarks,
    connection: Session,
    registry: Registry,
    secret_of: Callable[[str, str], Secret],
    *,
    connect: Connect,
    wait: float,
    checkpoint: Callable[[str], None],
) -> tuple[Notice, ...]:
    clock = _Clock(connection)

    def reached(name: str) -> None:
        if name == "begun":
            clock.start()
        checkpoint(name)

    work = Work(
        plan=plan,
        remarks=remarks,
        connection=connection,
        registry=registry,
        secret_of=secret_of,
        connect=connect,
        wait=wait,
        checkpoint=reached,
        id=secrets.token_hex(16),
        steps=len(plan.steps),
        phase="rehearsal",
        at_most=LIMITS,
    )
    with _told(clock), clock.running():
        try:
            return prepare(work).notices
        finally:
            end(connection)


@define
class _Clock:
    """Cancels what runs on a connection once the time is over, again and again until it is stopped."""

    connection: Session
    over: Event = field(factory=Event, init=False)
    _stopped: Event = field(factory=Event, init=False)
    _thread: Thread | None = field(default=None, init=False)

    def start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._watch, name="pgplan-clock", daemon=True)
            self._thread.start()

    @contextmanager
    def running(self) -> Generator[None]:
        """Stop it at the end. A connection that was cancelled is closed: the cancel could meet the next statement."""
        try:
            yield
        finally:
            self._stopped.set()
            if self._thread is not None:
                self._thread.join()
            if self.over.is_set():
                self.connection.close()

    def _watch(self) -> None:
        if self._stopped.wait(LONGEST):
            return
        self.over.set()
        while not self._stopped.is_set():
            with suppress(psycopg.Error):
                self.connection.cancel_safe(timeout=_CANCEL_AGAIN)
            self._stopped.wait(_CANCEL_AGAIN)


@contextmanager
def _told(clock: _Clock) -> Generator[None]:
    """Errors of the body with what they say about the plan."""
    try:
        yield
    except StepError as error:
        if error.sqlstate == _LOCK_NOT_AVAILABLE:
            message = (
                f"the plan could not be rehearsed: another session holds a lock, and a rehearsal waits {LOCK_WAIT:g} s for one"
            )
            hint = f"nothing was changed; wait for that session, {_WITHOUT}"
            raise LockedError(Problem(message, hint=hint), evolve(error.problem, hint="")) from None
        _fail(clock, PgplanError(error.problem))
    except psycopg.Error as error:
        _fail(clock, server_error(error, doing="the server ended the rehearsal", hint=AS_BEFORE))
    except LockedError as error:
        raise LockedError(
            Problem("the plan could not be rehearsed", hint=f"nothing was changed; {_WITHOUT}"), *error.problems
        ) from None
    except PgplanError as error:
        _fail(clock, error)


def _fail(clock: _Clock, error: PgplanError) -> NoReturn:
    if clock.over.is_set():
        message = f"the rehearsal was stopped, because it took longer than {LONGEST:g} s: apply may take longer, and block others"
        problems = (evolve(problem, hint="") for problem in error.problems)
        raise PgplanError(Problem(message, hint=f"nothing was changed; make smaller plans, {_WITHOUT}"), *problems) from None
    problem = Problem("the plan was rehearsed, and apply would fail", hint="nothing was changed, and no plan was made")
    raise PgplanError(problem, *error.problems, exit_code=error.exit_code) from None
