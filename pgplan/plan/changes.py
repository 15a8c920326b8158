"""The lines of a plan: one `Change` for each address that is touched or only recorded anew. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgplan.images import Image
from pgplan.kind import EdgeChange, Found, Kind, Reference, Snapshot
from pgplan.plan.diff import Draft
from pgplan.plan.edges import EdgeDraft
from pgplan.plan.model import Change
from pgplan.plan.observed import found_image


def _database(kind: Kind, snapshot: Snapshot) -> str:
    return snapshot.facts.database if kind.scope == "database" else ""


def depends_on(references: tuple[Reference, ...]) -> tuple[str, ...]:
    return tuple(sorted({str(reference) for reference in references}))


def _before(draft: Draft, found: Found | None) -> Image | None:
    if found is None:
        return None
    before: Image = found_image(found.spec, draft.after, draft.entry.spec if draft.entry else None)
    return before


def object_change(draft: Draft, references: tuple[Reference, ...], steps: tuple[int, ...], snapshot: Snapshot) -> Change:
    sources = {slot: secret.source for slot, secret in sorted(draft.kind.secrets(draft.spec).items())} if draft.declared else {}
    return Change(
        address=draft.address,
        kind=draft.kind.name,
        database=_database(draft.kind, snapshot),
        action=draft.action,
        reason=draft.reason,
        moved=draft.moved,
        before=_before(draft, draft.found),
        after=draft.after if draft.action not in ("delete", "forget") else None,
        changed=draft.changed,
        slots=draft.slots if draft.declared else {},
        sources=sources,
        steps=steps,
        adopting=draft.adopting,
        protected=draft.declared.protect if draft.declared else draft.protected,
        depends=depends_on(references),
    )


def edge_change(draft: EdgeDraft, references: tuple[Reference, ...], steps: tuple[int, ...], snapshot: Snapshot) -> Change:
    return Change(
        address=draft.address,
        kind=draft.kind.name,
        database=_database(draft.kind, snapshot),
        action=draft.action,
        reason=draft.reason,
        moved=draft.moved,
        before=draft.entry.spec if draft.entry else None,
        after=draft.after if draft.action not in ("delete", "forget") else None,
        steps=steps,
        adopting=draft.action == "adopt",
        protected=draft.declared.protect if draft.declared else False,
        depends=depends_on(references),
        grantors=tuple(sorted(draft.grantors)),
        edges=tuple(_shown(change) for change in sorted(draft.changes, key=lambda c: (c.action, c.edge, c.grantor))),
    )


def _shown(change: EdgeChange) -> Mapping[str, Any]:
    edge = change.edge
    return {
        "action": change.action,
        "type": edge.type,
        "key": edge.key,
        "column": edge.column,
        "grantee": edge.grantee,
        "privilege": edge.privilege,
        "grantable": change.grantable,
        "only_option": change.only_option,
        "grantor": change.run_as,
    }
