"""The contract between pgplan and a place where a state is kept.

A backend keeps bytes by compare-and-swap and gives out one lock. It knows nothing of what the bytes mean. Entry point group
``pgplan.state_backends``: the entry point is a class that takes the options of ``[state]`` and the configuration's directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from pgplan.errors import PgplanError


class ConflictError(Exception):
    """A compare-and-swap write lost: the stored version is not the expected one."""


class BackendError(PgplanError):
    """The place cannot be reached, read or written, or does not hold its promises."""


@frozen
class Stored:
    """Bytes and the version they were read at. Two reads with the same version hold the same bytes."""

    data: bytes
    version: str


class Lock(Protocol):
    """A held lock. It gives order; safety comes from compare-and-swap."""

    def release(self) -> None:
        """Let go. Doing it twice, or after the lease was lost, is not an error."""
        ...


class Backend(Protocol):
    @property
    def location(self) -> str:
        """Where the state is, for messages: a path or a URL without secrets."""
        ...

    def read(self) -> Stored | None:
        """The newest bytes, None when nothing was written yet. Raises BackendError."""
        ...

    def write(self, data: bytes, expected: str | None) -> str:
        """Replace the version `expected` (None: nothing is stored) by `data`; return the new version.

        Either the whole of `data` is stored durably when this returns, or nothing is. Raises ConflictError when another
        version is stored, BackendError when it cannot be written.
        """
        ...

    def lock(self, holder: str, timeout: float) -> Lock:
        """Take the lock, waiting up to `timeout` seconds. `holder` says who (user, host, process) for others' errors.

        Raises LockedError (exit code 4) that names the present holder.
        """
        ...


class BackendFactory(Protocol):
    def __call__(self, options: Mapping[str, Any], directory: Path) -> Backend:
        """Raises ConfigurationError for an option it does not know or that is missing."""
        ...
