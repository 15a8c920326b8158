"""Which addresses a plan must be about together, so that a part of it can be carried out alone. Pure.

* What is made or altered takes along what it refers to; it cannot be without what is not there yet.
* What goes takes along whatever refers to it, for that must leave first; it cannot go while that stays.
* What is renamed is one with what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, field

from pgplan.address import Address, Identity
from pgplan.configuration.model import Declared
from pgplan.images import restore
from pgplan.kind import Spec, SpecOf
from pgplan.plan.specs import specs
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Snapshot
from pgplan.state.model import Entry

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


def bonds_of(declared: Mapping[str, Declared], entries: Mapping[str, Entry], snapshot: Snapshot, registry: Registry) -> Bonds:
    """What holds between all that is declared and recorded."""
    bonds = Bonds()
    world = _World(
        declared, entries, snapshot, registry, specs(tuple(declared.values()), snapshot, registry)(snapshot.facts.database)
    )
    makers, goers = world.makers(), world.goers()
    for one in declared.values():
        for need in world.needs(one.kind, one.spec):
            is_there = snapshot.get(need) is not None
            for maker in makers.get(need) or (() if is_there else world.bringers(need, makers)):
                bonds.tie(one.address, maker, firmly=not is_there)
            if need in goers:
                bonds.tie(goers[need], one.address, firmly=True)
        if one.former_address:
            bonds.tie(one.address, one.former_address, firmly=True)
            bonds.tie(one.former_address, one.address, firmly=True)
    for entry in entries.values() if goers else ():
        kind = Address.parse(entry.address).kind
        for need in world.needs(kind, restore(entry.spec, registry.kinds[kind].spec)):
            if need in goers:
                bonds.tie(goers[need], entry.address, firmly=True)
    return bonds


@define
class _World:
    declared: Mapping[str, Declared]
    entries: Mapping[str, Entry]
    snapshot: Snapshot
    registry: Registry
    spec_of: SpecOf

    @property
    def database(self) -> str:
        return self.snapshot.facts.database

    def needs(self, name: str, spec: Spec) -> Iterator[Identity]:
        """What a spec refers to or stands on."""
        kind = self.registry.kinds[name]
        references = [*kind.references(spec)]
        if not is_edge_kind(kind):
            references += self.registry.object_kind(name).grounds(spec, None, self.spec_of)
        return (self.registry.target(reference, self.database) for reference in references)

    def _objects(self, name: str, key: str) -> Sequence[Identity]:
        """What an address means, by each of its names; nothing for edges."""
        if is_edge_kind(self.registry.kinds[name]):
            return ()
        return self.registry.identity(name, key, self.database), self.registry.meant(name, key, self.database)

    def makers(self) -> dict[Identity, set[str]]:
        """Who declares an object."""
        found: dict[Identity, set[str]] = {}
        for one in self.declared.values():
            for identity in self._objects(one.kind, one.key):
                found.setdefault(identity, set()).add(one.address)
        return found

    def bringers(self, need: Identity, makers: Mapping[Identity, object]) -> Iterable[str]:
        """Who may bring an object that is not there, and that nothing declares."""

        def is_there(type_: str, key: str) -> bool:
            one = self.registry.identity(type_, key, self.database)
            return one in makers or self.snapshot.get(one) is not None

        for one in self.declared.values():
            kind = self.registry.kinds[one.kind]
            if not is_edge_kind(kind) and self.registry.object_kind(one.kind).brings(one.spec, need.type, need.key, is_there):
                yield one.address

    def goers(self) -> dict[Identity, str]:
        """Which recorded address an object goes with, because nothing declares it."""
        former = {one.former_address for one in self.declared.values()}
        goers: dict[Identity, str] = {}
        takers: dict[tuple[str, str], str] = {}
        for address in self.entries.keys() - self.declared.keys() - former:
            parsed = Address.parse(address)
            for identity in self._objects(parsed.kind, parsed.key):
                goers[identity] = address
                if self.registry.object_kind(parsed.kind).has_members:
                    takers[identity.database, identity.key] = address
        for one, found in self.snapshot.objects() if takers else ():
            if found.extension and (one.database, found.extension) in takers:
                goers.setdefault(one, takers[one.database, found.extension])
        return goers
