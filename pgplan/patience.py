"""Waiting for a lock that another run holds: whoever watches is told, once it takes longer than a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pgplan.errors import LockedError
from pgplan.events import Listener, Waiting

T = TypeVar("T")
MOMENT = 2.0
"""Seconds to wait without a word."""


def take(attempt: Callable[[float], T], timeout: float, tell: Listener) -> T:
    """What `attempt` takes within the seconds that it is given, or raises LockedError."""
    if timeout <= MOMENT:
        return attempt(timeout)
    try:
        return attempt(MOMENT)
    except LockedError as error:
        tell(Waiting(error.problems[0].message, timeout))
    return attempt(timeout - MOMENT)
