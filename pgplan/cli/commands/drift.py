"""`pgplan drift`."""

from __future__ import annotations

import sys
from typing import Literal

import click
from attrs import evolve

from pgplan import registry as registries
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.terminal import out, watching
from pgplan.errors import Exit
from pgplan.render.drift import drift_json, drift_text
from pgplan.render.omission import written
from pgplan.workflow import loss


@click.command(cls=Command, examples=("pgplan drift", "pgplan drift --format json"))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to show it.")
@click.pass_obj
def command(common: Common, form: Literal["text", "json"]) -> int:
    """Show what was changed in the database since the last apply.

    Compares what is found with what is recorded, whatever the configuration says now, and tells what is undeclared in [scope].
    Exits with 2 when they differ, or something is undeclared, and with 1 when nothing was ever recorded.
    """
    with project(common) as opened, watching(common) as tell:
        drift = opened.drift(on_event=tell)
    if form == "json":
        out(drift_json(drift))
    else:
        shown = evolve(drift, plan=written(drift.plan, registries.installed().kinds))
        out(drift_text(shown, colour=common.colour(sys.stdout)))
    if drift.lost:
        raise loss(drift.lost)
    return Exit.PENDING if drift.changes or drift.remarks.undeclared else Exit.DONE
