"""`pgplan psql`."""

from __future__ import annotations

import os

import click

from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.requests import request_of
from pgplan.workflow import where_to_connect


@click.command(
    cls=Command,
    arguments={"ARGUMENT": "Handed on to psql, after --."},
    examples=("pgplan psql", "pgplan psql -- -c 'SELECT current_user' --csv"),
)
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENT...]", type=click.UNPROCESSED)
@click.pass_obj
def command(common: Common, arguments: tuple[str, ...]) -> int:
    """Open psql on the connection of the configuration: same server, password, role and settings.

    What is changed there is changed by hand: `pgplan drift` shows it. Exits with psql's own code.
    """
    from pgplan.database.client import client, run  # noqa: PLC0415 - imports the driver

    configuration = where_to_connect(request_of(common))
    never_ask = ["-w"] if common.no_input else []
    return run(client(configuration.connection, configuration.directory, os.environ, [*never_ask, *arguments]))
