"""Loading, saving and locking the state of one configuration, whatever backend keeps it."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, cast

from attrs import define, frozen

from pgplan.errors import Problem
from pgplan.events import Listener, unheard
from pgplan.images import canonical, image
from pgplan.patience import take
from pgplan.state.backend import Backend, BackendError, ConflictError, Lock, Stored
from pgplan.state.model import State
from pgplan.state.text import StateError, decode, joined, line, lines

WRITES = 3
"""How often a write whose outcome is unclear is tried in all."""


@define
class HeldLock:
    """The state's lock, also as a context manager."""

    _lock: Lock

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.release()


@frozen
class StateStore:
    """The state of the configuration `name` (empty: of any) in a backend."""

    backend: Backend
    name: str = ""

    @property
    def location(self) -> str:
        return self.backend.location

    def load(self) -> tuple[State | None, str | None]:
        """The state and its version, (None, None) before the first write. Raises BackendError or StateError."""
        stored = self.backend.read()
        if stored is None:
            return None, None
        state = decode(stored.data, self.location)
        if self.name and state.name != self.name:
            raise StateError(
                Problem(
                    f"the state {self.location} belongs to the configuration {state.name!r}, not to {self.name!r}",
                    hint="give this configuration a place of its own under [state], or its old name back under [pgplan]",
                )
            )
        return state, stored.version

    def save(self, state: State, expected: str | None, parts: Mapping[str, str] | None = None) -> str:
        """Replace the version `expected` (None: there is none yet) by `state` under a fresh nonce; return the new version.

        `parts` are the lines of `state`, where they are made already. When this returns, the state is stored durably. Raises
        ConflictError when another version is stored, and BackendError when it cannot be written.
        """
        parts = parts or lines(state)
        nonces: set[str] = set()
        for _ in range(WRITES - 1):
            data = _stamp(parts, nonces)
            try:
                return self.backend.write(data, expected)
            except ConflictError:
                # A client that repeats a request by itself is refused for what its first try has written.
                stored = self.backend.read()
                if stored is None or _nonce(stored) not in nonces:
                    raise
                return stored.version
            except BackendError:
                # It may be stored all the same, or come to be stored later. Only a write over what is there now makes it sure.
                expected = self._still(expected, nonces)
        return self.backend.write(_stamp(parts, nonces), expected)

    def _still(self, expected: str | None, nonces: set[str]) -> str | None:
        """The version to write over after an unclear outcome: our own or the expected one."""
        stored = self.backend.read()
        version = stored.version if stored else None
        if version != expected and (stored is None or _nonce(stored) not in nonces):
            raise ConflictError(f"{self.location} has changed")
        return version

    def lock(self, timeout: float = 0, tell: Listener = unheard) -> HeldLock:
        """Take the lock within `timeout` seconds. Raises LockedError, which names the holder, or BackendError."""
        return HeldLock(take(lambda seconds: self.backend.lock(_holder(), seconds), timeout, tell))


def _holder() -> str:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{_user()}@{socket.gethostname()}, process {os.getpid()}, since {since}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that no user has
        return f"uid {os.getuid()}"


def new_state(name: str) -> State:
    """The state of a configuration before its first apply, with a lineage of its own."""
    return State(name=name, lineage=secrets.token_hex(16), serial=0)


def content_hash(state: State) -> str:
    """SHA-256 of the entries. `pending`, nonce and serial do not count."""
    return hashlib.sha256(canonical(image(state.entries))).hexdigest()


def _stamp(parts: Mapping[str, str], nonces: set[str]) -> bytes:
    nonce = secrets.token_hex(16)
    nonces.add(nonce)
    return joined({**parts, "nonce": line(nonce)})


def _nonce(stored: Stored) -> str | None:
    """The nonce of what is stored, None if that is no state."""
    try:
        document: Any = json.loads(stored.data)
        return cast("str", document["nonce"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
