"""Renames: what is recorded and found, seen under the names that it will have, before anything else is decided. Pure.

A server keeps references by OID, so whatever names a renamed object follows it: a rename alone grants and alters nothing more.
What a plan relies on is told under the names that are there when it is applied (`World.as_found`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from attrs import define, evolve, field, frozen

from pgplan.address import Address, Identity, role_grantee, unpart
from pgplan.configuration.model import Declared
from pgplan.errors import Problem
from pgplan.images import Image, image, restore
from pgplan.kind import Names, Renamable, Renamer
from pgplan.plan.model import Check, Observed
from pgplan.plan.objects import source_of
from pgplan.plan.observed import EXTRA, HIDDEN, relied_image
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import AccessList, Found, Part, Privilege, Snapshot, part_of
from pgplan.state.model import Adopted, Entry, Fold, State

Keys = Mapping[Identity, str]
"""New keys, by what is renamed."""


NOT_MOVED: Mapping[str, str] = {}


@frozen
class Rename:
    """One object that gets another name."""

    declared: Declared
    old: str
    """The key that it has."""

    @property
    def former_address(self) -> str:
        return str(Address(self.declared.kind, self.old, self.declared.database))


@define
class World:
    """State and snapshot under the new names, and how they are called as long as nothing is applied."""

    state: State
    snapshot: Snapshot
    renames: list[Rename] = field(factory=list[Rename])
    """In the order in which they are made."""
    addresses: dict[str, str] = field(factory=dict[str, str])
    """What is recorded under other names than before: its old address, by the new one, which may be the same."""
    originals: dict[Identity, tuple[Identity, Found]] = field(factory=dict[Identity, tuple[Identity, Found]])
    """What is found under other names: as it is found, by what it will be."""
    rows: dict[Privilege, Privilege] = field(factory=dict[Privilege, Privilege])
    """The same of rows of access lists."""
    problems: list[Problem] = field(factory=list[Problem])
    notes: list[str] = field(factory=list[str])
    relocated: frozenset[str] = frozenset()
    """The old addresses of what is only managed under another one (`pgplan.plan.moves`)."""

    @property
    def by_address(self) -> Mapping[str, Rename]:
        return {rename.declared.address: rename for rename in self.renames}

    def as_found(
        self, observed: Sequence[Observed], checks: Sequence[Check], registry: Registry
    ) -> tuple[tuple[Observed, ...], tuple[Check, ...]]:
        """What a plan relies on, in the names of before it, and what must be after it, in those of then.

        What the server keeps in words of its own has other words then, wherever it names what is renamed.
        """
        if not self.renames:
            return tuple(observed), tuple(checks)
        there: dict[Identity, Observed] = {}
        after: dict[Identity, Check] = {}
        for one, check in zip(observed, checks, strict=True):
            original = self.originals.get(one.identity) if one.oid is not None else None
            if original is None:
                reworded = bool(_rewritten(one.type, registry)) and check.untouched
                there[one.identity] = one
                after[one.identity] = evolve(check, image=_set(one, check, registry), untouched=False) if reworded else check
                continue
            identity, found = original
            shown = None if one.image is None else relied_image(found, one.image)
            acl = None if one.acl is None else tuple(image(row) for row in sorted(self._row(Privilege(**row)) for row in one.acl))
            there[identity] = Observed(*identity, one.oid, shown, acl, one.whole)
            former = identity.key if identity != check.identity else ""
            after[check.identity] = evolve(check, image=_set(one, check, registry), untouched=False, former=former)
            if former and identity.type not in self.snapshot.implied:
                there[check.identity] = Observed(*check.identity, None)
                after.setdefault(identity, Check(*identity, gone=True))
        return tuple(there[one] for one in sorted(there)), tuple(after[one] for one in sorted(after))

    def _row(self, row: Privilege) -> Privilege:
        return self.rows.get(row, row)


def _rewritten(type_: str, registry: Registry) -> Sequence[str]:
    kind = registry.kinds.get(type_)
    return () if kind is None or is_edge_kind(kind) else registry.object_kind(type_).rewritten


def _set(one: Observed, check: Check, registry: Registry) -> Image:
    """All that is to be found of it."""
    left_out = (EXTRA, HIDDEN, *_rewritten(one.type, registry))
    kept = {name: value for name, value in (one.image or {}).items() if name not in left_out}
    return {**kept, **check.image} if check.untouched else check.image


def renamed_world(
    declared: Iterable[Declared], state: State, snapshot: Snapshot, registry: Registry, moved: Mapping[str, str] = NOT_MOVED
) -> World:
    """What is declared to be renamed is so from here on. `moved` has the old addresses of what `state` has under new ones."""
    world = World(state, snapshot, addresses=dict(moved), relocated=frozenset(moved.values()))
    declared = tuple(declared)
    asked = [one for one in declared if one.former]
    if not asked:
        return world
    world.problems += _twice(asked, declared)
    refused = {problem.address for problem in world.problems}
    waiting = [one for one in asked if one.address not in refused]
    while waiting:
        # What is in a schema that is renamed itself is found once that is done.
        found = [one for one in waiting if _old(one, world, registry) is not None]
        if not found:
            break
        waiting = [one for one in waiting if one not in found]
        for one in found:
            _rename(one, world, registry)
    for one in waiting:
        _without_old(one, world, registry)
    return world


def _twice(asked: Iterable[Declared], declared: Iterable[Declared]) -> Iterator[Problem]:
    by_address = {one.address: one for one in declared}
    taken: dict[str, Declared] = {}
    for one in asked:
        former = _former(one)
        other = by_address.get(former)
        if other is not None:
            hint = "remove that block, or renamed_from here"
            yield Problem(f"is renamed from {former}, which is declared too", source_of(one), one.address, hint)
            yield Problem(f"is declared, and {one.address} is renamed from it", source_of(other), former, "remove one of the two")
        first = taken.setdefault(former, one)
        if first is not one:
            message = f"is renamed from {former}, and so is {first.address}"
            yield Problem(message, source_of(one), one.address, "remove one of the two")


def _former(one: Declared) -> str:
    return str(Address(one.kind, one.former, one.database))


def _database(one: Declared, world: World) -> str:
    return one.database or world.snapshot.facts.database


def _identity(one: Declared, key: str, world: World, registry: Registry) -> Identity:
    return registry.identity(one.kind, key, _database(one, world))


def _old(one: Declared, world: World, registry: Registry) -> Found | None:
    return world.snapshot.get(_identity(one, one.former, world, registry))


def _rename(one: Declared, world: World, registry: Registry) -> None:
    """The old one is there."""
    former = _former(one)
    entries = world.state.by_address()
    there = world.snapshot.get(_identity(one, one.key, world, registry))
    # What others call by that name need not be of the kind, as a table is no foreign table.
    there = there or world.snapshot.get(registry.meant(one.kind, one.key, _database(one, world)))
    old = _old(one, world, registry)
    kind = registry.kinds[one.kind]
    assert old is not None
    assert isinstance(kind, Renamable)
    if there is not None:
        entry = entries.get(one.address)
        if entry is not None and entry.is_of(there.oid) and former not in entries:
            world.notes.append(f"{one.address}: renamed_from can be removed; what is called {one.former} now is another one")
            return
        message = f"is to be renamed from {one.former}, and both are in the database"
        hint = "remove renamed_from, or one of the two by hand"
        world.problems.append(Problem(message, source_of(one), one.address, hint))
        return
    why = kind.not_renamed(old, world.snapshot.facts)
    if why:
        world.problems.append(Problem(f"cannot be renamed: {former} {why}", source_of(one), one.address, "remove renamed_from"))
        return
    lost = kind.lost_by_rename(old)
    if lost:
        world.notes.append(f"{former}, which is renamed to {one.key}: {lost}")
    world.renames.append(Rename(one, one.former))
    keys = _keys(one, world, registry)
    _record(world, keys, registry)
    _find(world, keys, registry)


def _without_old(one: Declared, world: World, registry: Registry) -> None:
    """Nothing is called by the old name: done already, by this configuration or by hand, or there never was anything."""
    former = _former(one)
    there = world.snapshot.get(_identity(one, one.key, world, registry))
    entry = world.state.by_address().get(former)
    if entry is not None and (there is None or entry.is_of(there.oid)):
        _record(world, _keys(one, world, registry), registry)
        if there is not None:
            world.notes.append(f"{one.address}: {one.former} was renamed to it by hand; that is recorded")
    elif there is None:
        world.notes.append(f"{one.address}: there is no {one.former} to rename, so it is created")
    else:
        world.notes.append(f"{one.address}: renamed_from can be removed, there is no {one.former} any more")


def _keys(one: Declared, world: World, registry: Registry) -> dict[Identity, str]:
    """The object, as its kind and as all others call it."""
    kind, database = registry.object_kind(one.kind), _database(one, world)
    assert isinstance(kind, Renamable)
    called = zip(kind.also_called(one.former), kind.also_called(one.key), strict=True)
    return {
        **{registry.identity(kind.object(one.key)[0], old, database): new for old, new in called},
        _identity(one, one.former, world, registry): one.key,
        registry.meant(one.kind, one.former, database): kind.object(one.key)[1],
    }


def _names(keys: Keys, database: str, registry: Registry) -> Names:
    def name(type_: str, key: str) -> str:
        return keys.get(registry.identity(type_, key, database), key)

    return name


def _record(world: World, keys: Keys, registry: Registry) -> None:
    """What is recorded, under other names."""
    default = world.snapshot.facts.database
    entries: dict[str, Entry] = {}
    addresses: dict[str, str] = {}
    for entry in world.state.entries:
        new = _entry(entry, _names(keys, entry.database or default, registry), registry)
        if new is not entry or entry.address in world.addresses:
            addresses[new.address] = world.addresses.get(entry.address, entry.address)
        if new is not entry or entry.address not in entries:
            entries[new.address] = new
    world.state = evolve(world.state, entries=tuple(entries[address] for address in sorted(entries)))
    world.addresses = addresses


def _entry(entry: Entry, names: Names, registry: Registry) -> Entry:
    parsed = Address.parse(entry.address)
    kind, provider = registry.kinds.get(parsed.kind), registry.providers.get(parsed.kind)
    if kind is None or not isinstance(provider, Renamer):
        return entry
    found = provider.renamed(Found(parsed.kind, parsed.key, entry.oid, restore(entry.spec, kind.spec)), names)
    new = evolve(
        entry,
        address=str(Address(parsed.kind, found.key, parsed.database)),
        spec=image(found.spec),
        grantors=tuple(sorted(_role(name, parsed.kind, names, registry) for name in entry.grantors)),
    )
    if entry.kept:
        spec = restore({**entry.spec, **entry.kept}, kind.spec)
        kept = image(provider.renamed(Found(parsed.kind, parsed.key, entry.oid, spec), names).spec)
        new = evolve(new, kept={name: kept[name] for name in entry.kept})
    if is_edge_kind(kind) and entry.adopted.listed:
        new = evolve(new, adopted=_adopted(entry.adopted, kind.reads(found.spec)[0], names, provider))
    return entry if new == entry else new


def _adopted(adopted: Adopted, type_: str, names: Names, provider: Renamer) -> Adopted:
    """The objects of folds are all of one type, the first that the kind reads for the address."""

    def key(old: str) -> str:
        return provider.renamed(Found(type_, old, 0, None), names).key

    folds = (Fold(fold.items, tuple(sorted(map(key, fold.keys)))) for fold in adopted.listed)
    return evolve(adopted, listed=tuple(sorted(folds, key=lambda fold: fold.items)))


def _role(name: str, type_: str, names: Names, registry: Registry) -> str:
    reference = registry.providers[type_].grantee(role_grantee(name))
    return name if reference is None else unpart(names(reference.type, reference.key))


def _find(world: World, keys: Keys, registry: Registry) -> None:
    """What is found, under other names."""
    snapshot = world.snapshot
    default = snapshot.facts.database
    lists: dict[int, AccessList] = {}

    def renamed(part: Part, database: str) -> Part:
        names = _names(keys, database or default, registry)
        found = (_found(type_, of_type.values(), names, lists, world, registry) for type_, of_type in part.found.items())
        return part_of(chain.from_iterable(found))

    moved: dict[Identity, tuple[Identity, Found]] = {}

    def noted(part: Part, new: Part, database: str) -> Part:
        for (type_, old), key in zip(_ordered(part), (key for _, key in _ordered(new)), strict=True):
            was, now = Identity(type_, old, database), Identity(type_, key, database)
            before, after = part.found[type_][old], new.found[type_][key]
            if after is not before or was in world.originals:
                moved[now] = world.originals.get(was, (was, before))
        return new

    shared = noted(snapshot.shared, renamed(snapshot.shared, ""), "")
    databases = {name: noted(part, renamed(part, name), name) for name, part in snapshot.databases.items()}
    world.snapshot = evolve(snapshot, shared=shared, databases=databases)
    world.originals = moved


def _ordered(part: Part) -> Iterator[tuple[str, str]]:
    """Types and keys in the order in which they were put in, which a rename keeps."""
    yield from ((type_, key) for type_, of_type in part.found.items() for key in of_type)


def _found(
    type_: str, found: Iterable[Found], names: Names, lists: dict[int, AccessList], world: World, registry: Registry
) -> Iterator[Found]:
    def role(name: str) -> str:
        return _role(name, type_, names, registry)

    provider = registry.providers[type_]
    renamer = provider if isinstance(provider, Renamer) else None
    for one in found:
        new = one if renamer is None else renamer.renamed(one, names)
        owner = role(one.owner) if one.owner else ""
        if id(one.acl) not in lists:
            lists[id(one.acl)] = _list(one.acl, role, type_, names, world, registry)
        acl = lists[id(one.acl)]
        yield new if new.owner == owner and new.acl is acl else evolve(new, owner=owner, acl=acl)


def _list(acl: AccessList, role: Callable[[str], str], type_: str, names: Names, world: World, registry: Registry) -> AccessList:
    def grantee(text: str) -> str:
        reference = registry.providers[type_].grantee(text)
        return text if reference is None else role_grantee(unpart(names(reference.type, reference.key)))

    rows: list[Privilege] = []
    for row in acl.privileges:
        new = evolve(row, grantee=grantee(row.grantee), grantor=role(row.grantor))
        if new != row:
            world.rows[new] = world.rows.get(row, row)
        rows.append(new)
    return acl if tuple(rows) == acl.privileges else AccessList(tuple(sorted(rows)))
