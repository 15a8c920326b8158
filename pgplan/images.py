"""Specs as JSON and back: the one form in which plan file, state and output hold them.

An image never holds a secret: a `Secret` becomes the marker ``{"sensitive": true}``, and the marker becomes a withheld `Secret`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import GenericAlias, NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from attrs import has
from cattrs import Converter, transform_error
from cattrs.cols import list_structure_factory
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.strategies import configure_union_passthrough

from pgplan.secret import Secret

T = TypeVar("T")
Image = dict[str, Any]
Hook = Callable[[Any, Any], Any]
MARKER: Image = {"sensitive": True}
_JSON_NAMES: dict[Any, str] = {
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    float: "a number",
    list: "an array",
    dict: "an object",
    NoneType: "null",
}
_SCALARS = frozenset((str, int, bool, float, NoneType))


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, unstruct_collection_overrides={tuple: list})
    for scalar in _SCALARS:
        converter.register_structure_hook(scalar, _expect)
    configure_union_passthrough(str | int | bool | float | None, converter)
    converter.register_structure_hook_factory(_is_array, partial(_array, converter))
    converter.register_structure_hook_factory(has, partial(_object, converter))
    converter.register_structure_hook_factory(_unites_secret, partial(_secret_or_other, converter))
    converter.register_structure_hook(Secret, _withheld)
    converter.register_unstructure_hook(Secret, _marker)
    # Typed Any, the values are JSON already but for tuples and secrets: one look at each, without cattrs' search for its type.
    converter.register_unstructure_hook_func(_is_loose, image)
    return converter


class _UnexpectedError(TypeError):
    def __init__(self, expected: str, value: Any) -> None:
        super().__init__(f"expected {expected}, not {_JSON_NAMES.get(type(value), type(value).__name__)}")


def _expect(value: Any, cls: Any) -> Any:
    """cattrs itself calls ``cls(value)``, and so makes True of "no"."""
    if type(value) is cls:
        return value
    if cls is float and type(value) is int:
        return float(value)
    raise _UnexpectedError(_JSON_NAMES[cls], value)


def _is_array(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _array(converter: Converter, cls: Any) -> Hook:
    """cattrs itself takes whatever can be iterated, and so makes three names of "abc"."""
    member, *others = get_args(cls)
    if others != [...]:
        return _row(converter, (member, *others))
    elements: Any = GenericAlias(list, (member,))
    inner: Hook = list_structure_factory(elements, converter)

    def structure(value: Any, _: Any) -> Any:
        return tuple(inner(_expect(value, list), elements))

    return structure


def _row(converter: Converter, members: tuple[Any, ...]) -> Hook:
    hooks = [converter.get_structure_hook(member) for member in members]

    def structure(value: Any, _: Any) -> Any:
        if len(_expect(value, list)) != len(members):
            raise ValueError(f"expected {len(members)} values, not {len(value)}")
        return tuple(hook(item, member) for hook, item, member in zip(hooks, value, members, strict=True))

    return structure


def _object(converter: Converter, cls: Any) -> Hook:
    inner: Hook = converter.gen_structure_attrs_fromdict(cls)

    def structure(value: Any, _: Any) -> Any:
        return inner(_expect(value, dict), cls)

    return structure


def _unites_secret(cls: Any) -> bool:
    return get_origin(cls) in (Union, UnionType) and Secret in get_args(cls)


def _secret_or_other(converter: Converter, union: Any) -> Hook:
    others = [member for member in get_args(union) if member is not Secret]
    other: Any = Union[tuple(others)]  # noqa: UP007  its members are computed
    hook = converter.get_structure_hook(other)

    def structure(value: Any, _: Any) -> Any:
        return _withheld(value, Secret) if type(value) is dict else hook(value, other)

    return structure


def _withheld(value: Any, _: Any) -> Secret:
    if value != MARKER or value["sensitive"] is not True:
        raise ValueError("expected the marker of a secret")
    return Secret()


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
    return _converter().unstructure(value)


def restore(data: Any, cls: type[T]) -> T:
    """The attrs instance that an image stands for. Nothing is converted: a key too many or a value of another type is an error.

    Raises cattrs' errors when the image does not fit `cls`; `mistakes` reads them.
    """
    return _converter().structure(data, cls)


def mistakes(error: Exception) -> tuple[str, ...]:
    """What is wrong with an image that `restore` refused, with paths: ``expected a string, not null @ $.entries[3].address``."""
    return tuple(transform_error(error, format_exception=_describe))


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    if isinstance(error, ForbiddenExtraKeysError):
        return f"unknown {', '.join(sorted(error.extra_fields))}"
    return str(error)


def differences(one: Image, other: Image) -> tuple[str, ...]:
    """Names of the attributes whose values differ, sorted."""
    return tuple(sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key)))


def canonical(value: Any) -> bytes:
    """JSON that is the same in every process: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
