"""The commands by name; their modules are imported when they are called."""

from __future__ import annotations

import click

from pgplan.cli.frame import Group, alone
from pgplan.version import __version__

_HERE = "pgplan.cli.commands"

COMMANDS = {
    "init": (f"{_HERE}.init", "Write a small configuration to start from."),
    "validate": (f"{_HERE}.validate", "Check the configuration, without a connection."),
    "plan": (f"{_HERE}.plan", "Show what would change, and save it."),
    "show": (f"{_HERE}.show", "Show a saved plan."),
    "apply": (f"{_HERE}.apply", "Make the changes of a saved plan, or plan, ask and make them."),
    "drift": (f"{_HERE}.drift", "Show what was changed in the database since the last apply."),
    "destroy": (f"{_HERE}.destroy", "Drop and revoke what pgplan made."),
    "import": (f"{_HERE}.imports", "Start to manage what exists, changing nothing in the database."),
    "forget": (f"{_HERE}.forget", "Stop managing something, changing nothing in the database."),
    "state": (f"{_HERE}.state", "Look at what pgplan has recorded, and change it."),
    "psql": (f"{_HERE}.psql", "Open psql on the connection of the configuration."),
    "graph": (f"{_HERE}.graph", "Draw what needs what."),
    "demo": (f"{_HERE}.demo", "See it all happen on a PostgreSQL of its own."),
    "help": (f"{_HERE}.help", "Show the help of a command."),
}


EXAMPLES = (
    "pgplan demo                    # see it all, on a PostgreSQL of its own",
    "pgplan init                    # write a pgplan.toml to start from",
    "pgplan plan --out plan.bin     # show and save what would change",
    "pgplan apply plan.bin          # change exactly that",
    "pgplan help plan               # more about a command",
)


@click.group(cls=Group, lazy=COMMANDS, examples=EXAMPLES)
@click.version_option(__version__, message="pgplan %(version)s")
@click.pass_context
def pgplan(ctx: click.Context) -> None:
    """Plan and apply for PostgreSQL access control and foreign data.

    Declare extensions, servers, roles, user mappings and grants in TOML; see what would change; apply exactly that.
    """
    alone(ctx)
