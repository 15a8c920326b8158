"""Rights: privileges as a block names them.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, field, frozen

from pgplan.sdk import InvalidBlockError
from pgplan_postgres.grantable import every, since

ALL = "ALL"
SYNONYMS = {"TEMP": "TEMPORARY"}


def expanded(type_: str, privilege: str, version: int, *, columns: bool = False) -> tuple[str, ...]:
    """What a privilege, or ALL, means on a server of this server_version_num.

    Raises InvalidBlockError when the server does not have it.
    """
    if privilege == ALL:
        return every(type_, version, columns=columns)
    if version // 10000 < since(type_, privilege):
        message = f"the server is PostgreSQL {version // 10000}, and {privilege} exists from {since(type_, privilege)} on"
        raise InvalidBlockError((("privileges",), message, "leave it out for this server"))
    return (privilege,)


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(values))


@frozen(order=True)
class Right:
    """A privilege, or ALL, on the whole object or on columns. With ``*_in``, what it leaves out belongs to it, so that two
    blocks of the same address add up."""

    privilege: str
    columns: tuple[str, ...] = field(default=(), converter=_sorted)
    grantable: bool = False
    excepted: tuple[str, ...] = field(default=(), converter=_sorted)
    """Schemas and objects left out, as keys."""
    extension_members: bool = False
    with_sequences: bool = False
    """Of INSERT, and of ALL that includes it: also what it needs on the sequences that the tables' columns own."""


def normal(rights: Iterable[Right]) -> tuple[Right, ...]:
    """Rights added up: each (privilege, column) once, grantable if any of them is."""
    grantable: dict[tuple[str, tuple[str, ...], bool, bool, str], bool] = {}
    for right in rights:
        for column in right.columns or ("",):
            item = (right.privilege, right.excepted, right.extension_members, right.with_sequences, column)
            grantable[item] = grantable.get(item, False) or right.grantable
    columns: dict[Right, list[str]] = {}
    for (privilege, excepted, members, sequences, column), option in grantable.items():
        whole = Right(privilege, (), option, excepted, members, sequences)
        columns.setdefault(whole, []).append(column)
    return tuple(sorted(_regrouped(columns)))


def _regrouped(columns: dict[Right, list[str]]) -> Iterator[Right]:
    for right, names in columns.items():
        if "" in names:
            yield right
        if named := [name for name in names if name]:
            yield evolve(right, columns=tuple(named))
