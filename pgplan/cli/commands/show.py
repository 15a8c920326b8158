"""`pgplan show`."""

from __future__ import annotations

from pathlib import Path

import click

from pgplan import planfile
from pgplan.cli.forms import Form, format_option, rendered
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.terminal import out
from pgplan.render.escape import visible


@click.command(cls=Command)
@click.argument("path", metavar="PLAN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@format_option
@click.pass_obj
def command(common: Common, path: Path, form: Form) -> None:
    """Show a saved plan. Needs no connection, no state and no secret."""
    plan, _ = planfile.read(path)
    digest = planfile.digest(plan)
    if form == "text":
        target = plan.target
        out(f"Plan of {visible(plan.name)} for database {visible(target.database)}, as {visible(target.role)}\n{digest}\n\n")
    out(rendered(plan, digest, form, common))
