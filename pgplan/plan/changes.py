"""The lines of a plan: one `Change` for each address that is touched or only recorded anew. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import evolve

from pgplan.images import Image
from pgplan.kind import EdgeChange
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import EdgeDecision, Privileges, edge_needs_record
from pgplan.plan.lists import shown
from pgplan.plan.model import Change, Secrecy, Step
from pgplan.plan.objects import Decision, depends_on, needs_record
from pgplan.plan.observed import found_image
from pgplan.plan.renames import World


def changes_of(decisions: Decisions, privileges: Privileges, world: World, steps: Iterable[Step]) -> tuple[Change, ...]:
    """A line for each address that is touched or recorded anew, in the order of addresses."""
    numbers: dict[str, list[int]] = {}
    for step in steps:
        for address in step.addresses:
            numbers.setdefault(address, []).append(step.number)
    lines: list[Change] = []
    for address in sorted({*decisions, *privileges.decisions}):
        done = tuple(numbers.get(address, ()))
        decision, edge = decisions.get(address), privileges.decisions.get(address)
        moved = address in world.addresses or address in world.by_address
        if decision is not None and (moved or decision.action != "none" or needs_record(decision)):
            again = privileges.again.get(decision.object, ()) if decision.creates or decision.drops else ()
            lines.append(_with_former(_object_change(decision, done, again), world))
        elif edge is not None and (moved or edge.action != "none" or edge_needs_record(edge)):
            lines.append(_with_former(_edge_change(edge, done), world))
    return tuple(lines)


def _with_former(change: Change, world: World) -> Change:
    """With the address that it had, and as an update if it does no more than to rename the object."""
    rename = world.by_address.get(change.address)
    former = world.addresses.get(change.address, rename.former_address if rename is not None else "")
    change = evolve(change, previous_address=former if former != change.address else "", relocated=former in world.relocated)
    if rename is None:
        return change
    action = "update" if change.action in ("none", "adopt") else change.action
    return evolve(change, action=action, renamed=True, reason="; ".join(filter(None, ("renamed", change.reason))))


def secrecy_of(decisions: Decisions, changes: Iterable[Change]) -> tuple[Secrecy, ...]:
    """The secrets of every change, and those that were not checked."""
    changed = {change.address for change in changes}
    listed: list[Secrecy] = []
    for address, decision in decisions.items():
        if decision.declared is None:
            continue
        secrets = decision.kind.secrets(decision.declared.spec)
        for slot, status in sorted(decision.slots.items()):
            if address in changed or status == "unchecked":
                listed.append(Secrecy(address, slot, status, secrets[slot].source if slot in secrets else None))
    return tuple(listed)


def _before(decision: Decision) -> Image | None:
    found = decision.found
    if found is None:
        return None
    before: Image = found_image(found.spec, decision.after, decision.entry.spec if decision.entry else None)
    return before


def _reason(decision: Decision) -> str:
    lost = decision.estranged if decision.action == "replace" else ()
    reasons = (decision.reason, *(f"{name} as found mean nothing to the new one, and go" for name in lost))
    return "; ".join(filter(None, reasons))


def _object_change(decision: Decision, steps: tuple[int, ...], again: Collection[EdgeChange]) -> Change:
    return Change(
        address=decision.address,
        kind=decision.kind.name,
        database=decision.found_as.database,
        action=decision.action,
        reason=_reason(decision),
        moved=decision.moved,
        before=_before(decision),
        after=decision.after if decision.action not in ("delete", "forget") else None,
        changed=decision.changed,
        steps=steps,
        adopting=decision.adopting,
        anew=decision.another is not None,
        protected=decision.declared.protect if decision.declared else decision.protected,
        depends=depends_on(decision.address, decision.needs.after),
        edges=shown(again),
        along=bool(again),
    )


def _edge_change(edge: EdgeDecision, steps: tuple[int, ...]) -> Change:
    declared, entry = edge.holder.declared, edge.holder.entry
    return Change(
        address=edge.address,
        kind=edge.holder.kind.name,
        database=edge.holder.database,
        action=edge.action,
        reason=edge.reason,
        moved=edge.moved,
        before=entry.spec if entry else None,
        after=edge.after if edge.action not in ("delete", "forget") else None,
        steps=steps,
        adopting=edge.action == "adopt",
        protected=declared.protect if declared else False,
        depends=depends_on(edge.address, edge.needs),
        grantors=edge.grantors,
        edges=shown(edge.changes),
        owners=tuple(
            {"type": one.object.type, "key": one.object.key, "before": one.before, "after": one.after} for one in edge.owners
        ),
        adopted=edge.adopted,
    )
