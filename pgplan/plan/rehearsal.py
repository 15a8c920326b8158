"""What of a plan a rehearsal carries out, and what it leaves out, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve

from pgplan.address import Address, Identity
from pgplan.kind import Statement
from pgplan.plan.build import SHOWN
from pgplan.plan.model import Change, Check, Observed, Phase, Plan, Step
from pgplan.plan.observed import wanted_image
from pgplan.plan.parts import part

Places = frozenset[tuple[str, str]]
"""Addresses and slots."""


def rehearsals(plan: Plan) -> list[Plan]:
    """What a rehearsal carries out: a plan of one transaction for each database.

    That of another database begins with what the cluster gets before it. Left out are secrets that the plan defers, databases
    that are made or dropped with all that waits for them, and what waits for other databases.
    """
    left = _without_apart(_without_deferred(plan))
    if not left.decided.phases:
        return [left]
    default = plan.observed.databases[0][0]
    found: dict[str, Plan] = {}
    for number, phase in enumerate(left.decided.phases):
        if phase.steps and phase.database not in found:
            own = part(left, number)
            found[phase.database] = own if phase.database == default else _after_anchor(own, left, left.decided.phases[:number])
    return list(found.values())


def _after_anchor(own: Plan, plan: Plan, before: Sequence[Phase]) -> Plan:
    """A phase of another database, behind what the cluster gets before it."""
    default = plan.observed.databases[0][0]
    shared = {change.address for change in plan.changes if not change.database}
    anchor = [step for phase in before if phase.database == default for step in phase.steps]
    (phase,) = own.decided.phases
    steps = (*(step for step in anchor if shared.issuperset(step.addresses)), *phase.steps)
    checks = tuple(check if check.database else evolve(check, items=()) for check in own.decided.checks)
    observed = tuple(one for one in plan.observed.objects if one.database in ("", phase.database))
    return evolve(
        own,
        decided=evolve(own.decided, phases=(evolve(phase, steps=steps),), checks=checks),
        observed=evolve(own.observed, objects=observed),
    )


def _left_out(plan: Plan) -> frozenset[str]:
    """The addresses of databases that are made or dropped, and of what stands on one that is made."""
    steps = ((step, phase.apart) for phase in plan.decided.phases if phase.apart for step in phase.steps)
    apart = {address: how for step, how in steps for address in step.addresses}
    out = {address for address, how in apart.items() if how == "make"}
    while more := {one.address for one in plan.changes if one.address not in out and not out.isdisjoint(one.depends)}:
        out |= more
    return frozenset(out | apart.keys())


def _without_apart(plan: Plan) -> Plan:
    """Phases keep their numbers; some may have no steps left."""
    out = _left_out(plan)
    if not out:
        return plan
    phases = tuple(
        evolve(phase, steps=tuple(step for step in phase.steps if not phase.apart and out.isdisjoint(step.addresses)))
        for phase in plan.decided.phases
    )
    left = {step.number for phase in phases for step in phase.steps}
    changes = tuple(
        evolve(one, steps=tuple(step for step in one.steps if step in left)) for one in plan.changes if one.address not in out
    )
    objects = {_object(change) for change in plan.changes if change.address in out}
    checks = tuple(check for check in plan.decided.checks if check.identity not in objects)
    return evolve(plan, decided=evolve(plan.decided, phases=phases, changes=changes, checks=checks))


def _without_deferred(plan: Plan) -> Plan:
    """The plan without the statements that take secrets which it defers, and without comparing what they set.

    What has no value here is not made up: a foreign-data wrapper may look at it, and then says something that apply would not.
    """
    deferred = _deferred(plan)
    if not deferred:
        return plan
    hidden = _attributes(plan, deferred)
    observed = {one.identity: one for one in plan.observed.objects}
    phases = tuple(
        evolve(phase, steps=tuple(_without_secrets(step, deferred) for step in phase.steps)) for phase in plan.decided.phases
    )
    checks = tuple(
        _without_attributes(check, observed.get(check.identity), hidden.get(check.identity, ())) for check in plan.decided.checks
    )
    return evolve(plan, decided=evolve(plan.decided, phases=phases, checks=checks))


def notes(plan: Plan) -> Iterator[str]:
    """What was rehearsed, and what was not, once it was."""
    count = sum(len(step.statements) for one in rehearsals(plan) for step in one.steps)
    if count:
        some = "1 statement was run" if count == 1 else f"{count} statements were run"
        yield f"rehearsed: {some} as {plan.observed.role}, compared with the plan, and rolled back"
    secrets = [f"{slot} of {address}" for address, slot in sorted(_deferred(plan))]
    if secrets:
        yield f"not rehearsed: secrets that have no value here: {_listed(secrets)}"
    out = sorted(_left_out(plan))
    if out:
        yield f"not rehearsed: databases that are made or dropped, and what stands on them: {_listed(out)}"
    waiting = _waiting(plan)
    if waiting:
        yield f"not rehearsed: what waits for other databases: {_listed(waiting)}"
    recorded = [change.address for change in plan.changes if change.action in ("adopt", "forget")]
    if recorded:
        yield f"not rehearsed: what is adopted or forgotten, for which nothing is sent: {_listed(recorded)}"


def _waiting(plan: Plan) -> list[str]:
    """What the default database gets after others."""
    default = plan.observed.databases[0][0]
    later = [phase for phase in plan.decided.phases if phase.database == default and not phase.apart][1:]
    return [address for phase in later for step in phase.steps for address in step.addresses]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _deferred(plan: Plan) -> Places:
    return frozenset((one.address, one.slot) for one in plan.decided.slots if one.status == "deferred")


def _attributes(plan: Plan, deferred: Places) -> Mapping[Identity, list[str]]:
    """The attributes that deferred secrets are part of: a slot begins with its attribute's name."""
    found: dict[Identity, list[str]] = {}
    objects = {change.address: _object(change) for change in plan.changes}
    for address, slot in sorted(deferred):
        if address in objects:
            found.setdefault(objects[address], []).append(slot.partition(".")[0])
    return found


def _object(change: Change) -> Identity:
    return Identity(change.kind, Address.parse(change.address).key, change.database)


def _without_secrets(step: Step, deferred: Places) -> Step:
    return evolve(step, statements=tuple(one for one in step.statements if not _takes(one, step.addresses[0], deferred)))


def _takes(statement: Statement, address: str, deferred: Places) -> bool:
    return statement.secret is not None and (address, statement.secret.slot) in deferred


def _without_attributes(check: Check, before: Observed | None, names: Sequence[str]) -> Check:
    if not names:
        return check
    image = {name: value for name, value in wanted_image(check, before).items() if name not in names}
    return evolve(check, image=image, untouched=False)
