"""What a plan relies on: every object that it touches or names, as found, and as it must be found afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from attrs import evolve

from pgplan.images import Image
from pgplan.kind import EdgeChange, Found, Snapshot
from pgplan.plan.access_lists import Live, Target, target_lists
from pgplan.plan.diff import Draft
from pgplan.plan.edges import EdgeDraft, references
from pgplan.plan.model import Relied
from pgplan.plan.observed import EXTRA, HIDDEN, relied_acl, relied_image
from pgplan.plan.order import Needs


def _said(draft: Draft) -> tuple[Image | None, ...]:
    return draft.after, draft.entry.spec if draft.entry else None


def _after(draft: Draft, found: Found | None) -> Image | None:
    """Attributes that the plan sets are as declared, all others as they were; what is new is compared where it was said."""
    if draft.after is None:
        return None
    if found is None or draft.action == "replace":
        return {**draft.after, **dict.fromkeys(draft.kind.creation_only)}
    before = relied_image(found, *_said(draft))
    attributes = (name for name in before if name not in (EXTRA, HIDDEN) and hasattr(found.spec, name))
    untouched: Image = {name: before[name] for name in attributes if name not in draft.changed}
    return {**untouched, **{name: draft.after[name] for name in draft.changed if name not in found.hidden}}


def _touched(draft: Draft, snapshot: Snapshot) -> Relied:
    # What the draft knows from the state of hidden attributes is not what the server shows.
    found = snapshot.get(draft.kind.name, draft.key)
    if found is None:
        return Relied(draft.kind.name, draft.key, None, None, expected=_after(draft, None))
    before = relied_image(found, *_said(draft))
    expected = before if draft.action in ("adopt", "forget", "none") else _after(draft, found)
    return Relied(draft.kind.name, draft.key, found.oid, before, expected=expected)


def _only_named(found: Found) -> Relied:
    seen = relied_image(found)
    # What belongs to an extension changes with it: a wrapper's functions move to another schema, for instance.
    stays = {} if found.extension else {name: value for name, value in seen.items() if name not in (EXTRA, HIDDEN)}
    return Relied(found.type, found.key, found.oid, seen, expected=stays)


def relied_objects(
    objects: Mapping[str, Draft],
    edges: Mapping[str, EdgeDraft],
    needs: Mapping[str, Needs],
    snapshot: Snapshot,
    changes: Iterable[EdgeChange],
    live: Live,
    recording: frozenset[str],
) -> tuple[Relied, ...]:
    """All relied-upon objects, by type and key. `recording`: addresses whose change only touches the state."""
    relied: dict[Target, Relied] = {}
    named: set[Target] = set()
    for address, draft in objects.items():
        if draft.makes or draft.drops or draft.action == "adopt" or address in recording:
            relied[draft.kind.name, draft.key] = _touched(draft, snapshot)
            named.update(reference.target for reference in needs[address].after)
    for edge_draft in edges.values():
        if edge_draft.changes or edge_draft.action == "adopt":
            named.update(reference.target for reference in references(edge_draft))
    changed = sorted(set(changes), key=lambda change: (change.edge, change.action, change.grantor))
    lists = target_lists(changed, live)
    named.update(lists)
    for target in sorted(named - relied.keys()):
        found = snapshot.found.get(target)
        own = objects.get(f"{target[0]}.{target[1]}")
        if found is not None:
            relied[target] = _touched(own, snapshot) if own is not None else _only_named(found)
    for target, (after, forbidden) in lists.items():
        # What an extension of this plan brings is not there yet.
        one = relied.get(target, Relied(*target, None, None, expected={}))
        relied[target] = _with_list(one, snapshot.found.get(target), live, after, forbidden)
    return tuple(relied[target] for target in sorted(relied))


def _with_list(
    one: Relied,
    found: Found | None,
    live: Live,
    after: tuple[Mapping[str, object], ...],
    forbidden: tuple[Mapping[str, object], ...],
) -> Relied:
    made = live.made((one.type, one.key))
    return evolve(
        one,
        acl=relied_acl(found) if found is not None and not made else None,
        expected_acl=cast("tuple[Image, ...]", after),
        forbidden_acl=cast("tuple[Image, ...]", forbidden),
        # A new object's list starts with its owner's rights and with default privileges.
        exact_acl=not made,
    )
