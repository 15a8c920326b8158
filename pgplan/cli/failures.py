"""Errors on standard error, all in one form, and never with a value that might be secret."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

import click

from pgplan.errors import CLOSE, Problem
from pgplan.render.escape import visible
from pgplan.render.paint import Paint

_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|\$\$.*?\$\$""", re.DOTALL)
_CREDENTIALS = re.compile(r"(\w+://)[^\s/@]*@|\b(password|passfile|sslpassword)\s*=\s*\S+", re.IGNORECASE)
_ROOT = Path(__file__).parents[2]


def show_errors(problems: Iterable[Problem | str], *, colour: bool) -> None:
    """``Error: file:line: address: message``, with what to do next below."""
    for problem in problems:
        _show(problem if isinstance(problem, Problem) else Problem(problem), colour=colour)


def _show(problem: Problem, *, colour: bool) -> None:
    place = f"{problem.source}: " if problem.source else ""
    about = f"{problem.address}: " if problem.address else ""
    first, *more = _lines(f"{place}{about}{problem.message}")
    paint = Paint(colour)
    click.echo(f"{paint('Error:', 'bold red')} {paint(first, 'bold')}", err=True)
    for line in more:
        click.echo(f"  {line}", err=True)
    for line in _lines(problem.hint) if problem.hint else ():
        click.echo(f"  {line}", err=True)


def _lines(text: str) -> list[str]:
    """Lines of their own stay lines, indented where they are shown, so that none can pass for another message."""
    return [visible(line) for line in text.split("\n")]


def show_usage_error(error: click.UsageError, *, colour: bool) -> None:
    path = error.ctx.command_path if error.ctx is not None else "pgplan"
    hint = f"`{path} --help` lists what there is."
    message = _unknown_option(error) if isinstance(error, click.NoSuchOption) else error.format_message()
    show_errors([Problem(message, hint=hint)], colour=colour)


def _unknown_option(error: click.NoSuchOption) -> str:
    known = [] if error.ctx is None else [name for one in error.ctx.command.get_params(error.ctx) for name in one.opts]
    close = get_close_matches(error.option_name, known, 1, CLOSE)
    return f"No such option {error.option_name!r}." + (f" Did you mean {close[0]!r}?" if close else "")


def show_unexpected(error: BaseException, *, details: bool, colour: bool) -> None:
    """A fault of pgplan itself: what and where. Messages of exceptions may quote statements and values, so they are scrubbed."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" in {_place(last[0])}" if last else ""
    hint = "This is a fault of pgplan. " + ("" if details else "Run it again with -v for details that can be reported.")
    show_errors([Problem(f"unexpected {type(error).__name__}{where}", hint=hint.strip())], colour=colour)
    if details:
        for line in _details(error):
            click.echo(f"  {line}", err=True)


def _details(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield visible(f"{_place(frame)} in {frame.name}: {frame.line}")
    for line in scrub(str(error)).split("\n"):
        yield visible(f"{type(error).__name__}: {line}")
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield "caused by"
        yield from _details(cause)


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(*path.parts[-2:])
    return f"{shown}:{frame.lineno}"


def scrub(text: str) -> str:
    """`text` without anything in quotes and without credentials."""
    return _QUOTED.sub("'…'", _CREDENTIALS.sub("…", text))
