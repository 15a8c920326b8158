"""What of a plan a rehearsal carries out, and what it leaves out, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve

from pgplan.address import Address, Identity
from pgplan.kind import Statement
from pgplan.plan.build import SHOWN
from pgplan.plan.model import Change, Check, Observed, Plan, Step
from pgplan.plan.observed import wanted_image

Places = frozenset[tuple[str, str]]
"""Addresses and slots."""


def rehearsable(plan: Plan) -> Plan:
    """The plan without the secrets that it defers: without the statements that take them, and without comparing what they set.

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
    count = sum(len(step.statements) for step in rehearsable(plan).steps)
    if count:
        some = "1 statement was run" if count == 1 else f"{count} statements were run"
        yield f"rehearsed: {some} as {plan.observed.role}, compared with the plan, and rolled back"
    secrets = [f"{slot} of {address}" for address, slot in sorted(_deferred(plan))]
    if secrets:
        yield f"not rehearsed: secrets that have no value here: {_listed(secrets)}"
    recorded = [change.address for change in plan.changes if change.action in ("adopt", "forget")]
    if recorded:
        yield f"not rehearsed: what is adopted or forgotten, for which nothing is sent: {_listed(recorded)}"


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
