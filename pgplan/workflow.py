"""What commands have in common: from a directory to a plan. No terminal here: tests and the demo call it too.

load configuration -> connect -> read the state -> read the catalogs -> read the state again -> secrets' slots -> build
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta

from attrs import evolve, field, frozen

from pgplan import planfile
from pgplan import registry as registries
from pgplan.address import Address, part
from pgplan.configuration.load import add_lines, load, load_connection
from pgplan.configuration.model import Configuration
from pgplan.database import transport, trial
from pgplan.database.connection import Session, connect, facts, reading
from pgplan.database.databases import databases
from pgplan.database.emergency import take_up, wanted
from pgplan.database.read import read
from pgplan.database.recovery import resolve
from pgplan.database.stale import REBIND, elsewhere, fell_behind
from pgplan.drift import Drift, compare
from pgplan.errors import ConfigurationError, LockedError, PgplanError, Problem, Source, StaleError, raise_all
from pgplan.events import Began, Listener, unheard
from pgplan.images import restore
from pgplan.kind import Facts, MadeApart, Scope, Snapshot, Spec, Trying
from pgplan.offline import Request, state_store, unwritten
from pgplan.plan.build import SHOWN, Slots, build
from pgplan.plan.model import NO_OPTIONS, Options, Plan, Remarks, Slot
from pgplan.plan.moves import moved
from pgplan.plan.placing import Database, made, placed
from pgplan.plan.renames import renamed_world
from pgplan.plan.undeclared import types_for
from pgplan.registry import Registry, is_edge_kind
from pgplan.secret import Secret
from pgplan.snapshot import Part
from pgplan.state.digests import declared_secrets, slots
from pgplan.state.model import State
from pgplan.state.store import StateStore, content_hash

ATTEMPTS = 5
"""How often the catalogs are read again because the state changed meanwhile."""
ELSEWHERE: tuple[Scope, ...] = ("database",)
"""What is read in other databases than the default one."""
PATIENCE = 1.0
"""Seconds that planning waits at least for an apply that is just about to end."""


@frozen
class Run:
    """A configuration that is loaded, connected, and whose state can be reached."""

    request: Request
    registry: Registry
    configuration: Configuration
    store: StateStore
    connection: Session
    databases: Mapping[str, Database] = field(factory=dict[str, Database])
    """All of the cluster, by name, where more than one is meant."""
    notes: tuple[str, ...] = ()
    """On the databases that blocks mean."""

    @property
    def tell(self) -> Listener:
        return self.connection.tell

    @property
    def counted(self) -> frozenset[str]:
        """The types whose objects are at least counted, to tell how much of them is managed."""
        return frozenset() if self.configuration.scope.is_empty else self.registry.scoped

    def connect(self, database: str = "", *, apart: bool = False) -> Session:
        """Another connection to the same server: to the same database, or to another one. `apart`: in autocommit."""
        configuration = self.configuration
        session = connect(configuration.connection, configuration.directory, configuration.name, database=database, apart=apart)
        session.tell = self.tell
        return session

    def secrets(self) -> Callable[[str, str], Secret]:
        """The declared secret of an (address, slot): withheld when its variable cannot be resolved, or nothing declares it."""
        return declared_secrets(self.configuration.declared, self.registry)

    def missing(self, plan: Plan) -> list[str]:
        """In words, why the secrets that `plan` defers have no value here."""
        sources = {one.source for one in plan.decided.slots if one.status == "deferred" and one.source}
        return [
            f"the variable {name} has no value here: {reason}"
            for name, reason in self.configuration.unresolved.items()
            if any(f"${{var.{name}}}" in source for source in sources)
        ]


@frozen
class Since:
    """What became of the database as a whole since the last apply, in words."""

    lost: str = ""
    """It went back in time: what is planned then must not be applied without a person who has looked at it."""
    note: str = ""
    """It failed over with nothing lost: the next apply records that."""


NOTHING_LOST = Since()


@frozen
class Seen:
    """State and catalogs as they were at one moment."""

    state: State
    version: str | None
    snapshot: Snapshot
    since: Since = NOTHING_LOST


@frozen
class Planned:
    plan: Plan
    remarks: Remarks
    digest: str
    seen: Seen


@contextmanager
def opened(request: Request, tell: Listener = unheard) -> Generator[Run]:
    """Load with secrets, find the state and connect; close the connection at the end.

    Raises ConfigurationError with every mistake before anything is connected, and PgplanError when there is no connection.
    """
    registry = registries.installed()
    tell(Began("configuration"))
    configuration = load(request.directory, registry, request.inputs, resolve_secrets=True)
    configuration = _reachable(configuration, request)
    store = state_store(configuration)
    tell(Began("connection"))
    connection = connect(configuration.connection, configuration.directory, configuration.name)
    connection.tell = tell
    try:
        yield _placed(Run(request, registry, configuration, store, connection))
    finally:
        connection.close()


def _placed(run: Run) -> Run:
    """With each block in each database that it means. Raises ConfigurationError where there is none."""
    configuration = run.configuration
    if not any(one.database for one in configuration.declared):
        return run
    with reading(run.connection):
        default = facts(run.connection).database
    there = databases(run.connection)
    found = placed(configuration.declared, default, there, run.registry, configuration.scope.exclude_databases)
    written, find = {one.address: one.stands_as for one in found.declared}, configuration.locate

    def locate(address: str, attribute: str) -> tuple[Source, ...]:
        return find(written.get(address, address), attribute)

    configuration = evolve(configuration, declared=found.declared, locate=locate)
    if found.problems:
        error = ConfigurationError(*found.problems)
        add_lines(error, configuration)
        raise error
    known = {one.name: one for one in there}
    return evolve(run, configuration=configuration, databases=known, notes=found.notes)


def where_to_connect(request: Request) -> Configuration:
    """A configuration of which only the connection is known. Raises ConfigurationError with every mistake in that."""
    return _reachable(load_connection(request.directory, request.inputs), request)


def _reachable(configuration: Configuration, request: Request) -> Configuration:
    if request.url is not None:
        configuration = evolve(configuration, connection=evolve(configuration.connection, url=Secret(request.url, "--url")))
    raise_all(ConfigurationError, _without_value(configuration))
    return configuration


def _without_value(configuration: Configuration) -> Iterator[Problem]:
    """What is needed to connect and has no value here; offline commands and --url can do without."""
    for attribute, hint in (("url", "set it, or say where with --url"), ("password", "")):
        value = getattr(configuration.connection, attribute)
        if isinstance(value, Secret) and value.withheld:
            reason = configuration.unresolved.get(f"connection.{attribute}") or "its value is empty"
            source = next(iter(configuration.locate("connection", attribute)), None)
            yield Problem(f"{attribute}: {reason}", source, "connection", hint)


def settled_state(run: Run) -> tuple[State, str | None]:
    """The stored state, after finding out how a transaction ended that it calls pending, and with what was kept for it.

    That alone takes the state's lock, and waits for it as long as asked for. Raises LockedError (exit code 4) when an apply is
    still in progress.
    """
    directory, name = run.configuration.directory, run.configuration.name
    state, version = run.store.load()
    if (state is None or state.pending is None) and wanted(directory, run.store, state) is None:
        return state or unwritten(name), version
    run.tell(Began("recovery"))
    with run.store.lock(run.request.lock_timeout, run.tell):
        state, version = take_up(directory, run.store, *run.store.load())
        if state is None:
            return unwritten(name), version
        wait = max(run.request.lock_timeout, PATIENCE)
        done = resolve(state, version, run.store, run.connection, run.registry, connect=run.connect, wait=wait)
    return done.state, done.version


def see(run: Run, extra: Iterable[Address] = (), *, destroy: bool = False) -> Seen:
    """State and catalogs of one moment: the state's version is the same before and after the catalogs are read.

    A transaction that the state calls pending is resolved first. `extra`: addresses to read besides. `destroy`: nothing counts as
    declared.
    Raises LockedError (exit code 4) when it is still in progress, or when the state does not stand still.
    """
    extra = tuple(extra)
    for _ in range(ATTEMPTS):
        run.tell(Began("state"))
        state, version = settled_state(run)
        run.tell(Began("catalogs"))
        snapshot = read(run.connection, run.registry, types_of(run, state, extra), counted=run.counted)
        snapshot = with_others(run, state, snapshot, extra, destroy=destroy)
        stored = run.store.backend.read()  # undecoded: only the version counts
        if (stored.version if stored else None) == version:
            _check_target(run, state, snapshot.facts)
            return Seen(state, version, snapshot, since_last_apply(run, state, snapshot))
    hint = "other runs are writing it; try again when they are done"
    raise LockedError(Problem(f"the state {run.store.location} changed {ATTEMPTS} times while the catalogs were read", hint=hint))


def with_others(run: Run, state: State, snapshot: Snapshot, extra: Iterable[Address] = (), *, destroy: bool = False) -> Snapshot:
    """`snapshot` with what is managed in other databases than the default one: one connection after the other.

    A database that is declared and not there yet is seen as its template is. One that is recorded, and is gone, holds nothing.
    """
    extra, default = tuple(extra), snapshot.facts.database
    names = {one.database for one in run.configuration.declared} | {Address.parse(one.address).database for one in state.entries}
    names |= {address.database for address in extra}
    found = snapshot
    others = sorted(names - {"", default})
    known = run.databases
    if others and not known:
        with closing(run.connect()) as connection:
            known = {one.name: one for one in databases(connection)}
    _refuse_renamed(state, known, others)
    scopes: tuple[Scope, ...] = ("cluster", "database") if _loses_shared(run, state, destroy=destroy) else ELSEWHERE
    for name in others:
        if name in known:
            found = _with_database(run, found, name, types_of(run, state, extra, name), scopes)
        elif name in made(run.configuration.declared, run.registry):
            found = _with_new_database(run, found, name, types_of(run, state, extra, name))
    return found


def _refuse_renamed(state: State, known: Mapping[str, Database], names: Iterable[str]) -> None:
    """Raise StaleError where a recorded database has another name now: that is no plan to make all of it anew."""
    recorded = dict(state.target.databases) if state.target is not None else {}
    by_oid = {one.oid: name for name, one in known.items()}
    for name in names:
        now = by_oid.get(recorded.get(name, 0), name)
        if name not in known and now != name:
            message = f"the database {name} (OID {recorded[name]}) is called {now} now"
            raise StaleError(Problem(message, address="connection", hint="rename it back by hand (`pgplan psql`)"))


def _loses_shared(run: Run, state: State, *, destroy: bool) -> bool:
    """Whether something goes that the cluster shares: then it counts what that has in each database."""
    declared = () if destroy else {one.address for one in run.configuration.declared}
    return any(
        run.registry.scope(Address.parse(one.address).kind) == "cluster" for one in state.entries if one.address not in declared
    )


def _with_database(run: Run, snapshot: Snapshot, name: str, types: set[str], scopes: Sequence[Scope]) -> Snapshot:
    with closing(run.connect(name)) as connection:
        seen = read(connection, run.registry, types, scopes, run.counted)
    if seen.facts.system_identifier != snapshot.facts.system_identifier:
        message = f"the connection to the database {name} reached another cluster"
        raise PgplanError(Problem(message, address="connection", hint="let url name one server, the primary"))
    return evolve(
        snapshot.with_database(seen.facts, seen.databases[name], seen.shared), tallies=(*snapshot.tallies, *seen.tallies)
    )


def _with_new_database(run: Run, snapshot: Snapshot, name: str, types: set[str]) -> Snapshot:
    """As the template is from which it is made. One that nobody may connect to holds what initdb makes, as others do too."""
    named = ((run.registry.kinds[one.kind], one.spec) for one in run.configuration.declared if one.key == part(name))
    (template,) = (kind.template(spec) for kind, spec in named if isinstance(kind, MadeApart))
    shut = run.databases[template].shut if template in run.databases else True
    with closing(run.connect("" if shut else template)) as connection:
        seen = read(connection, run.registry, types, ELSEWHERE)
    own = seen.databases[seen.facts.database]
    if shut:
        own = own.of_initdb()
    return snapshot.with_database(evolve(seen.facts, database=name, database_oid=0), own, Part())


def _check_target(run: Run, state: State, facts: Facts) -> None:
    """Raise StaleError when the connection leads elsewhere than the last apply's: that is no plan to move everything."""
    target = state.target
    another = "" if target is None else elsewhere(target.system_identifier, target.databases, facts)
    if another:
        hint = f"connect to where it was applied; if this one took its place, {REBIND}; else give it a state of its own"
        raise StaleError(Problem(f"the state {run.store.location} belongs to {another}", address="connection", hint=hint))


