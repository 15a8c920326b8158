"""Plain values, of TOML or JSON, into annotated types: nothing is converted, and every mistake is found, at its path.

cattrs is lax with what it calls primitives (``"no"`` becomes True) and with whatever can be iterated (``"abc"`` becomes three
names), so each type has a hook here.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import AttributeValidationNote, ClassValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from pgplan.errors import suggestion
from pgplan.secret import Secret

Hook = Callable[[Any, Any], Any]
Mistake = tuple[tuple[str | int, ...], str, str]
"""Path, message, hint."""

_SEQUENCES = (list, tuple, collections.abc.Sequence)
_MAPPINGS: tuple[Any, ...] = (dict, collections.abc.Mapping)


class MismatchError(Exception):
    """A value that does not fit its type."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(message for _, message, _ in mistakes))
        self.mistakes = mistakes


def mismatch(message: str, hint: str = "") -> MismatchError:
    return MismatchError(((), message, hint))


def unknown_key(key: str) -> str:
    return f"unknown key {key!r}"


def words_of(cls: Any) -> Mapping[str, str]:
    """What a block says of keys that it does not have, but that somebody may look for: by key, what to write instead."""
    words: Mapping[str, str] = getattr(cls, "WORDS", {})
    return words


def is_literal(type_: Any) -> bool:
    return get_origin(type_) is Literal


def is_union(type_: Any) -> bool:
    return get_origin(type_) in (Union, UnionType)


def is_row(type_: Any) -> bool:
    """A tuple of so many values, each with a type of its own."""
    return get_origin(type_) is tuple and get_args(type_)[-1] is not ...


def is_sequence(type_: Any) -> bool:
    return get_origin(type_) in _SEQUENCES and not is_row(type_)


