"""How TOML writes the values of a block's attributes, where that is not as `pgplan.strict` has it.

Import it late: it imports cattrs.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast, get_args

from pgplan.configuration.interpolation import Missing, Text, scalar_text
from pgplan.configuration.keys import Number, key_names
from pgplan.errors import suggestion
from pgplan.kind import InvalidBlockError, TextFile
from pgplan.secret import Secret
from pgplan.strict import Hook, MismatchError, Mistake, Strict, is_sequence, is_union, mismatch, unknown_key, words_of

T = TypeVar("T")


class Toml(Strict):
    names: Mapping[Any, str] = {
        str: "a string",
        Secret: "a string",
        TextFile: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        dt.datetime: "a date-time",
        dt.date: "a date",
        dt.time: "a time",
        list: "a list",
        dict: "a table",
    }
    singles = (str, dict)
    scalars = (*Strict.scalars, dt.datetime, dt.date, dt.time)

    def __init__(self) -> None:
        super().__init__()
        self._converter.register_structure_hook(TextFile, self.text_file)

    def decode(self, cls: type[T], data: Any, also: Iterable[str]) -> T:
        try:
            return cast("T", self.structure(data, cls))
        except MismatchError as error:
            known = (*key_names(cls).values(), *also)
            raise InvalidBlockError(*(_told(mistake, known, words_of(cls)) for mistake in error.mistakes)) from None

    def keys(self, cls: type[Any]) -> Mapping[str, str]:
        return key_names(cls)

    def refused(self, value: Any, type_: Any) -> MismatchError:
        if isinstance(value, Missing):
            return mismatch(value.message, value.hint)
        if isinstance(value, Secret):
            return mismatch(
                "the value is sensitive and this attribute is not: it would be shown and stored in clear",
                "use a variable that is not sensitive here",
            )
        return super().refused(value, type_)

    def scalar(self, value: Any, type_: Any) -> Any:
        if type(value) is type_:
            return value
        return super().scalar(_plain(value), type_)

    def secret(self, value: Any, type_: Any) -> Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, Text):
            return Secret(str(value), value.template, suspected=True)
        if isinstance(value, str):
            return Secret(value)
        if isinstance(value, Missing) and not value.wrong:
            return Secret(None, value.template)
        raise self.refused(value, type_)

    def text_file(self, value: Any, type_: Any) -> TextFile:
        """Only its name: who knows where the block stands reads it."""
        return TextFile(cast("str", self.scalar(value, str)))

    def anything(self, value: Any, type_: Any) -> Any:
        """What a backend or a block sorts out for itself: plain values, and secrets."""
        if isinstance(value, Missing):
            raise self.refused(value, type_)
        if isinstance(value, (list, dict)):
            return self.structure(value, list[Any] if isinstance(value, list) else dict[str, Any])
        return _plain(value)

    def fits(self, value: Any, member: Any, members: list[Any]) -> bool:
        if isinstance(value, (Secret, Missing, Text)) and Secret in members:
            return member is Secret
        if isinstance(value, str) and str not in members and (member is Secret or is_sequence(member)):
            return True
        return super().fits(value, member, members)

    def value(self, type_: Any) -> Hook:
        """Where a mapping holds text, numbers and booleans are text too."""
        hook = super().value(type_)
        members = get_args(type_) if is_union(type_) else (type_,)
        if str not in members or {bool, int, float} & set(members):
            return hook

        def structure(value: Any, _: Any) -> Any:
            return hook(_text(value), type_)

        return structure


def _plain(value: Any) -> Any:
    if isinstance(value, Number):
        return float(value)
    return str(value) if isinstance(value, Text) else value


def _text(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise mismatch("expected a string, found a number that is not finite")
    return scalar_text(value) if isinstance(value, (bool, int, float)) else value


def _told(mistake: Mistake, known: Iterable[str], words: Mapping[str, str]) -> Mistake:
    """The mistake with the attribute in its message: several may stand on one line. Outermost, more keys are known."""
    path, message, hint = mistake
    unknown = bool(path) and message == unknown_key(str(path[-1]))
    if unknown and len(path) == 1:
        hint = words.get(str(path[0])) or suggestion(str(path[0]), known)
    about = path[:-1] if unknown else path
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in about).removeprefix(".")
    return path, f"{name}: {message}" if name and message else message, hint
