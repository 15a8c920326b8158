"""How each type of a block's attributes is read from TOML. Every hook raises InvalidBlockError with paths below itself.

Import it late: it imports cattrs.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import math
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Union, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import AttributeValidationNote, ClassValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from pgplan.configuration.decode import Number, key_names, suggestion, unknown_key
from pgplan.configuration.interpolation import Missing, Text, scalar_text
from pgplan.configuration.scanner import Path
from pgplan.kind import InvalidBlockError
from pgplan.secret import Secret

Hook = Callable[[Any, Any], Any]

_SEQUENCES = (list, tuple, collections.abc.Sequence)
_MAPPINGS = (dict, collections.abc.Mapping)
_WORDS: tuple[tuple[Any, str], ...] = (
    (str, "a string"),
    (Secret, "a string"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (dt.datetime, "a date-time"),
    (dt.date, "a date"),
    (dt.time, "a time"),
    (list, "a list"),
    (dict, "a table"),
)


def converter() -> Converter:
    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    for exact in (str, bool, int, dt.datetime, dt.date, dt.time):
        made.register_structure_hook(exact, _exactly)
    made.register_structure_hook(float, _float)
    made.register_structure_hook(Secret, _secret)
    made.register_structure_hook_func(_is_any, _anything)
    made.register_structure_hook_func(_is_literal, _literal)
    for predicate, factory in ((_is_union, _union), (_is_sequence, _sequence), (_is_mapping, _mapping), (attrs.has, _block)):
        made.register_structure_hook_factory(predicate, _bound(factory, made))
    return made


def _bound(factory: Callable[[Any, Converter], Hook], made: Converter) -> Callable[[Any], Hook]:
    return lambda type_: factory(type_, made)


def _is_any(type_: Any) -> bool:
    return type_ is Any


def _is_literal(type_: Any) -> bool:
    return get_origin(type_) is Literal


def _is_union(type_: Any) -> bool:
    return get_origin(type_) in (Union, types.UnionType)


def _is_sequence(type_: Any) -> bool:
    args = get_args(type_)
    return get_origin(type_) in _SEQUENCES and (len(args) == 1 or args[1:] == (...,))


def _is_mapping(type_: Any) -> bool:
    return get_origin(type_) in _MAPPINGS


def _mistake(message: str, hint: str = "") -> InvalidBlockError:
    """Messages never show a value of the wrong type: it might be a secret in the wrong place."""
    return InvalidBlockError(((), message, hint))


def _below(error: InvalidBlockError, step: str | int) -> Iterator[tuple[Path, str, str]]:
    for path, message, hint in error.mistakes:
        yield (step, *path), message, hint


def _expected(type_: Any) -> str:
    if _is_union(type_):
        return " or ".join(dict.fromkeys(_expected(member) for member in get_args(type_) if member is not types.NoneType))
    if _is_literal(type_):
        return "one of " + ", ".join(f'"{word}"' for word in get_args(type_))
    if _is_sequence(type_):
        return "a list"
    return next((words for cls, words in _WORDS if cls is type_), "a table")


def _refused(value: Any, type_: Any) -> InvalidBlockError:
    """Why `value` is no `type_`."""
    if isinstance(value, Missing):
        return _mistake(value.message, value.hint)
    if isinstance(value, Secret):
        return _mistake(
            "the value is sensitive and this attribute is not: it would be shown and stored in clear",
            "use a variable that is not sensitive here",
        )
    found = next(words for cls, words in _WORDS if isinstance(value, cls))
    return _mistake(f"expected {_expected(type_)}, found {found}")


def _exactly(value: Any, type_: Any) -> Any:
    if type(value) is type_:
        return value
    if type(value) is Text and type_ is str:
        return str(value)
    raise _refused(value, type_)


def _float(value: Any, type_: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise _refused(value, type_)


def _secret(value: Any, type_: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, Text):
        return Secret(str(value), value.template, suspected=True)
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Missing) and not value.wrong:
        return Secret(None, value.template)
    raise _refused(value, type_)


def _anything(value: Any, type_: Any) -> Any:
    """What a backend or a block sorts out for itself: plain values, and secrets."""
    if isinstance(value, Missing):
        raise _refused(value, type_)
    if isinstance(value, list):
        return _collected(enumerate(cast("list[object]", value)), _anything, type_)
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return dict(zip(table, _collected(table.items(), _anything, type_), strict=True))
    if isinstance(value, Number):
        return float(value)
    return str(value) if isinstance(value, Text) else value


def _collected(items: Iterable[tuple[str | int, Any]], hook: Hook, type_: Any) -> list[Any]:
    """Each item through `hook`, with the mistakes of all of them."""
    done: list[Any] = []
    mistakes: list[tuple[Path, str, str]] = []
    for step, item in items:
        try:
            done.append(hook(item, type_))
        except InvalidBlockError as error:
            mistakes.extend(_below(error, step))
    if mistakes:
        raise InvalidBlockError(*mistakes)
    return done


def _literal(value: Any, type_: Any) -> Any:
    words = get_args(type_)
    if not isinstance(value, str):
        raise _refused(value, type_)
    if value not in words:
        raise _mistake(f"{str(value)!r} is not {_expected(type_)}", suggestion(value, words))
    return words[words.index(value)]


def _union(type_: Any, made: Converter) -> Hook:
    """The member is chosen by the value's own type: at most one fits."""
    members = [member for member in get_args(type_) if member is not types.NoneType]
    hooks = [(member, made.get_structure_hook(member)) for member in members]

    def structure(value: Any, _: Any) -> Any:
        for member, hook in hooks:
            if _fits(value, member, members):
                return hook(value, member)
        raise _refused(value, type_)

    return structure


