"""What becomes of each object before privileges change: whether it is there, whose it is, and what its access list says. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Literal

from attrs import evolve, field, frozen

from pgplan.address import Identity, role_grantee
from pgplan.kind import IsThere
from pgplan.plan.consequences import dropped_databases
from pgplan.plan.objects import Decision
from pgplan.registry import Registry
from pgplan.snapshot import NO_LIST, AccessList, Catalog, Found, Item, Privilege, Snapshot

Fate = Literal["kept", "made", "replaced", "gone", "missing"]
"""``made``: new, with the list it is born with; ``replaced``: dropped and made again; ``missing``: neither found nor made.
A list that goes with its owner is ``kept``: it is what it would be without a row."""
_Moved = tuple[int, str, str]


@frozen
class Outlook:
    """The snapshot, as it will be when privileges have their turn."""

    snapshot: Snapshot
    registry: Registry
    decisions: tuple[Decision, ...] = ()
    _fates: Mapping[Identity, Fate] = field(factory=dict[Identity, Fate])
    _owners: Mapping[Identity, str] = field(factory=dict[Identity, str])
    _columns: Mapping[Identity, frozenset[str]] = field(factory=dict[Identity, frozenset[str]])
    _makers: Mapping[Identity, Decision] = field(factory=dict[Identity, Decision])
    cleared: Mapping[Identity, Identity] = field(factory=dict[Identity, Identity])
    """Lists that go with their owner, and that owner."""
    earlier: Snapshot | None = None
    """What was found, where `snapshot` has the lists that privileges of `first` kinds lead to."""
    first: frozenset[str] = frozenset()
    """Kinds whose objects are made before those lists change."""
    _lists: dict[_Moved, AccessList] = field(factory=dict[_Moved, AccessList])

    @cached_property
    def _dropped(self) -> Collection[str]:
        return dropped_databases(self.decisions)

    @cached_property
    def _with_made(self) -> Snapshot:
        made: dict[str, list[Found]] = {}
        for one, fate in self._fates.items():
            if fate == "made":
                made.setdefault(one.database, []).append(Found(one.type, one.key, 0, None))
        return self.snapshot.having(made)

    def catalog(self, database: str) -> Catalog:
        """What claims may be about: what is found, and what is made before privileges have their turn."""
        return self._with_made.catalog(database)

    def fate(self, one: Identity) -> Fate:
        known = self._fates.get(one)
        if known is not None:
            return known
        if one.database in self._dropped:
            return "gone"
        if self.snapshot.get(one) is not None:
            return "kept"
        return "made" if self.is_brought(one) else "missing"

    def is_brought(self, one: Identity) -> bool:
        """Whether something that this plan creates may bring the object, which is not found and which nothing declares."""
        return any(True for _ in self.bringers(one))

    def bringers(self, one: Identity) -> Iterable[Decision]:
        for decision in self.decisions:
            in_reach = decision.action == "create" and one.database in ("", decision.object.database)
            if in_reach and decision.kind.brings(decision.spec, one.type, one.key, self._is_there(decision.object.database)):
                yield decision

    def _is_there(self, database: str) -> IsThere:
        def is_there(type_: str, key: str) -> bool:
            one = self.registry.identity(type_, key, database)
            return one in self._fates or self.snapshot.get(one) is not None

        return is_there

    def owner(self, one: Identity) -> str:
        """https://www.postgresql.org/docs/current/ddl-priv.html"""
        found = self.snapshot.get(one)
        if found is not None and found.follows is not None:
            one = self.registry.identity(*found.follows, one.database)
        return self._owners.get(one, found.owner if found else "")

    def with_owners(self, owners: Mapping[Identity, str]) -> Outlook:
        """This one, with other owners of some objects and of what follows them."""
        return evolve(self, owners={**self._owners, **owners}) if owners else self

    def is_given_away(self, one: Identity) -> bool:
        """Whether it is there, stays, and gets another owner."""
        found = self.snapshot.get(one)
        return found is not None and self.fate(one) == "kept" and self.owner(one) != found.owner

    @cached_property
    def given_away(self) -> Mapping[Identity, Found]:
        """All that stays and gets another owner, as found."""
        if not self._owners:
            return {}
        return {one: found for one, found in self.snapshot.objects() if self.is_given_away(one)}

    @cached_property
    def given(self) -> Snapshot:
        """The snapshot with the owners that objects get."""
        known: dict[str, list[Found]] = {}
        for one, found in self.given_away.items():
            known.setdefault(one.database, []).append(evolve(found, owner=self.owner(one), acl=self.acl(one)))
        return self.snapshot.having(known) if known else self.snapshot

    def columns(self, one: Identity) -> frozenset[str] | None:
        """Its columns; None where they are not known yet, as of what an extension brings."""
        found = self.snapshot.get(one)
        return self._columns.get(one, found.columns if found is not None else None)

    def acl(self, one: Identity) -> AccessList:
        """The list as found, with a new owner where the old one stood and without columns that go. Of what is made: nothing is
        known of it."""
        found = self.snapshot.get(one)
        if found is None or self.fate(one) in ("made", "gone"):
            return NO_LIST
        acl, columns = found.acl, self._columns.get(one)
        if columns is not None and not found.columns <= columns:
            acl = AccessList(tuple(row for row in acl.privileges if not row.column or row.column in columns))
        return self.moved(acl, found.owner, self.owner(one))

    def start(self, one: Identity) -> AccessList | None:
        """The list that privileges change from: as found, or as what this plan makes is born.

        None: only the server knows what comes with something else that is made.
        """
        if self.fate(one) in ("kept", "gone"):
            return self.acl(one)
        maker = self._makers.get(one)
        if maker is None:
            return None
        born = self._born(one, self.snapshot.facts.role, self.earlier if maker.kind.name in self.first else None)
        return self.moved(born, self.snapshot.facts.role, self.owner(one))

    def due(self, one: Identity) -> AccessList | None:
        """The list that it must have but for what is claimed; None where that is the one that it starts with.

        What is made has what its owner's defaults give, whoever makes it; what is replaced has what it had.
        """
        if one in self.cleared:
            return self.registry.providers[one.type].built_in(one.type, one.key, self.owner(one), self.snapshot.facts)
        match self.fate(one):
            case "replaced":
                return self.acl(one)
            case "made" if one in self._makers:
                return self._born(one, self.owner(one))
            case _:
                return None

    @cached_property
    def born_by(self) -> frozenset[Identity]:
        """The lists that say what is born with what, for whoever makes it and for whoever owns it then."""
        return frozenset(
            self.registry.target(reference, one.database)
            for one in self._makers
            for owner in dict.fromkeys((self.snapshot.facts.role, self.owner(one)))
            for reference in self.registry.providers[one.type].born_by(one.type, one.key, owner)
        )

    def _born(self, one: Identity, owner: str, snapshot: Snapshot | None = None) -> AccessList:
        provider, catalog = self.registry.providers[one.type], (snapshot or self.snapshot).catalog(one.database)
        return provider.born(one.type, one.key, owner, catalog)

    def after(self, lists: Mapping[Identity, AccessList], first: Iterable[str]) -> Outlook:
        """The same with lists as they are once the privileges have changed that come right after what kinds of `first` make."""
        if not lists:
            return self
        by_database: dict[str, list[Found]] = {}
        for one, acl in lists.items():
            found = self.snapshot.get(one)
            if found is not None:
                by_database.setdefault(one.database, []).append(evolve(found, acl=acl))
        databases = {name: part.having(by_database.get(name, ())) for name, part in self.snapshot.databases.items()}
        return evolve(self, snapshot=evolve(self.snapshot, databases=databases), earlier=self.snapshot, first=frozenset(first))

    def moved(self, acl: AccessList, old: str, new: str) -> AccessList:
        """A new owner takes over the rights and the grants of the old one."""
        if old == new:
            return acl
        key = id(acl), old, new
        if key not in self._lists:
            before, after = role_grantee(old), role_grantee(new)
            rows: dict[tuple[Item, str], Privilege] = {}
            for row in acl.privileges:
                grantee = after if row.grantee == before else row.grantee
                one = evolve(row, grantee=grantee, grantor=new if row.grantor == old else row.grantor)
                # Where both had the same, there is one row, with the grant option of either.
                if one.grantable or (one.item, one.grantor) not in rows:
                    rows[one.item, one.grantor] = one
            self._lists[key] = AccessList(tuple(sorted(rows.values())))
        return self._lists[key]


