"""SQL text put together from constants of the program, quoted names and quoted values, and from nothing else.

As in `psycopg.sql`, whose names these are, but without a driver: plans are made and shown where none is installed. The text is
final at once, because every session pins what quoting depends on (docs/decisions/0016).

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Formatter
from typing import LiteralString

_FORMATTER = Formatter()


class Composable:
    """SQL that may be sent: `text`."""

    __slots__ = ("text",)
    text: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.text}"


class Composed(Composable):
    """Parts, one after another."""

    __slots__ = ()

    def __init__(self, parts: Iterable[Composable]) -> None:
        """Raises TypeError for a part that is no SQL."""
        self.text = "".join(map(_text, parts))


class SQL(Composable):
    """A constant of the program: type checkers refuse text that comes from anywhere else."""

    __slots__ = ()

    def __init__(self, constant: LiteralString) -> None:
        self.text = constant

    def format(self, *args: Composable, **named: Composable) -> Composed:
        """The constant with SQL in place of each ``{}`` and ``{name}``; ``{{`` and ``}}`` are braces.

        Raises TypeError for what is no SQL; ValueError for anything else in braces, and unless arguments and places fit.
        """
        composed = Composed(())
        composed.text = _filled(self.text, args, named)
        return composed

    def join(self, parts: Iterable[Composable]) -> Composed:
        """The parts with the constant between them."""
        return Composed(one for index, part in enumerate(parts) for one in ((self, part) if index else (part,)))


class Identifier(Composable):
    """A name, always quoted; of several parts a qualified one: ``Identifier("s", "t")`` is ``"s"."t"``."""

    __slots__ = ()

    def __init__(self, *parts: str) -> None:
        """Raises TypeError without a part, ValueError for what PostgreSQL cannot hold as text."""
        if not parts:
            raise TypeError("a name has at least one part")
        self.text = ".".join('"' + _checked(part).replace('"', '""') + '"' for part in parts)


class Literal(Composable):
    """A value. Text with a backslash is written ``E'…'``, which means the same under any session setting."""

    __slots__ = ()

    def __init__(self, value: str | float) -> None:
        """Raises ValueError for what PostgreSQL cannot hold as text, and for what is no finite number."""
        self.text = _quoted(_checked(value)) if isinstance(value, str) else _number(value)


def _text(part: Composable) -> str:
    if not isinstance(part, Composable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{part!r} is no SQL: a name is an Identifier, a value a Literal")
    return part.text


def _places(template: str) -> Iterator[tuple[str, str | None]]:
    """Text, and the name of the place after it: "" for ``{}``, None at the end."""
    for text, name, spec, conversion in _FORMATTER.parse(template):
        if spec or conversion or (name and not name.isidentifier()):
            raise ValueError(f"only {{}} and {{name}} may stand in {template!r}")
        yield text, name


def _filled(template: str, args: Sequence[Composable], named: Mapping[str, Composable]) -> str:
    places = list(_places(template))
    names = [name for _, name in places if name is not None]
    if names.count("") != len(args) or {name for name in names if name} != set(named):
        raise ValueError(f"the SQL that is given does not fit the places in {template!r}")
    rest = iter(args)
    return "".join(text + ("" if name is None else _text(named[name] if name else next(rest))) for text, name in places)


def _checked(text: str) -> str:
    if "\0" in text:
        raise ValueError("text of PostgreSQL cannot hold the character NUL")
    text.encode()  # a lone surrogate is no text either
    return text


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    # The blank keeps the E apart from a word before it.
    return " E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that SQL can write")
    # Two minus signs would begin a comment.
    return str(value) if value >= 0 else f" {value}"
