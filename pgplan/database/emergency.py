"""When the state cannot be written after COMMIT: it is kept in a file beside the configuration until the next run."""

from __future__ import annotations

from pathlib import Path

from pgplan.files import replace
from pgplan.state.model import State
from pgplan.state.store import StateStore
from pgplan.state.text import decode, encode


def path_of(directory: Path, run: str) -> Path:
    """The file for the state that belongs to the pending transaction of `run`."""
    return directory / f"pgplan.emergency.{run}.json"


def keep(directory: Path, run: str, state: State) -> Path:
    """Write the file, mode 0600. Raises OSError."""
    path = path_of(directory, run)
    replace(path, encode(state), path.with_suffix(".tmp"))
    return path


def take_up(directory: Path, store: StateStore, state: State, version: str | None) -> tuple[State, str | None]:
    """If the stored state still has the `pending` that a file here belongs to, store that file's state and remove it.

    A file whose transaction is no longer pending is left alone: another run found out by itself how it ended.
    """
    if state.pending is None:
        return state, version
    path = path_of(directory, state.pending.id)
    if not path.exists():
        return state, version
    kept = decode(path.read_bytes(), str(path))
    version = store.save(kept, version)
    path.unlink()
    return kept, version
