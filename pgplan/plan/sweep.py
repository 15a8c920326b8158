"""What access lists say within the ``[scope]`` that is neither declared nor recorded. Pure.

Which rows of a list may be undeclared is worked out once for all objects that share list, owner and place, and decided with all
else about them (`pgplan.plan.privileges`). Only what is undeclared is then told object by object, by the address that would
declare it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field, frozen

from pgplan.address import PUBLIC, Identity, role_grantee
from pgplan.kind import EdgeChange, InvalidBlockError, ListKind, Whereabouts
from pgplan.plan.claims import Holder, Sweep
from pgplan.plan.outlook import Outlook
from pgplan.plan.privileges import Verdict
from pgplan.plan.sweeping import Swept, edge_change
from pgplan.plan.undeclared import Survey
from pgplan.snapshot import NO_LIST, AccessList, Item, Privilege
from pgplan.snapshot import Found as Object

Given = Mapping[Identity, frozenset[Item]]
"""What is declared to be in the lists that say what others are born with."""


@frozen
class Sweeper:
    """Finds what may be undeclared on objects as `outlook` has them."""

    survey: Survey
    outlook: Outlook
    given: Given = field(factory=dict[Identity, frozenset[Item]])
    _known: dict[tuple[object, ...], Sweep | None] = field(factory=dict[tuple[object, ...], Sweep | None])
    _kept: dict[int, AccessList] = field(factory=dict[int, AccessList])
    """Lists that are known by their identity, so that nothing else gets it."""
    _nobodys: dict[Identity, bool] = field(factory=dict[Identity, bool])

    def sweeps(self, kinds: Iterable[ListKind]) -> dict[Identity, Sweep]:
        found: dict[Identity, Sweep] = {}
        for kind in kinds:
            if self.survey.looks_for(kind.name):
                found |= {one: sweep for one in self._objects(kind) if (sweep := self._of(one, kind)) is not None}
        return found

    def _objects(self, kind: ListKind) -> Iterable[Identity]:
        outlook = self.outlook
        types, made = set(kind.on), (decision.object for decision in outlook.decisions if decision.action == "create")
        for database, part in (("", outlook.snapshot.shared), *outlook.snapshot.databases.items()):
            for type_ in types & part.found.keys():
                yield from (Identity(type_, key, database) for key, one in part.found[type_].items() if one.acl is not NO_LIST)
        yield from (one for one in made if one.type in types and self.outlook.snapshot.get(one) is None)

    def _of(self, one: Identity, kind: ListKind) -> Sweep | None:
        """Lists that go with their owner are told of with that; what goes loses its list."""
        outlook = self.outlook
        start = outlook.start(one)
        if one in outlook.cleared or start is None or outlook.fate(one) == "gone":
            return None
        found = outlook.snapshot.get(one) or Object(one.type, one.key, 0, None, owner=outlook.owner(one))
        place, initial = self.survey.place(one, found), self.survey.initial(one, found)
        lists = start, outlook.due(one) or NO_LIST
        born_by = self._born_by(one)
        key = (
            kind.name,
            one.type,
            outlook.owner(one),
            place,
            self.survey.scope.named(one),
            born_by,
            *map(self._id, (*lists, initial)),
        )
        if key not in self._known:
            rows = dict.fromkeys(row for acl in lists for row in acl.privileges)
            self._known[key] = self._swept(one, kind, rows, place, initial, born_by)
        return self._known[key]

    def _id(self, acl: AccessList) -> int:
        self._kept[id(acl)] = acl
        return id(acl)

    def _born_by(self, one: Identity) -> tuple[Identity, ...]:
        """The lists that declare what it was born with."""
        if not self.given:
            return ()
        provider = self.outlook.registry.providers[one.type]
        references = provider.born_by(one.type, one.key, self.outlook.owner(one))
        lists = (self.outlook.registry.target(reference, one.database) for reference in references)
        return tuple(each for each in lists if each in self.given)

    def _swept(
        self,
        one: Identity,
        kind: ListKind,
        rows: Iterable[Privilege],
        place: Whereabouts,
        initial: AccessList,
        born_by: Sequence[Identity],
    ) -> Sweep | None:
        owner = self.outlook.owner(one)
        public = self.survey.scope.names_public and not place.as_made
        given = {item for each in born_by for item in self.given[each]}
        found: dict[Privilege, str] = {}
        for row in rows:
            own = row.grantee == role_grantee(owner) and row.grantor == owner
            from_start = row.item in initial.rows and not (row.grantee == PUBLIC and public)
            if own or from_start or row.item in given or self._is_nobodys(one, row):
                continue
            why = self.survey.scope.why(one, place, row.grantee)
            if why:
                found[row] = why
        return Sweep(kind, found, self.survey.deletes(kind.name)) if found else None

    def _is_nobodys(self, one: Identity, row: Privilege) -> bool:
        """What a role has that nobody has to declare; and what names a role that is gone."""
        grantee = self.outlook.registry.grantee(one, row.grantee, one.database)
        grantor = self.outlook.registry.grantee(one, role_grantee(row.grantor), one.database)
        return (grantee is not None and self._is_left_alone(grantee)) or (grantor is not None and self._is_gone(grantor))

    def _is_gone(self, role: Identity) -> bool:
        return self.outlook.snapshot.get(role) is None and self.outlook.fate(role) == "missing"

    def _is_left_alone(self, role: Identity) -> bool:
        if role not in self._nobodys:
            found = self.outlook.snapshot.get(role)
            self._nobodys[role] = self._is_gone(role) if found is None else self.survey.place(role, found).as_made
        return self._nobodys[role]


@define
class Found:
    """What is undeclared under one address."""

    address: str
    sweep: Sweep
    database: str
    changes: list[EdgeChange] = field(factory=list[EdgeChange])
    whys: dict[str, None] = field(factory=dict[str, None])
    objects: list[Identity] = field(factory=list[Identity])
    roles: dict[Identity, None] = field(factory=dict[Identity, None])


@define
class Collected:
    """What is undeclared of all classes."""

    survey: Survey
    by_address: dict[str, Found] = field(factory=dict[str, Found])

    def add(self, verdict: Verdict) -> None:
        sweep = verdict.cls.sweep
        if sweep is not None:
            for one in verdict.cls.objects:
                for swept in verdict.swept:
                    self._add(one, swept, sweep)

    def _add(self, one: Identity, swept: Swept, sweep: Sweep) -> None:
        key = sweep.kind.key_on(one.type, one.key, swept.item.grantee)
        address = self.survey.address(sweep.kind.name, key, one.database)
        found = self.by_address.setdefault(address, Found(address, sweep, one.database))
        found.objects.append(one)
        found.whys[swept.why] = None
        role = self.survey.registry.grantee(one, swept.item.grantee, one.database)
        found.roles |= {} if role is None else {role: None}
        found.changes += (edge_change(change, one) for change in swept.changes)


def given_by(holders: Iterable[Holder], outlook: Outlook) -> Given:
    """What is declared to be in lists that say what others are born with."""
    given: dict[Identity, set[Item]] = {}
    claims = ((one.database, claim) for one in holders for claim in one.claims if not claim.forbids)
    for database, claim in claims:
        try:
            objects = list(claim.selector.objects(outlook.catalog(database)))
        except InvalidBlockError:
            # Told with what the claim is about.
            continue
        for type_, key in objects:
            given.setdefault(outlook.registry.identity(type_, key, database), set()).update(claim.items)
    return {one: frozenset(items) for one, items in given.items()}
