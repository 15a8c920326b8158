"""Random TOML texts for which it is known what they say, and on which line each key and element starts."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any, TypeGuard

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Path = tuple[str | int, ...]
Table = dict[str, Any]

_ODD = "ab.\"'#[]{}=,\\ \n\tü$"
_TEXTS = st.text(alphabet=_ODD, max_size=8) | st.text(alphabet="abc-_1", min_size=1, max_size=4)
_SCALARS = st.one_of(
    _TEXTS,
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.sampled_from((1.5, -2e10, dt.date(2025, 1, 2), dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC))),
)


def _extended(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    tables = st.dictionaries(_TEXTS, values, max_size=3)
    return st.lists(values, max_size=3) | tables | st.lists(tables, min_size=1, max_size=3)


DOCUMENTS: SearchStrategy[Table] = st.dictionaries(_TEXTS, st.recursive(_SCALARS, _extended, max_leaves=12), max_size=5)


def is_table(value: Any) -> TypeGuard[Table]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


class Writer:
    """Writes a document in one of its many spellings, and remembers the lines."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def choose(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def gap(self) -> str:
        """Between elements of an array: blanks, line breaks, comments."""
        return self.choose("", " ", "\n", "#\n", "\t\n  ", " # a ] \" ' } = comment\n")

    def table(self, path: Path, table: Table) -> None:
        later: list[tuple[str, Any]] = []
        for key, value in table.items():
            as_tables = is_list(value) and bool(value) and all(is_table(item) for item in value)
            if (is_table(value) or as_tables) and self.draw(st.booleans()):
                later.append((key, value))
                continue
            self.text += self.choose("", "\n", "# = [x]\n", "  ")
            self.pair((*path, key), value, top=True)
            self.text += self.choose("\n", " # comment '''\n", "\r\n")
        for key, value in later:
            if is_list(value):
                self.headers((*path, key), value)
            else:
                self.header((*path, key), "[", "]")
                self.table((*path, key), value)

    def headers(self, path: Path, tables: list[Table]) -> None:
        for index, table in enumerate(tables):
            self.header(path, "[[", "]]", (*path, index))
            self.table((*path, index), table)

    def header(self, path: Path, opening: str, closing: str, *more: Path) -> None:
        self.text += self.choose("", " ", "\n")
        for end in range(1, len(path) + 1):
            self.note(path[:end])
        for other in more:
            self.note(other)
        keys = [self.key(step) for step in path if isinstance(step, str)]
        self.text += opening + self.choose("", " ") + self.choose(".", " . ").join(keys) + closing + "\n"

    def pair(self, path: Path, value: Any, *, top: bool) -> None:
        """``key = value``; a table with one key may be written with a dot."""
        self.note(path)
        key = path[-1]
        assert isinstance(key, str)
        spelled = self.key(key)
        while is_table(value) and len(value) == 1 and self.draw(st.booleans()):
            inner, value = next(iter(value.items()))
            path = (*path, inner)
            self.note(path)
            spelled += self.choose(".", " .") + self.key(inner)
        self.text += spelled + self.choose("=", " = ")
        self.value(path, value, multiline=top)

    def value(self, path: Path, value: Any, *, multiline: bool) -> None:
        if isinstance(value, str):
            self.text += self.string(value)
        elif is_list(value):
            self.array(path, value)
        elif is_table(value):
            self.text += "{"
            for index, (key, item) in enumerate(value.items()):
                self.text += ", " if index else " "
                self.pair((*path, key), item, top=False)
            self.text += " }"
        elif isinstance(value, (dt.date, dt.datetime)):
            self.text += value.isoformat().replace("T", self.choose("T", " "))
        else:
            self.text += json.dumps(value)

    def array(self, path: Path, values: list[Any]) -> None:
        self.text += "["
        for index, value in enumerate(values):
            self.text += ("," if index else "") + self.gap()
            self.note((*path, index))
            self.value((*path, index), value, multiline=True)
            self.text += self.gap()
        self.text += (self.choose("", ",") if values else "") + self.gap() + "]"

    def key(self, key: str) -> str:
        if re.fullmatch(r"[A-Za-z0-9_-]+", key) and self.draw(st.booleans()):
            return key
        return self.quoted(key)

    def quoted(self, text: str) -> str:
        literal = "'" not in text and "\n" not in text
        return f"'{text}'" if literal and self.draw(st.booleans()) else json.dumps(text)

    def string(self, text: str) -> str:
        style = self.choose("one", "basic", "literal")
        if style == "basic":
            # Quotes stay as they are where they can: two may stand before the closing three.
            return (
                '"""\n' + text.replace("\\", "\\\\").replace('"""', '""\\"') + '"""'
                if not text.endswith('"""')
                else json.dumps(text)
            )
        if style == "literal" and "'''" not in text:
            return f"'''\n{text}'''"
        return self.quoted(text)


@st.composite
def documents(draw: DrawFn) -> tuple[Table, str, dict[Path, int]]:
    """A document, a text that says it, and the line of each of its paths."""
    document = draw(DOCUMENTS)
    writer = Writer(draw)
    writer.table((), document)
    return document, writer.text, writer.lines
