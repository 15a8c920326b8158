"""Ask, apply, and say what became of it: shared by apply and destroy."""

from __future__ import annotations

import sys

from attrs import evolve

from pgplan.cli.forms import rendered
from pgplan.cli.options import Common
from pgplan.cli.terminal import OutputError, can_ask, done_already, out, say, watching
from pgplan.database.apply import Applied
from pgplan.errors import PgplanError, Problem
from pgplan.planned import Plan
from pgplan.project import Project
from pgplan.render.changes import Counts, summary
from pgplan.render.paint import Paint
from pgplan.workflow import loss


def approve_and_carry_out(common: Common, project: Project, plan: Plan, question: str, *, yes: bool) -> None:
    """Show a plan that was just made, have it approved unless `yes`, and apply it."""
    if plan.changes:
        _show(common, plan)
    if plan.lost:
        raise loss(plan.lost)
    if plan.changes and not yes:
        hint = "or save a plan with `pgplan plan --out plan.bin`, and apply that file after it was approved"
        approve(common, question, f"say --yes to go ahead; {hint}")
    with watching(common) as tell:
        applied = project.apply(plan, on_event=tell)
    say_applied(common, plan, applied)


def _show(common: Common, plan: Plan) -> None:
    try:
        out(rendered(plan, "text", common) + "\n")
    except BrokenPipeError:
        # Elsewhere a reader that goes away is no error. Here nobody has seen what is about to be done.
        raise PgplanError(Problem("standard output was closed; nothing was changed")) from None
    except OutputError as error:
        (problem,) = error.problems
        raise PgplanError(evolve(problem, message=f"{problem.message}; nothing was changed")) from None


def approve(common: Common, question: str, hint: str = "say --yes to go ahead") -> None:
    """Ask for approval. Raises PgplanError (exit code 1) when it is declined or nobody is there to ask: `hint` says what then."""
    if not can_ask(common):
        why = "--no-input was given" if common.no_input else "there is no terminal"
        raise PgplanError(Problem(f"nobody can be asked for approval: {why}; nothing was changed", hint=hint))
    from pgplan.cli.ask import approve as ask  # noqa: PLC0415 - questionary is slow to import

    if not ask(question):
        raise PgplanError(Problem("declined; nothing was changed"))


def say_applied(common: Common, plan: Plan, applied: Applied) -> None:
    """Say what was done."""
    if applied.interrupted:
        say(common, "The interrupt came when the changes were being committed already: they were made.")
    with done_already("The changes were made and committed" if plan.changes else "There was nothing to do"):
        _tell(common, plan)


def _tell(common: Common, plan: Plan) -> None:
    if not plan.changes:
        out("".join(f"{line}\n" for line in summary(plan.model)))
        return
    line = f"{'Destroy' if plan.model.decided.options.destroy else 'Apply'} complete! {Counts.of(plan.model).done}"
    out(Paint(common.colour(sys.stdout))(line, "bold green") + "\n")
