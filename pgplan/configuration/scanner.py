"""The line of every key in a TOML text: tomli keeps no positions, so an error has to find them again.

Only for text that tomli has accepted, and only on the error path. https://toml.io/en/v1.1.0
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys, and indexes into arrays: ``("grant", 2, "on", "schema")``."""

_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
# The closing quotes of a multi-line string may be preceded by two that belong to it.
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[^\s.=\]]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")


def scan(text: str) -> dict[Path, int]:
    """The line, counted from 1, on which each key, table and array element of `text` starts."""
    return _Scanner(text).run()


def nearest(lines: Mapping[Path, int], path: Path) -> int:
    """The line of `path`, or of the innermost thing around it that stands in the text; 0 when there is none.

    Where a list is expected, one value may stand for a list of one: an index 0 that is not in the text is passed over.
    """
    here: Path = ()
    for step in path:
        if (*here, step) in lines:
            here = (*here, step)
        elif step != 0 or isinstance(step, str):
            break
    return lines.get(here, 0)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.lines: dict[Path, int] = {}
        self.last: dict[Path, int] = {}
        """The index of the newest element of each array of tables: later headers continue in it."""

    def run(self) -> dict[Path, int]:
        table: Path = ()
        while self.skip(_BETWEEN):
            start = self.position
            if self.text[start] != "[":
                self.pair(table)
                continue
            array = self.text.startswith("[[", start)
            self.position += 2 if array else 1
            table = self.header(self.keys(), start, array=array)
            self.position += 2 if array else 1
        return self.lines

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Go past what matches (which may be nothing); whether any text is left."""
        match = pattern.match(self.text, self.position)
        assert match is not None
        self.position = match.end()
        return self.position < len(self.text)

    def note(self, path: Path, start: int) -> None:
        """A table may be continued: its first mention is its place."""
        if path not in self.lines:
            self.lines[path] = bisect_left(self.breaks, start) + 1

    def header(self, keys: list[str], start: int, *, array: bool) -> Path:
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self.note(path, start)
            if array and position == len(keys) - 1:
                self.last[path] = self.last.get(path, -1) + 1
            if path in self.last:
                path = (*path, self.last[path])
                self.note(path, start)
        return path

    def keys(self) -> list[str]:
        """A dotted key, up to the ``=`` or ``]`` after it."""
        keys: list[str] = []
        while True:
            self.skip(_BLANK)
            quoted = self.text[self.position] in "\"'"
            match = (_STRING if quoted else _BARE_KEY).match(self.text, self.position)
            assert match is not None
            keys.append(_unquote(match.group()) if quoted else match.group())
            self.position = match.end()
            self.skip(_BLANK)
            if self.text[self.position] != ".":
                return keys
            self.position += 1

    def pair(self, table: Path) -> None:
        start = self.position
        path = table
        for key in self.keys():
            path = (*path, key)
            self.note(path, start)
        self.position += 1
        self.skip(_BLANK)
        self.value(path)

    def value(self, path: Path) -> None:
        opening = self.text[self.position]
        if opening in "[{":
            self.items(path, closing="]" if opening == "[" else "}")
        else:
            self.skip(_STRING if opening in "\"'" else _SCALAR)

    def items(self, path: Path, *, closing: str) -> None:
        """The elements of an array, or the pairs of an inline table."""
        self.position += 1
        index = 0
        while self.skip(_BETWEEN) and self.text[self.position] != closing:
            if closing == "]":
                self.note((*path, index), self.position)
                self.value((*path, index))
            else:
                self.pair(path)
            index += 1
            self.skip(_BETWEEN)
            if self.text[self.position] == ",":
                self.position += 1
        self.position += 1


def _unquote(token: str) -> str:
    if token.startswith("'"):
        return token[1:-1]
    import tomli  # noqa: PLC0415 - late: the escapes of a quoted key are rare

    value = tomli.loads(f"key = {token}")["key"]
    assert isinstance(value, str)
    return value
