"""Drift: the plan that would restore what is recorded, read backwards, from what is recorded to what is found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from pgplan.drift import Drift
from pgplan.plan.model import Action, Change
from pgplan.render.changes import lines, secrets_of, shown
from pgplan.render.escape import visible
from pgplan.render.json import looked, resource_changes
from pgplan.render.paint import Paint
from pgplan.render.text import covered, notes, undeclared

_BACKWARDS: Mapping[Action, Action] = {
    "create": "delete",
    "update": "update",
    "replace": "update",
    "delete": "create",
    "adopt": "update",
}
_WORDS = {"delete": "has disappeared", "update": "was changed", "create": "came back with a restored database"}


def drifted(drift: Drift) -> tuple[Change, ...]:
    """What somebody else changed, backwards: before is what is recorded, after what is found."""
    return tuple(_backwards(change) for change in drift.changes)


def _backwards(change: Change) -> Change:
    # What comes along with an object that would be made again, nobody took.
    edges = () if change.along else change.edges
    turned = tuple({**edge, "action": "grant" if edge["action"] == "revoke" else "revoke"} for edge in edges)
    owners = tuple({**one, "before": one["after"], "after": one["before"]} for one in change.owners)
    action = "update" if turned else _BACKWARDS[change.action]
    return evolve(
        change,
        action=action,
        before=change.after,
        after=change.before,
        edges=turned,
        owners=owners,
        reason=change.reason if change.anew else "",
        moved="",
        steps=(),
        adopting=False,
    )


def drift_text(drift: Drift, *, colour: bool = False) -> str:
    """What differs, in the manner of a plan, ending with a line break."""
    return "\n".join(_lines(drift, Paint(colour))) + "\n"


def _lines(drift: Drift, paint: Paint) -> Iterator[str]:
    changes = shown(drifted(drift))
    if changes:
        yield "The database was changed since the last apply (from what is recorded to what is found):"
        yield ""
    for change in changes:
        yield from _change(change, drift, paint)
        yield ""
    told = drift.remarks.undeclared
    yield from undeclared(told, paint)
    yield from notes(drift.remarks, paint)
    yield paint(_summary(changes, drift.compared, len(told)), "bold" if changes or told else "bold green")
    yield from covered(drift.remarks)


def _change(change: Change, drift: Drift, paint: Paint) -> Iterator[str]:
    symbol = {"delete": "-", "update": "~", "create": "+"}[change.action]
    word = visible(change.reason) or _WORDS[change.action]
    yield f"{paint.symbol(symbol, 3)} {paint(visible(change.address), 'bold')}{paint(f'  # {word}', 'dim')}"
    if change.action == "update":
        for line in lines(change, secrets_of(drift.plan, change)):
            yield f"{paint.symbol(line.symbol, 7)} {line.text}" + (paint(f"  # {line.remark}", "dim") if line.remark else "")


def _summary(changes: list[Change], compared: int, undeclared: int) -> str:
    if not changes and not undeclared:
        return f"No drift. {compared} object{' is as it was' if compared == 1 else 's are as they were'} last applied."
    actions = [change.action for change in changes]
    back = f", {actions.count('create')} came back" if "create" in actions else ""
    more = f", {undeclared} undeclared" if undeclared else ""
    return f"Drift: {actions.count('update')} changed, {actions.count('delete')} disappeared{back}{more}."


def drift_json(drift: Drift) -> str:
    """The same as JSON: ``resource_drift``, as in Terraform's plan."""
    document: dict[str, Any] = {
        "format_version": "1.0",
        "name": drift.plan.decided.name,
        "compared": drift.compared,
        "resource_drift": list(resource_changes(drifted(drift), drift.plan)),
        **looked(drift.remarks),
        "notes": list(drift.remarks.notes),
    }
    return json.dumps(document, indent=2) + "\n"
