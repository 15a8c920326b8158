"""What a state says once its objects are matched by address with those of another, restored or changed cluster. Pure."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen

from pgplan.address import Address
from pgplan.database.stale import elsewhere, fell_behind
from pgplan.errors import PgplanError, Problem
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Snapshot
from pgplan.state.model import Entry, State, Target, Tombstone


@frozen
class Bound:
    """A recorded object and the one that is found under its address."""

    address: str
    was: int
    """Its OID as recorded, 0 for none."""
    now: int
    """Its OID as found, 0 if nothing is."""


@frozen
class Rebinding:
    """What a state would say."""

    version: str | None
    """Of the state that it was made from."""
    was: Target
    target: Target
    objects: tuple[Bound, ...]
    """All that was asked for, by address."""
    back: str
    """In words, how far the database is behind the last apply, "" where it is not."""
    state: State
    """The next one."""

    @property
    def moved(self) -> tuple[Bound, ...]:
        return tuple(one for one in self.objects if one.now not in (0, one.was))

    @property
    def missing(self) -> tuple[Bound, ...]:
        return tuple(one for one in self.objects if not one.now)

    @property
    def elsewhere(self) -> bool:
        """Whether the state belonged to another cluster or another database."""
        return (self.was.system_identifier, self.was.databases) != (self.target.system_identifier, self.target.databases)

    @property
    def changes(self) -> bool:
        return bool(self.moved) or self.elsewhere or bool(self.back) or self.was.timeline != self.target.timeline


def rebinding(
    state: State, version: str | None, snapshot: Snapshot, registry: Registry, matches: Callable[[str], bool]
) -> Rebinding:
    """Bind the entries whose addresses match to what `snapshot` has under them. `state` has a target, `version` is its own.

    What is recorded of them stays. Raises PgplanError when nothing matches, or only a part of what must move together.
    """
    facts, was = snapshot.facts, state.target
    assert was is not None
    away = bool(elsewhere(was.system_identifier, was.databases, facts))
    new = (was.system_identifier, was.databases[0][1]) != (facts.system_identifier, facts.database_oid)
    default = was.databases[0][0]
    entries = [evolve(entry, database=facts.database) if entry.database == default else entry for entry in state.entries]
    objects = [_bound(entry, snapshot, registry) for entry in entries if matches(entry.address) and _has_oid(entry, registry)]
    if not any(matches(entry.address) for entry in entries):
        raise PgplanError(Problem("no recorded address is like this", hint="`pgplan state list` lists them"))
    if away and len(objects) < sum(_has_oid(entry, registry) for entry in entries):
        message = "the state belongs to another cluster or database, so all of it must be bound to this one"
        raise PgplanError(Problem(message, hint="name no pattern"))
    # In another cluster or database, the OID of what is not there may be anybody's.
    oids = {one.address: one.now for one in objects if one.now or new}
    bound = tuple(evolve(entry, oid=oids.get(entry.address, entry.oid)) for entry in entries)
    here = was.databases
    if away or snapshot.others:
        here = tuple((one.database, one.database_oid) for one in (facts, *snapshot.others.values()))
    target = Target(facts.system_identifier, facts.timeline, here, facts.lsn, facts.newest)
    tombstones = () if new else tuple(_moved(one, default, facts.database) for one in state.tombstones)
    after = evolve(state, entries=bound, serial=state.serial + 1, target=target, tombstones=tombstones)
    return Rebinding(version, was, target, tuple(objects), fell_behind(was.lsn, facts) if not away else "", after)


def _moved(one: Tombstone, default: str, now: str) -> Tombstone:
    return evolve(one, database=now) if one.database == default else one


def _has_oid(entry: Entry, registry: Registry) -> bool:
    kind = registry.kinds.get(Address.parse(entry.address).kind)
    return kind is not None and not is_edge_kind(kind)


def _bound(entry: Entry, snapshot: Snapshot, registry: Registry) -> Bound:
    found = snapshot.get(registry.found_as(Address.parse(entry.address), snapshot.facts.database))
    return Bound(entry.address, entry.oid, found.oid if found is not None else 0)
