"""pgplan without a terminal: what ``import pgplan`` offers, and what the command line stands on.

docs/reference/library.md shows it at work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from pgplan import planfile
from pgplan.configuration.model import Inputs
from pgplan.database.apply import Applied
from pgplan.drift import Drift
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.events import Began, Committed, Listener, Noticed, Planned, Remarked, unheard
from pgplan.importing import Imported, import_addresses
from pgplan.offline import Request, load_offline, load_store, stored_state
from pgplan.plan import model
from pgplan.planned import Plan
from pgplan.rebinding import look, rebind
from pgplan.saved import apply_saved, check_options
from pgplan.state.digests import forget_computed
from pgplan.state.model import State
from pgplan.state.rebind import Rebinding
from pgplan.workflow import Run, apply_plan, find_drift, loss, make_plan, opened


class Project:
    """A configuration and all that can be done with it. A context manager: nothing of a secret outlives it.

    It reads the configuration and connects when that is first needed. Not for several threads at once.
    """

    def __init__(self, request: Request, on_event: Listener = unheard) -> None:
        self._given: Request | None = request
        self._tell = on_event
        self._run: Run | None = None
        self._stack = ExitStack()
        self._made: WeakKeyDictionary[Plan, str | None] = WeakKeyDictionary()
        """The plans that were made here, and the version of the state that each was made from."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, and forget every secret. The project cannot be used any more."""
        self._run = None
        self._made.clear()
        self._given = None
        self._stack.close()
        forget_computed()

    def validate(self) -> int:
        """Check the configuration, without a connection, a state or a secret; how many addresses it declares.

        Raises ConfigurationError with every mistake.
        """
        return len(load_offline(self._request)[0].declared)

    def plan(
        self,
        *,
        destroy: bool = False,
        include_adopted: bool = False,
        valid_for: timedelta | None = None,
        on_event: Listener | None = None,
    ) -> Plan:
        """What `apply` would do now. Changes nothing.

        `destroy`: drop and revoke what pgplan made; `include_adopted`: what was adopted too. After `valid_for` it is refused.
        Raises PgplanError with everything that stands in the way.
        """
        run = self._opened(on_event)
        made = make_plan(run, destroy=destroy, include_adopted=include_adopted, valid_for=valid_for)
        known = run.configuration
        about = planfile.manifest(made.plan, made.remarks, known.files, datetime.now(UTC), known.variables.items())
        plan = Plan(made.plan, about, made.seen.since.lost)
        self._made[plan] = made.seen.version
        self._say_missing(run, plan)
        run.tell(Planned(plan.digest, len(plan.changes)))
        return plan

    def apply(
        self,
        plan: Plan,
        *,
        destroy: bool = False,
        include_adopted: bool = False,
        expect_digest: str | None = None,
        trust_plan: bool = False,
        on_event: Listener | None = None,
    ) -> Applied:
        """Carry out `plan`, in one transaction, or nothing.

        A plan that was loaded is made again from the configuration, with the options given here, and refused unless that decides
        the same; `trust_plan` leaves that out. `expect_digest`: refuse any other plan than the one that was approved.

        Raises StaleError (exit code 3) when something is not as it was planned, LockedError (4) when another run is at work, and
        PgplanError, with nothing changed unless it says otherwise, for all else.
        """
        if expect_digest is not None:
            planfile.check_digest(plan.digest, expect_digest)
        planfile.check_expiry(plan.model, datetime.now(UTC))
        if plan in self._made:
            applied = self._apply_own(plan, on_event)
        else:
            options = None if trust_plan else model.Options(destroy, include_adopted)
            if options is not None:
                check_options(plan.model, options)
            run = self._opened(on_event)
            self._say_missing(run, plan)
            run.tell(Began("apply"))
            applied = apply_saved(run, plan.model, plan.about, options)
        self._tell_of(plan, applied, on_event)
        return applied

    def _apply_own(self, plan: Plan, on_event: Listener | None) -> Applied:
        """What this very project planned needs no second planning."""
        if plan.lost:
            raise loss(plan.lost)
        run = self._opened(on_event)
        run.tell(Began("apply"))
        try:
            return apply_plan(run, plan.model, plan.remarks)
        except StaleError:
            stored = run.store.backend.read()
            if (stored.version if stored else None) == self._made[plan]:
                raise  # an object moved, and the message names it
            message = "another run applied to the same state while this plan waited for approval; nothing was changed by this one"
            raise StaleError(Problem(message, address="state", hint="run it again: it plans anew")) from None

    def _tell_of(self, plan: Plan, applied: Applied, on_event: Listener | None) -> None:
        tell = on_event or self._tell
        for notice in applied.notices:
            tell(Noticed(notice.severity, notice.message, notice.detail))
        tell(Committed(plan.digest, len(plan.changes), applied.state.serial))

    def drift(self, *, on_event: Listener | None = None) -> Drift:
        """What was changed in the database since the last apply. Raises PgplanError when nothing was ever recorded."""
        return find_drift(self._opened(on_event))

    def import_(self, *addresses: str, on_event: Listener | None = None) -> list[Imported]:
        """Start to manage what exists, changing nothing in the database; the TOML of what the configuration does not declare.

        Raises PgplanError, with nothing recorded, for all that cannot be.
        """
        return import_addresses(self._opened(on_event), addresses)

    def look_to_rebind(self, matches: Callable[[str], bool] = lambda _: True, *, on_event: Listener | None = None) -> Rebinding:
        """What `rebind` would record of the addresses for which `matches` is true."""
        return look(self._opened(on_event), matches)

    def rebind(self, shown: Rebinding, *, on_event: Listener | None = None) -> None:
        """Bind what is recorded to what `look_to_rebind` has found under the same addresses.

        Raises StaleError, with nothing recorded, when state or database moved since.
        """
        run = self._opened(on_event)
        run.tell(Began("recording"))
        rebind(run, shown)

    def state(self) -> State:
        """What is recorded. Needs no connection."""
        store = load_store(self._request)
        return stored_state(store, store.name)[0]

    @property
    def _request(self) -> Request:
        if self._given is None:
            raise PgplanError(Problem("this project is closed", hint="open another one"))
        return self._given

    def _opened(self, on_event: Listener | None) -> Run:
        tell = on_event or self._tell
        if self._run is None or self._run.connection.closed:
            self._stack.close()
            self._run = self._stack.enter_context(opened(self._request, tell))
        self._run.connection.tell = tell
        return self._run

    def _say_missing(self, run: Run, plan: Plan) -> None:
        for reason in run.missing(plan.model):
            run.tell(Remarked(reason))


def open(  # noqa: A001 - pgplan.open, as in webbrowser.open
    directory: str | os.PathLike[str] = ".",
    *,
    variables: Mapping[str, str] | None = None,
    var_files: Iterable[str | os.PathLike[str]] = (),
    environment: Mapping[str, str] | None = None,
    url: str | None = None,
    lock_timeout: float = 0.0,
    on_event: Listener = unheard,
) -> Project:
    """The configuration in `directory`, to be used in a ``with`` block.

    `variables` and `var_files` are as --var and --var-file; `environment` stands for that of the process, for ``${env.X}`` and
    ``PGPLAN_VAR_x``; `url` stands above that of [connection]; `lock_timeout` is how many seconds to wait for another run;
    `on_event` hears of everything that happens, unless a call has a listener of its own.
    """
    given = Inputs(dict(variables or {}), tuple(map(Path, var_files)), dict(os.environ if environment is None else environment))
    return Project(Request(Path(directory), given, url, lock_timeout), on_event)
