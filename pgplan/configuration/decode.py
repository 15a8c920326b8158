"""TOML values into attrs blocks, strictly, with every mistake at its path.

cattrs is lax with primitives (``"no"`` becomes True), so each type has a hook (`pgplan.configuration.hooks`):

* a string, boolean, integer, number or date is exactly that; `Literal` is one of its words;
* where a list is expected, a single string or table is a list of one;
* values of a mapping to text (options, settings) may be numbers and booleans: they become text;
* a `Secret` only goes where the annotation says `Secret`; there a plain string becomes a literal Secret, and a string made from
  references one that has a source. With ``str | Secret``, a plain string stays a string;
* an attribute that would be a Python keyword is written with an underscore behind it, which the TOML key does not have.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs

from pgplan.configuration.scanner import Path
from pgplan.kind import InvalidBlockError

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


class Number(float):
    """A TOML float that keeps its digits: as an option value, ``1.10`` is not ``1.1``."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text.replace("_", "")
        return number

    def __str__(self) -> str:
        return self.text


def decode(cls: type[T], data: Any, also: Iterable[str] = ()) -> T:
    """The `cls` that `data` stands for. `also`: keys that are known, though not to `cls`, for suggestions.

    Raises InvalidBlockError with every mistake.
    """
    try:
        return _converter().structure(data, cls)
    except InvalidBlockError as error:
        known = (*key_names(cls).values(), *also)
        raise InvalidBlockError(*(_told(mistake, known) for mistake in error.mistakes)) from None


def _told(mistake: tuple[Path, str, str], known: Iterable[str]) -> tuple[Path, str, str]:
    """The mistake with the attribute in its message: several may stand on one line. Outermost, more keys are known."""
    path, message, hint = mistake
    unknown = bool(path) and message == unknown_key(path)
    if unknown and len(path) == 1:
        hint = suggestion(str(path[0]), known)
    about = path[:-1] if unknown else path
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in about).removeprefix(".")
    return path, f"{name}: {message}" if name and message else message, hint


def unknown_key(path: Path) -> str:
    return f"unknown key {path[-1]!r}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not one of `known`."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(words)}" if words else ""


def key_names(cls: type[Any]) -> Mapping[str, str]:
    """The TOML key of each attribute of a block; none for what is no block."""
    return {a.name: a.name.rstrip("_") for a in attrs.fields(cls)} if attrs.has(cls) else {}


@cache
def _converter() -> Converter:
    from pgplan.configuration.hooks import converter  # noqa: PLC0415 - late: importing cattrs takes time

    return converter()
