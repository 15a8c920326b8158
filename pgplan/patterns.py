"""Patterns of names: ``*`` stands for anything, and every other name for itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from pgplan.address import PUBLIC, grantee_role, name_problem, part, unpart
from pgplan.base import PUBLIC_HINT

_PIECE = re.compile(r'"(?:[^"]|"")*"|\*|[^*"]+')


def pattern_key(text: str) -> str:
    """What TOML says, as a key: a name as a part of an address, or a pattern in which ``*`` stands for anything.

    In a pattern double quotes stand around what is literal, such as a star of a name's own.

    Raises ValueError for what is neither.
    """
    if "*" not in text:
        return part(_checked(text))
    pieces: list[str] = _PIECE.findall(text)
    if "".join(pieces) != text:
        raise ValueError(f"{text!r} is not a pattern: a double quote is not closed")
    return "".join(piece if piece == "*" else part(_checked(unpart(piece))) for piece in pieces)


def _checked(name: str) -> str:
    problem = name_problem(name)
    if problem:
        raise ValueError(problem)
    return name


def is_pattern(key: str) -> bool:
    return "*" in _PIECE.findall(key)


@lru_cache(maxsize=4096)
def matcher(key: str) -> Callable[[str], bool]:
    """Whether a name is one of those that a `pattern_key` means."""
    pieces = (".*" if piece == "*" else re.escape(unpart(piece)) for piece in _PIECE.findall(key))
    matches = re.compile("".join(pieces), re.DOTALL).fullmatch
    return lambda name: matches(name) is not None


def role_key(text: str) -> str:
    """A role, or a pattern of roles, as TOML spells it; PUBLIC is the keyword. Raises ValueError for what is none."""
    role = grantee_role(text)
    if role is None:
        return PUBLIC
    if role == PUBLIC.lower():
        raise ValueError(f"no role is called {role!r}: {PUBLIC_HINT}")
    return pattern_key(role) if role == text else part(role)
