"""`pgplan state rebind`."""

from __future__ import annotations

import click

from pgplan.cli.carry_out import approve
from pgplan.cli.completion import recorded
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.requests import matching
from pgplan.cli.terminal import done_already, out, watching
from pgplan.render.state import rebound


@click.command(
    "rebind",
    cls=Command,
    arguments={"PATTERN": "Only addresses like this; * stands for any text, ? for one character. Without it, all."},
    examples=("pgplan state rebind --dry-run", "pgplan state rebind 'role.*'"),
)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=recorded)
@click.option("--dry-run", is_flag=True, help="Only show what would be recorded.")
@click.option("--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")
@click.pass_obj
def command(common: Common, patterns: tuple[str, ...], *, dry_run: bool, yes: bool) -> None:
    """Bind what is recorded to the objects that are found under the same addresses now.

    For a cluster that was restored, upgraded or made anew, and for objects that somebody dropped and made anew: PostgreSQL knows
    them by other OIDs then. What is recorded of them stays, so that `pgplan drift` shows what differs. The database stays as it
    is.
    """
    matches = matching(patterns)
    with project(common) as opened:
        with watching(common) as tell:
            shown = opened.look_to_rebind(matches, on_event=tell)
        if not shown.changes:
            out(f"Nothing to rebind. {len(shown.objects)} objects are the ones that are recorded.\n")
            return
        out(rebound(shown))
        if dry_run:
            return
        if not yes:
            out("\n")
            approve(common, "Bind the state to these?")
        with watching(common) as tell:
            opened.rebind(shown, on_event=tell)
        with done_already("The state was bound to what is found"):
            out("Rebound. `pgplan drift` shows what is not as it is recorded.\n")
