"""Which privileges each type of object has, and rights: privileges as a block names them.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen

ALL = "ALL"
PRIVILEGES: dict[str, tuple[str, ...]] = {
    "database": ("CONNECT", "CREATE", "TEMPORARY"),
    "foreign_data_wrapper": ("USAGE",),
    "function": ("EXECUTE",),
    "schema": ("CREATE", "USAGE"),
    "sequence": ("SELECT", "UPDATE", "USAGE"),
    "server": ("USAGE",),
    "table": ("DELETE", "INSERT", "MAINTAIN", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"),
}
"""By type of object, sorted."""
COLUMN_PRIVILEGES = ("INSERT", "REFERENCES", "SELECT", "UPDATE")
SYNONYMS = {"TEMP": "TEMPORARY"}
SINCE = {"MAINTAIN": 17}
"""Privileges that not every supported server knows, with the first major version that does."""


def known(privilege: str, version: int) -> bool:
    """Whether a server of this server_version_num has the privilege."""
    return version // 10000 >= SINCE.get(privilege, 0)


def every(type_: str, version: int, *, columns: bool = False) -> tuple[str, ...]:
    """What ALL means for an object of this type, or for columns of a table, on this server."""
    return tuple(name for name in (COLUMN_PRIVILEGES if columns else PRIVILEGES[type_]) if known(name, version))


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


def normal(rights: Iterable[Right]) -> tuple[Right, ...]:
    """Rights added up: each (privilege, column) once, grantable if any of them is."""
    grantable: dict[tuple[str, tuple[str, ...], bool, str], bool] = {}
    for right in rights:
        for column in right.columns or ("",):
            item = (right.privilege, right.excepted, right.extension_members, column)
            grantable[item] = grantable.get(item, False) or right.grantable
    columns: dict[Right, list[str]] = {}
    for (privilege, excepted, members, column), option in grantable.items():
        whole = Right(privilege, (), option, excepted, members)
        columns.setdefault(whole, []).append(column)
    return tuple(sorted(_regrouped(columns)))


def _regrouped(columns: dict[Right, list[str]]) -> Iterator[Right]:
    for right, names in columns.items():
        if "" in names:
            yield right
        if named := [name for name in names if name]:
            yield Right(right.privilege, tuple(named), right.grantable, right.excepted, right.extension_members)
