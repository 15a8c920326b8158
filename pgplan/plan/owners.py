"""Whose objects become by claims on their owners, before anything is decided of their access lists. Pure.

A claim that names an object beats one by a pattern, as among privileges. An object whose own block says whose it is must not be
claimed for another role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, field, frozen

from pgplan.address import Identity
from pgplan.configuration.model import Declared
from pgplan.errors import Problem, another_owner
from pgplan.kind import InvalidBlockError, OwnerChange
from pgplan.plan.claims import Holder
from pgplan.plan.consequences import by_object
from pgplan.plan.objects import Decision, source_of
from pgplan.plan.outlook import Outlook


@frozen
class Owners:
    """All that is decided of owners, but for what objects say of themselves."""

    changes: Mapping[str, tuple[OwnerChange, ...]]
    """By the address that asks for them, in the order of objects."""
    problems: tuple[Problem, ...]

    def outlook(self, outlook: Outlook) -> Outlook:
        """What becomes of each object with these owners."""
        return outlook.with_owners({change.object: change.after for changes in self.changes.values() for change in changes})


@frozen(eq=False)
class _Wish:
    """One address that says whose an object is to be."""

    declared: Declared
    owner: str
    named: bool
    left_out: bool = False
    """The plan is not about it: it asks for nothing."""


@define
class _Deciding:
    outlook: Outlook
    meant: Mapping[Identity, list[Decision]]
    changes: dict[str, list[OwnerChange]] = field(factory=dict[str, list[OwnerChange]])
    problems: list[Problem] = field(factory=list[Problem])

    def decide(self, one: Identity, wishes: Sequence[_Wish]) -> None:
        strong = [wish for wish in wishes if wish.named] or wishes
        sayings = [(wish.declared, wish.owner) for wish in strong]
        for decision in self.meant.get(one, ()):
            own = decision.kind.owner(decision.spec) if decision.declared is not None else None
            if decision.declared is not None and own is not None:
                sayings.append((decision.declared, own))
        different = next((each for each in sayings if each[1] != sayings[0][1]), None)
        if different is not None:
            self.problems += _contradiction(one, sayings[0], different)
            return
        asking = [wish for wish in strong if not wish.left_out]
        wish = min(asking, key=lambda each: each.declared.address, default=None)
        before = self.outlook.owner(one)
        if wish is not None and before != wish.owner:
            self.changes.setdefault(wish.declared.address, []).append(OwnerChange(one, before, wish.owner))

    def is_brought(self, one: Identity) -> bool:
        """Whether it comes with something that is made, and is not found yet."""
        return one not in self.meant and self.outlook.snapshot.get(one) is None


def decide_owners(holders: Iterable[Holder], outlook: Outlook) -> Owners:
    """Who gets which objects. What is claimed and not there is told where access lists are decided (pgplan.plan.claims)."""
    deciding = _Deciding(outlook, by_object(outlook.decisions))
    wishes: dict[Identity, list[_Wish]] = {}
    for holder in holders:
        for one, wish in _wishes(holder, outlook):
            if wish.named and deciding.is_brought(one):
                deciding.problems.append(_brought(one, wish.declared))
            else:
                wishes.setdefault(one, []).append(wish)
    for one in sorted(wishes):
        deciding.decide(one, wishes[one])
    return Owners({address: tuple(changes) for address, changes in deciding.changes.items()}, tuple(deciding.problems))


def _wishes(holder: Holder, outlook: Outlook) -> Iterator[tuple[Identity, _Wish]]:
    declared = holder.declared
    if declared is None or not holder.kind.of_owners:
        return
    for claim in holder.claims:
        try:
            objects = list(claim.selector.objects(outlook.catalog(holder.database)))
        except InvalidBlockError:
            # It is told with the other mistakes of selectors.
            continue
        wish = _Wish(declared, claim.owner, claim.selector.named, holder.left_out)
        for type_, key in objects:
            one = outlook.registry.identity(type_, key, holder.database)
            if outlook.fate(one) not in ("missing", "gone"):
                yield one, wish


def _contradiction(one: Identity, *sayings: tuple[Declared, str]) -> Iterator[Problem]:
    """That two declarations give an object to different roles: said of each."""
    (first, its), (second, other) = sayings
    for here, there, owner in ((first, second, other), (second, first, its)):
        message, hint = another_owner(one.type, one.key, there.address, owner)
        yield Problem(message, source_of(here), here.address, hint)


def _brought(one: Identity, declared: Declared) -> Problem:
    message = f"{one.type} {one.key} is not there yet: it comes with something that this plan creates"
    return Problem(message, source_of(declared), declared.address, "remove this block: whoever makes it owns it")
