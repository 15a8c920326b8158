"""Drift: the plan that would restore what is recorded, read backwards, from what is recorded to what is found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from pgplan.plan.model import Action, Change, Plan, Remarks
from pgplan.render.changes import lines, secrets_of, shown
from pgplan.render.escape import visible
from pgplan.render.json import resource_changes
from pgplan.render.text import Paint, notes

_BACKWARDS: Mapping[str, Action] = {"create": "delete", "update": "update", "replace": "update", "delete": "create"}
_WORDS = {"delete": "has disappeared", "update": "was changed", "create": "came back with a restored database"}


def drifted(plan: Plan) -> tuple[Change, ...]:
    """What somebody else changed, backwards: before is what is recorded, after what is found."""
    return tuple(_backwards(change) for change in plan.pending_changes if change.action in _BACKWARDS)


def _backwards(change: Change) -> Change:
    # What a replacement would give again, nobody took.
    edges = () if change.action == "replace" else change.edges
    turned = tuple({**edge, "action": "grant" if edge["action"] == "revoke" else "revoke"} for edge in edges)
    action = "update" if turned else _BACKWARDS[change.action]
    return evolve(
        change,
        action=action,
        before=change.after,
        after=change.before,
        edges=turned,
        reason="",
        moved="",
        steps=(),
        adopting=False,
    )


def drift_text(plan: Plan, remarks: Remarks, compared: int, *, colour: bool = False) -> str:
    """What differs, in the manner of a plan, ending with a line break. `compared`: how many objects were looked at."""
    return "\n".join(_lines(plan, remarks, compared, Paint(colour))) + "\n"


def _lines(plan: Plan, remarks: Remarks, compared: int, paint: Paint) -> Iterator[str]:
    changes = shown(drifted(plan))
    if changes:
        yield "The database was changed since the last apply (from what is recorded to what is found):"
        yield ""
    for change in changes:
        yield from _change(change, plan, paint)
        yield ""
    yield from notes(remarks, paint)
    yield paint(_summary(changes, compared), "1" if changes else "1;32")


def _change(change: Change, plan: Plan, paint: Paint) -> Iterator[str]:
    symbol = {"delete": "-", "update": "~", "create": "+"}[change.action]
    yield f"{paint.symbol(symbol, 3)} {paint(visible(change.address), '1')}{paint(f'  # {_WORDS[change.action]}', '2')}"
    if change.action == "update":
        for line in lines(change, secrets_of(plan, change)):
            yield f"{paint.symbol(line.symbol, 7)} {line.text}" + (paint(f"  # {line.remark}", "2") if line.remark else "")


def _summary(changes: list[Change], compared: int) -> str:
    if not changes:
        return f"No drift. {compared} object{' is as it was' if compared == 1 else 's are as they were'} last applied."
    actions = [change.action for change in changes]
    back = f", {actions.count('create')} came back" if "create" in actions else ""
    return f"Drift: {actions.count('update')} changed, {actions.count('delete')} disappeared{back}."


def drift_json(plan: Plan, remarks: Remarks, compared: int) -> str:
    """The same as JSON: ``resource_drift``, as in Terraform's plan."""
    document: dict[str, Any] = {
        "format_version": "1.0",
        "name": plan.decided.name,
        "compared": compared,
        "resource_drift": list(resource_changes(drifted(plan), plan)),
        "notes": list(remarks.notes),
    }
    return json.dumps(document, indent=2) + "\n"
