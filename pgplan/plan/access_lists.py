"""Access lists as they are when privileges change, and as they must be afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve, field, frozen

from pgplan.kind import Edge, EdgeChange, Found, Privilege, Snapshot

Target = tuple[str, str]
"""(type, key)."""
Item = tuple[str, str, str]
"""(column, grantee, privilege) on one target."""


@frozen
class Live:
    """The access lists of the snapshot, indexed, as they will be when the edges' turn comes."""

    snapshot: Snapshot
    fresh: frozenset[Target] = frozenset()
    """Objects that this plan creates or replaces: their list is built in, whatever is found now."""
    gone: frozenset[Target] = frozenset()
    """Objects that this plan drops: their list goes with them."""
    owners: Mapping[Target, str] = field(factory=dict[Target, str])
    """New owners: they take over the rights and the grants of the old one."""
    brought: frozenset[str] = frozenset()
    """Types of which this plan may bring objects that it cannot name (an extension's functions)."""
    index: dict[Target, dict[Item, list[Privilege]]] = field(factory=dict[Target, dict[Item, list[Privilege]]])

    def rows(self, edge: Edge) -> list[Privilege]:
        """Who granted this edge."""
        return self.items(edge.target).get((edge.column, edge.grantee, edge.privilege), [])

    def items(self, target: Target) -> dict[Item, list[Privilege]]:
        if target in self.fresh or target in self.gone:
            return {}
        if target not in self.index:
            items: dict[Item, list[Privilege]] = {}
            found = self.snapshot.found.get(target)
            for row in self._rows_of(found, target) if found else ():
                items.setdefault((row.column, row.grantee, row.privilege), []).append(row)
            self.index[target] = items
        return self.index[target]

    def _rows_of(self, found: Found, target: Target) -> Iterable[Privilege]:
        """https://www.postgresql.org/docs/current/ddl-priv.html: a new owner stands wherever the old one stood."""
        if target not in self.owners:
            return found.acl
        new, old = self.owners[target], found.owner
        moved = {name: new if name == old else name for row in found.acl for name in (row.grantee, row.grantor)}
        return sorted({evolve(row, grantee=moved[row.grantee], grantor=moved[row.grantor]) for row in found.acl})

    def owner(self, target: Target) -> str:
        found = self.snapshot.found.get(target)
        return self.owners.get(target, found.owner if found else "")

    def made(self, target: Target) -> bool:
        """Whether the object is new when the edges' turn comes."""
        return target in self.fresh or (target not in self.snapshot.found and target[0] in self.brought)

    def exists(self, target: Target) -> bool:
        return self.made(target) or (target in self.snapshot.found and target not in self.gone)


def target_lists(
    changes: Iterable[EdgeChange], live: Live
) -> Mapping[Target, tuple[tuple[Mapping[str, object], ...], tuple[Mapping[str, object], ...]]]:
    """For each object whose access list changes: what must be in it afterwards, and what must not."""
    by_target: dict[Target, list[EdgeChange]] = {}
    for change in changes:
        by_target.setdefault(change.edge.target, []).append(change)
    return {target: _after(target, by_target[target], live) for target in sorted(by_target)}


def _after(
    target: Target, changes: list[EdgeChange], live: Live
) -> tuple[tuple[Mapping[str, object], ...], tuple[Mapping[str, object], ...]]:
    rows = {item: list(found) for item, found in live.items(target).items()}
    for change in sorted(changes, key=lambda c: c.action == "grant"):
        edge = change.edge
        item = (edge.column, edge.grantee, edge.privilege)
        if change.action == "revoke":
            rows[item] = _without(rows.get(item, []), change)
        else:
            rows.setdefault(item, []).append(Privilege(*item, grantor=live.owner(target), grantable=change.grantable))
    present = {item: any(row.grantable for row in left) for item, left in rows.items() if left}
    after = tuple({"column": i[0], "grantee": i[1], "privilege": i[2], "grantable": present[i]} for i in sorted(present))
    revoked = sorted(
        {(c.edge.column, c.edge.grantee, c.edge.privilege) for c in changes if c.action == "revoke"} - present.keys()
    )
    forbidden = tuple({"column": i[0], "grantee": i[1], "privilege": i[2]} for i in revoked)
    return after, forbidden


def _without(rows: list[Privilege], revoke: EdgeChange) -> list[Privilege]:
    if revoke.only_option:
        return [evolve(row, grantable=False) if row.grantor == revoke.grantor else row for row in rows]
    return [row for row in rows if row.grantor != revoke.grantor]
