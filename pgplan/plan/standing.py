"""What stands on a grant option that a plan takes: PostgreSQL refuses that REVOKE while its grantee's own grants stand. Pure.

https://www.postgresql.org/docs/current/sql-revoke.html#SQL-REVOKE-NOTES
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from attrs import frozen

from pgplan.address import role_grantee
from pgplan.errors import Problem
from pgplan.plan.claims import Holder, ObjectClass
from pgplan.plan.objects import source_of
from pgplan.snapshot import Item, Privilege


@frozen
class Taken:
    """What becomes of the row of an item that a grantor gave: it goes, or only its grant option does."""

    holder: Holder
    only_option: bool


def stranded(
    cls: ObjectClass,
    rows: Mapping[Item, Collection[Privilege]],
    taken: Mapping[tuple[Item, str], Taken],
    renewed: Collection[Item] = (),
) -> Iterator[Problem]:
    """Grants that would lose the option that they stand on. `rows` is the list as found; a column has one of its own. What is
    `renewed` the owner grants before."""
    if not taken:
        return

    def fate(item: Item, row: Privilege) -> Taken | None:
        """What is taken from a whole object is taken from its columns too."""
        return taken.get((item, row.grantor)) or taken.get((item._replace(column=""), row.grantor))

    given: dict[Item, list[str]] = {}
    for item, some in rows.items():
        for row in some:
            one = fate(item, row)
            if one is None or one.only_option:
                given.setdefault(Item(item.column, role_grantee(row.grantor), item.privilege), []).append(item.grantee)
    for item, some in rows.items():
        if item in renewed:
            continue
        fates = [fate(item, row) for row in some if row.grantable]
        last = fates[0] if fates else None
        # An owner can grant without the option, and PostgreSQL leaves what it granted.
        if last is not None and None not in fates and item in given and item.grantee != cls.owner_grantee:
            yield _problem(last.holder, cls, item, sorted(given[item]))


def _problem(holder: Holder, cls: ObjectClass, item: Item, grantees: list[str]) -> Problem:
    column = f" ({item.column})" if item.column else ""
    more = f" and {len(grantees) - 1} more" if len(grantees) > 1 else ""
    message = (
        f"takes the grant option of {item.privilege}{column} on {cls.type} {cls.some.key} from {item.grantee},"
        f" who has granted it to {grantees[0]}{more}"
    )
    hint = f"take that away too: [[revoke]] it from {grantees[0]}{more}, or do so by hand (`pgplan psql`)"
    return Problem(message, source_of(holder.declared), holder.address, hint)