def since_last_apply(run: Run, state: State, snapshot: Snapshot) -> Since:
    """Whether the database went back in time, or only failed over.

    A new timeline alone is no loss, for a switchover begins one too. It is if something is not as it is recorded.
    """
    target, facts = state.target, snapshot.facts
    if target is None:
        return NOTHING_LOST
    behind = fell_behind(target.lsn, facts)
    if behind:
        return Since(lost=f"{behind} of the last apply")
    if target.timeline == facts.timeline:
        return NOTHING_LOST
    moved = f"its timeline is {facts.timeline}, and was {target.timeline} at the last apply"
    lost = [change.address for change in compare(run.configuration, state, snapshot, run.registry).changes]
    if not lost:
        return Since(note=f"the database failed over: {moved}; nothing that is recorded was lost, and the next apply notes this")
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return Since(lost=f"{moved}, and this is not as it is recorded: {', '.join(lost[:SHOWN])}{more}")


def types_of(run: Run, state: State, extra: Iterable[Address] = (), database: str = "") -> set[str]:
    """The types to read in a database ("": the default one): of all that is declared, recorded or asked for there, or may be
    undeclared, of all that these refer to, and of what may stand on them. What the cluster shares is read once, for all."""
    managed = list(_managed(run, state))
    own = _types(run, state, [one for one in managed if one[0].database == database], extra)
    if database or not any(one[0].database for one in managed):
        return own
    every = _types(run, state, managed, extra)
    return own | {name for name in every if run.registry.scope(name) == "cluster"}


