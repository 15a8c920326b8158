"""A saved plan against the one that was made again: what the file may say, and what differs. Pure.

Of the file only the expiry and what becomes of secrets are believed: whoever planned may have known fewer values than whoever
applies. All else must be decided here just as it stands there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve, fields_dict

from pgplan.errors import Problem
from pgplan.plan.model import Change, Decided, Plan, Secrecy, Slot

Key = tuple[str, str]
"""Address and slot."""

_ACCEPTED: Mapping[Slot, tuple[Slot, ...]] = {
    "new": ("new",),
    "changed": ("changed",),
    "same": ("same", "unchecked"),
    "deferred": ("new", "changed", "same", "deferred", "unchecked"),
    "unchecked": ("same", "changed", "unchecked"),
}
"""What the file says of a secret, and what may hold here for it."""
_WORDS: Mapping[Slot, str] = {
    "new": "new",
    "changed": "changed",
    "same": "unchanged",
    "deferred": "without a value",
    "unchecked": "without a value to compare",
}
_TOLD: Mapping[str, str] = {
    # of a change
    "moved": "whether configuration or database moved",
    "previous_address": "its former address",
    "changed": "which attributes differ",
    "steps": "which steps it takes",
    "adopting": "whether it is adopted",
    "renamed": "whether it is renamed",
    "anew": "whether it was made anew",
    "protected": "whether it is protected",
    "depends": "what it depends on",
    "grantors": "who granted",
    "edges": "which privileges change",
    "along": "which privileges change",
    "owners": "which owners change",
    "adopted": "what it adopted",
    # of the whole plan
    "name": "the name of the configuration",
    "options": "how it was asked for",
    "phases": "the steps and their order",
    "checks": "what must be found after its steps",
    "slots": "which secrets are sent, and what they are taken from",
    "origins": "how the values of sensitive variables are to be got",
}
"""Where the names of the format say little."""
_VARIABLE = re.compile(r"\$\{(var\.[^}]+)\}")


def with_slots_of(saved: Decided, own: Mapping[Key, Slot]) -> dict[Key, Slot]:
    """What becomes of each secret that is declared here, as the saved plan has it: what it does not list is unchanged."""
    listed: dict[Key, Slot] = {(one.address, one.slot): one.status for one in saved.slots}
    return {key: listed.get(key, "same") for key in own}


def as_saved(own: Decided, saved: Decided) -> Decided:
    """What is decided here, with what is taken from the file. That the state is the plan's is compared apart."""
    return evolve(own, expires=saved.expires, state=saved.state)


def misjudged(saved: Decided, own: Decided) -> list[Problem]:
    """Secrets of which the file says what cannot be, by what is known of them here."""
    here, there = _slots(own), _slots(saved)
    return [
        _misjudged(one, there, here)
        for key, one in sorted({**there, **here}.items())
        if _status(here, key) not in _ACCEPTED[_status(there, key)]
    ]


def held_back(saved: Decided, own: Decided) -> list[Secrecy]:
    """Secrets that have another value now, and are not sent, because nobody could compare them when the plan was made."""
    here = _slots(own)
    return [one for one in saved.slots if one.status == "unchecked" and _status(here, (one.address, one.slot)) == "changed"]


def _slots(decided: Decided) -> dict[Key, Secrecy]:
    return {(one.address, one.slot): one for one in decided.slots}


def _status(slots: Mapping[Key, Secrecy], key: Key) -> Slot:
    return slots[key].status if key in slots else "same"


def _misjudged(one: Secrecy, there: Mapping[Key, Secrecy], here: Mapping[Key, Secrecy]) -> Problem:
    key = one.address, one.slot
    variable = _VARIABLE.search(one.source or "")
    was, now = _WORDS[_status(there, key)], _WORDS[_status(here, key)]
    message = f"the secret {one.slot} of {one.address} is {now} here; the plan has it as {was}"
    hint = "give it the value that it had when the plan was made, or make a new plan"
    return Problem(message, address=variable[1] if variable else one.address, hint=hint)


def differences(saved: Decided, own: Decided) -> list[Problem]:
    """What the two decide differently, by address; statements in their own words."""
    return [*_changes(saved, own), *_sources(saved, own), *_statements(saved, own), *_rest(saved, own)]


def _changes(saved: Decided, own: Decided) -> Iterator[Problem]:
    there, here = ({change.address: change for change in decided.changes} for decided in (saved, own))
    for address in sorted(there.keys() | here.keys()):
        one, other = there.get(address), here.get(address)
        if one is None or other is None:
            yield Problem(
                "is not in the plan, but planned here" if one is None else "is in the plan, but not planned here", None, address
            )
        elif one != other:
            yield Problem(f"is planned differently here: {', '.join(_fields(one, other))}", None, address)


def _sources(saved: Decided, own: Decided) -> Iterator[Problem]:
    """Secrets that are taken from elsewhere than when the plan was made."""
    there, here = _slots(saved), _slots(own)
    for key in sorted(there.keys() & here.keys()):
        was, now = there[key].source, here[key].source
        if was != now:
            message = f"the secret {key[1]} is taken from {now or 'a literal'}; the plan took it from {was or 'a literal'}"
            yield Problem(message, None, key[0])


def _fields(one: Change | Decided, other: Change | Decided) -> list[str]:
    """What is another, in the words of who reads a plan."""
    names = (name for name in fields_dict(type(one)) if getattr(one, name) != getattr(other, name))
    return list(dict.fromkeys(_TOLD.get(name, name) for name in names))


def _statements(saved: Decided, own: Decided) -> Iterator[Problem]:
    there, here = Counter(_sent(saved)), Counter(_sent(own))
    for addresses, sql in there - here:
        yield Problem(f"the plan runs what is not planned here: {sql}", None, addresses)
    for addresses, sql in here - there:
        yield Problem(f"the plan does not run what is planned here: {sql}", None, addresses)


def _sent(decided: Decided) -> Iterable[tuple[str, str]]:
    plan_steps = (step for phase in decided.phases for step in phase.steps)
    for step in plan_steps:
        for statement in step.statements:
            yield ", ".join(step.addresses), statement.sql + (f"  -- as {statement.run_as}" if statement.run_as else "")


def _rest(saved: Decided, own: Decided) -> Iterator[Problem]:
    rest = _fields(evolve(saved, changes=own.changes), own)
    if rest:
        yield Problem(f"the plan differs from what is planned here in {', '.join(rest)}")


def unexplained(plan: Plan) -> Iterator[str]:
    """What no plan of ours has: steps that no change names, or changes that name other steps than those that serve them."""
    if any(not phase.steps for phase in plan.decided.phases):
        yield "a phase has no steps"
    numbers = [step.number for step in plan.steps]
    if numbers != sorted(set(numbers)):
        yield "its steps are not numbered one after another"
    served: dict[str, list[int]] = {}
    for step in plan.steps:
        if not step.addresses or not step.statements:
            yield f"its step {step.number} is empty"
        for address in step.addresses:
            served.setdefault(address, []).append(step.number)
    for change in plan.changes:
        if served.pop(change.address, []) != list(change.steps):
            yield f"{change.address}: its change and its steps do not fit each other"
    for address in sorted(served):
        yield f"{address}: it has steps, but no change explains them"
