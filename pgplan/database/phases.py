"""The phases of an apply, one after another: docs/explanation/apply.md#phases.

A plan of one database is one transaction, and this does no more than to run it. Else each phase commits by itself, and the state
says how far a plan came, and what was made apart and has no name yet.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

import psycopg
from attrs import define, evolve, field, frozen

from pgplan.address import Address, unpart
from pgplan.address import part as part_of_address
from pgplan.database import apart
from pgplan.database.alive import kept_alive
from pgplan.database.attempt import prepare
from pgplan.database.commit import conclude, record
from pgplan.database.connection import Session, facts, reading
from pgplan.database.notices import Notice
from pgplan.database.pending import Books, books, recorded, with_found
from pgplan.database.read import read
from pgplan.database.recovery import Resolved, flushed
from pgplan.database.scrub import server_error
from pgplan.database.stale import check_target, raise_moved
from pgplan.database.steps import StepError
from pgplan.database.transaction import end
from pgplan.database.verify import counted, stale
from pgplan.database.working import AS_BEFORE, Working
from pgplan.errors import Exit, PgplanError, Problem
from pgplan.events import Remarked
from pgplan.interrupts import deferred
from pgplan.kind import MadeApart
from pgplan.plan.model import Phase, Plan
from pgplan.plan.parts import in_database, part
from pgplan.plan.rehearsal import rehearsals
from pgplan.snapshot import Facts, Snapshot
from pgplan.state.digests import record as record_secrets
from pgplan.state.model import State, Target, Unfinished
from pgplan.state.text import lines


@frozen
class Approved:
    """The plan that was approved, of which what is carried out may be the rest."""

    digest: str
    numbers: tuple[int, ...]
    """Which of its phases those of the rest are, counted from 0."""
    done: tuple[int, ...] = ()
    """Which of them are committed already."""


@define
class Run:
    """A plan on its way, and what has come of it."""

    working: Working
    approved: Approved
    known: Facts
    state: State
    version: str | None
    notices: tuple[Notice, ...] = ()
    interrupts: int = 0
    committed: list[int] = field(factory=list[int])
    """Numbers of its phases, counted from 0."""
    unnamed: list[int] = field(factory=list[int])
    """Those that made something which still has no name: it counts once that is committed."""
    failed: dict[int, PgplanError] = field(factory=dict[int, PgplanError])
    stopped: list[Problem] = field(factory=list[Problem])
    """Why what comes next is not begun."""

    def carry_out(self) -> None:
        """Raises PgplanError; with exit code 6, and with all that is committed and is not, once something is."""
        phases = self.working.plan.decided.phases
        if self.working.plan.observed.databases[1:]:
            self._name_default()
        if len(phases) > 1 or any(phase.apart for phase in phases) or self.working.plan.observed.databases[1:]:
            self._check()
        if not phases:
            own = in_database(self.working.plan, self._default)
            with told():
                self._transaction(evolve(self.working, plan=own), own, 0)
        for number, phase in enumerate(phases):
            if self._stops(phase):
                break
            try:
                with told():
                    self._phase(number, phase)
            except PgplanError as error:
                self._leave_none_unnamed()
                if not self.committed:
                    raise
                self.failed[number] = error
            else:
                self._is_done(number, phase)
        if self.failed or self.stopped:
            raise self._partly()

    def _stops(self, phase: Phase) -> bool:
        """What fails in one database stops what waits for it: all that comes later, but for the other databases."""
        default = self._default
        if self.interrupts:
            self.stopped.append(Problem("interrupted"))
        interrupted = any(error.exit_code == Exit.INTERRUPTED for error in self.failed.values())
        ends = any(self.working.plan.decided.phases[number].database == default for number in self.failed)
        return bool(self.stopped) or interrupted or ends or (bool(self.failed) and phase.database == default)

    def _name_default(self) -> None:
        """Whatever is committed first, the state says which database is the default one."""
        if self.state.target is None:
            here = self.working.plan.observed.databases[:1]
            self.state = evolve(self.state, target=Target(self.known.system_identifier, self.known.timeline, here))

    def _is_done(self, number: int, phase: Phase) -> None:
        if phase.apart == "make":
            self.unnamed.append(number)
        else:
            self.committed += [*self.unnamed, number]
            self.unnamed.clear()

    @property
    def _default(self) -> str:
        return self.working.plan.observed.databases[0][0]

    def _check(self) -> None:
        """Before anything is committed, other databases are tried: what is stale there, or locked, or refused, costs nothing."""
        plan = self.working.plan
        apart.refuse_use(self.working)
        tried = {one.observed.databases[0][0]: one for one in rehearsals(plan)}
        for name, oid in plan.observed.databases:
            if name != self._default and name in tried and oid:
                self._try(name, tried[name])
            elif oid:
                self._compare(in_database(plan, name))

    def _try(self, name: str, plan: Plan) -> None:
        with self._connected(name) as connection:
            connect = partial(self.working.connect, name)
            prepare(
                evolve(self.working, plan=plan, connection=connection, connect=connect, checkpoint=_unseen, phase="rehearsal")
            )
            end(connection)

    def _compare(self, relied: Plan) -> None:
        (name, _), *_ = relied.observed.databases
        if not relied.observed.objects and name != self._default:
            return
        with self._connected(name) as connection:
            types = {type_ for one in counted(relied) for type_ in self.working.registry.readers_of(one.type, one.key)}
            found = read(connection, self.working.registry, types)
        check_target(relied, self.working.remarks, found.facts)
        raise_moved(stale(relied, found))

    @contextmanager
    def _connected(self, database: str) -> Generator[Session]:
        """A connection to a database: the one that there is, or one for the body."""
        if database == self._default:
            yield self.working.connection
            return
        connection = self.working.connect(database)
        try:
            yield connection
        finally:
            connection.close()

    def _phase(self, number: int, phase: Phase) -> None:
        own = self._part(number)
        if not phase.apart:
            with self._connected(phase.database) as connection:
                connect = partial(self.working.connect, phase.database)
                working = evolve(self.working, plan=own, connection=connection, connect=connect, id=random.token_hex(16))
                self._transaction(working, own, number)
        elif phase.apart == "make":
            self.state, self.version = apart.make(self.working, own, self.state, self.version)
        else:
            self._drop(own, number)

    def _part(self, number: int) -> Plan:
        own = part(self.working.plan, number)
        (name, oid), *_ = own.observed.databases
        if not oid:
            oid = next((entry.oid for entry in self.state.entries if self._is_database(entry.address, name)), 0)
        return evolve(own, observed=evolve(own.observed, databases=((name, oid),)))

    def _is_database(self, address: str, name: str) -> bool:
        """Whether this address is that of the database."""
        parsed = Address.parse(address)
        return parsed.key == part_of_address(name) and isinstance(self.working.registry.kinds.get(parsed.kind), MadeApart)

    def _transaction(self, working: Working, own: Plan, number: int) -> None:
        # All that can be made before the transaction: once it is open, others wait for its locks.
        done, parts = self._books(working, number), lines(self.state)
        prepared = prepare(working)
        with kept_alive(working.connection):
            done = with_found(done, own, prepared.after, working.registry)
        with deferred() as interrupts:
            try:
                self.state, self.version = conclude(working, Resolved(self.state, self.version), prepared, done, parts)
            except KeyboardInterrupt:
                message = "interrupted while the transaction was being committed"
                hint = "the next run finds out how it ended, and records it"
                raise PgplanError(Problem(message, hint=hint), exit_code=Exit.INTERRUPTED) from None
        self.notices += prepared.notices
        self.interrupts += interrupts.count

    def _drop(self, own: Plan, number: int) -> None:
        working = evolve(self.working, plan=own)
        done = self._books(working, number)
        with deferred() as interrupts:
            apart.drop(working, own)
            with reading(working.connection):
                known, position = facts(working.connection), flushed(working.connection)
            after = recorded(self.state, done, known, position)
            self.state, self.version = record(working, self._without_dropped(after, own), self.version)
        self.interrupts += interrupts.count

    def _without_dropped(self, state: State, own: Plan) -> State:
        """Its target without the databases that the phase has dropped."""
        gone = {unpart(Address.parse(address).key) for step in own.steps for address in step.addresses}
        target = state.target
        assert target is not None
        return evolve(state, target=evolve(target, databases=tuple(one for one in target.databases if one[0] not in gone)))

    def _books(self, working: Working, number: int) -> Books:
        """What the state is to say once this phase is committed."""
        own, connection = working.plan, working.connection
        types = {change.kind for change in own.changes if own.secrecy.get(change.address)}
        snapshot = read(connection, working.registry, types) if types else Snapshot(self.known)
        digests, overall = record_secrets(own, self.state, snapshot, working.registry, working.secret_of)
        # What is only recorded may be in any database.
        found = evolve(own, observed=self.working.plan.observed)
        done = books(found, self.state, working.registry, digests, overall)
        own_numbers = (self.approved.numbers[one] for one in (*self.committed, *self.unnamed, number))
        finished = tuple(sorted((*self.approved.done, *own_numbers)))
        whole = len(finished) == len(self.approved.done) + len(self.approved.numbers)
        return done if whole else evolve(done, unfinished=Unfinished(self.approved.digest, finished))

    def _leave_none_unnamed(self) -> None:
        """Drop what was made apart for nothing. Where that fails, it is noted and told, and the next apply does it."""
        if not self.state.unnamed or self.working.connection.closed:
            return
        try:
            end(self.working.connection)
            self.state, self.version = apart.leave_none(self.working, self.state, self.version)
        except (PgplanError, psycopg.Error):
            left = ", ".join(self.state.unnamed)
            self.working.connection.tell(
                Remarked(f"{left} may be left of this, and is noted in the state: the next apply drops it")
            )

    def _partly(self) -> PgplanError:
        plan = self.working.plan
        phases = plan.decided.phases
        rest = [number for number in range(len(phases)) if number not in self.committed and number not in self.failed]
        told = [
            f"{what}: {', '.join(_named(plan, number) for number in numbers)}"
            for what, numbers in (("committed", self.committed), ("failed", list(self.failed)), ("not begun", rest))
            if numbers
        ]
        hint = "the state records what is committed; mend the cause, and apply the same plan again, or make a new one"
        summary = Problem(f"the plan is only partly carried out; {'; '.join(told)}", hint=hint)
        causes = [*(each for error in self.failed.values() for each in error.problems), *self.stopped]
        return PgplanError(summary, *causes, exit_code=Exit.PARTLY)


def _unseen(checkpoint: str) -> None:
    del checkpoint


def _named(plan: Plan, number: int) -> str:
    phase = plan.decided.phases[number]
    steps = (
        f"step {phase.steps[0].number}" if len(phase.steps) == 1 else f"steps {phase.steps[0].number} to {phase.steps[-1].number}"
    )
    return f"{steps} in {phase.database}"


@contextmanager
def told() -> Generator[None]:
    """What an apply fails with, as an error that may be shown."""
    try:
        yield
    except KeyboardInterrupt:
        raise PgplanError(Problem("interrupted", hint=AS_BEFORE), exit_code=Exit.INTERRUPTED) from None
    except StepError as error:
        raise PgplanError(error.problem) from None
    except psycopg.Error as error:
        # Errors of steps and of COMMIT are dealt with where they come up.
        raise server_error(error, doing="the server ended the apply", hint=AS_BEFORE) from None
