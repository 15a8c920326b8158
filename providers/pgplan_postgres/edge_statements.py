"""GRANT and REVOKE: the fewest statements for many changes of privileges.

https://www.postgresql.org/docs/current/sql-grant.html, https://www.postgresql.org/docs/current/sql-revoke.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from pgplan.address import role_grantee
from pgplan.kind import Edge, EdgeChange, EdgeStatement, Statement
from pgplan_postgres.privileges import PRIVILEGES
from pgplan_postgres.sql import grantee, name
from pgplan_postgres.targets import KEYWORDS, object_sql

MAX_NAMES = 200
"""Objects, and grantees, in one statement: a statement stays readable, and a lock list short."""

Item = tuple[str, str]
"""(privilege, column)"""
_WORDS = frozenset(privilege for known in PRIVILEGES.values() for privilege in known)


class _Head(NamedTuple):
    """What all changes of one statement have in common. Heads sort in the order in which they must run."""

    granting: bool
    depth: int
    only_option: bool
    grantable: bool
    run_as: str
    type: str


class _Body(NamedTuple):
    """Every one of `items`, for every one of `grantees`, on every one of `keys`."""

    items: tuple[Item, ...]
    grantees: tuple[str, ...]
    keys: tuple[str, ...] = ()


def edge_statements(changes: Sequence[EdgeChange]) -> list[EdgeStatement]:
    """Revokes, then grants. Privileges and columns of one object and grantee share a statement, then grantees, then objects.

    A REVOKE fails while privileges that its grantee has given stand on it, and a GRANT needs the option that it stands on: among
    changes of one privilege, those that run as somebody's grantee come before that one's revoke, and after that one's grant.
    """
    statements: list[EdgeStatement] = []
    for head, group in _by_head(changes).items():
        places: dict[tuple[str, ...], list[EdgeChange]] = {}
        for change in group:
            edge = change.edge
            places.setdefault((edge.key, edge.grantee, edge.privilege, edge.column), []).append(change)
        for body in sorted(_bodies(group)):
            covered = sorted((key, to, *item) for key in body.keys for to in body.grantees for item in body.items)
            carried = tuple(change for place in covered for change in places[place])
            statements.append(EdgeStatement(Statement(_render(head, body), run_as=head.run_as), carried))
    return statements


def _by_head(changes: Iterable[EdgeChange]) -> Mapping[_Head, list[EdgeChange]]:
    """The changes in the order in which they must run."""
    heads: dict[_Head, list[EdgeChange]] = {}
    for change, depth in _depths(sorted(changes, key=_place)).items():
        granting = change.action == "grant"
        grantable = granting and change.grantable
        head = _Head(granting, depth if granting else -depth, change.only_option, grantable, change.run_as, change.edge.type)
        heads.setdefault(head, []).append(change)
    return dict(sorted(heads.items()))


def _place(change: EdgeChange) -> tuple[str, ...]:
    """For sorting: comparing the attrs instances themselves takes ten times as long."""
    edge = change.edge
    return edge.type, edge.key, edge.column, edge.grantee, edge.privilege, change.grantor


def _depths(changes: Collection[EdgeChange]) -> dict[EdgeChange, int]:
    """How many other changes of the same action a change stands on, through the role that it runs as."""
    depths = {change: 0 for change in changes if not change.run_as}
    if len(depths) == len(changes):
        return depths
    received: dict[tuple[str, Edge], list[EdgeChange]] = {}
    for change in changes:
        received.setdefault((change.action, change.edge), []).append(change)

    def depth(change: EdgeChange, above: tuple[str, ...]) -> int:
        if change not in depths:
            edge, giver = change.edge, role_grantee(change.run_as)
            columns = {edge.column, ""} if change.run_as not in above else ()
            givers = [Edge(edge.type, edge.key, column, giver, edge.privilege) for column in columns]
            parents = [parent for one in givers for parent in received.get((change.action, one), ())]
            depths[change] = max((1 + depth(parent, (*above, change.run_as)) for parent in parents), default=0)
        return depths[change]

    for change in changes:
        depth(change, ())
    return depths


def _bodies(changes: Iterable[EdgeChange]) -> Iterator[_Body]:
    items: dict[tuple[str, str], set[Item]] = {}
    for change in changes:
        items.setdefault((change.edge.key, change.edge.grantee), set()).add((change.edge.privilege, change.edge.column))
    grantees: dict[tuple[str, tuple[Item, ...]], list[str]] = {}
    for (key, to), rights in items.items():
        grantees.setdefault((key, tuple(sorted(rights))), []).append(to)
    keys: dict[_Body, list[str]] = {}
    for (key, wanted), all_of_them in grantees.items():
        for some in _chunks(all_of_them):
            keys.setdefault(_Body(wanted, some), []).append(key)
    for body, on in keys.items():
        for some in _chunks(on):
            yield _Body(body.items, body.grantees, some)


def _chunks(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    ordered = sorted(names)
    for start in range(0, len(ordered), MAX_NAMES):
        yield tuple(ordered[start : start + MAX_NAMES])


def _render(head: _Head, body: _Body) -> str:
    items = ", ".join(_item(privilege, columns) for privilege, columns in groupby(body.items, key=lambda item: item[0]))
    objects = ", ".join(object_sql(head.type, key) for key in body.keys)
    grantees = ", ".join(map(_grantee, body.grantees))
    on = f"{items} ON {KEYWORDS[head.type]} {objects}"
    if head.granting:
        return f"GRANT {on} TO {grantees}{' WITH GRANT OPTION' if head.grantable else ''}"
    return f"REVOKE {'GRANT OPTION FOR ' if head.only_option else ''}{on} FROM {grantees}"


def _item(privilege: str, items: Iterable[Item]) -> str:
    """One privilege, on the whole object, on columns, or on both."""
    if privilege not in _WORDS:
        raise ValueError(f"{privilege!r} is not a privilege")
    columns = [column for _, column in items]
    named = [name(column).as_string(None) for column in columns if column]
    whole = [privilege] if "" in columns else []
    return ", ".join([*whole, *([f"{privilege} ({', '.join(named)})"] if named else [])])


@lru_cache(maxsize=65536)
def _grantee(to: str) -> str:
    return grantee(to).as_string(None)
