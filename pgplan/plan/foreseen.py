"""The `Outcome` of a plan: what one database sees when all of it is made, for kinds to check what they are asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import attrs
from attrs import evolve, frozen

from pgplan.address import Identity
from pgplan.kind import Spec, Wanted
from pgplan.plan.objects import Decision
from pgplan.plan.outlook import Outlook
from pgplan.snapshot import Catalog, Found, Snapshot


@frozen(slots=False)
class Foreseen:
    outlook: Outlook
    database: str

    @cached_property
    def _decisions(self) -> Mapping[Identity, Decision]:
        return {one.found_as: one for one in self.outlook.decisions if one.object.database in ("", self.database)}

    @property
    def catalog(self) -> Catalog:
        return self.outlook.snapshot.catalog(self.database)

    def spec(self, type_: str, key: str) -> Spec | None:
        decision = self._decisions.get(self._identity(type_, key))
        if decision is not None:
            return _after(decision)
        found = self.catalog.get(type_, key)
        return None if found is None or self._fate(type_, key) == "gone" else found.spec

    def specs(self, type_: str) -> Iterator[tuple[str, Spec]]:
        made = (one.key for one, decision in self._decisions.items() if one.type == type_ and decision.declared is not None)
        for key in sorted({*made, *(found.key for found in self.catalog.of(type_))}):
            decision = self._decisions.get(self._identity(type_, key))
            if decision is not None and decision.goes_with and decision.found is not None:
                yield key, decision.found.spec
            elif (spec := self.spec(type_, key)) is not None:
                yield key, spec

    def is_there(self, type_: str, key: str) -> bool:
        return self._fate(type_, key) not in ("gone", "missing")

    def is_made(self, type_: str, key: str) -> bool:
        decision = self._decisions.get(self._identity(type_, key))
        return decision is not None and decision.creates

    def _identity(self, type_: str, key: str) -> Identity:
        return self.outlook.registry.identity(type_, key, self.database)

    def _fate(self, type_: str, key: str) -> str:
        return self.outlook.fate(self._identity(type_, key))


def _after(decision: Decision) -> Spec | None:
    """What is declared, and what is found of what is not said; None for what is deleted."""
    if decision.drops and not decision.creates:
        return None
    if decision.found is None or decision.declared is None or decision.creates:
        return decision.made_spec if decision.declared is not None else decision.found and decision.found.spec
    said = decision.spec
    unsaid = [each.name for each in attrs.fields(decision.kind.spec) if getattr(said, each.name) is None]
    return evolve(said, **{name: getattr(decision.found.spec, name) for name in unsaid})


def wanted(decisions: Iterable[Decision]) -> Iterator[tuple[str, Mapping[str, Decision], Wanted]]:
    """What is made and altered, kind by kind and database by database ("" for the cluster): decisions and contract, by key."""
    made: dict[tuple[str, str], dict[str, Decision]] = {}
    for one in decisions:
        if one.makes:
            made.setdefault((one.kind.name, one.found_as.database), {})[one.found_as.key] = one
    for (_, database), of_kind in made.items():
        yield (
            database,
            of_kind,
            {key: (one.found if one.action == "update" else None, one.made_spec) for key, one in of_kind.items()},
        )


def with_what_is_made(outlook: Outlook) -> Snapshot:
    """The snapshot as it is when all is made and altered and has its owners, before privileges change and anything goes."""
    made: dict[str, list[Found]] = {}
    for decision in outlook.decisions:
        if decision.makes:
            one, owner = decision.found_as, outlook.owner(decision.object)
            found = outlook.given.get(one) or Found(one.type, one.key, 0, None)
            made.setdefault(one.database, []).append(evolve(found, spec=_after(decision), owner=owner))
            if decision.object.type != one.type:
                meant = outlook.given.get(decision.object) or Found(decision.object.type, decision.object.key, 0, None)
                made[one.database].append(evolve(meant, owner=owner))
    return outlook.given.having(made)
