"""`pgplan apply`."""

from __future__ import annotations

from pathlib import Path

import click

from pgplan.cli.asked import check_together, part_options, replace_option
from pgplan.cli.carry_out import approve_and_carry_out, say_applied
from pgplan.cli.forms import PlanFile
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.terminal import watching
from pgplan.planfile import check_digest
from pgplan.planned import load


@click.command(
    cls=Command,
    arguments={"PLAN": "A file that `pgplan plan --out PLAN` saved. Without it, a plan is made, shown and asked about."},
    examples=(
        "pgplan apply",
        "pgplan apply plan.bin --expect-digest sha256:…",
    ),
)
@click.argument("path", metavar="[PLAN]", required=False, type=PlanFile())
@click.option("--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")
@click.option("--expect-digest", "expected", metavar="sha256:…", help="Refuse any other plan than the one that was approved.")
@click.option("--trust-plan", is_flag=True, help="Apply PLAN without making it again from the configuration.")
@click.option("--destroy", is_flag=True, help="Drop and revoke what pgplan made; PLAN was made so.")
@click.option("--include-adopted", is_flag=True, help="With --destroy: what was adopted too.")
@part_options
@replace_option
@click.pass_obj
def command(
    common: Common,
    path: Path | None,
    expected: str | None,
    *,
    yes: bool,
    trust_plan: bool,
    destroy: bool,
    include_adopted: bool,
    target: tuple[str, ...],
    exclude: tuple[str, ...],
    replace: tuple[str, ...],
) -> None:
    """Make the changes of a saved plan, or plan, ask and make them.

    All changes are made in one transaction, or none. A saved plan is never asked about. It is made again from the configuration,
    with the same options and variables, and refused with exit code 3 unless that gives the same: when the configuration, the
    state, the database or the file is not as it was.
    """
    check_together(destroy=destroy, include_adopted=include_adopted, replace=replace)
    if trust_plan and path is None:
        raise click.UsageError("--trust-plan goes with a saved plan.")
    with project(common) as opened:
        if path is None:
            with watching(common) as tell:
                plan = opened.plan(
                    destroy=destroy,
                    include_adopted=include_adopted,
                    target=target,
                    exclude=exclude,
                    replace=replace,
                    on_event=tell,
                )
            if expected is not None:
                check_digest(plan.digest, expected)
            question = "Destroy all of this? There is no undo." if destroy else "Make these changes?"
            approve_and_carry_out(common, opened, plan, question, yes=yes)
            return
        saved = load(path)
        with watching(common) as tell:
            applied = opened.apply(
                saved,
                destroy=destroy,
                include_adopted=include_adopted,
                target=target,
                exclude=exclude,
                replace=replace,
                expect_digest=expected,
                trust_plan=trust_plan,
                on_event=tell,
            )
        say_applied(common, saved, applied)
