"""A state in a file beside the configuration: ``[state] backend = "local"``.

Three files, all readable by their owner alone: the state, ``.lock`` for the run that holds it, ``.swap`` for the moment of a
write. The two locks are the kernel's (flock), so that the lock of a process that died is free by itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from pgplan.errors import ConfigurationError, LockedError, Problem
from pgplan.files import FILE_MODE, make_directory, replace
from pgplan.state.backend import BackendError, ConflictError, Stored

DEFAULT_PATH = ".pgplan/state.json"
SWAP_TIMEOUT = 10.0
"""Seconds to wait for another process's write, which takes some milliseconds unless it was stopped in the middle."""
_POLL = 0.02


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@define
class LocalLock:
    """A held flock: closing the file gives it back, and so does the end of the process."""

    _descriptor: int | None

    def release(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.ftruncate(descriptor, 0)
            os.close(descriptor)


class LocalBackend:
    """`path` (default ``.pgplan/state.json``) is relative to the configuration's directory.

    Raises ConfigurationError for an unknown option, or a path that is no text.
    """

    def __init__(self, options: Mapping[str, Any], directory: Path) -> None:
        problems = [
            Problem(f"the local backend has no option {name!r}", address="state", hint="it has: path")
            for name in sorted(options.keys() - {"path"})
        ]
        path = options.get("path", DEFAULT_PATH)
        if not isinstance(path, str) or not path or "\x00" in path:
            problems.append(Problem("path must be the path of a file", address="state", hint=f'such as "{DEFAULT_PATH}"'))
        if problems or not isinstance(path, str):
            raise ConfigurationError(*problems)
        # Resolved, so that a symbolic link to a state stays one: the rename replaces what it points to.
        self._path = Path(os.path.realpath(directory / path))

    @property
    def location(self) -> str:
        return str(self._path)

    def read(self) -> Stored | None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", error) from error
        return Stored(data, _version(data))

    def write(self, data: bytes, expected: str | None) -> str:
        try:
            with self._swapping():
                stored = self.read()
                if (stored.version if stored else None) != expected:
                    raise ConflictError(f"{self.location} has changed")
                replace(self._path, data, self._beside("tmp"))
        except OSError as error:
            raise self._failed("written", error) from error
        return _version(data)

    def lock(self, holder: str, timeout: float) -> LocalLock:
        try:
            descriptor = self._take("lock", timeout)
            if descriptor is None:
                raise self._locked()
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)
        except OSError as error:
            raise self._failed("locked", error) from error
        return LocalLock(descriptor)

    @contextmanager
    def _swapping(self) -> Generator[None]:
        """Between comparing and swapping, no other process may write."""
        descriptor = self._take("swap", SWAP_TIMEOUT)
        if descriptor is None:
            hint = f"a process that has {self._beside('swap')} open may have been stopped: continue it or end it"
            raise BackendError(Problem(f"the state {self.location} is being written for {SWAP_TIMEOUT:g} s already", hint=hint))
        try:
            yield
        finally:
            os.close(descriptor)

    def _take(self, what: str, timeout: float) -> int | None:
        """The descriptor of a lock file whose flock is held, None if that was not to be had in time."""
        path = self._beside(what)
        make_directory(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            if _flock(descriptor, timeout):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _beside(self, what: str) -> Path:
        return self._path.parent / f"{self._path.name}.{what}"

    def _locked(self) -> LockedError:
        by = self._beside("lock").read_text(errors="replace") or "another run"
        hint = "wait for that run, or give --lock-timeout a longer time; the lock ends with the process that holds it"
        return LockedError(Problem(f"the state {self.location} is locked by {by}", hint=hint))

    def _failed(self, what: str, error: OSError) -> BackendError:
        return BackendError(Problem(f"the state {self.location} cannot be {what}: {error.strerror}", hint=_hint(error)))


def _flock(descriptor: int, timeout: float) -> bool:
    """Take the exclusive lock of an open file within `timeout` seconds. Whether it was taken."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        else:
            return True


def _hint(error: OSError) -> str:
    return f"look at {error.filename}" if error.filename else ""
