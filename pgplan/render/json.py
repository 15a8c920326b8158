"""A plan as JSON, in the words of Terraform's plan representation, so that policies written for it carry over.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from attrs import asdict

from pgplan.address import Address
from pgplan.images import MARKER, Image, image
from pgplan.plan.model import Change, Plan, Remarks, Undeclared
from pgplan.render.changes import Counts, secrets_of
from pgplan.version import __version__

FORMAT_VERSION = "1.0"
_PRIVILEGE = ("type", "key", "column", "grantee", "privilege", "grantor")
_ACTIONS = {
    "create": ["create"],
    "update": ["update"],
    "replace": ["delete", "create"],
    "delete": ["delete"],
    "adopt": ["adopt"],
    "forget": ["forget"],
    "none": ["no-op"],
}


def document(plan: Plan, remarks: Remarks, digest: str) -> dict[str, Any]:
    """The plan as JSON values. Sensitive values are null; ``before_sensitive`` and ``after_sensitive`` say where they are."""
    decided = plan.decided
    return {
        "format_version": FORMAT_VERSION,
        "pgplan_version": __version__,
        "name": decided.name,
        "mode": "destroy" if decided.options.destroy else "apply",
        "partial": decided.options.partial,
        "options": image(decided.options),
        "digest": digest,
        "expires": decided.expires,
        "target": _target(plan, remarks),
        "summary": asdict(Counts.of(plan)),
        "resource_changes": list(resource_changes(plan.changes, plan)),
        "effects": _effects({"address": change.address, **edge} for change in plan.changes for edge in change.edges),
        "phases": [
            {"database": phase.database, "apart": phase.apart, "steps": [step.number for step in phase.steps]}
            for phase in decided.phases
        ],
        "statements": list(_statements(plan)),
        "rehearsed": remarks.rehearsed,
        **looked(remarks),
        "notes": list(remarks.notes),
    }


def looked(remarks: Remarks) -> dict[str, Any]:
    """What is undeclared and left alone, and how much was looked at; null without a ``[scope]``."""
    return {
        "undeclared": [_undeclared(one) for one in remarks.undeclared],
        "scope": None if remarks.coverage is None else asdict(remarks.coverage),
    }


def _undeclared(one: Undeclared) -> dict[str, Any]:
    kind, _, key = one.address.partition(".")
    return {
        "address": one.address,
        "type": kind,
        "name": key,
        "database": one.database,
        "reason": one.reason,
        "found": _shown(one.before),
        "privileges": [{name: data for name, data in edge.items() if name in _PRIVILEGE} for edge in one.edges],
    }


def _target(plan: Plan, remarks: Remarks) -> dict[str, Any]:
    database, oid = plan.observed.databases[0]
    return {
        "system_identifier": plan.observed.system_identifier,
        "timeline": remarks.timeline,
        "database": database,
        "database_oid": oid,
        "role": plan.observed.role,
        "session_role": remarks.session_role,
        "version": remarks.server_version,
    }


def _statements(plan: Plan) -> Iterator[dict[str, Any]]:
    """Everything that apply sends, in order, whatever the changes say."""
    for phase in plan.decided.phases:
        for step in phase.steps:
            for one in step.statements:
                where = {"database": phase.database, "step": step.number, "addresses": list(step.addresses)}
                yield {**where, "sql": one.sql, "run_as": one.run_as}


def json_text(plan: Plan, remarks: Remarks, digest: str) -> str:
    """`document` as text. Control characters in names are escaped by JSON itself."""
    return json.dumps(document(plan, remarks, digest), indent=2) + "\n"


def resource_changes(changes: Iterable[Change], plan: Plan) -> Iterator[dict[str, Any]]:
    """Each of `changes`, with the secrets and statements that `plan` has for it."""
    statements = {step.number: [statement.sql for statement in step.statements] for step in plan.steps}
    for change in changes:
        address = Address.parse(change.address)
        after = _after(change)
        yield {
            "address": change.address,
            **({"previous_address": change.previous_address} if change.previous_address else {}),
            "type": address.kind,
            "name": address.key,
            "database": change.database,
            "mode": "managed",
            "change": {
                "actions": _actions(change),
                "before": _shown(change.before),
                "after": _shown(after),
                "before_sensitive": _sensitive(change.before) or {},
                "after_sensitive": _sensitive(after) or {},
            },
            "reason": change.reason,
            "moved": change.moved,
            "changed": list(change.changed),
            "secrets": {
                slot: {"status": secret.status, "source": secret.source}
                for slot, secret in sorted(secrets_of(plan, change).items())
            },
            "effects": _effects(change.edges),
            "owners": [dict(one) for one in change.owners],
            "protected": change.protected,
            "statements": [text for number in change.steps for text in statements[number]],
        }


def _effects(edges: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What is granted and what is revoked."""
    effects: dict[str, list[dict[str, Any]]] = {"granted": [], "revoked": []}
    for edge in edges:
        said = {name: data for name, data in edge.items() if name != "action"}
        effects["granted" if edge["action"] == "grant" else "revoked"].append(said)
    return effects


def _after(change: Change) -> Image | None:
    """What is there afterwards. An attribute that is not managed stays as it was found, and is not null as in the specs."""
    if change.after is None or change.before is None or change.action == "replace":
        return change.after
    kept = {name: data for name, data in change.before.items() if change.after.get(name) is None}
    return {**change.after, **kept}


def _actions(change: Change) -> list[str]:
    actions = _ACTIONS[change.action]
    return ["adopt", *actions] if change.adopting and change.action != "adopt" else actions


def _shown(data: Any) -> Any:
    if data == MARKER:
        return None
    if isinstance(data, dict):
        return {key: _shown(item) for key, item in cast("dict[str, Any]", data).items()}
    if isinstance(data, (list, tuple)):
        return [_shown(item) for item in cast("Sequence[Any]", data)]
    return data


def _sensitive(data: Any) -> Any:
    """The parts of an image that are secret, as ``true`` in the same nesting; None where there is none."""
    if data == MARKER:
        return True
    if not isinstance(data, dict):
        return None
    found = {key: _sensitive(item) for key, item in cast("dict[str, Any]", data).items()}
    return {key: item for key, item in found.items() if item is not None} or None
