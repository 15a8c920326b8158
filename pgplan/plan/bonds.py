"""Which addresses a plan must be about together, so that a part of it can be carried out alone. Pure.

* What is made or altered takes along what it refers to, and the database that it is in; it cannot be without what is not there.
* What goes takes along whatever refers to it, or is in it, for that must leave first; it cannot go while that stays.
* What is renamed is one with what it was, and with all that is recorded under another address because of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from attrs import define, field

from pgplan.address import Address, Identity, part
from pgplan.configuration.model import Declared
from pgplan.images import restore
from pgplan.kind import MadeApart, Spec
from pgplan.plan.renames import renamed_world
from pgplan.plan.specs import SpecsOf, specs
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Snapshot
from pgplan.state.model import Entry, State

Arcs = dict[str, set[str]]


@define
class Bonds:
    """By address."""

    needs: Arcs = field(factory=Arcs)
    """What is taken along with it."""
    needed_by: Arcs = field(factory=Arcs)
    """What cannot be in a plan without it."""

    def tie(self, one: str, needed: str, *, firmly: bool) -> None:
        if one != needed:
            self.needs.setdefault(one, set()).add(needed)
            if firmly:
                self.needed_by.setdefault(needed, set()).add(one)


def bonds_of(declared: Mapping[str, Declared], state: State, snapshot: Snapshot, registry: Registry) -> Bonds:
    """What holds between all that is declared and recorded."""
    bonds = Bonds()
    entries = {one.address: one for one in state.entries if Address.parse(one.address).kind in registry.kinds}
    world = _World(declared, entries, state, snapshot, registry, specs(tuple(declared.values()), snapshot, registry))
    makers, goers = world.makers(), world.goers()

    @cache
    def bringers(need: Identity) -> tuple[str, ...]:
        return tuple(world.bringers(need, makers))

    for one in declared.values():
        for need in world.needs(one.address, one.spec):
            is_there = snapshot.get(need) is not None
            for maker in makers.get(need) or (() if is_there else bringers(need)):
                bonds.tie(one.address, maker, firmly=not is_there)
            if need in goers:
                bonds.tie(goers[need], one.address, firmly=True)
    for entry in entries.values() if goers else ():
        kind = Address.parse(entry.address).kind
        for need in world.needs(entry.address, restore(entry.spec, registry.kinds[kind].spec)):
            if need in goers:
                bonds.tie(goers[need], entry.address, firmly=True)
    for new, old in world.renamed():
        bonds.tie(new, old, firmly=True)
        bonds.tie(old, new, firmly=True)
    return bonds


@define
class _World:
    declared: Mapping[str, Declared]
    entries: Mapping[str, Entry]
    state: State
    snapshot: Snapshot
    registry: Registry
    specs_of: SpecsOf

    def _seen_from(self, address: Address) -> str:
        """The database from which its references are read."""
        return address.database or self.snapshot.facts.database

    def needs(self, address: str, spec: Spec) -> Iterator[Identity]:
        """What an address refers to or stands on, and where it is."""
        parsed = Address.parse(address)
        kind, database = self.registry.kinds[parsed.kind], self._seen_from(parsed)
        references = [*kind.references(spec)]
        if not is_edge_kind(kind):
            references += self.registry.object_kind(parsed.kind).grounds(spec, None, self.specs_of(database))
        yield from (self.registry.target(reference, database) for reference in references)
        if parsed.database:
            apart = (name for name, one in self.registry.kinds.items() if isinstance(one, MadeApart))
            yield from (self.registry.identity(name, part(parsed.database), database) for name in apart)

    def _objects(self, address: str) -> Sequence[Identity]:
        """What an address means, by each of its names; nothing for edges."""
        parsed = Address.parse(address)
        if is_edge_kind(self.registry.kinds[parsed.kind]):
            return ()
        found_as = self.registry.found_as(parsed, self.snapshot.facts.database)
        return found_as, self.registry.meant(parsed.kind, parsed.key, self._seen_from(parsed))

    def makers(self) -> dict[Identity, set[str]]:
        """Who declares an object."""
        found: dict[Identity, set[str]] = {}
        for address in self.declared:
            for identity in self._objects(address):
                found.setdefault(identity, set()).add(address)
        return found

    def bringers(self, need: Identity, makers: Mapping[Identity, object]) -> Iterable[str]:
        """Who may bring an object that is not there, and that nothing declares."""
        for one in self.declared.values():
            database = one.database or self.snapshot.facts.database

            def is_there(type_: str, key: str, database: str = database) -> bool:
                other = self.registry.identity(type_, key, database)
                return other in makers or self.snapshot.get(other) is not None

            kind = self.registry.kinds[one.kind]
            in_reach = need.database in ("", database) and not is_edge_kind(kind)
            if in_reach and self.registry.object_kind(one.kind).brings(one.spec, need.type, need.key, is_there):
                yield one.address

    def renamed(self) -> Iterator[tuple[str, str]]:
        """Pairs of addresses: of what is renamed and what it was; of either and what is recorded otherwise because of it."""
        renaming = [one for one in self.declared.values() if one.former]
        for one in renaming:
            yield one.address, one.former_address
            yield from ((one.address, old) for old in self._moved([one]).values())
        yield from self._moved(renaming).items() if renaming else ()

    def _moved(self, renaming: Iterable[Declared]) -> Mapping[str, str]:
        """What some renames have recorded under other addresses: the old ones, by the new."""
        return renamed_world(renaming, self.state, self.snapshot, self.registry).addresses

    def goers(self) -> dict[Identity, str]:
        """Which recorded address an object goes with, because nothing declares it."""
        former = {one.former_address for one in self.declared.values()}
        goers: dict[Identity, str] = {}
        takers: dict[tuple[str, str], str] = {}
        for address in self.entries.keys() - self.declared.keys() - former:
            for identity in self._objects(address):
                goers[identity] = address
                if self.registry.object_kind(Address.parse(address).kind).has_members:
                    takers[identity.database, identity.key] = address
        for one, found in self.snapshot.objects() if takers else ():
            if found.extension and (one.database, found.extension) in takers:
                goers.setdefault(one, takers[one.database, found.extension])
        return goers
