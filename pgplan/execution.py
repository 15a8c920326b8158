"""Carrying out a plan: for good, or as a rehearsal. What it is about is said with the place of its declaration.

begin -> compare -> run the steps -> compare -> note and COMMIT, or ROLLBACK
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from attrs import evolve

from pgplan.configuration.model import Configuration
from pgplan.database.apply import Again, Applied, apply
from pgplan.database.rehearsal import LOCK_WAIT, rehearse
from pgplan.errors import PgplanError, Problem, StaleError, raise_all
from pgplan.events import Began, Noticed
from pgplan.plan.model import Plan, Remarks
from pgplan.plan.rehearsal import notes
from pgplan.workflow import Run


def apply_plan(run: Run, plan: Plan, remarks: Remarks, *, again: Again | None = None) -> Applied:
    """Carry out `plan`. Raises PgplanError, with nothing changed, when anything is not as it was planned.

    `again` is for a plan that was not made by this very process (`pgplan.saved`).
    """
    name = plan.decided.name
    if name != run.configuration.name:
        message = f"the plan belongs to the configuration {name!r}; the one here is called {run.configuration.name!r}"
        raise StaleError(Problem(message, hint="name the plan's own directory with -C"))
    now, hint = run.configuration.origins, "make a new plan; nothing was changed"
    message = "the configuration does not take this secret from where it did when the plan was made"
    moved = (variable for variable, origin in plan.decided.origins.items() if now.get(variable) != origin)
    raise_all(StaleError, (Problem(message, address=f"var.{variable}", hint=hint) for variable in moved))
    with _places(run.configuration, plan):
        return apply(
            plan,
            remarks,
            run.connection,
            run.store,
            run.registry,
            run.secrets(),
            connect=run.connect,
            directory=run.configuration.directory,
            lock_timeout=run.request.lock_timeout,
            again=again,
        )


def rehearse_plan(run: Run, plan: Plan, remarks: Remarks) -> Remarks:
    """Carry out `plan` as far as COMMIT, and roll it back; nothing where there is nothing to do. The remarks with what is to be
    said of that.

    Raises PgplanError with what apply would end with, LockedError (exit code 4) when a lock was not to be had.
    """
    if plan.changes:
        _rehearse(run, plan, remarks)
    return evolve(remarks, rehearsed=True, notes=(*remarks.notes, *notes(plan)))


def _rehearse(run: Run, plan: Plan, remarks: Remarks) -> None:
    run.tell(Began("rehearsal"))
    wait = max(run.request.lock_timeout, LOCK_WAIT)
    with _places(run.configuration, plan):
        notices = rehearse(plan, remarks, run.connection, run.registry, run.secrets(), connect=run.connect, wait=wait)
    for notice in notices:
        run.tell(Noticed(notice.severity, notice.message, notice.detail))


@contextmanager
def _places(configuration: Configuration, plan: Plan) -> Generator[None]:
    """Say in errors of the body where what they are about is declared: of a step for several addresses, the first."""
    try:
        yield
    except PgplanError as error:
        places = {change.address: change.address for change in plan.changes}
        places.update((", ".join(step.addresses), step.addresses[0]) for step in plan.steps)
        error.problems = tuple(_placed(problem, places.get(problem.address), configuration) for problem in error.problems)
        error.args = ("\n".join(map(str, error.problems)),)
        raise


def _placed(problem: Problem, address: str | None, configuration: Configuration) -> Problem:
    if problem.source is not None or address is None:
        return problem
    return evolve(problem, source=next(iter(configuration.locate(address, "")), None))
