"""Results to standard output, messages and progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from pgplan.cli.options import Common
from pgplan.render.escape import visible


def out(text: str) -> None:
    """A result: exactly `text`, to standard output."""
    click.echo(text, nl=False, color=True)


def say(common: Common, text: str) -> None:
    """A message for whoever watches; not with -q."""
    if not common.quiet:
        for line in text.split("\n"):
            click.echo(visible(line), err=True)


def can_ask(common: Common) -> bool:
    """Whether somebody is there to answer: questions are shown on standard error and answered on standard input."""
    return not common.no_input and sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def working(common: Common, doing: str) -> Generator[Callable[[str], None]]:
    """Show on a terminal that something is being done; call what is yielded with what it is at present. Nothing in a pipe."""
    if common.quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and of use on a terminal only
    from rich.markup import escape  # noqa: PLC0415

    console = Console(stderr=True, no_color=not common.colour(sys.stderr))
    with console.status(escape(doing)) as status:
        yield lambda text: status.update(escape(visible(text)))
