"""Slots in SQL text: ``:'name'``, where psql would put a variable and pgplan puts a secret. Pure.

A slot counts only where psql's scanner would see it: outside of quoted text, identifiers and comments. What is not closed runs to
the end of the text. Plain quotes have no backslash escapes: standard_conforming_strings is on wherever pgplan's SQL runs.

https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-INTERPOLATION
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# In this order: a word takes an E or a $ that belongs to it, a number takes none, two colons the one before a string, a
# comment the quotes in it.
_TOKEN = re.compile(
    r"""
      (?P<comment> /\* ) | --[^\r\n]*
    | [eE]' (?: [^'\\] | '' | \\. | '[ \t\f\v]*(?:--[^\r\n]*)?[\r\n](?:\s|--[^\r\n]*[\r\n])*' )* (?: ' | \\?\Z )
    | ' (?: [^'] | '' )* (?: ' | \Z )
    | " (?: [^"] | "" )* (?: " | \Z )
    | (?P<dollars> \$ (?: [^\W\d]\w* )? \$ )
    | \$? \d+
    | [^\W\d] [\w$]*
    | ::
    | :' (?P<slot> [^']+ ) '
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each slot begins and ends, and its name."""
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["slot"] is not None:
            yield match.start(), position, match["slot"]
        elif match["comment"]:
            position = _comment_end(text, position)
        elif match["dollars"]:
            end = text.find(match["dollars"], position)
            position = len(text) if end < 0 else end + len(match["dollars"])


def split(text: str, slot: str) -> list[str]:
    """`text` without the slots called `slot`: what stands before, between and after them."""
    parts: list[str] = []
    position = 0
    for start, end, name in find(text):
        if name == slot:
            parts.append(text[position:start])
            position = end
    return [*parts, text[position:]]


def _comment_end(text: str, position: int) -> int:
    """Comments of this form nest."""
    depth = 1
    while depth:
        match = _COMMENT.search(text, position)
        if match is None:
            return len(text)
        depth += 1 if match.group() == "/*" else -1
        position = match.end()
    return position
