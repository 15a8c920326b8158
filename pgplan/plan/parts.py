"""A plan, phase by phase: what each of them changes, relies on and records. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from attrs import evolve

from pgplan.address import Address, Identity, unpart
from pgplan.images import canonical
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import Privileges
from pgplan.plan.model import Change, Check, Decided, Phase, Plan


def last_phases(phases: Sequence[Phase]) -> dict[str, int]:
    """The last phase with a step for each address."""
    return {address: number for number, phase in enumerate(phases) for step in phase.steps for address in step.addresses}


def with_phases(
    checks: Iterable[Check],
    phases: Sequence[Phase],
    decisions: Decisions,
    privileges: Privileges,
    temporary: Callable[[str], str],
) -> tuple[Check, ...]:
    """Each check with the phase that brings about what it says; and that nothing keeps the name that it had when it was made."""
    done = _touched(last_phases(phases), decisions, privileges)
    numbered = (evolve(check, phase=done.get(check.identity, done.get(check.observed))) for check in checks)
    made = (
        Check(decisions[address].kind.name, temporary(address), "", gone=True, phase=number + 1)
        for number, phase in enumerate(phases)
        if phase.apart == "make"
        for step in phase.steps
        for address in step.addresses
    )
    return tuple(sorted((*numbered, *made), key=lambda check: check.identity))


def _touched(last: Mapping[str, int], decisions: Decisions, privileges: Privileges) -> dict[Identity, int]:
    touched: dict[Identity, int] = {}

    def note(address: str, objects: Iterable[Identity]) -> None:
        if address in last:
            for one in objects:
                touched[one] = max(last[address], touched.get(one, 0))

    for decision in decisions.values():
        taker = decision
        while taker.goes_with:
            taker = decisions[taker.goes_with]
        note(taker.address, (decision.found_as, decision.object, *decision.members))
    for address, edge in privileges.decisions.items():
        note(address, (change.edge.object for change in edge.changes))
        note(address, (change.object for change in edge.owners))
    return touched


def part(plan: Plan, number: int) -> Plan:
    """What one phase is of `plan`: a plan by itself, for as long as the phases before it are done and nothing else is.

    It relies on all that is in its database or shared by the cluster. What was done before must still be so afterwards.
    """
    phase = plan.decided.phases[number]
    if len(plan.decided.phases) == 1 and phase.database == plan.observed.databases[0][0]:
        return plan
    done = {check.observed for check in plan.decided.checks if check.phase is not None and check.phase < number}
    to_come = {check.identity for check in plan.decided.checks if check.phase is not None and check.phase > number}
    here, oids = ("", phase.database), dict(plan.observed.databases)
    observed = [one for one in plan.observed.objects if one.database in here and one.identity not in done]
    if any(each.apart == "drop" for each in plan.decided.phases[:number]):
        # What the cluster kept of that database went with it, such as settings that roles had there.
        observed = [one if one.database else evolve(one, image=None) for one in observed]
    return evolve(
        plan,
        decided=evolve(
            plan.decided,
            phases=(phase,),
            changes=tuple(change for change, last in recorded_in(plan) if last == number),
            checks=tuple(one for one in plan.decided.checks if one.database in here and one.identity not in to_come),
        ),
        observed=evolve(plan.observed, databases=((phase.database, oids.get(phase.database, 0)),), objects=tuple(observed)),
    )


def in_database(plan: Plan, name: str) -> Plan:
    """What a plan relies on in one of its databases; with what the cluster shares if that is the default one."""
    here = ("", name) if name == plan.observed.databases[0][0] else (name,)
    observed = tuple(one for one in plan.observed.objects if one.database in here)
    checks = tuple(check for check in plan.decided.checks if check.database in here)
    databases = tuple(one for one in plan.observed.databases if one[0] == name)
    return evolve(
        plan,
        decided=evolve(plan.decided, checks=checks),
        observed=evolve(plan.observed, databases=databases, objects=observed),
    )


def temporary_key(name: str, serial: int, address: str) -> str:
    """The key that what is made apart has until it gets its own: another one for each state that a plan may be made against."""
    told = hashlib.sha256(canonical([name, serial, address])).hexdigest()
    return f"pgplan_{told[:24]}"


def rest(plan: Plan, done: Collection[int]) -> Decided:
    """What is decided of the phases that are not `done`, as a plan would have it that was made now."""
    left = [phase for number, phase in enumerate(plan.decided.phases) if number not in done]
    numbers = {step.number: number for number, step in enumerate((step for phase in left for step in phase.steps), 1)}
    phases = (evolve(p, steps=tuple(evolve(step, number=numbers[step.number]) for step in p.steps)) for p in left)
    changes = (change for change, number in recorded_in(plan) if number not in done)
    return evolve(
        plan.decided,
        phases=tuple(phases),
        changes=tuple(evolve(c, steps=tuple(numbers[step] for step in c.steps if step in numbers)) for c in changes),
    )


def recorded_in(plan: Plan) -> list[tuple[Change, int]]:
    """Each change, and the phase after which it is recorded: its last or, where it has no steps, the last of its database."""
    phases = {step.number: number for number, phase in enumerate(plan.decided.phases) for step in phase.steps}
    default = plan.observed.databases[0][0]
    of_database: dict[str, int] = {}
    for number, phase in enumerate(plan.decided.phases):
        if phase.apart == "drop":
            of_database |= {unpart(Address.parse(address).key): number for step in phase.steps for address in step.addresses}
        elif not phase.apart:
            of_database[phase.database] = number
    return [
        (change, max((phases[step] for step in change.steps), default=of_database.get(change.database or default, 0)))
        for change in plan.changes
    ]
