"""Columns under a whole object: what is given on the object cannot be taken from one of its columns, and what is taken from it
is taken from them. Pure.

https://www.postgresql.org/docs/current/sql-revoke.html#SQL-REVOKE-NOTES
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from attrs import frozen

from pgplan.address import PUBLIC
from pgplan.errors import Problem
from pgplan.plan.claims import ObjectClass, Stake
from pgplan.plan.objects import source_of
from pgplan.plan.sweeping import ItemChange
from pgplan.snapshot import Item, Privilege


@frozen
class Giver:
    """Who gives an item after the plan: the address that declares it, else whoever granted it."""

    address: str = ""
    named: bool = False
    """Whether the address names the object, and so beats a pattern."""
    grantors: tuple[str, ...] = ()


def vain_revokes(stake: Stake, item: Item, cls: ObjectClass, giver_of: Callable[[Item], Giver | None]) -> Iterator[Problem]:
    """Why a revoke from a column would leave its grantee what it takes: that one, or everybody, has it on the whole object.

    What a grantee has through a group, or as a superuser, is not looked at: a revoke is about what was granted.
    """
    for grantee in dict.fromkeys((item.grantee, PUBLIC)):
        giver = giver_of(Item("", grantee, item.privilege))
        if giver is None or (giver.named and not stake.claim.selector.named):
            continue
        holder, what = stake.holder, f"{item.privilege} on the whole {cls.type}"
        more = f" and {len(cls.objects) - 1} more" if len(cls.objects) > 1 else ""
        by = f"by {giver.address}" if giver.address else f"granted by {' and '.join(giver.grantors)}"
        message = f"revokes {item.privilege} ({item.column}) on {cls.type} {cls.some.key}{more}, but {grantee} has {what}, {by}"
        yield Problem(message, source_of(holder.declared), holder.address, _hint(giver, what, grantee, cls))


def given_back(
    rows: Mapping[Item, Collection[Privilege]], changes: Iterable[ItemChange], going: Collection[Item], lowered: Collection[Item]
) -> list[ItemChange]:
    """A REVOKE on a whole object also takes what its grantor gave on the columns: what grants again that which should stay.

    What is `going` should not, and what is `lowered` should stay without grant option.
    """
    restored: dict[Item, ItemChange] = {}
    for change in changes:
        if change.action == "revoke" and not change.item.column:
            restored.update(_taken_along(rows, change, going, lowered))
    return list(restored.values())


def _taken_along(
    rows: Mapping[Item, Collection[Privilege]], change: ItemChange, going: Collection[Item], lowered: Collection[Item]
) -> Iterator[tuple[Item, ItemChange]]:
    for item, of_item in rows.items():
        if not item.column or item in going:
            continue
        if (item.grantee, item.privilege) != (change.item.grantee, change.item.privilege):
            continue
        taken = [row for row in of_item if row.grantor == change.grantor and (row.grantable or not change.only_option)]
        grantable = any(row.grantable for row in taken) and item not in lowered
        if taken and (grantable or not change.only_option):
            yield item, ItemChange("grant", item, grantable=grantable)


def _hint(giver: Giver, what: str, grantee: str, cls: ObjectClass) -> str:
    if giver.address:
        return f"in {giver.address} name the columns that {grantee} may have; PostgreSQL cannot take one from the whole"
    if grantee == cls.owner_grantee:
        return f"the owner has it by owning the {cls.type}: remove this revoke, or give the {cls.type} another owner"
    return f"revoke {what} from {grantee}, and grant the columns that it may have"
