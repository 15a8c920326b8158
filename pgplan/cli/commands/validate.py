"""`pgplan validate`."""

from __future__ import annotations

import click

from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.requests import request_of
from pgplan.cli.terminal import out
from pgplan.offline import load_offline
from pgplan.plan.alike import alike_in_files
from pgplan.render.escape import visible


@click.command(cls=Command, examples=("pgplan validate", "pgplan -C billing validate"))
@click.pass_obj
def command(common: Common) -> None:
    """Check the configuration: syntax, names, references, variables.

    Needs no connection, no state and no secret. Shows every mistake at once.
    """
    configuration, registry = load_offline(request_of(common))
    for note in alike_in_files(configuration.declared, registry):
        out(f"Note: {visible(note)}\n")
    files = "file" if len(configuration.files) == 1 else "files"
    out(f"The configuration is valid: {len(configuration.declared)} addresses in {len(configuration.files)} {files}.\n")
