"""`pgplan show`."""

from __future__ import annotations

from pathlib import Path

import click

from pgplan.cli.forms import Form, PlanFile, format_option, rendered
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.terminal import out
from pgplan.planned import load
from pgplan.render.escape import visible
from pgplan.render.text import statements


@click.command(
    cls=Command,
    arguments={"PLAN": "A file that `pgplan plan --out PLAN` saved."},
    examples=("pgplan show plan.bin", "pgplan show plan.bin --format sql"),
)
@click.argument("path", metavar="PLAN", type=PlanFile())
@format_option
@click.pass_obj
def command(common: Common, path: Path, form: Form) -> None:
    """Show a saved plan, and every statement in it. Needs no connection, no state and no secret."""
    shown = load(path)
    plan = shown.model
    if form == "text":
        database, _ = plan.observed.databases[0]
        expires = f"Expires at {plan.decided.expires}\n" if plan.decided.expires else ""
        out(f"Plan of {visible(plan.decided.name)} for database {visible(database)}, as {visible(plan.observed.role)}\n")
        out(f"{shown.digest}\n{expires}\n")
        out(statements(plan))
    out(rendered(shown, form, common))
