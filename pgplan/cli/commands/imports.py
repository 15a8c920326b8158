"""`pgplan import`."""

from __future__ import annotations

import click

from pgplan.cli.completion import importable
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.terminal import done_already, out, say, watching


@click.command(
    "import",
    cls=Command,
    arguments={"ADDRESS": "What to manage from now on, as a plan writes it: KIND.NAME, or grant.ROLE/TYPE:OBJECT."},
    examples=(
        "pgplan import role.alice server.s1",
        "pgplan import 'user_mapping.s1/alice' 'grant.alice/schema:billing'",
    ),
)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...", shell_complete=importable)
@click.pass_obj
def command(common: Common, addresses: tuple[str, ...]) -> None:
    """Start to manage what exists, changing nothing in the database.

    Reads each object, such as role.alice or server.s1, and records it. Prints the TOML of what the configuration does not declare
    yet: without it, the next plan would drop the object.
    """
    with project(common) as opened, watching(common) as tell:
        done = opened.import_(*addresses, on_event=tell)
    missing = [one.toml for one in done if one.toml]
    for one in done:
        say(common, f"{one.address}: {'is managed already' if one.known else 'imported'}")
    if missing:
        say(common, "\nThe configuration does not declare this yet; add it, or the next plan drops it:\n")
        with done_already("All of this was recorded"):
            out("\n".join(missing))
