"""Expressions of SQL, as TOML has them and as the server spells them: where each in a list ends, and whether it should.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
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


def named_in(text: str) -> list[tuple[str, str, bool]]:
    """What an expression names with its schema: schema, name, and whether it is called."""
    tokens = [token for _, token in _tokens(text)]
    return [(_read(tokens[at]), _read(tokens[at + 2]), _is_called(tokens, at + 2)) for at in _qualified(tokens)]


def with_names(text: str, name: Callable[[str, str, bool], tuple[str, str]]) -> str:
    """An expression in which what has a schema is called otherwise: `name` gives schema and name for what `named_in` tells.

    What ``::regclass`` and its like stand behind is a name too.
    """
    tokens = [token for _, token in _tokens(text)]
    for at in _qualified(tokens):
        old = _read(tokens[at]), _read(tokens[at + 2])
        new = name(*old, _is_called(tokens, at + 2))
        for index, before, after in zip((at, at + 2), old, new, strict=True):
            tokens[index] = tokens[index] if before == after else _written(after)
    for at, token in enumerate(tokens[:-3]):
        if token.startswith("'") and tokens[at + 1 : at + 3] == [":", ":"] and tokens[at + 3].startswith("reg"):
            inner = with_names(token[1:-1].replace("''", "'"), name)
            tokens[at] = "'" + inner.replace("'", "''") + "'"
    return "".join(tokens)


def _qualified(tokens: Sequence[str]) -> Iterator[int]:
    """Where a schema stands: before the last of the names that dots hold together."""
    at = 0
    while at < len(tokens):
        end = at
        while _is_name(tokens[end]) and end + 2 < len(tokens) and tokens[end + 1] == ".":
            end += 2
        if end > at and _is_name(tokens[end]) and (at == 0 or tokens[at - 1] != "."):
            yield end - 2
        at = end + 1


def _is_name(token: str) -> bool:
    return token[0] in '"_' or token[0].isalpha()


def _is_called(tokens: Sequence[str], last: int) -> bool:
    return next((token for token in tokens[last + 1 :] if not token.isspace()), "") == "("


def _read(token: str) -> str:
    return token[1:-1].replace('""', '"') if token.startswith('"') else token.lower()


def _written(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def expression_sql(text: str) -> sql.Composable:
    """SQL for a `normal_expression`, in parentheses that it cannot leave."""
    written: Any = normal_expression(text)
    return sql.SQL("({})").format(sql.SQL(written))