class Strict:
    """One way to write values. A way of its own overrides what it writes differently."""

    names: Mapping[Any, str]
    """What messages call each type."""
    scalars: ClassVar[tuple[type, ...]] = (str, bool, int, float)
    singles: ClassVar[tuple[type, ...]] = ()
    """What stands for a list of one."""

    def __init__(self) -> None:
        made = self._converter = Converter(forbid_extra_keys=True)
        for scalar in self.scalars:
            made.register_structure_hook(scalar, self.scalar)
        made.register_structure_hook(Secret, self.secret)
        made.register_structure_hook_func(lambda type_: type_ is Any, self.anything)
        made.register_structure_hook_factory(is_literal, self.literal)
        made.register_structure_hook_factory(is_union, self.union)
        made.register_structure_hook_factory(is_row, self.row)
        made.register_structure_hook_factory(is_sequence, self.sequence)
        made.register_structure_hook_factory(lambda type_: get_origin(type_) in _MAPPINGS, self.mapping)
        made.register_structure_hook_factory(attrs.has, self.block)

    def structure(self, value: Any, type_: Any) -> Any:
        """Raises MismatchError with every mistake."""
        return self._converter.structure(value, type_)

    def hook(self, type_: Any) -> Hook:
        return self._converter.get_structure_hook(type_)

    def keys(self, cls: type[Any]) -> Mapping[str, str]:
        """The key of each attribute; one without a key keeps its default."""
        return {attribute.name: attribute.name for attribute in attrs.fields(cls)}

    def expected(self, type_: Any) -> str:
        if is_union(type_):
            return " or ".join(dict.fromkeys(self.expected(member) for member in get_args(type_) if member is not NoneType))
        if is_literal(type_):
            return "one of " + ", ".join(f'"{word}"' for word in get_args(type_))
        return self.names.get(type_, self.names[list if get_origin(type_) in _SEQUENCES else dict])

    def refused(self, value: Any, type_: Any) -> MismatchError:
        """Why `value` is no `type_`. Messages never show a value of the wrong type: it might be a secret in the wrong place."""
        found = next(name for cls, name in self.names.items() if isinstance(value, cls))
        return mismatch(f"expected {self.expected(type_)}, found {found}")

    def scalar(self, value: Any, type_: Any) -> Any:
        if type(value) is type_:
            return value
        if type_ is float and type(value) is int:
            return float(value)
        raise self.refused(value, type_)

    def secret(self, value: Any, type_: Any) -> Secret:
        raise NotImplementedError

    def anything(self, value: Any, type_: Any) -> Any:
        return value

    def literal(self, type_: Any) -> Hook:
        words = {word: word for word in get_args(type_)}

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, str):
                raise self.refused(value, type_)
            if value not in words:
                raise mismatch(f"{str(value)!r} is not {self.expected(type_)}", suggestion(value, words))
            return words[value]

        return structure

    def union(self, type_: Any) -> Hook:
        """The member is chosen by the value's own type: at most one fits."""
        members = [member for member in get_args(type_) if member is not NoneType]
        hooks = [(member, self.hook(member)) for member in members]
        optional = len(members) < len(get_args(type_))

        def structure(value: Any, _: Any) -> Any:
            if value is None and optional:
                return None
            for member, hook in hooks:
                if len(hooks) == 1 or self.fits(value, member, members):
                    return hook(value, member)
            raise self.refused(value, type_)

        return structure

    def fits(self, value: Any, member: Any, members: list[Any]) -> bool:
        if isinstance(value, str):
            return member is str or is_literal(member)
        if isinstance(value, dict):
            return attrs.has(member) or get_origin(member) in _MAPPINGS
        if isinstance(value, list):
            return get_origin(member) in _SEQUENCES
        if member is float:
            return isinstance(value, float) or (type(value) is int and int not in members)
        return type(value) is member

    def sequence(self, type_: Any) -> Hook:
        item_type = get_args(type_)[0]
        hook = self.hook(item_type)
        make = cast("Callable[[list[Any]], Any]", list if get_origin(type_) is list else tuple)
        singles = self.singles

        def structure(value: Any, _: Any) -> Any:
            if isinstance(value, list):
                items = cast("list[object]", value)
                try:
                    return make([hook(item, item_type) for item in items])
                except MismatchError:
                    raise _every(enumerate(items), hook, item_type) from None
            if isinstance(value, singles):
                return make([hook(value, item_type)])
            raise self.refused(value, type_)

        return structure

    def row(self, type_: Any) -> Hook:
        members = get_args(type_)
        hooks = [(self.hook(member), member) for member in members]

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, list):
                raise self.refused(value, type_)
            items = cast("list[object]", value)
            if len(items) != len(members):
                raise mismatch(f"expected {len(members)} values, found {len(items)}")
            return tuple(hook(item, member) for item, (hook, member) in zip(items, hooks, strict=True))

        return structure

    def mapping(self, type_: Any) -> Hook:
        item_type = get_args(type_)[1]
        hook = self.value(item_type)

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, dict):
                raise self.refused(value, type_)
            table = cast("dict[str, object]", value)
            try:
                return {key: hook(item, item_type) for key, item in table.items()}
            except MismatchError:
                raise _every(table.items(), hook, item_type) from None

        return structure

    def value(self, type_: Any) -> Hook:
        """The hook for the values of a mapping."""
        return self.hook(type_)

    def block(self, cls: Any) -> Hook:
        keys = self.keys(cls)
        overrides: dict[str, Any] = {
            a.name: override(rename=keys[a.name]) if a.name in keys else override(omit=True) for a in attrs.fields(cls)
        }
        inner = make_dict_structure_fn(cls, self._converter, **overrides)

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, dict):
                raise self.refused(value, cls)
            try:
                return inner(cast("dict[str, object]", value), cls)
            except ClassValidationError as error:
                mistakes = [mistake for one in error.exceptions for mistake in self._of_attribute(one, cls, keys)]
            raise MismatchError(*mistakes)

        return structure

    def _of_attribute(self, error: Exception, cls: Any, keys: Mapping[str, str]) -> Iterator[Mistake]:
        """The mistakes in one exception that cattrs collected; a note of its own names the attribute.

        Whatever is neither a mistake nor what a converter or validator raises is a bug of the class, and goes on.
        """
        name = next((note.name for note in getattr(error, "__notes__", ()) if isinstance(note, AttributeValidationNote)), None)
        path = () if name is None else (keys[name],)
        if isinstance(error, ForbiddenExtraKeysError):
            for key in sorted(error.extra_fields):
                yield (key,), unknown_key(key), words_of(cls).get(key) or suggestion(key, keys.values())
        elif isinstance(error, KeyError) and path:
            yield (), f"{path[0]!r} is missing", ""
        elif isinstance(error, MismatchError):
            yield from _below(error, *path)
        elif isinstance(error, (ValueError, TypeError)):
            yield path, str(error), ""
        else:
            raise error


def _every(items: Iterable[tuple[str | int, Any]], hook: Hook, type_: Any) -> MismatchError:
    """The mistakes of all items, once one is known to have any."""
    mistakes: list[Mistake] = []
    for step, item in items:
        try:
            hook(item, type_)
        except MismatchError as error:
            mistakes.extend(_below(error, step))
    return MismatchError(*mistakes)


def _below(error: MismatchError, *steps: str | int) -> Iterator[Mistake]:
    for path, message, hint in error.mistakes:
        yield (*steps, *path), message, hint