def _types(run: Run, state: State, these: Iterable[tuple[Address, Spec]], extra: Iterable[Address]) -> set[str]:
    registry = run.registry
    managed, found = types_for(run.configuration.scope, run.configuration.policy, registry)
    for address, spec in these:
        name, key = address.kind, address.key
        kind = registry.kinds[name]
        managed.add(name)
        for reference in kind.references(spec):
            found.update(registry.readers_of(reference.type, reference.key))
        if is_edge_kind(kind):
            found.update(kind.reads(spec))
        else:
            managed.update(registry.readers_of(*registry.object_kind(name).object(key)))
    for kind in registry.object_kinds():
        if kind.name in managed:
            found.update(kind.reads)
        if not managed.isdisjoint(kind.stands_on):
            found.add(kind.name)
    found |= {Address.parse(tombstone.address).kind for tombstone in state.tombstones}
    for address in extra:
        # Which objects an edge's key is about only its kind knows, once it sees them.
        found |= registry.readers.keys() if is_edge_kind(registry.kinds[address.kind]) else {address.kind}
    return found | managed


def _managed(run: Run, state: State) -> Iterator[tuple[Address, Spec]]:
    """What is declared, and what is only recorded."""
    declared = {one.address for one in run.configuration.declared}
    yield from ((Address(one.kind, one.key, one.database), one.spec) for one in run.configuration.declared)
    for entry in state.entries:
        address = Address.parse(entry.address)
        if address.kind in run.registry.kinds and entry.address not in declared:
            yield address, restore(entry.spec, run.registry.kinds[address.kind].spec)


