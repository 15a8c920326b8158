"""What can go wrong, as data: problems with a place, an address and a next step, and the exit code they lead to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum

from attrs import frozen


class Exit(IntEnum):
    """Exit codes of the command line (docs/reference/exit-codes.md)."""

    DONE = 0
    ERROR = 1
    PENDING = 2
    STALE = 3
    LOCKED = 4
    REFUSED = 5
    PARTLY = 6
    USAGE = 64
    INTERRUPTED = 130


@frozen(order=True)
class Source:
    """A place in a configuration file; `line` counts from 1, 0 means the whole file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@frozen
class Problem:
    """One mistake or refusal: what is wrong, where, about which address, and what to do next."""

    message: str
    source: Source | None = None
    address: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.source}: " if self.source else ""
        about = f"{self.address}: " if self.address else ""
        hint = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{about}{self.message}{hint}"


class PgplanError(Exception):
    """Every error that pgplan shows to its user: one or more problems and the exit code of the process."""

    exit_code: Exit = Exit.ERROR

    def __init__(self, *problems: Problem | str, exit_code: Exit | None = None) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        if exit_code is not None:
            self.exit_code = exit_code
        super().__init__("\n".join(map(str, self.problems)))


class ConfigurationError(PgplanError):
    """The TOML, a variable or a reference is wrong; found before any connection is made."""


class StaleError(PgplanError):
    """The saved plan no longer fits the state, the target or the file it came from."""

    exit_code = Exit.STALE


class LockedError(PgplanError):
    """The state or the database is held by another run."""

    exit_code = Exit.LOCKED


class RefusedError(PgplanError):
    """Policy, protection or an expectation forbids what was asked."""

    exit_code = Exit.REFUSED


def raise_all(error: type[PgplanError], problems: Iterable[Problem]) -> None:
    """Raise `error` with every problem, in order of place and address, or return when there is none."""
    found = sorted(set(problems), key=lambda p: (p.source or Source(""), p.address, p.message))
    if found:
        raise error(*found)


def another_owner(type_: str, key: str, there: str, owner: str) -> tuple[str, str]:
    """Message and hint where another address gives an object to another role than this one."""
    return f"{there} gives {type_} {key} to another role: {owner}", "say the same owner in both, or remove it from one of them"


CLOSE = 0.7
"""How alike two words must be for one to be a typo of the other: "user" is no typo of "server"."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not one of `known`."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, 1, CLOSE)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(words)}" if words else ""
