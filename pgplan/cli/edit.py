"""Showing a change of the state, asking, and making it: shared by the commands that make one."""

from __future__ import annotations

from collections.abc import Callable

import click

from pgplan.cli.carry_out import approve
from pgplan.cli.options import Common
from pgplan.cli.terminal import done_already, out, watching
from pgplan.project import Project
from pgplan.render.state import edited
from pgplan.state.edit import Edit

Decorator = Callable[[Callable[..., object]], Callable[..., object]]

dry_run: Decorator = click.option("--dry-run", is_flag=True, help="Only show what would be recorded.")
unasked: Decorator = click.option("--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")


def make(common: Common, project: Project, shown: Edit, question: str, done: str, *, yes: bool) -> None:
    """Have a change that was shown approved unless `yes`, and record it."""
    if not yes:
        out("\n")
        approve(common, question)
    with watching(common) as tell:
        project.record(shown, on_event=tell)
    with done_already("It was recorded"):
        out(f"{done}\n")


def show(shown: Edit, notes: list[str]) -> None:
    out(edited(shown))
    out("".join(f"Note: {note}\n" for note in notes))
