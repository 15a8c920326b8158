"""What becomes of each object before privileges change: whether it is there, whose it is, and what its access list says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from attrs import evolve, field, frozen

from pgplan.address import Identity, role_grantee
from pgplan.kind import IsThere
from pgplan.plan.objects import Decision
from pgplan.registry import Registry
from pgplan.snapshot import NO_LIST, AccessList, Catalog, Found, Snapshot

Fate = Literal["kept", "made", "replaced", "gone", "missing"]
"""``made``: new, with the list it is born with; ``replaced``: dropped and made again; ``missing``: neither found nor made."""
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
    _lists: dict[_Moved, AccessList] = field(factory=dict[_Moved, AccessList])

    @cached_property
    def _with_made(self) -> Snapshot:
        made: dict[str, list[Found]] = {}
        for one, fate in self._fates.items():
            if fate == "made":
                made.setdefault(one.database, []).append(Found(one.type, one.key, 0, None))
        databases = {name: part.having(made.get(name, ())) for name, part in self.snapshot.databases.items()}
        return evolve(self.snapshot, shared=self.snapshot.shared.having(made.get("", ())), databases=databases)

    def catalog(self, database: str) -> Catalog:
        """What claims may be about: what is found, and what is made before privileges have their turn."""
        return self._with_made.catalog(database)

    def fate(self, one: Identity) -> Fate:
        known = self._fates.get(one)
        if known is not None:
            return known
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
        return self._owners.get(one, found.owner if found else "")

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

    def moved(self, acl: AccessList, old: str, new: str) -> AccessList:
        """A new owner takes over the rights and the grants of the old one."""
        if old == new:
            return acl
        key = id(acl), old, new
        if key not in self._lists:
            before, after = role_grantee(old), role_grantee(new)
            rows = {
                evolve(
                    row,
                    grantee=after if row.grantee == before else row.grantee,
                    grantor=new if row.grantor == old else row.grantor,
                )
                for row in acl.privileges
            }
            self._lists[key] = AccessList(tuple(sorted(rows)))
        return self._lists[key]


def outlook_of(decisions: Iterable[Decision], snapshot: Snapshot, registry: Registry) -> Outlook:
    decisions = tuple(decisions)
    fates: dict[Identity, Fate] = {}
    owners: dict[Identity, str] = {}
    columns: dict[Identity, frozenset[str]] = {}
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
    return Outlook(snapshot, registry, decisions, fates, owners, columns)


def _owner(decision: Decision, snapshot: Snapshot) -> str | None:
    """Whose it is after it is made or altered: who makes an object owns it, unless it is said otherwise."""
    if decision.creates:
        return decision.kind.owner(decision.made_spec) or snapshot.facts.role
    if decision.action == "update":
        return decision.kind.owner(decision.spec)
    return None
