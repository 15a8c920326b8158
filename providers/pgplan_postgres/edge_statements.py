"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES: the fewest statements for many changes of privileges.

https://www.postgresql.org/docs/current/sql-grant.html, https://www.postgresql.org/docs/current/sql-revoke.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from pgplan.sdk import Edge, EdgeChange, EdgeStatement, Identity, Item, Statement, part, role_grantee
from pgplan_postgres.default_lists import parse_list
from pgplan_postgres.grantable import DEFAULT_PRIVILEGES, GRANTABLE
from pgplan_postgres.sql import grantee, name
from pgplan_postgres.targets import object_sql, schema_of

MAX_NAMES = 200
"""Objects, and grantees, in one statement: a statement stays readable, and a lock list short."""

_Right = tuple[str, str]
"""(privilege, column)"""
_WORDS = frozenset(privilege for one in GRANTABLE.values() for privilege in one.privileges)


class _Head(NamedTuple):
    """What all changes of one statement have in common. Heads sort in the order in which they must run."""

    waits: bool
    granting: bool
    depth: int
    only_option: bool
    grantable: bool
    run_as: str
    database: str
    type: str


class _Body(NamedTuple):
    """Every one of `items`, for every one of `grantees`, on every one of `keys`."""

    items: tuple[_Right, ...]
    grantees: tuple[str, ...]
    keys: tuple[str, ...] = ()


def edge_statements(changes: Sequence[EdgeChange]) -> list[EdgeStatement]:
    """Revokes, then grants, but for grants that stand in for what is revoked: they come first.

    Privileges and columns of one object and grantee share a statement, then grantees, then objects.

    A REVOKE fails while privileges that its grantee has given stand on it, and a GRANT needs the option that it stands on: among
    changes of one privilege, those that run as somebody's grantee come before that one's revoke, and after that one's grant.
    Either needs USAGE on the object's schema, which that one may have by a group or by PUBLIC: it is taken last, and given first.
    """
    statements: list[EdgeStatement] = []
    for head, group in _by_head(changes).items():
        places: dict[tuple[str, ...], list[EdgeChange]] = {}
        for change in group:
            item = change.edge.item
            places.setdefault((change.edge.object.key, item.grantee, item.privilege, item.column), []).append(change)
        for body in sorted(_bodies(group, 1 if head.type == DEFAULT_PRIVILEGES else MAX_NAMES)):
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
        object_ = change.edge.object
        depth_first = depth if granting else -depth
        head = _Head(
            not change.ahead, granting, depth_first, change.only_option, grantable, change.run_as, object_.database, object_.type
        )
        heads.setdefault(head, []).append(change)
    return dict(sorted(heads.items()))


def _place(change: EdgeChange) -> tuple[str, ...]:
    """For sorting: comparing the attrs instances themselves takes ten times as long."""
    edge = change.edge
    return *edge.object, *edge.item, change.grantor


def _depths(changes: Collection[EdgeChange]) -> dict[EdgeChange, int]:
    """How many other changes of the same action a change stands on, through the role that it runs as."""
    depths = {change: 0 for change in changes if not change.run_as}
    if len(depths) == len(changes):
        return depths
    received: dict[tuple[str, Edge], list[EdgeChange]] = {}
    usage: dict[tuple[str, Identity], list[EdgeChange]] = {}
    for change in changes:
        received.setdefault((change.action, change.edge), []).append(change)
        if change.edge.object.type == "schema" and change.edge.item.privilege == "USAGE":
            usage.setdefault((change.action, change.edge.object), []).append(change)

    def depth(change: EdgeChange, above: tuple[str, ...]) -> int:
        if change not in depths:
            edge, giver = change.edge, role_grantee(change.run_as)
            columns = {edge.item.column, ""} if change.run_as not in above else ()
            givers = [Edge(edge.object, Item(column, giver, edge.item.privilege)) for column in columns]
            parents = [parent for one in givers for parent in received.get((change.action, one), ())]
            if edge.object.type in GRANTABLE and GRANTABLE[edge.object.type].in_schema:
                schema = Identity("schema", part(schema_of(edge.object.key)), edge.object.database)
                parents += usage.get((change.action, schema), ())
            depths[change] = max((1 + depth(parent, (*above, change.run_as)) for parent in parents), default=0)
        return depths[change]

    for change in changes:
        depth(change, ())
    return depths


def _bodies(changes: Iterable[EdgeChange], objects: int) -> Iterator[_Body]:
    """`objects` is how many at most have room in one statement."""
    items: dict[tuple[str, str], set[_Right]] = {}
    for change in changes:
        item = change.edge.item
        items.setdefault((change.edge.object.key, item.grantee), set()).add((item.privilege, item.column))
    grantees: dict[tuple[str, tuple[_Right, ...]], list[str]] = {}
    for (key, to), rights in items.items():
        grantees.setdefault((key, tuple(sorted(rights))), []).append(to)
    keys: dict[_Body, list[str]] = {}
    for (key, wanted), all_of_them in grantees.items():
        for some in _chunks(all_of_them, MAX_NAMES):
            keys.setdefault(_Body(wanted, some), []).append(key)
    for body, on in keys.items():
        for some in _chunks(on, objects):
            yield _Body(body.items, body.grantees, some)


def _chunks(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    ordered = sorted(names)
    for start in range(0, len(ordered), size):
        yield tuple(ordered[start : start + size])


def _render(head: _Head, body: _Body) -> str:
    items = ", ".join(_item(privilege, columns) for privilege, columns in groupby(body.items, key=lambda item: item[0]))
    grantees = ", ".join(map(_grantee, body.grantees))
    what = f"GRANT {items}" if head.granting else f"REVOKE {'GRANT OPTION FOR ' if head.only_option else ''}{items}"
    to = f"TO {grantees}{' WITH GRANT OPTION' if head.grantable else ''}" if head.granting else f"FROM {grantees}"
    if head.type == DEFAULT_PRIVILEGES:
        return parse_list(*body.keys).statement(what, to)
    objects = ", ".join(object_sql(head.type, key) for key in body.keys)
    return f"{what} ON {GRANTABLE[head.type].keyword} {objects} {to}"


def _item(privilege: str, items: Iterable[_Right]) -> str:
    """One privilege, on the whole object, on columns, or on both."""
    if privilege not in _WORDS:
        raise ValueError(f"{privilege!r} is not a privilege")
    columns = [column for _, column in items]
    named = [name(column).text for column in columns if column]
    whole = [privilege] if "" in columns else []
    return ", ".join([*whole, *([f"{privilege} ({', '.join(named)})"] if named else [])])


@lru_cache(maxsize=65536)
def _grantee(to: str) -> str:
    return grantee(to).text
