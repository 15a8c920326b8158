"""`pgplan drift`."""

from __future__ import annotations

import sys
from typing import Literal

import click

from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.requests import request_of
from pgplan.cli.terminal import out, working
from pgplan.drift import make_drift
from pgplan.errors import Exit
from pgplan.render.drift import drift_json, drift_text, drifted
from pgplan.workflow import opened, refuse_past


@click.command(cls=Command, examples=("pgplan drift", "pgplan drift --format json"))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to show it.")
@click.pass_obj
def command(common: Common, form: Literal["text", "json"]) -> int:
    """Show what was changed in the database since the last apply.

    Compares what is found with what is recorded, whatever the configuration says now. Exits with 2 when they differ, and with 1
    when nothing was ever recorded.
    """
    with working(common, "Starting") as said, opened(request_of(common), said) as run:
        drift = make_drift(run, said)
    said_of = drift.plan, drift.remarks, drift.compared
    out(drift_json(*said_of) if form == "json" else drift_text(*said_of, colour=common.colour(sys.stdout)))
    refuse_past(drift.seen)
    return Exit.PENDING if drifted(drift.plan) else Exit.DONE