def make_plan(run: Run, options: Options = NO_OPTIONS, *, valid_for: timedelta | None = None) -> Planned:
    """Plan what `apply` or `destroy` would do now; with `valid_for` the plan expires so long after.

    Raises PgplanError with everything that stands in the way.
    """
    seen = see(run, destroy=options.destroy)
    if not options.destroy:
        seen = evolve(seen, snapshot=with_trials(run, seen.snapshot))
    run.tell(Began("plan"))
    plan, remarks = build_plan(run, seen, options)
    if valid_for is not None:
        plan = evolve(plan, decided=evolve(plan.decided, expires=planfile.expiry(datetime.now(UTC), valid_for)))
    notes = *remarks.notes, *run.notes, *filter(None, [seen.since.note]), *_secret_notes(run, plan)
    remarks = evolve(remarks, notes=notes)
    return Planned(plan, remarks, planfile.digest(plan), seen)


def with_trials(run: Run, snapshot: Snapshot) -> Snapshot:
    """With what the server says to what only its own code can judge, in the default database."""
    return evolve(snapshot, tried=trial.tried(run.connection, _trials(run, snapshot)))


def _trials(run: Run, snapshot: Snapshot) -> Iterator[str]:
    catalog = snapshot.catalog(snapshot.facts.database)
    here = [one for one in run.configuration.declared if one.database in ("", catalog.database)]
    for kind in run.registry.kinds.values():
        if isinstance(kind, Trying):
            yield from kind.trials({one.key: one.spec for one in here if one.kind == kind.name}, catalog)


