"""Specs as JSON and back: the one form in which plan file, state and output hold them.

An image never holds a secret: a `Secret` becomes the marker ``{"sensitive": true}``, and the marker becomes a withheld `Secret`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args

from cattrs import Converter

from pgplan.secret import Secret
from pgplan.strict import Hook, MismatchError, Strict, mismatch

T = TypeVar("T")
Image = dict[str, Any]
MARKER: Image = {"sensitive": True}
_SCALARS = frozenset((str, int, bool, float, NoneType))


class _Json(Strict):
    names: Mapping[Any, str] = {
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        list: "an array",
        dict: "an object",
        NoneType: "null",
        Secret: "the marker of a secret",
    }

    def secret(self, value: Any, type_: Any) -> Secret:
        if value != MARKER or value["sensitive"] is not True:
            raise mismatch("expected the marker of a secret")
        return Secret()

    def mapping(self, type_: Any) -> Hook:
        return self._image if get_args(type_)[1] is Any else super().mapping(type_)

    def _image(self, value: Any, type_: Any) -> Image:
        """What holds anything is taken as it is, not value by value: most of a state consists of it."""
        if isinstance(value, dict):
            return cast("Image", value)
        raise self.refused(value, type_)

    def fits(self, value: Any, member: Any, members: list[Any]) -> bool:
        return member is Secret if isinstance(value, dict) and Secret in members else super().fits(value, member, members)


@cache
def _reader() -> Strict:
    return _Json()


@cache
def _writer() -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    converter.register_unstructure_hook(Secret, _marker)
    # Typed Any, the values are JSON already but for tuples and secrets: one look at each, without cattrs' search for its type.
    converter.register_unstructure_hook_func(_is_loose, image)
    return converter


def _marker(_: Secret) -> Image:
    return dict(MARKER)


def _is_loose(cls: Any) -> bool:
    return cls in (Any, dict[str, Any], Mapping[str, Any])


def image(value: Any) -> Any:
    """`value` (an attrs instance, or a list or dict of them) as JSON values; secrets as markers, tuples as lists."""
    cls: Any = value.__class__
    if cls in _SCALARS:
        return value
    if issubclass(cls, Mapping):
        return {str(key): image(item) for key, item in value.items()}
    if issubclass(cls, (list, tuple)):
        return [image(item) for item in value]
    return _writer().unstructure(value)


def restore(data: Any, cls: type[T]) -> T:
    """The attrs instance that an image stands for. Nothing is converted: a key too many or a value of another type is an error.

    Raises MismatchError when the image does not fit `cls`; `mistakes` reads it.
    """
    return cast("T", _reader().structure(data, cls))


def mistakes(error: Exception) -> tuple[str, ...]:
    """What is wrong with an image that `restore` refused, with paths: ``expected a string, found null @ $.entries[3].spec``."""
    found = error.mistakes if isinstance(error, MismatchError) else (((), str(error), ""),)
    return tuple(f"{message} @ ${''.join(map(_step, path))}" for path, message, _ in found)


def _step(step: str | int) -> str:
    return f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]"


def differences(one: Image, other: Image) -> tuple[str, ...]:
    """Names of the attributes whose values differ, sorted."""
    return tuple(sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key)))


def canonical(value: Any) -> bytes:
    """JSON that is the same in every process: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