def outlook_of(decisions: Iterable[Decision], snapshot: Snapshot, registry: Registry) -> Outlook:
    decisions = tuple(decisions)
    fates: dict[Identity, Fate] = {}
    owners: dict[Identity, str] = {}
    columns: dict[Identity, frozenset[str]] = {}
    makers = {decision.object: decision for decision in decisions if decision.creates}
    for decision in decisions:
        match decision.action:
            case "create":
                fates[decision.object] = "made"
            case "replace":
                fates[decision.object] = "replaced"
            case "delete":
                fates[decision.object] = "gone"
                fates.update(dict.fromkeys(decision.members, "gone"))
            case _:
                pass
        own = decision.kind.columns(decision.made_spec) if decision.makes else None
        if own is not None:
            columns[decision.object] = own
        owner = _owner(decision, snapshot)
        if owner is not None:
            owners[decision.object] = owner
    cleared = _cleared({one for one, fate in fates.items() if fate == "gone"}, snapshot, registry)
    return Outlook(snapshot, registry, decisions, fates, owners, columns, makers, cleared)


def _cleared(gone: AbstractSet[Identity], snapshot: Snapshot, registry: Registry) -> dict[Identity, Identity]:
    """Lists that need no row only say what their owner would have made. A row would stop its DROP."""
    parts = (("", snapshot.shared), *snapshot.databases.items()) if gone else ()
    lists = (
        (Identity(type_, key, database), found.owner)
        for database, part in parts
        for type_ in snapshot.implied
        for key, found in part.found.get(type_, {}).items()
        if found.owner
    )
    owners = ((one, registry.grantee(one, role_grantee(owner), one.database)) for one, owner in lists)
    return {one: owner for one, owner in owners if owner is not None and owner in gone}


def _owner(decision: Decision, snapshot: Snapshot) -> str | None:
    """Whose it is after it is made or altered: who makes an object owns it, unless it is said otherwise."""
    if decision.creates:
        return decision.kind.owner(decision.made_spec) or snapshot.facts.role
    if decision.action == "update":
        return decision.kind.owner(decision.spec)
    return None
