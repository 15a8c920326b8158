"""pgplan without a terminal: what ``import pgplan`` offers, and what the command line stands on.

docs/reference/library.md shows it at work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from pgplan import editing, planfile
from pgplan.configuration.model import Inputs
from pgplan.database.apply import Applied
from pgplan.drift import Drift
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.events import Began, Committed, Listener, Noticed, Planned, Remarked, unheard
from pgplan.execution import apply_plan, rehearse_plan
from pgplan.importing import Imported, import_addresses
from pgplan.offline import Request, load_offline, load_store, stored_state
from pgplan.plan import model
from pgplan.planned import Plan
from pgplan.rebinding import look, rebind
from pgplan.saved import apply_saved, check_options
from pgplan.state.digests import forget_computed
from pgplan.state.edit import Edit
from pgplan.state.kinds import explained
from pgplan.state.model import State
from pgplan.state.rebind import Rebinding
from pgplan.workflow import Run, find_drift, loss, make_plan, opened


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
        target: Iterable[str] = (),
        exclude: Iterable[str] = (),
        replace: Iterable[str] = (),
        valid_for: timedelta | None = None,
        rehearse: bool = False,
        on_event: Listener | None = None,
    ) -> Plan:
        """What `apply` would do now. Changes nothing.

        `destroy`: drop and revoke what pgplan made; `include_adopted`: what was adopted too. Patterns of addresses are `target`:
        only these and what they need; `exclude`: all but these and what cannot be without them; `replace`: what is to be dropped
        and made anew. After `valid_for` it is refused.
        `rehearse`: carry it out as far as COMMIT, and roll it back; meanwhile it holds the locks that apply takes.
        Raises PgplanError with everything that stands in the way, and LockedError (exit code 4) when a rehearsal gets no lock.
        """
        with self._at_work(on_event) as run:
            options = model.Options(destroy, include_adopted, target, exclude, replace)
            made = make_plan(run, options, valid_for=valid_for)
            remarks = rehearse_plan(run, made.plan, made.remarks) if rehearse else made.remarks
            known = run.configuration
            about = planfile.manifest(made.plan, remarks, known.files, datetime.now(UTC), known.variables.items())
            plan = Plan(made.plan, about, made.seen.since.lost)
            self._made[plan] = made.seen.version
            _say_missing(run, plan)
            run.tell(Planned(plan.digest, len(plan.changes)))
        return plan

    def apply(
        self,
        plan: Plan,
        *,
        destroy: bool = False,
        include_adopted: bool = False,
        target: Iterable[str] = (),
        exclude: Iterable[str] = (),
        replace: Iterable[str] = (),
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
        own = plan in self._made
        options = None if own or trust_plan else model.Options(destroy, include_adopted, target, exclude, replace)
        if own and plan.lost:
            raise loss(plan.lost)
        if options is not None:
            check_options(plan.model, options)
        with self._at_work(on_event) as run:
            if not own:
                _say_missing(run, plan)
            run.tell(Began("apply"))
            applied = self._apply_own(run, plan) if own else apply_saved(run, plan.model, plan.about, options)
            for notice in applied.notices:
                run.tell(Noticed(notice.severity, notice.message, notice.detail))
            run.tell(Committed(plan.digest, len(plan.changes), applied.state.serial))
        return applied

    def _apply_own(self, run: Run, plan: Plan) -> Applied:
        """What this very project planned needs no second planning."""
        try:
            return apply_plan(run, plan.model, plan.remarks)
        except StaleError:
            stored = run.store.backend.read()
            if (stored.version if stored else None) == self._made[plan]:
                raise  # an object moved, and the message names it
            message = "another run applied to the same state while this plan waited for approval; nothing was changed by this one"
            raise StaleError(Problem(message, address="state", hint="run it again: it plans anew")) from None

    def drift(self, *, on_event: Listener | None = None) -> Drift:
        """What was changed in the database since the last apply. Raises PgplanError when nothing was ever recorded."""
        with self._at_work(on_event) as run:
            return find_drift(run)

    def import_(self, *addresses: str, on_event: Listener | None = None) -> list[Imported]:
        """Start to manage what exists, changing nothing in the database; the TOML of what the configuration does not declare.

        Raises PgplanError, with nothing recorded, for all that cannot be.
        """
        with self._at_work(on_event) as run:
            return import_addresses(run, addresses)

    def look_to_rebind(self, matches: Callable[[str], bool] = lambda _: True, *, on_event: Listener | None = None) -> Rebinding:
        """What `rebind` would record of the addresses for which `matches` is true."""
        with self._at_work(on_event) as run:
            return look(run, matches)

    def rebind(self, shown: Rebinding, *, on_event: Listener | None = None) -> None:
        """Bind what is recorded to what `look_to_rebind` has found under the same addresses.

        Raises StaleError, with nothing recorded, when state or database moved since.
        """
        with self._at_work(on_event) as run:
            run.tell(Began("recording"))
            rebind(run, shown)

    def look_to_forget(self, *patterns: str) -> Edit:
        """What `record` would take out of the state: all that is like one of the patterns. Needs no connection.

        Raises PgplanError for each that nothing is like.
        """
        return editing.look_to_forget(self._request, patterns)

    def look_to_move(self, origin: str, to: str) -> Edit:
        """What `record` would put under another address, as ``[[moved]]`` does at the next apply. Needs no connection.

        Raises PgplanError where nothing is recorded as `origin`, or something as `to`.
        """
        return editing.look_to_move(self._request, origin, to)

    def record(self, shown: Edit, *, on_event: Listener | None = None) -> None:
        """Write what `look_to_forget` or `look_to_move` has shown. Touches no database.

        Raises StaleError, with nothing recorded, when the state is another one by now.
        """
        editing.record(self._request, shown, on_event or self._tell)

    def state(self) -> State:
        """What is recorded. Needs no connection."""
        store = load_store(self._request)
        return stored_state(store, store.name)[0]

    @property
    def _request(self) -> Request:
        if self._given is None:
            raise PgplanError(Problem("this project is closed", hint="open another one"))
        return self._given

    @contextmanager
    def _at_work(self, on_event: Listener | None) -> Generator[Run]:
        """The open configuration, with what listens to this call."""
        tell = on_event or self._tell
        if self._run is None or self._run.connection.closed:
            self._stack.close()
            self._run = self._stack.enter_context(opened(self._request, tell))
        run = self._run
        run.connection.tell = tell
        with explained(run.store, run.registry):
            yield run


def _say_missing(run: Run, plan: Plan) -> None:
    """Say why secrets are deferred: apply will need them."""
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
