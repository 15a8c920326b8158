"""`pgplan apply`."""

from __future__ import annotations

from pathlib import Path

import click

from pgplan.cli.carry_out import approve_and_carry_out, carry_out
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.requests import request_of
from pgplan.cli.terminal import working
from pgplan.planfile import check_digest
from pgplan.workflow import load_plan, make_plan, opened


@click.command(
    cls=Command,
    arguments={"PLAN": "A file that `pgplan plan --out PLAN` saved. Without it, a plan is made, shown and asked about."},
    examples=(
        "pgplan apply",
        "pgplan apply plan.bin --expect-digest sha256:…",
    ),
)
@click.argument("path", metavar="[PLAN]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")
@click.option("--expect-digest", "expected", metavar="sha256:…", help="Refuse any other plan than the one that was approved.")
@click.pass_obj
def command(common: Common, path: Path | None, expected: str | None, *, yes: bool) -> None:
    """Make the changes of a saved plan, or plan, ask and make them.

    All changes are made in one transaction, or none. A saved plan is never asked about, and is refused with exit code 3 when the
    state, the database or the file is not as it was.
    """
    if path is None:
        _plan_and_apply(common, expected, yes=yes)
    else:
        _apply_saved(common, path, expected)


def _apply_saved(common: Common, path: Path, expected: str | None) -> None:
    plan, remarks = load_plan(path, expected)
    with opened(request_of(common)) as run:
        carry_out(common, run, plan, remarks)


def _plan_and_apply(common: Common, expected: str | None, *, yes: bool) -> None:
    with opened(request_of(common)) as run:
        with working(common, "Starting") as said:
            planned = make_plan(run, said=said)
        if expected is not None:
            check_digest(planned.digest, expected)
        approve_and_carry_out(common, run, planned, "Make these changes?", yes=yes)
