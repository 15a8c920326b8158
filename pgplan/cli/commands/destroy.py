"""`pgplan destroy`."""

from __future__ import annotations

import click

from pgplan.cli.asked import part_options
from pgplan.cli.carry_out import approve_and_carry_out
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.terminal import watching


@click.command(
    cls=Command, examples=("pgplan destroy", "pgplan destroy --target server.s1", "pgplan plan --destroy --out plan.bin")
)
@click.option("--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")
@click.option("--include-adopted", is_flag=True, help="Drop what was adopted too; otherwise it is only forgotten.")
@part_options
@click.pass_obj
def command(common: Common, target: tuple[str, ...], exclude: tuple[str, ...], *, yes: bool, include_adopted: bool) -> None:
    """Drop and revoke what pgplan made.

    What was there before and was only adopted is left as it is, unless --include-adopted. With --target, what stands on it goes
    too; with --exclude, what that stands on stays too. `pgplan plan --destroy --out plan.bin`
    saves the same for an approval.
    """
    with project(common) as opened:
        with watching(common) as tell:
            plan = opened.plan(destroy=True, include_adopted=include_adopted, target=target, exclude=exclude, on_event=tell)
        approve_and_carry_out(common, opened, plan, "Destroy all of this? There is no undo.", yes=yes)
