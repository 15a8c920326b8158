"""What a decision about one object means for others: replacements spread, what goes with something needs no DROP, and what has
another address now gets none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from attrs import evolve

from pgplan.address import Identity, unpart
from pgplan.kind import MadeApart
from pgplan.plan.model import Slot
from pgplan.plan.objects import Decision, as_declared
from pgplan.snapshot import Snapshot

Decisions = Mapping[str, Decision]
"""By address, in their order."""


def by_object(decisions: Iterable[Decision]) -> dict[Identity, list[Decision]]:
    """All that is decided of each object: several addresses may mean one."""
    meant: dict[Identity, list[Decision]] = {}
    for decision in decisions:
        meant.setdefault(decision.object, []).append(decision)
    return meant


def with_replacements(decisions: Decisions) -> Decisions:
    """What stands on an object that is replaced must be replaced with it."""
    done = dict(decisions)
    standing: dict[Identity, list[str]] = {}
    for address, decision in decisions.items():
        for need in {*decision.needs.before, *decision.needs.after}:
            standing.setdefault(need.object, []).append(address)
    queue = [decision for decision in decisions.values() if decision.action == "replace"]
    while queue:
        ground = queue.pop()
        for address in standing.get(ground.object, ()):
            decision = done[address]
            if decision.found is not None and decision.action in ("none", "adopt", "update"):
                done[address] = replaced(decision, f"{ground.address} is replaced")
                queue.append(done[address])
    return done


def replaced(decision: Decision, reason: str) -> Decision:
    """The same object, dropped and made anew whatever differs: its secrets are sent."""
    slots = {slot: _resent(status) for slot, status in decision.slots.items()}
    return evolve(as_declared(decision), action="replace", reason=reason, slots=slots)


def _resent(status: Slot) -> Slot:
    """What becomes of a secret whose object is made anew: it must be sent, so its value is required."""
    match status:
        case "same":
            return "new"
        case "unchecked":
            return "deferred"
        case _:
            return status


def with_heirs(decisions: Decisions) -> Decisions:
    """What another address manages too is not dropped, or not twice, but forgotten under this one."""
    meant = by_object(decisions.values())
    return {
        address: _left_to_heir(decision, meant[decision.object]) if decision.action == "delete" else decision
        for address, decision in decisions.items()
    }


def _left_to_heir(decision: Decision, all_of_it: Iterable[Decision]) -> Decision:
    heir = next((one for one in all_of_it if one.address != decision.address and _inherits(one, decision)), None)
    return evolve(decision, action="forget", reason=f"is managed as {heir.address}") if heir is not None else decision


def _inherits(one: Decision, decision: Decision) -> bool:
    """Within a kind one address may be about a part of what another is about; two parts do not stand for one another."""
    if one.kind is decision.kind:
        return one.declared is not None and decision.object in (decision.found_as, one.found_as)
    if one.found is None:
        return False
    # What is there and declared is adopted, or the plan is refused.
    return one.declared is not None or (one.entry is not None and one.action == "delete" and one.address < decision.address)


def with_companions(decisions: Decisions, snapshot: Snapshot) -> Decisions:
    """What is dropped together with what takes it along needs no statement of its own, nor the right to one.

    What takes it along goes late. So it cannot wait for that if what it stands on is lost before, or if it is in the way of
    something new.
    """
    meant = by_object(decisions.values())
    done = {
        address: _companion(decision, meant, snapshot) if decision.action == "delete" else decision
        for address, decision in decisions.items()
    }
    late = [one.address for one in done.values() if one.goes_with]
    done |= {one.address: evolve(one, goes_with="") for one in in_the_way(done, snapshot, late)}
    while alone := [one for one in done.values() if one.goes_with and _is_undermined(one, done, meant)]:
        done |= {one.address: evolve(one, goes_with="") for one in alone}
    return done


def dropped_databases(decisions: Iterable[Decision]) -> dict[str, str]:
    """The addresses of databases that are dropped, by their names."""
    return {unpart(one.object.key): one.address for one in decisions if one.drops and isinstance(one.kind, MadeApart)}


def with_contents(decisions: Decisions) -> Decisions:
    """What is in a database that is dropped goes with it."""
    dropped = dropped_databases(decisions.values())
    if not dropped:
        return decisions
    return {
        address: evolve(one, goes_with=dropped[one.object.database]) if one.drops and one.object.database in dropped else one
        for address, one in decisions.items()
    }


def is_ground_lost(ground: Decision, standing: Decision) -> bool:
    """Whether what stands on `ground` must leave before that is altered, or dropped by a statement of its own."""
    return ground.kind is standing.kind and (ground.makes or (ground.drops and not ground.goes_with))


def _is_undermined(decision: Decision, decisions: Decisions, meant: Mapping[Identity, list[Decision]]) -> bool:
    grounds = (decisions[one.address] for need in decision.needs.grounds_before for one in meant.get(need.object, ()))
    return any(is_ground_lost(one, decision) for one in grounds if one.object != decision.object)


def in_the_way(decisions: Decisions, snapshot: Snapshot, late: Collection[str]) -> Iterator[Decision]:
    """Of what goes `late`, by address, what cannot be there beside something new of its kind."""
    exclusive = [one for one in decisions.values() if one.kind.exclusive]
    kinds = {(one.kind.name, one.found_as.database): one.kind for one in exclusive if one.creates}
    for (name, database), kind in kinds.items():
        own = {one.found_as.key: one for one in exclusive if (one.kind.name, one.found_as.database) == (name, database)}
        drops = {key: one.found.spec for key, one in own.items() if one.drops and one.found is not None}
        going = {key: spec for key, spec in drops.items() if own[key].address in late}
        found = snapshot.catalog(database or snapshot.facts.database).of(name) if going else ()
        others = {one.key: one.spec for one in found if one.key not in drops or own[one.key].goes_with}
        others |= {key: one.made_spec for key, one in own.items() if one.makes}
        yield from (own[key] for key in kind.excluded(going, others))


def _companion(decision: Decision, meant: Mapping[Identity, list[Decision]], snapshot: Snapshot) -> Decision:
    takers = [
        other.address
        for need in decision.needs.before
        if need.attribute in decision.kind.goes_with
        for other in meant.get(need.object, ())
        if other.action == "delete"
    ]
    members: tuple[Identity, ...] = ()
    if decision.kind.has_members:
        key, database = decision.object.key, decision.object.database
        members = tuple(one for one, found in snapshot.objects() if found.extension == key and one.database == database)
    return evolve(decision, goes_with=takers[-1] if takers else "", members=members)
