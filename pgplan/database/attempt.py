"""Steps 2 to 6 of apply (`pgplan.database.apply`): carry out a plan in a transaction that then only waits for its end.

Apply and rehearsal do this alike, so that what one finds the other does too.
"""

from __future__ import annotations

import time
from itertools import count

from pgplan.database.alive import kept_alive
from pgplan.database.read import read_now
from pgplan.database.stale import check_target, raise_moved
from pgplan.database.steps import UNSURE, StepError, UnattributedError, run
from pgplan.database.transaction import begin, end, make_last
from pgplan.database.verify import counted, stale, unfulfilled
from pgplan.database.working import AS_BEFORE, Prepared, Work
from pgplan.errors import PgplanError, Problem

RETRIES = 7
"""How often the whole transaction is tried again after another session changed the same rows at the same time."""
RETRIES_IF_UNSURE = 2
"""The same where it may be the plan itself that fails."""
PAUSE, LONGEST_PAUSE = 0.1, 0.8
"""Seconds before the first retry, and twice as long before each further one, up to the second."""


def prepare(work: Work) -> Prepared:
    """Steps 2 to 6, tried again while it is another session's change that makes them fail. The transaction stays open.

    Raises StepError when a step fails, StaleError (exit code 3) when something is not as it was planned, LockedError (4), and
    PgplanError when the steps did not do what was planned.
    """
    one_by_one = False
    for attempt in count():
        try:
            return _attempt(work, one_by_one=one_by_one)
        except UnattributedError:
            end(work.connection)
            one_by_one = True
        except StepError as error:
            end(work.connection)
            if not error.retry or (attempt >= RETRIES_IF_UNSURE and error.sqlstate in UNSURE):
                raise
            if attempt == RETRIES:
                message = f"another session changed the same rows at the same time, in each of {RETRIES + 1} attempts"
                raise PgplanError(Problem(message, hint="run it again once that session is done"), error.problem) from None
            time.sleep(min(PAUSE * 2**attempt, LONGEST_PAUSE))
    raise AssertionError


def _attempt(work: Work, *, one_by_one: bool) -> Prepared:
    plan, connection = work.plan, work.connection
    begin(connection, plan.decided.name, wait=work.wait, at_most=work.at_most)
    work.checkpoint("begun")
    types = {type_ for one in counted(plan) for type_ in work.registry.readers_of(one.type, one.key)}
    before = read_now(connection, work.registry, types)
    check_target(plan, work.remarks, before.facts)
    with kept_alive(connection):
        raise_moved(stale(plan, before))
    work.checkpoint("compared")
    if not any(step.statements for step in plan.steps):
        return Prepared(before, before, (), None)
    notices = run(work, one_by_one=one_by_one)
    work.checkpoint("executed")
    after = read_now(connection, work.registry, types)
    with kept_alive(connection):
        _raise_unfulfilled(unfulfilled(plan, after))
    work.checkpoint("verified")
    mark = make_last(connection, work.id, work.connect)
    work.checkpoint("flushed")
    return Prepared(before, after, notices, mark)


def _raise_unfulfilled(problems: list[Problem]) -> None:
    if problems:
        message = "the steps ran, but what is found after them is not what was planned"
        hint = f"{AS_BEFORE}; if another session was at work on these objects, make a new plan"
        raise PgplanError(Problem(message, hint=hint), *problems)
