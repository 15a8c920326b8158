"""`pgplan graph`."""

from __future__ import annotations

from typing import Literal

import click

from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.requests import request_of
from pgplan.cli.terminal import out
from pgplan.graph import draw, graph
from pgplan.offline import load_offline


@click.command(cls=Command, examples=("pgplan graph | dot -Tsvg > graph.svg", "pgplan graph --format mermaid"))
@click.option(
    "--format", "form", type=click.Choice(["dot", "mermaid"]), default="dot", show_default=True, help="What to draw for."
)
@click.pass_obj
def command(common: Common, form: Literal["dot", "mermaid"]) -> None:
    """Draw what needs what, for Graphviz or Mermaid.

    Needs no connection, no state and no secret. What is needed but not declared is dashed.
    """
    configuration, registry = load_offline(request_of(common))
    out(draw(graph(configuration, registry), form))
