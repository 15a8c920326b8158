"""`pgplan state mv`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pgplan.cli.completion import managed, recorded
from pgplan.cli.edit import dry_run, make, show, unasked
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.requests import request_of
from pgplan.editing import still_declared


@click.command(
    "mv",
    cls=Command,
    arguments={"FROM": "A recorded address.", "TO": "The one under which the same object is managed from now on."},
    examples=("pgplan state mv membership.reader/alice membership.reader/alice/admin",),
)
@click.argument("origin", metavar="FROM", shell_complete=recorded)
@click.argument("to", metavar="TO", shell_complete=managed)
@dry_run
@unasked
@click.pass_obj
def command(common: Common, origin: str, to: str, *, dry_run: bool, yes: bool) -> None:
    """Manage something under another address, changing nothing in the database.

    What is recorded as FROM is recorded as TO. [[moved]] in the configuration does the same at the next apply, for every state.
    Needs no connection: the next plan says so if what it finds as TO is not the object that was recorded. Neither renames
    anything: that is what renamed_from in a block is for.
    """
    with project(common) as opened:
        shown = opened.look_to_move(origin, to)
        show(shown, list(_notes(origin, to, still_declared(request_of(common), (origin, to)))))
        if not dry_run:
            make(common, opened, shown, "Move it?", f"Moved: {origin} -> {to}.", yes=yes)


def _notes(origin: str, to: str, declared: set[str] | None) -> Iterator[str]:
    if declared is None:
        yield "the configuration has mistakes, so that nobody can tell whether it declares these: see `pgplan validate`"
        return
    if origin in declared:
        yield f"{origin} is declared still: the next plan makes it, or says that it exists already"
    if to not in declared:
        yield f"{to} is not declared: the next plan does with it what the policy says"
