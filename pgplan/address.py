"""Names and addresses: how PostgreSQL names become the parts of a pgplan address, and back.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from attrs import frozen

PUBLIC = "PUBLIC"
MAX_NAME_BYTES = 63
SYSTEM_NAME = re.compile(r"pg_")
"""What PostgreSQL reserves for itself. A pattern, not LIKE 'pg_%': there ``_`` is a wildcard."""
_NEEDS_QUOTES = re.compile(r'[./:@()\[\],"*\s]')
_PUBLIC = re.compile(r'("*)PUBLIC\1')
_ELSEWHERE = re.compile(r"""(?P<key>(?:"(?:[^"]|"")*"|[^"@])+)@(?P<database>"(?:[^"]|"")*"|[^"@]+)""", re.DOTALL)
"""Within double quotes an @ is part of a name."""
_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')


def part(name: str) -> str:
    """`name` as a part of an address: double-quoted only if it holds one of ``./:@()[],"*``, a blank, or spells PUBLIC."""
    if name == PUBLIC or not name or _NEEDS_QUOTES.search(name):
        return '"' + name.replace('"', '""') + '"'
    return name


def _spells_public(text: str) -> bool:
    """Whether it is PUBLIC, in double quotes or not: in specs such a grantee is written as a part of an address."""
    return PUBLIC in text and _PUBLIC.fullmatch(text) is not None


def grantee_part(grantee: str) -> str:
    """The grantee of a spec as a part of an address. PUBLIC is the keyword; a role called so is spelled ``"PUBLIC"``."""
    return grantee if _spells_public(grantee) else part(grantee)


def part_grantee(text: str) -> str:
    """The reverse of `grantee_part`."""
    return text if _spells_public(text) else unpart(text)


def grantee_role(grantee: str) -> str | None:
    """The role name that the grantee of a spec means, None for the keyword PUBLIC."""
    if grantee == PUBLIC:
        return None
    return unpart(grantee) if _spells_public(grantee) else grantee


def role_grantee(role: str | None) -> str:
    """The reverse of `grantee_role`: None is the keyword PUBLIC."""
    if role is None:
        return PUBLIC
    return part(role) if _spells_public(role) else role


def join(*names: str) -> str:
    """A dotted address part of several names: ``join("billing", "Weird.Table")`` is ``billing."Weird.Table"``."""
    return ".".join(part(name) for name in names)


def split(text: str) -> tuple[str, ...]:
    """Split a dotted name at the dots outside double quotes; names are never folded.

    Raises ValueError for an empty part or an unbalanced quote.
    """
    names: list[str] = []
    position = 0
    while True:
        match = _PART.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a name: a part is empty or a double quote is not closed")
        token = match.group()
        names.append(token[1:-1].replace('""', '"') if token.startswith('"') else token)
        position = match.end()
        if position == len(text):
            return tuple(names)
        if text[position] != ".":
            raise ValueError(f"{text!r} is not a name: expected a dot after {token!r}")
        position += 1


def unpart(text: str) -> str:
    """The name that one address part stands for: the reverse of `part`."""
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def name_problem(name: str) -> str | None:
    """Why PostgreSQL would not keep `name` as it is written, or None. It cuts longer names with only a NOTICE (42622)."""
    if not name:
        return "a name is empty"
    if "\x00" in name:
        return "a name holds a NUL character"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"the name {name!r} is {len(name.encode())} bytes long; PostgreSQL keeps {MAX_NAME_BYTES}"
    return None


@frozen(order=True)
class Address:
    """``kind.key`` or ``kind.key@database``: names one thing that pgplan can manage. `key` is canonical text, its parts quoted by
    `part`."""

    kind: str
    key: str
    database: str = ""
    """The name of the database that it is in, "" for the default one, and for what the whole cluster shares."""

    def __str__(self) -> str:
        return f"{self.kind}.{self.key}" + (f"@{part(self.database)}" if self.database else "")

    @classmethod
    def parse(cls, text: str) -> Address:
        """The reverse. Raises ValueError when there is no dot, or nothing behind it."""
        kind, dot, rest = text.partition(".")
        if not dot or not kind or not rest:
            raise ValueError(f"{text!r} is not an address: expected kind.key, such as role.alice")
        elsewhere = _ELSEWHERE.fullmatch(rest) if "@" in rest else None
        return cls(kind, rest) if elsewhere is None else cls(kind, elsewhere["key"], unpart(elsewhere["database"]))


def expression(pattern: str) -> re.Pattern[str]:
    """What matches whole addresses that are like `pattern`: ``*`` is any text, ``?`` one character, all else is itself."""
    parts = ({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
    return re.compile("".join(parts), re.DOTALL)


def like(pattern: str, addresses: Collection[str]) -> list[str]:
    """Those of `addresses` that `pattern` means: itself alone where it is one of them, for ``*`` stands in addresses too."""
    if pattern in addresses:
        return [pattern]
    matches = expression(pattern).fullmatch
    return [address for address in addresses if matches(address)]


class Identity(NamedTuple):
    """One object in the catalogs: what an address means, and what references and access lists speak of."""

    type: str
    key: str
    database: str = ""
    """The database that it lives in, "" for what the whole cluster shares."""

    def __str__(self) -> str:
        return f"{self.type}.{self.key}"
