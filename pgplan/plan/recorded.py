"""What the state knows of an object besides what was declared of it: what is hidden, and what the server made of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from attrs import evolve

from pgplan.images import restore
from pgplan.kind import Found, ObjectKind
from pgplan.plan.observed import found_image
from pgplan.state.model import Entry


def with_recorded(found: Found, entry: Entry | None, kind: ObjectKind) -> Found:
    """Fill what the server hides with what is recorded: hidden, never empty."""
    if not found.hidden or entry is None:
        return found
    recorded = restore(entry.spec, kind.spec)
    known = {name: getattr(recorded, name) for name in found.hidden if getattr(recorded, name) is not None}
    still = tuple(name for name in found.hidden if name not in known)
    return evolve(found, spec=evolve(found.spec, **known), hidden=still)


def as_recorded(found: Found, entry: Entry | None, kind: ObjectKind) -> Found:
    """What the server still keeps as it did when it was applied reads as it was declared then."""
    if entry is None or not entry.kept:
        return found
    recorded = restore(entry.spec, kind.spec)
    told = {name: _told_as(getattr(recorded, name), kept, getattr(found.spec, name)) for name, kept in entry.kept.items()}
    return evolve(found, spec=evolve(found.spec, **told))


def _told_as(recorded: Any, kept: Any, found: Any) -> Any:
    """What was recorded, as far as what is found is what was kept of it: of a list, item by item."""
    if found_image(found) == kept:
        return recorded
    if isinstance(found, tuple) and isinstance(kept, list):
        lists = recorded, cast("Sequence[Any]", kept), cast("Sequence[Any]", found)
        if len(set(map(len, lists))) == 1:
            told: tuple[Any, ...] = tuple(map(_told_as, *lists))
            return told
    return cast("Any", found)
