"""Ask, apply, and say what became of it: shared by apply and destroy."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from attrs import evolve

from pgplan.cli.forms import rendered
from pgplan.cli.options import Common
from pgplan.cli.terminal import OutputError, can_ask, done_already, out, say, working
from pgplan.database.apply import Applied
from pgplan.database.steps import Progress
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.plan.model import Options, Plan, Remarks
from pgplan.render.changes import Counts, summary
from pgplan.saved import Saved, apply_saved
from pgplan.workflow import Planned, Run, apply_plan, refuse_past


def approve_and_carry_out(common: Common, run: Run, planned: Planned, question: str, *, yes: bool) -> None:
    """Show a plan that was just made, have it approved unless `yes`, and apply it."""
    pending = planned.plan.pending_changes
    if pending:
        _show(common, planned)
    refuse_past(planned.seen)
    if pending and not yes:
        hint = "or save a plan with `pgplan plan --out plan.bin`, and apply that file after it was approved"
        approve(common, question, f"say --yes to go ahead; {hint}")
    try:
        carry_out(common, run, planned.plan, planned.remarks)
    except StaleError:
        stored = run.store.backend.read()
        if (stored.version if stored else None) == planned.seen.version:
            raise  # an object moved, and the message names it
        when = "while this one planned" if yes else "while the question stood"
        message = f"another run applied to the same state {when}; nothing was changed by this one"
        raise StaleError(Problem(message, address="state", hint="run it again: it plans anew, and asks about that")) from None


def _show(common: Common, planned: Planned) -> None:
    try:
        out(rendered(planned.plan, planned.remarks, planned.digest, "text", common) + "\n")
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


def carry_out(common: Common, run: Run, plan: Plan, remarks: Remarks) -> None:
    """Apply a plan of this process and say what was done."""
    _carry_out(common, run, plan, lambda progress: apply_plan(run, plan, remarks, progress=progress))


def carry_out_saved(common: Common, run: Run, saved: Saved, options: Options | None) -> None:
    """Apply a saved plan, made again with `options` (None: trusted), and say what was done."""

    def note(text: str) -> None:
        say(common, f"Note: {text}.")

    _carry_out(common, run, saved.plan, lambda progress: apply_saved(run, saved, options, progress=progress, note=note))


def _carry_out(common: Common, run: Run, plan: Plan, apply: Callable[[Progress], Applied]) -> None:
    say_missing(common, run, plan)
    with working(common, "Applying") as said:

        def progress(done: int, total: int) -> None:
            said(f"Applying: {done} of {total} steps")

        run.connection.waiting = said
        applied = apply(progress)
    _say_aside(common, applied)
    with done_already("The changes were made and committed" if plan.pending_changes else "There was nothing to do"):
        _tell(common, plan)


def _tell(common: Common, plan: Plan) -> None:
    if not plan.pending_changes:
        out("".join(f"{line}\n" for line in summary(plan)))
        return
    line = f"{'Destroy' if plan.decided.options.destroy else 'Apply'} complete! {Counts.of(plan).done}"
    out((click.style(line, fg="green", bold=True) if common.colour(sys.stdout) else line) + "\n")


def say_missing(common: Common, run: Run, plan: Plan) -> None:
    """Say why secrets are deferred: apply will need them."""
    for reason in run.missing(plan):
        say(common, f"Note: {reason}.")


def _say_aside(common: Common, applied: Applied) -> None:
    for notice in applied.notices:
        say(common, str(notice))
    if applied.interrupted:
        say(common, "The interrupt came when the changes were being committed already: they were made.")