def find_drift(run: Run) -> Drift:
    """Compare what is found with what is recorded. Raises PgplanError when nothing ever was."""
    seen = see(run)
    if seen.version is None:
        message = f"nothing is recorded yet: there is no state in {run.store.location}"
        hint = "make the first one with `pgplan apply`, or with `pgplan import ADDRESS…` for what exists"
        raise PgplanError(Problem(message, address="state", hint=hint))
    run.tell(Began("comparison"))
    drift = compare(run.configuration, seen.state, seen.snapshot, run.registry)
    notes = *drift.remarks.notes, *filter(None, [seen.since.note])
    return evolve(drift, remarks=evolve(drift.remarks, notes=notes), lost=seen.since.lost)


def _secret_notes(run: Run, plan: Plan) -> tuple[str, ...]:
    """Where the plan's secrets could be seen on their way. Raises PgplanError when they cannot be sent at all."""
    notes: dict[str, None] = {}
    made = {name for name, oid in plan.observed.databases if not oid}
    for phase in plan.decided.phases:
        uses = [one.secret for step in phase.steps for one in step.statements if one.secret is not None]
        commands = sorted({use.command for use in uses if use.transport == "private"})
        if not commands or phase.database in made:
            continue
        here = phase.database == plan.observed.databases[0][0]
        with nullcontext(run.connection) if here else closing(run.connect(phase.database)) as connection, reading(connection):
            raise_all(PgplanError, transport.problems(connection))
            notes.update(dict.fromkeys(transport.warnings(connection, commands)))
    return tuple(notes)


def slots_of(run: Run, seen: Seen, *, destroy: bool) -> dict[tuple[str, str], Slot]:
    """What becomes of the declared secrets, by the names that their objects will have."""
    declared = () if destroy else run.configuration.declared
    state = moved(run.configuration.moves, seen.state, seen.snapshot.facts.database).state
    world = renamed_world(declared, state, seen.snapshot, run.registry)
    return slots(declared, world.state, world.snapshot, run.registry)


def build_plan(run: Run, seen: Seen, options: Options, known: Slots | None = None) -> tuple[Plan, Remarks]:
    """`pgplan.plan.build.build` for what was seen; `known` are the slots, if they were decided already."""
    configuration = run.configuration
    try:
        return build(
            configuration,
            seen.state,
            seen.snapshot,
            run.registry,
            slots_of(run, seen, destroy=options.destroy) if known is None else known,
            state_hash=content_hash(seen.state),
            options=options,
        )
    except PgplanError as error:
        add_lines(error, configuration)
        raise


def refuse_past(seen: Seen) -> None:
    """Raise StaleError when the database went back in time: what differs then is shown, and a person decides."""
    if seen.since.lost:
        raise loss(seen.since.lost)


def loss(lost: str) -> StaleError:
    """What to say of a database that went back in time."""
    message = f"the database was restored or failed over since the last apply: {lost}"
    hint = "look at what differs; to go on from here, save it with `pgplan plan --out plan.bin` and apply that file"
    return StaleError(Problem(message, address="state", hint=hint))