def _fits(value: Any, member: Any, members: list[Any]) -> bool:
    if len(members) == 1:
        return True
    if isinstance(value, (Secret, Missing, Text)) and Secret in members:
        return member is Secret
    if isinstance(value, str):
        return member is str or _is_literal(member) or (str not in members and (member is Secret or _is_sequence(member)))
    if isinstance(value, dict):
        return attrs.has(member) or _is_mapping(member)
    if isinstance(value, list):
        return _is_sequence(member)
    return type(value) is member or (member is float and isinstance(value, (Number, int)) and int not in members)


def _sequence(type_: Any, made: Converter) -> Hook:
    item_type = get_args(type_)[0]
    hook = made.get_structure_hook(item_type)
    make = cast("Callable[[list[Any]], Any]", list if get_origin(type_) is list else tuple)

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, (str, dict)):
            return make([hook(value, item_type)])
        if not isinstance(value, list):
            raise _refused(value, type_)
        return make(_collected(enumerate(cast("list[object]", value)), hook, item_type))

    return structure


def _mapping(type_: Any, made: Converter) -> Hook:
    item_type = get_args(type_)[1]
    members = get_args(item_type) if _is_union(item_type) else (item_type,)
    inner = made.get_structure_hook(item_type)
    textual = str in members and not {bool, int, float} & set(members)

    def structure_text(value: Any, _: Any) -> Any:
        return inner(_text(value), item_type)

    hook = structure_text if textual else inner

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _refused(value, type_)
        table = cast("dict[str, Any]", value)
        return dict(zip(table, _collected(table.items(), hook, item_type), strict=True))

    return structure


def _text(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise _mistake("expected a string, found a number that is not finite")
    return scalar_text(value) if isinstance(value, (bool, int, float)) else value


def _block(cls: Any, made: Converter) -> Hook:
    renamed: dict[str, Any] = {name: override(rename=key) for name, key in key_names(cls).items() if name != key}
    inner = make_dict_structure_fn(cls, made, **renamed)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _refused(value, cls)
        try:
            return inner(cast("dict[str, Any]", value), cls)
        except ClassValidationError as error:
            mistakes = [mistake for one in error.exceptions for mistake in _of_attribute(one, cls)]
        raise InvalidBlockError(*mistakes)

    return structure


def _of_attribute(error: Exception, cls: type[Any]) -> Iterator[tuple[Path, str, str]]:
    """The mistakes in one exception that cattrs collected; a note of its own names the attribute.

    Whatever is neither a mistake nor what a converter or validator raises is a bug of a kind, and goes on.
    """
    name = next((note.name for note in getattr(error, "__notes__", ()) if isinstance(note, AttributeValidationNote)), None)
    if isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield (key,), unknown_key((key,)), suggestion(key, key_names(cls).values())
    elif isinstance(error, KeyError) and name is not None:
        yield (), f"{key_names(cls)[name]!r} is missing", ""
    elif isinstance(error, InvalidBlockError):
        yield from _below(error, key_names(cls)[name]) if name is not None else error.mistakes
    elif isinstance(error, (ValueError, TypeError)):
        yield (key_names(cls)[name],) if name is not None else (), str(error), ""
    else:
        raise error
