"""What goes without saying: attributes that are what leaving them out means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import evolve

from pgplan.address import Address, role_grantee, unpart
from pgplan.images import Image, image, restore
from pgplan.kind import BlockWriter, Kind, NamesGrantees
from pgplan.plan.model import Change, Plan

_NOTHING: tuple[Any, ...] = (None, "", [], {})


def spelled(kind: Kind, said: Image) -> Image:
    """`said` as a block says it, where the name of a grantee must not be taken for PUBLIC."""
    grantees = kind.grantees if isinstance(kind, NamesGrantees) else ()
    return {name: role_grantee(data) if name in grantees and isinstance(data, str) else data for name, data in said.items()}


def spoken(kind: Kind, said: Image) -> Image:
    """The attributes of an image that a block must say: what has no default there, and what is neither empty nor the default."""
    fields = attrs.fields(kind.block)
    required = {field.name for field in fields if field.default is attrs.NOTHING}
    defaults = {field.name: _default(field) for field in fields if field.name not in required}
    return {
        name: data
        for name, data in spelled(kind, said).items()
        if name in required or (data not in _NOTHING and data != defaults.get(name))
    }


def _default(field: attrs.Attribute[Any]) -> Any:
    factory = getattr(field.default, "factory", None)
    return image(factory() if factory else field.default)


def shortened(plan: Plan, kinds: Mapping[str, Kind]) -> Plan:
    """`plan` for people, who read it as they write blocks: what is created, adopted or dropped is told without defaults, and
    without the name in its address."""
    return evolve(plan, decided=evolve(plan.decided, changes=tuple(_shortened(change, kinds) for change in plan.changes)))


def written(plan: Plan, kinds: Mapping[str, Kind]) -> Plan:
    """`plan` for people, as they write blocks, with everything in it."""
    return evolve(plan, decided=evolve(plan.decided, changes=tuple(_written(change, kinds) for change in plan.changes)))


def _written(change: Change, kinds: Mapping[str, Kind]) -> Change:
    if change.kind not in kinds:
        return change
    before, after = (None if said is None else spelled(kinds[change.kind], said) for said in (change.before, change.after))
    return evolve(change, before=before, after=after)


def _shortened(change: Change, kinds: Mapping[str, Kind]) -> Change:
    if change.action not in ("create", "adopt", "delete") or change.kind not in kinds:
        return _written(change, kinds)
    kind = kinds[change.kind]
    name = unpart(Address.parse(change.address).key)
    return evolve(change, before=_short(kind, change.before, name), after=_short(kind, change.after, name))


def _short(kind: Kind, said: Image | None, name: str) -> Image | None:
    if said is None:
        return None
    if isinstance(kind, BlockWriter):
        blocks = kind.blocks(restore(said, kind.spec))
        return dict(blocks[0]) if len(blocks) == 1 else {str(number): dict(block) for number, block in enumerate(blocks, 1)}
    return {key: data for key, data in spoken(kind, said).items() if key != "name" or data not in (name, role_grantee(name))}
