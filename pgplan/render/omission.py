"""What goes without saying: attributes that are what leaving them out means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import evolve

from pgplan.address import Address, unpart
from pgplan.images import Image, image
from pgplan.kind import Kind
from pgplan.plan.model import Change, Plan

_NOTHING: tuple[Any, ...] = (None, "", [], {})


def spoken(kind: Kind, said: Image) -> Image:
    """The attributes of an image that a block must say: not empty, and not the block's default."""
    defaults = {field.name: _default(field) for field in attrs.fields(kind.block)}
    return {name: data for name, data in said.items() if data not in _NOTHING and data != defaults.get(name)}


def _default(field: attrs.Attribute[Any]) -> Any:
    if field.default is attrs.NOTHING:
        return None
    factory = getattr(field.default, "factory", None)
    return image(factory() if factory else field.default)


def shortened(plan: Plan, kinds: Mapping[str, Kind]) -> Plan:
    """`plan` for people: what is created, adopted or dropped is told without defaults, and without the name in its address."""
    return evolve(plan, changes=tuple(_shortened(change, kinds) for change in plan.changes))


def _shortened(change: Change, kinds: Mapping[str, Kind]) -> Change:
    if change.action not in ("create", "adopt", "delete") or change.kind not in kinds:
        return change
    name = unpart(Address.parse(change.address).key)

    def short(said: Image | None) -> Image | None:
        if said is None:
            return None
        return {key: data for key, data in spoken(kinds[change.kind], said).items() if (key, data) != ("name", name)}

    return evolve(change, before=short(change.before), after=short(change.after))
