"""What is found in the ``[scope]`` and is neither declared nor recorded: to be dropped, or only to be told. Pure.

`pgplan.plan.sweep` has what access lists say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property

from attrs import evolve, field, frozen

from pgplan.address import Address, Identity
from pgplan.configuration.model import Configuration, Declared, Policy, ScopeSettings
from pgplan.kind import ObjectKind, Selective, SpecOf, Surveyor, Whereabouts
from pgplan.plan.model import Coverage, Undeclared
from pgplan.plan.objects import Decision, decide_object, needs_of
from pgplan.plan.observed import found_image
from pgplan.plan.scope import Scope
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import AccessList, Catalog, Found, Snapshot
from pgplan.state.model import State

NOWHERE = Whereabouts(is_brought=True, as_made=True)
"""Of what a provider says nothing."""


@frozen(slots=False)
class Survey:
    """Where to look, and what for."""

    scope: Scope
    policy: Policy
    state: State
    snapshot: Snapshot
    registry: Registry
    reports: bool
    """Whether what is to be deleted is only told."""
    also: tuple[Declared, ...] = ()
    """What else is declared: of a comparison with what is recorded, the configuration."""
    _places: dict[Identity, Whereabouts] = field(factory=dict[Identity, Whereabouts], init=False, eq=False)

    def looks_for(self, kind: str) -> bool:
        return self.registry.may_be_undeclared(kind) and self.policy.of(kind).undeclared != "ignore"

    def deletes(self, kind: str) -> bool:
        return not self.reports and self.policy.of(kind).undeclared == "delete"

    def place(self, one: Identity, found: Found) -> Whereabouts:
        """The same for an object whenever it is asked for, as each kind that looks at it does."""
        place = self._places.get(one)
        if place is None:
            surveyor = self._surveyors.get(one.type)
            place = surveyor.whereabouts(found, self._catalog(one)) if surveyor is not None else NOWHERE
            self._places[one] = place
        return place

    def initial(self, one: Identity, found: Found) -> AccessList:
        """What its list said when it was made."""
        surveyor = self._surveyors.get(one.type)
        return surveyor.initial(found, self._catalog(one)) if surveyor is not None else found.acl

    def _catalog(self, one: Identity) -> Catalog:
        return self.snapshot.catalog(one.database or self.snapshot.facts.database)

    @cached_property
    def _surveyors(self) -> Mapping[str, Surveyor]:
        """By the name of each kind and type, looked up once: to ask whether something is one takes long."""
        known = {id(one): one for one in self.registry.surveyors}
        return {name: known[id(provider)] for name, provider in self.registry.providers.items() if id(provider) in known}

    def reason(self, address: str, why: str, found: Found | None) -> str:
        """In words. That something is back, or new, is said only where that is certain."""
        said = f"undeclared, in scope by {why}"
        if address in self._buried:
            said += f"; pgplan took it away before (state {self._buried[address]}): somebody else gives it"
        elif found is not None and self._is_new(found):
            said += "; it came after the last apply"
        return said

    def _is_new(self, found: Found) -> bool:
        """OIDs grow until the server's counter starts over. Those of some types are chosen by who makes an object; and of several
        databases the greatest is known of one alone."""
        target = self.state.target
        if target is None or len(target.databases) > 1 or self.snapshot.others:
            return False
        return 0 < target.newest < found.oid and found.type in self.registry.kinds

    def address(self, kind: str, key: str, database: str) -> str:
        return str(Address(kind, key, "" if database == self.snapshot.facts.database else database))

    @cached_property
    def _buried(self) -> Mapping[str, int]:
        return {one.address: one.serial for one in self.state.tombstones}


def survey_of(
    configuration: Configuration,
    state: State,
    snapshot: Snapshot,
    registry: Registry,
    *,
    reports: bool,
    also: Iterable[Declared] = (),
) -> Survey | None:
    """None where there is nowhere to look."""
    if configuration.scope.is_empty:
        return None
    return Survey(Scope(configuration.scope), configuration.policy, state, snapshot, registry, reports, tuple(also))


def types_for(scope: ScopeSettings, policy: Policy, registry: Registry) -> tuple[set[str], set[str]]:
    """The kinds whose undeclared objects are looked for; and the types to read besides, for undeclared privileges and to tell
    how much is managed. Those of which there may be too many for that are only counted."""
    if scope.is_empty:
        return set(), set()
    wanted = [name for name in registry.kinds if registry.may_be_undeclared(name) and policy.of(name).undeclared != "ignore"]
    lists = [kind for kind in registry.list_kinds() if kind.name in wanted]
    read = {type_ for kind in lists for type_ in (*kind.on, *kind.surveys)}
    objects = {name for name in wanted if not is_edge_kind(registry.kinds[name])}
    return objects, read | (registry.scoped - {type_ for one in registry.surveyors for type_ in one.tallied})


@frozen
class Managed:
    """What addresses stand for."""

    wholes: Collection[Identity]
    """What they mean, but for those that are about a part of it."""
    found_as: Collection[Identity]


def managed_by(decisions: Iterable[Decision], survey: Survey) -> Managed:
    wholes: set[Identity] = set()
    found_as: set[Identity] = set()
    for decision in decisions:
        found_as.add(decision.found_as)
        if decision.object.key == decision.found_as.key:
            wholes.add(decision.object)
    for one in survey.also:
        if not is_edge_kind(survey.registry.kinds[one.kind]):
            database = one.database or survey.snapshot.facts.database
            meant = survey.registry.meant(one.kind, one.key, database)
            found_as.add(survey.registry.identity(one.kind, one.key, database))
            if meant.key == one.key:
                wholes.add(meant)
    return Managed(wholes, found_as)


def undeclared_objects(
    decisions: Iterable[Decision], survey: Survey, spec_of: Callable[[str], SpecOf]
) -> tuple[dict[str, Decision], list[Undeclared]]:
    """What is to be dropped, by address, and what is only told."""
    managed = managed_by(decisions, survey)
    dropped: dict[str, Decision] = {}
    told: list[Undeclared] = []
    for kind in survey.registry.object_kinds():
        for one, found, why in _undeclared(kind, managed, survey) if survey.looks_for(kind.name) else ():
            address = survey.address(kind.name, one.key, one.database)
            reason = survey.reason(address, why, found)
            if survey.deletes(kind.name):
                dropped[address] = _dropped(address, kind, one, found, reason, survey, spec_of)
            else:
                told.append(Undeclared(address, kind.name, one.database, reason, before=found_image(found.spec)))
    return dropped, told


def _dropped(
    address: str,
    kind: ObjectKind,
    one: Identity,
    found: Found,
    reason: str,
    survey: Survey,
    spec_of: Callable[[str], SpecOf],
) -> Decision:
    registry, database = survey.registry, one.database or survey.snapshot.facts.database
    needs = needs_of(kind, None, found, spec_of(database), registry, database)
    meant = registry.meant(kind.name, one.key, database)
    decision = decide_object(address, kind, one, meant, None, None, found, {}, needs)
    return evolve(decision, reason=reason, undeclared=True)


def _undeclared(kind: ObjectKind, managed: Managed, survey: Survey) -> Iterator[tuple[Identity, Found, str]]:
    recorded = {entry.oid for entry in survey.state.entries if entry.oid and entry.address.startswith(f"{kind.name}.")}
    for database, part in (("", survey.snapshot.shared), *survey.snapshot.databases.items()):
        for one, found in _unmanaged(kind, part.ordered.get(kind.name, ()), database, managed, survey):
            place = survey.place(one, found)
            why = "" if place.is_brought else survey.scope.why(one, place)
            # What is recorded under the name that it had is told of under that.
            if why and found.oid not in recorded and not _unmanageable(kind, found):
                yield one, found, why


def _unmanaged(
    kind: ObjectKind, every: Iterable[Found], database: str, managed: Managed, survey: Survey
) -> Iterator[tuple[Identity, Found]]:
    """Each as a whole or, where something of it is managed or nobody's to declare, in the parts that are left."""
    parts: dict[Identity, list[Found]] = {}
    for found in every:
        parts.setdefault(survey.registry.meant(kind.name, found.key, database), []).append(found)
    for meant, of_one in parts.items():
        if meant in managed.wholes:
            continue
        ones = [(Identity(kind.name, found.key, database), found) for found in of_one]
        left = [
            (one, found)
            for one, found in ones
            if one.key != meant.key and one not in managed.found_as and not survey.place(one, found).is_brought
        ]
        apart = [one for one, _ in ones if one.key != meant.key]
        yield from left if len(left) < len(apart) else ((one, found) for one, found in ones if one.key == meant.key)


