"""When the state cannot be written after COMMIT: it is kept in a file beside the configuration until the next run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pgplan.errors import PgplanError, Problem
from pgplan.files import replace
from pgplan.state.model import State
from pgplan.state.store import StateStore
from pgplan.state.text import decode, encode

_PATTERN = "pgplan.emergency.*.json"


def path_of(directory: Path, run: str) -> Path:
    """The file for the state that belongs to the pending transaction of `run`."""
    return directory / _PATTERN.replace("*", run)


def keep(directory: Path, run: str, state: State) -> Path:
    """Write the file, mode 0600. Raises OSError."""
    path = path_of(directory, run)
    replace(path, encode(state), path.with_suffix(".tmp"))
    return path


def wanted(directory: Path, store: StateStore, state: State | None) -> Path | None:
    """The file here that belongs into the place of `state` (None: there is none), if there is one.

    That is the one whose transaction the state still notes as pending, or the newest one where there is no state. Others are left
    alone: another run found out by itself how their transactions ended. Raises PgplanError when the state is older than a file.
    """
    if state is not None and state.pending is not None and path_of(directory, state.pending.id).exists():
        return path_of(directory, state.pending.id)
    files = sorted(_files(directory, store), key=lambda one: one[1].serial)
    if state is None:
        if len({kept.lineage for _, kept in files}) > 1:
            message = f"there is no state in {store.location}, and several were kept: {', '.join(path.name for path, _ in files)}"
            raise PgplanError(
                Problem(message, address="state", hint="remove those that are not to be taken up, and run it again")
            )
        return files[-1][0] if files else None
    for path, kept in files:
        if kept.lineage == state.lineage and kept.serial > state.serial:
            message = (
                f"the state {store.location} is older than what {path} has kept: its serial is {state.serial}, not {kept.serial}"
            )
            hint = "put that file in the place of the state; or remove it, if the older state shall count"
            raise PgplanError(Problem(message, address="state", hint=hint))
    return None


def _files(directory: Path, store: StateStore) -> Iterator[tuple[Path, State]]:
    for path in sorted(directory.glob(_PATTERN)):
        kept = decode(path.read_bytes(), str(path))
        if store.name in ("", kept.name):
            yield path, kept


def take_up(directory: Path, store: StateStore, state: State | None, version: str | None) -> tuple[State | None, str | None]:
    """Store the state that is `wanted` here, and remove its file. The state's lock is held."""
    path = wanted(directory, store, state)
    if path is None:
        return state, version
    kept = decode(path.read_bytes(), str(path))
    version = store.save(kept, version)
    path.unlink()
    return kept, version
