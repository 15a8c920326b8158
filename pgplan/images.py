"""Specs as JSON and back: the one form in which plan file, state and output hold them.

An image never holds a secret: a `Secret` becomes the marker ``{"sensitive": true}``, and the marker becomes a withheld `Secret`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar, cast

from cattrs import Converter

from pgplan.secret import Secret

T = TypeVar("T")
Image = dict[str, Any]
MARKER: Image = {"sensitive": True}


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Secret, lambda _: dict(MARKER))
    converter.register_structure_hook(Secret, lambda value, _: _withheld(value))
    converter.register_structure_hook(str | Secret, lambda value, _: value if isinstance(value, str) else _withheld(value))
    converter.register_structure_hook(Secret | None, lambda value, _: None if value is None else _withheld(value))
    return converter


def _withheld(value: Any) -> Secret:
    if value != MARKER:
        raise ValueError("expected the marker of a secret")
    return Secret()


def image(value: Any) -> Any:
    """`value` (an attrs instance, or a list or dict of them) as JSON values; secrets as markers, tuples as lists."""
    return _plain(_converter().unstructure(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return {str(k): _plain(v) for k, v in items.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in cast("list[Any]", value)]
    if isinstance(value, Secret):
        return dict(MARKER)
    return value


def restore(data: Any, cls: type[T]) -> T:
    """The attrs instance that an image stands for. Raises cattrs' errors when the image does not fit `cls`."""
    return _converter().structure(data, cls)


def differences(one: Image, other: Image) -> tuple[str, ...]:
    """Names of the attributes whose values differ, sorted."""
    return tuple(sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key)))


def canonical(value: Any) -> bytes:
    """JSON that is the same in every process: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
