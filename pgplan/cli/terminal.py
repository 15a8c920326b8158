"""Results to standard output, messages and progress to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TextIO

import click

from pgplan.cli.eventfile import writing
from pgplan.cli.options import Common
from pgplan.errors import PgplanError, Problem
from pgplan.events import Event, Listener, Noticed, Remarked
from pgplan.render.escape import visible


class OutputError(PgplanError):
    """Standard output cannot be written."""


def open_streams() -> None:
    """Give standard streams that were closed somewhere to lead: else the next file or connection that is opened becomes one."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - until the end


def out(text: str) -> None:
    """A result: exactly `text`, to standard output. Raises OutputError, and BrokenPipeError when its reader went away."""
    try:
        click.echo(text, nl=False, color=True)
    except BrokenPipeError:
        raise
    except UnicodeEncodeError as error:
        character = visible(error.object[error.start])
        hint = "set PYTHONIOENCODING=utf-8"
        raise OutputError(Problem(f"the encoding of standard output, {error.encoding}, lacks {character!a}", hint=hint)) from None
    except OSError as error:
        raise OutputError(Problem(f"standard output cannot be written: {error.strerror}")) from None


def say(common: Common, text: str) -> None:
    """A message for whoever watches; not with -q. Nothing fails because nobody does."""
    if not common.quiet:
        with suppress(OSError):
            for line in text.split("\n"):
                click.echo(visible(line), err=True)


@contextmanager
def done_already(what: str) -> Generator[None]:
    """What was done stays done: that it cannot be told on standard output is no failure, but a remark on standard error."""
    try:
        yield
    except BrokenPipeError:
        swallow(sys.stdout)
    except OutputError as error:
        swallow(sys.stdout)
        with suppress(OSError):
            click.echo(f"{what}, but {error.problems[0].message}", err=True)


def flush_streams() -> None:
    """Write what is left. What cannot be written goes nowhere: the interpreter's own last try would end in a complaint."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            swallow(stream)


def swallow(stream: TextIO) -> None:
    """Let what is left in a stream that failed, and all that follows, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def can_ask(common: Common) -> bool:
    """Whether somebody is there to answer: questions are shown on standard error and answered on standard input."""
    return not common.no_input and sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def watching(common: Common) -> Generator[Listener]:
    """What listens to the events of one call: shows on a terminal what is being done, nothing in a pipe, and keeps --events.

    What the reader should know is said once the call has ended.
    """
    remarks: list[str] = []
    try:
        with writing(common.event_file) as write, _status(common) as show:

            def listen(event: Event) -> None:
                write(event)
                show(event.text)
                if isinstance(event, (Remarked, Noticed)):
                    remarks.append(event.text)

            yield listen
    finally:
        for text in remarks:
            say(common, text)


@contextmanager
def _status(common: Common) -> Generator[Callable[[str], None]]:
    if common.quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and of use on a terminal only
    from rich.markup import escape  # noqa: PLC0415

    console = Console(stderr=True, no_color=not common.colour(sys.stderr))
    with console.status("Starting") as status:
        yield lambda text: status.update(escape(visible(text)))