def _unmanageable(kind: ObjectKind, found: Found) -> bool:
    return isinstance(kind, Selective) and bool(kind.unmanageable(found))


def coverage(decisions: Iterable[Decision], claimed: Collection[Identity], survey: Survey) -> Coverage:
    """Counts what kinds and access lists are about, each object once, but for what nobody has to declare."""
    managed = managed_by(decisions, survey)
    numbers = {"managed": 0, "unmanaged": 0, "outside": 0}
    types = survey.registry.scoped
    for one, found in survey.snapshot.objects():
        if one.type not in types or not _counts(one, survey):
            continue
        meant = _meant(one, survey)
        if meant in claimed or meant in managed.wholes or one in managed.found_as:
            numbers["managed"] += 1
            continue
        place = survey.place(one, found)
        if not place.is_brought or one in claimed:
            numbers["unmanaged" if survey.scope.why(one, place) else "outside"] += 1
    for tally in survey.snapshot.tallies:
        why = survey.scope.why(Identity(tally.type, "", tally.database), Whereabouts(tally.schema))
        numbers["unmanaged" if why else "outside"] += tally.number
    return Coverage(**numbers)


def _meant(one: Identity, survey: Survey) -> Identity:
    kind = survey.registry.kinds.get(one.type)
    return one if kind is None or is_edge_kind(kind) else survey.registry.meant(one.type, one.key, one.database)


def _counts(one: Identity, survey: Survey) -> bool:
    """Whether it is told under this identity: a foreign table is a table, and a part of a membership is told with it."""
    return _meant(one, survey) == one
