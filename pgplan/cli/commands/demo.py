"""`pgplan demo`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.terminal import can_ask, out
from pgplan.demo import clear, demo, is_left_over
from pgplan.errors import PgplanError, Problem

DIRECTORY = Path("pgplan-demo")


@click.command(cls=Command, enters_directory=False, examples=("pgplan demo", "pgplan -C try-it demo"))
@click.pass_obj
def command(common: Common) -> None:
    """See it all happen on a PostgreSQL of its own.

    Starts an embedded PostgreSQL, declares a foreign server and a role that reads through it, plans, applies, changes something
    by hand, shows the drift and repairs it. Its files are in ./pgplan-demo, or where -C says; nothing is left running.
    """
    directory = (common.chosen_directory or DIRECTORY).resolve()
    if is_left_over(directory) and can_ask(common):
        from pgplan.cli.ask import approve  # noqa: PLC0415 - questionary is slow to import

        if not approve(f"{directory} holds an earlier demo. Remove that and start over?"):
            raise PgplanError(Problem("declined; nothing was changed"))
        clear(directory)
    demo(directory, _say, _runner(common))


def _say(text: str) -> None:
    out(f"{text}\n")


def _runner(common: Common) -> Callable[[Sequence[str]], int]:
    """Runs pgplan's own command line in this process, as a user would."""
    from pgplan.cli.run import run  # noqa: PLC0415 - that module imports the commands

    first = ["--no-color"] if common.no_color else []
    return lambda arguments: run([*first, *arguments])
