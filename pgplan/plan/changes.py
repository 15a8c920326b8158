"""The lines of a plan: one `Change` for each address that is touched or only recorded anew. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pgplan.images import Image
from pgplan.kind import EdgeChange
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import EdgeDecision, Privileges, edge_needs_record
from pgplan.plan.model import Change, Secrecy, Step
from pgplan.plan.objects import Decision, depends_on, needs_record
from pgplan.plan.observed import found_image


def changes_of(decisions: Decisions, privileges: Privileges, steps: Iterable[Step]) -> tuple[Change, ...]:
    """A line for each address that is touched or recorded anew, in the order of addresses."""
    numbers: dict[str, list[int]] = {}
    for step in steps:
        for address in step.addresses:
            numbers.setdefault(address, []).append(step.number)
    lines: list[Change] = []
    for address in sorted({*decisions, *privileges.decisions}):
        done = tuple(numbers.get(address, ()))
        decision, edge = decisions.get(address), privileges.decisions.get(address)
        if decision is not None and (decision.action != "none" or needs_record(decision)):
            again = privileges.again.get(decision.object, ()) if decision.creates or decision.drops else ()
            lines.append(_object_change(decision, done, again))
        elif edge is not None and (edge.action != "none" or edge_needs_record(edge)):
            lines.append(_edge_change(edge, done))
    return tuple(lines)


def secrecy_of(decisions: Decisions, changes: Iterable[Change]) -> tuple[Secrecy, ...]:
    """The secrets of every change, and those that were not checked."""
    changed = {change.address for change in changes}
    listed: list[Secrecy] = []
    for address, decision in decisions.items():
        if decision.declared is None:
            continue
        secrets = decision.kind.secrets(decision.spec)
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


def _object_change(decision: Decision, steps: tuple[int, ...], again: Collection[EdgeChange]) -> Change:
    return Change(
        address=decision.address,
        kind=decision.kind.name,
        database=decision.found_as.database,
        action=decision.action,
        reason=decision.reason,
        moved=decision.moved,
        before=_before(decision),
        after=decision.after if decision.action not in ("delete", "forget") else None,
        changed=decision.changed,
        steps=steps,
        adopting=decision.adopting,
        anew=decision.another is not None,
        protected=decision.declared.protect if decision.declared else decision.protected,
        depends=depends_on(decision.needs.after),
        edges=_shown(again),
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
        depends=depends_on(edge.needs),
        grantors=edge.grantors,
        edges=_shown(edge.changes),
        adopted=edge.adopted,
    )


def _shown(changes: Iterable[EdgeChange]) -> tuple[Mapping[str, Any], ...]:
    return tuple(_edge(change) for change in sorted(changes, key=lambda c: (c.action, c.edge.object, c.edge.item, c.grantor)))


def _edge(change: EdgeChange) -> Mapping[str, Any]:
    return {
        "action": change.action,
        "type": change.edge.object.type,
        "key": change.edge.object.key,
        "column": change.edge.item.column,
        "grantee": change.edge.item.grantee,
        "privilege": change.edge.item.privilege,
        "grantable": change.grantable,
        "only_option": change.only_option,
        "grantor": change.run_as,
    }
