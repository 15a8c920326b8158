"""What happens while pgplan works, for whoever watches. No event ever holds the value of a secret.

Events up to COMMIT come while it works: a listener that raises stops it, and everything is rolled back. Those after it come when
the books are closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import asdict, frozen

Phase = Literal[
    "configuration", "connection", "state", "recovery", "catalogs", "plan", "rehearsal", "comparison", "apply", "recording"
]

_BEGAN: Mapping[Phase, str] = {
    "configuration": "Reading the configuration",
    "connection": "Connecting",
    "state": "Reading the state",
    "recovery": "Finding out how an interrupted apply ended",
    "catalogs": "Reading the catalogs",
    "plan": "Planning",
    "rehearsal": "Rehearsing",
    "comparison": "Comparing",
    "apply": "Applying",
    "recording": "Recording",
}


@frozen
class Began:
    """A part of the work begins."""

    phase: Phase

    @property
    def text(self) -> str:
        return _BEGAN[self.phase]


@frozen
class Waiting:
    """A lock is held by another run, and is waited for. Told once it takes longer than a moment."""

    reason: str
    """Who holds it."""
    seconds: float
    """How long it is waited for at most."""

    @property
    def text(self) -> str:
        return f"Waiting up to {self.seconds:g} s: {self.reason}"


@frozen
class Ran:
    """Statements of the open transaction were run."""

    done: int
    total: int
    phase: Literal["apply", "rehearsal"] = "apply"

    @property
    def text(self) -> str:
        return f"{_BEGAN[self.phase]}: {self.done} of {self.total} statements"


@frozen
class Remarked:
    """Something that the reader should know, and that stops nothing."""

    remark: str

    @property
    def text(self) -> str:
        return f"Note: {self.remark}."


@frozen
class Noticed:
    """The server said something about a statement that was committed, or rehearsed."""

    severity: str
    message: str
    detail: str = ""

    @property
    def text(self) -> str:
        return f"{self.severity}: {self.message}" + (f" ({self.detail})" if self.detail else "")


@frozen
class Planned:
    """A plan was made."""

    digest: str
    changes: int
    """How many addresses change."""

    @property
    def text(self) -> str:
        return f"Planned: {_counted(self.changes)}, {self.digest}"


@frozen
class Committed:
    """A plan was carried out, and the state records it."""

    digest: str
    changes: int
    serial: int
    """Of the state that records it."""

    @property
    def text(self) -> str:
        return f"Committed: {_counted(self.changes)}"


def _counted(changes: int) -> str:
    return f"{changes} change{'' if changes == 1 else 's'}"


Event = Began | Waiting | Ran | Remarked | Noticed | Planned | Committed
Listener = Callable[[Event], None]


def unheard(_: Event) -> None:
    """For callers that do not watch."""


def document(event: Event) -> dict[str, Any]:
    """The event as JSON values: its name in lower case, what it holds, and its text."""
    return {"event": type(event).__name__.lower(), **asdict(event), "text": event.text}
