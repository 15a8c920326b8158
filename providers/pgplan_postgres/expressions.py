"""Expressions of SQL, as TOML has them and as the server spells them: where each in a list ends, and whether it should.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pgplan.sdk import sql

_TOKEN = re.compile(
    r"""
    (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ )
  | (?P<word> \w[\w$]* )
  | (?P<open> [(\[] ) | (?P<close> [)\]] ) | (?P<comma> , )
  | (?P<wrong> -- | /\* | ['";] )
  | (?P<other> . )
    """,
    re.DOTALL | re.VERBOSE,
)
_PAIRS = {")": "(", "]": "["}


def split_expressions(text: str) -> list[str]:
    """The expressions of a list, without the blanks around them.

    Raises ValueError where a quote, parenthesis or bracket is not closed, and for comments and semicolons.
    """
    parts = [""]
    opened: list[str] = []
    for kind, token in _tokens(text):
        if kind == "wrong":
            raise ValueError(f"{text!r}: {_WRONG[token]}")
        if kind == "open":
            opened.append(token)
        elif kind == "close" and (not opened or opened.pop() != _PAIRS[token]):
            raise ValueError(f"{text!r}: {token} closes nothing")
        if kind == "comma" and not opened:
            parts.append("")
        else:
            parts[-1] += token
    if opened:
        raise ValueError(f"{text!r}: {opened[-1]} is not closed")
    return [part.strip() for part in parts]


_WRONG = {
    "'": "a quote is not closed",
    '"': "a double quote is not closed",
    ";": "a semicolon ends a statement, and this is a part of one",
    "--": "a comment would go on to the end of the statement: write it in TOML",
    "/*": "PostgreSQL does not keep comments: write them in TOML",
}


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        yield str(match.lastgroup), match[0]


def normal_expression(text: str) -> str:
    """An expression as someone wrote it. Raises ValueError when it is none, or several."""
    parts = split_expressions(text)
    if len(parts) > 1:
        raise ValueError(f"{text!r}: these are {len(parts)} expressions, with a comma between them")
    if not parts[0]:
        raise ValueError("an expression is empty")
    return parts[0]


def expression_sql(text: str) -> sql.Composable:
    """SQL for a `normal_expression`, in parentheses that it cannot leave."""
    written: Any = normal_expression(text)
    return sql.SQL("({})").format(sql.SQL(written))
