"""Parts of tables that a block ignores: declared once, and from then on as they are found. Pure.

``options.password`` is the member ``password`` of ``options``; in nested tables the names follow one another, with dots between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import attrs

from pgplan.images import Image
from pgplan.kind import Spec

Table = Mapping[str, Any]


def parts_of(ignore: Iterable[str]) -> dict[str, list[str]]:
    """By attribute, the parts of it that are ignored."""
    parts: dict[str, list[str]] = {}
    for name, dot, part in (one.partition(".") for one in ignore):
        if dot:
            parts.setdefault(name, []).append(part)
    return parts


def without(image: Image, parts: Mapping[str, Sequence[str]]) -> Image:
    """An image without these parts."""
    return {name: _joined(name, value, {}, parts) for name, value in image.items()} if parts else image


def as_found(declared: Spec, found: Spec, parts: Mapping[str, Sequence[str]]) -> Spec:
    """What is declared, but for these parts, which are as they are found. Of a table that is hidden, or not said, nothing is."""
    both = ((name, getattr(declared, name), getattr(found, name)) for name in parts)
    return attrs.evolve(
        declared,
        **{name: _joined(name, said, there, parts) for name, said, there in both if said is not None and there is not None},
    )


def _joined(name: str, said: Any, there: Any, parts: Mapping[str, Sequence[str]]) -> Any:
    if name not in parts or not isinstance(said, dict):
        return said
    return _join(cast("Table", said), cast("Table", there), parts[name])


def _join(said: Table, there: Table, parts: Sequence[str]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for key in sorted(said.keys() | there.keys()):
        own, inner = (said, parts) if key not in parts else (there, ())
        below = [part.removeprefix(f"{key}.") for part in inner if part.startswith(f"{key}.")]
        one, other = said.get(key), there.get(key)
        if below and (isinstance(one, dict) or isinstance(other, dict)):
            members = _join(cast("Table", one or {}), cast("Table", other or {}), below)
            if members or one == {}:
                joined[key] = members
        elif key in own:
            joined[key] = own[key]
    return joined
