"""Waiting for a lock that another run holds: whoever watches is told, once it takes longer than a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pgplan.errors import LockedError

T = TypeVar("T")
MOMENT = 2.0
"""Seconds to wait without a word."""

Said = Callable[[str], None]


def silent(_: str) -> None:
    """For callers that do not watch."""


def take(attempt: Callable[[float], T], timeout: float, said: Said) -> T:
    """What `attempt` takes within the seconds that it is given, or raises LockedError."""
    if timeout <= MOMENT:
        return attempt(timeout)
    try:
        return attempt(MOMENT)
    except LockedError as error:
        said(f"Waiting up to {timeout:g} s: {error.problems[0].message}")
    return attempt(timeout - MOMENT)
