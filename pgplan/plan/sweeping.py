"""What is undeclared in the lists of one class, when all that is declared and recorded of them is known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Literal

from attrs import define, field, frozen

from pgplan.address import Address, Identity, role_grantee
from pgplan.kind import Edge, EdgeChange
from pgplan.plan.claims import Holder, ObjectClass
from pgplan.snapshot import Item, Privilege


@frozen
class ItemChange:
    """One item to be granted or revoked on every object of a class."""

    action: Literal["grant", "revoke"]
    item: Item
    grantable: bool = False
    only_option: bool = False
    run_as: str = ""
    grantor: str = ""
    """Whose grant a revoke takes away."""
    ahead: bool = False
    """See `pgplan.kind.EdgeChange`."""


def edge_change(change: ItemChange, one: Identity) -> EdgeChange:
    edge = Edge(one, change.item)
    return EdgeChange(
        change.action, edge, change.grantable, change.only_option, change.run_as, change.grantor, ahead=change.ahead
    )


@frozen
class Swept:
    """Something undeclared, by which entry of the scope, and what takes it away. What that takes along, and what stays, is given
    back."""

    item: Item
    why: str
    changes: tuple[ItemChange, ...]


@define
class Sweeping:
    """`rows` is the list that privileges change from."""

    cls: ObjectClass
    rows: Mapping[Item, Collection[Privilege]]
    found: dict[Privilege, str] = field(factory=dict[Privilege, str])
    """What is undeclared, and by which entry of the scope."""
    taken: list[ItemChange] = field(factory=list[ItemChange])
    _only_told: list[ItemChange] = field(factory=list[ItemChange])
    _going: set[Privilege] = field(factory=set[Privilege])
    """Those that are taken."""

    def sweep(
        self,
        known: Collection[Item],
        gone: Collection[tuple[Item, str]],
        revoke: Callable[[Item, Privilege], ItemChange],
    ) -> set[Item]:
        """Take all that is neither `known` nor, by item and grantor, `gone`; return the items."""
        sweep = self.cls.sweep
        if sweep is None:
            return set()
        self.found = {
            row: why for row, why in sweep.rows.items() if row.item not in known and (row.item, row.grantor) not in gone
        }
        there = [row for row in self.found if row in self.rows.get(row.item, ())]
        revokes = [revoke(row.item, row) for row in there]
        if not sweep.deletes:
            # What is not there yet is not undeclared.
            self._only_told = revokes if self.cls.fate == "kept" else []
            return set()
        self._going, self.taken = set(there), revokes
        return {row.item for row in self.found}

    def holder(self, item: Item, default: str) -> Holder:
        """Who takes it: the address that would declare it, of the first object. `default` is the database that goes without
        saying."""
        assert self.cls.sweep is not None
        kind, one = self.cls.sweep.kind, self.cls.some
        database = "" if one.database == default else one.database
        address = Address(kind.name, kind.key_on(one.type, one.key, item.grantee), database)
        return Holder(str(address), kind, one.database, None, None, None)

    def stranded(self, item: Item) -> list[Privilege]:
        """The rows of an item whose grantors lose the last grant option that they have."""
        return [row for row in self.rows.get(item, ()) if self._loses(role_grantee(row.grantor), item)]

    def _loses(self, grantor: str, item: Item) -> bool:
        places = [Item(column, grantor, item.privilege) for column in dict.fromkeys(("", item.column))]
        options = [row for place in places for row in self.rows.get(place, ()) if row.grantable]
        return grantor != self.cls.owner_grantee and bool(options) and self._going.issuperset(options)

    def told(self) -> Iterator[Swept]:
        """Item by item."""
        whys = {row.item: why for row, why in self.found.items()}
        changes: dict[Item, list[ItemChange]] = {}
        for change in (*self.taken, *self._only_told):
            # What is given back of a column is told with what took it.
            item = change.item if change.item in whys else change.item._replace(column="")
            changes.setdefault(item, []).append(change)
        yield from (Swept(item, whys[item], tuple(changes[item])) for item in sorted(changes))
