"""Rebinding: the state of a restored, upgraded or recreated cluster says of every recorded object which one it is now.

Nothing in the database changes; what is not as it is recorded becomes drift.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from pgplan.database.read import read, read_now
from pgplan.database.recovery import flushed
from pgplan.database.transaction import begin, end
from pgplan.editing import settled
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.events import Began
from pgplan.state.backend import ConflictError
from pgplan.state.model import State
from pgplan.state.rebind import Rebinding, rebinding
from pgplan.workflow import Run, types_of, with_others


def look(run: Run, matches: Callable[[str], bool]) -> Rebinding:
    """What rebinding the addresses that match would do, without any lock.

    Raises PgplanError when nothing is recorded or nothing matches, or while a transaction is noted as pending.
    """
    run.tell(Began("state"))
    state, version = _stored(run)
    run.tell(Began("catalogs"))
    snapshot = with_others(run, state, read(run.connection, run.registry, types_of(run, state)))
    return rebinding(state, version, snapshot, run.registry, matches)


def rebind(run: Run, shown: Rebinding) -> None:
    """Record what `look` has shown, under the locks of state and database.

    Raises StaleError, with nothing recorded, when it is not so any more; LockedError (exit code 4) while another run is at work.
    """
    with run.store.lock(run.request.lock_timeout, run.tell):
        state, version = _stored(run)
        begin(run.connection, state.name)
        try:
            snapshot = with_others(run, state, read_now(run.connection, run.registry, sorted(types_of(run, state))))
            asked = {one.address for one in shown.objects}
            now = rebinding(state, version, snapshot, run.registry, lambda address: address in asked or not asked)
            if (now.version, now.objects, now.elsewhere) != (shown.version, shown.objects, shown.elsewhere):
                raise _moved()
            target = evolve(now.target, lsn=flushed(run.connection))
            run.store.save(evolve(now.state, target=target), version)
        except ConflictError:
            raise _moved() from None
        finally:
            end(run.connection)


def _moved() -> StaleError:
    message = "state or database were changed by somebody else meanwhile; nothing was recorded"
    return StaleError(Problem(message, address="state", hint="run it again"))


def _stored(run: Run) -> tuple[State, str | None]:
    state, version = settled(run.store, run.configuration.directory)
    if state.target is None:
        raise PgplanError(
            Problem(f"nothing is recorded in {run.store.location}", address="state", hint="there is nothing to rebind")
        )
    return state, version
