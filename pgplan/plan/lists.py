"""Access lists as changes of privileges leave them, and what the server would not heed of these. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from pgplan.address import Identity
from pgplan.errors import Problem
from pgplan.kind import EdgeChange, ImplyingReader
from pgplan.plan.claims import Holder
from pgplan.plan.objects import source_of
from pgplan.plan.outlook import Outlook
from pgplan.snapshot import AccessList, Item, Privilege


def changes_by_object(changes: Iterable[EdgeChange]) -> dict[Identity, list[EdgeChange]]:
    grouped: dict[Identity, list[EdgeChange]] = {}
    for change in changes:
        grouped.setdefault(change.edge.object, []).append(change)
    return grouped


def rows_after(acl: AccessList, changes: Iterable[EdgeChange], owner: str) -> dict[Item, list[Privilege]]:
    """What is left of each item that changes of one object are about."""
    ordered = sorted(changes, key=lambda change: (change.edge.item, change.action == "grant", change.grantor))
    after = {item: list(acl.rows.get(item, ())) for item in (change.edge.item for change in ordered)}
    for change in ordered:
        item = change.edge.item
        if change.action == "revoke":
            after[item] = _without(after[item], change)
        else:
            after[item].append(Privilege(*item, grantor=owner, grantable=change.grantable))
    return after


def _without(rows: list[Privilege], revoke: EdgeChange) -> list[Privilege]:
    if revoke.only_option:
        return [evolve(row, grantable=False) if row.grantor == revoke.grantor else row for row in rows]
    return [row for row in rows if revoke.grantor and row.grantor != revoke.grantor]


def shown(changes: Iterable[EdgeChange]) -> tuple[Mapping[str, Any], ...]:
    """As a plan has them for display, see `pgplan.plan.model.Change.edges`."""
    return tuple(_edge(change) for change in sorted(changes, key=lambda c: (c.action, c.edge.object, c.edge.item, c.grantor)))


def _edge(change: EdgeChange) -> Mapping[str, Any]:
    return {
        "action": change.action,
        "type": change.edge.object.type,
        "key": change.edge.object.key,
        "column": change.edge.item.column,
        "grantee": change.edge.item.grantee,
        "privilege": change.edge.item.privilege,
        "grantable": change.grantable,
        "only_option": change.only_option,
        "grantor": change.run_as,
    }


def lists_after(changes: Iterable[EdgeChange], outlook: Outlook) -> dict[Identity, AccessList]:
    """The whole lists that changes lead to."""
    lists: dict[Identity, AccessList] = {}
    for one, of_one in changes_by_object(changes).items():
        before = outlook.acl(one)
        rows = {**before.rows, **rows_after(before, of_one, outlook.owner(one))}
        lists[one] = AccessList(tuple(sorted({(row.item, row.grantor): row for some in rows.values() for row in some}.values())))
    return lists


def unheeded(
    changes: Mapping[Holder, Iterable[EdgeChange]], lists: Mapping[Identity, AccessList], outlook: Outlook
) -> Iterator[Problem]:
    """What the server would take, and not heed, of what holders change or forbid. `lists` has what changes, as it will be."""
    for holder, its_own in changes.items():
        forbidden: dict[Identity, set[Item]] = {change.edge.object: set() for change in its_own}
        for claim in holder.claims:
            for type_, key in claim.selector.objects(outlook.catalog(holder.database)) if claim.forbids else ():
                forbidden.setdefault(outlook.registry.identity(type_, key, holder.database), set()).update(claim.items)
        for one, items in sorted(forbidden.items()):
            for message, hint in _unheeded(one, items, lists, outlook):
                yield Problem(message, source_of(holder.declared), holder.address, hint)


def _unheeded(
    one: Identity, forbidden: set[Item], lists: Mapping[Identity, AccessList], outlook: Outlook
) -> Iterable[tuple[str, str]]:
    def after(key: str) -> AccessList:
        other = one._replace(key=key)
        return lists[other] if other in lists else outlook.acl(other)

    reader = outlook.registry.readers.get(one.type)
    return reader.unheeded(one.key, forbidden, after) if isinstance(reader, ImplyingReader) else ()
