"""Changing what is recorded, and nothing else: no connection is made, and no secret is needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pgplan import registry as registries
from pgplan.database.emergency import wanted
from pgplan.errors import ConfigurationError, PgplanError, Problem, StaleError
from pgplan.events import Listener, unheard
from pgplan.offline import Request, load_offline, load_store
from pgplan.state.backend import ConflictError
from pgplan.state.edit import Edit, forgotten, moved
from pgplan.state.model import State
from pgplan.state.store import StateStore


def settled(store: StateStore, directory: Path) -> tuple[State, str | None]:
    """The stored state, where nobody has to find out first how an apply ended.

    Raises PgplanError where something is recorded as pending, and where nothing ever was recorded.
    """
    state, version = store.load()
    if state is None:
        raise PgplanError(
            Problem(f"nothing is recorded in {store.location}", address="state", hint="`pgplan apply` makes a state")
        )
    if state.pending is not None or wanted(directory, store, state) is not None:
        message = "an apply was interrupted, and it must be found out first how it ended: OIDs tell that"
        hint = "connect to the database where that apply ran, and run `pgplan plan` there"
        raise PgplanError(Problem(message, address="state", hint=hint))
    return state, version


def look_to_forget(request: Request, patterns: Iterable[str]) -> Edit:
    """What would be recorded if that were forgotten which is like one of the patterns, without any lock.

    Raises PgplanError for each pattern that nothing is like, and while a transaction is noted as pending.
    """
    return forgotten(*settled(load_store(request), request.directory), patterns)


def look_to_move(request: Request, origin: str, to: str) -> Edit:
    """What would be recorded if what is recorded as `origin` were managed as `to`. Raises PgplanError where it cannot be."""
    return moved(*settled(load_store(request), request.directory), origin, to, registries.installed())


def record(request: Request, edit: Edit, tell: Listener = unheard) -> None:
    """Write what was looked at, under the state's lock.

    Raises StaleError, with nothing recorded, when the state is another one by now; LockedError while another run is at work.
    """
    store = load_store(request)
    with store.lock(request.lock_timeout, tell):
        try:
            if settled(store, request.directory)[1] != edit.version:
                raise _changed()
            store.save(edit.state, edit.version)
        except ConflictError:
            raise _changed() from None


def _changed() -> StaleError:
    message = "the state was changed by somebody else meanwhile; nothing was recorded"
    return StaleError(Problem(message, address="state", hint="run it again"))


def still_declared(request: Request, addresses: Iterable[str]) -> set[str] | None:
    """Those that the configuration declares. None: it has mistakes, so that nobody knows."""
    try:
        return {one.address for one in load_offline(request)[0].declared} & set(addresses)
    except ConfigurationError:
        return None
