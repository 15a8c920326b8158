"""What the database must hold before and after the steps, against what it does hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pgplan.address import Identity
from pgplan.errors import Problem
from pgplan.images import MARKER, Image
from pgplan.plan.model import Check, Observed, Plan
from pgplan.plan.observed import agrees, relied_image, wanted_image
from pgplan.render.values import value
from pgplan.snapshot import AccessList, Found, Item, Privilege, Snapshot


def stale(plan: Plan, snapshot: Snapshot) -> list[Problem]:
    """Every difference between what the plan found and what is found now, by identity and attribute."""
    counting = counted(plan)
    return [
        Problem(said, address=str(observed.identity))
        for observed in plan.observed.objects
        for said in _stale(observed, snapshot.get(observed.identity), counting[observed.identity])
    ]


def counted(plan: Plan) -> dict[Identity, frozenset[Item]]:
    """Of each object's access list the items that the plan changes or needs: what others say of other items is theirs."""
    items: dict[Identity, set[Item]] = {}
    for observed in plan.observed.objects:
        items.setdefault(observed.identity, set()).update(one.item for one in privileges(observed.acl or ()))
    for check in plan.decided.checks:
        items.setdefault(check.identity, set()).update(Item(one.column, one.grantee, one.privilege) for one in check.items)
    return {identity: frozenset(of_one) for identity, of_one in items.items()}


def privileges(rows: Iterable[Mapping[str, Any]]) -> tuple[Privilege, ...]:
    """The rows of an access list as a plan has them."""
    return tuple(Privilege(**row) for row in rows)


def rows_of(acl: AccessList, items: Iterable[Item]) -> tuple[Privilege, ...]:
    """The rows of `items`, sorted."""
    return tuple(sorted(row for item in items for row in acl.rows.get(item, ())))


def _stale(observed: Observed, found: Found | None, counting: frozenset[Item]) -> list[str]:
    if found is None:
        return [] if observed.oid is None else ["is gone; the plan found it"]
    if observed.oid is None:
        return [f"exists now (OID {found.oid}); the plan found nothing there"]
    if found.oid != observed.oid:
        return [f"is another object now: its OID is {found.oid}, the plan found {observed.oid}"]
    said: list[str] = []
    if observed.image is not None:
        was, now = observed.image, relied_image(found, observed.image)
        said += [
            f"{name} {_difference(was.get(name), now.get(name), 'the plan found')}"
            for name in sorted(was.keys() | now.keys())
            if not agrees(was.get(name), now.get(name))
        ]
    if observed.acl is not None:
        then = set(privileges(observed.acl))
        rows = set(found.acl.privileges if observed.whole else rows_of(found.acl, counting))
        said += [f"privilege is gone: {_granted(row)}" for row in sorted(then - rows)]
        said += [f"privilege is new: {_granted(row)}" for row in sorted(rows - then)]
    return said


def _difference(planned: Any, now: Any, verb: str) -> str:
    """In words. Of tables only the names that differ are told: an option that nobody declared may hold a secret."""
    if isinstance(planned, Mapping) or isinstance(now, Mapping):
        if MARKER in (planned, now) or not isinstance(planned, Mapping) or not isinstance(now, Mapping):
            return f"is not what {verb}"
        names = sorted(str(k) for k in planned.keys() | now.keys() if not agrees(planned.get(k), now.get(k)))  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType] JSON
        return f"differs from what {verb} in: {', '.join(names)}"
    return f"is {_shown(now)}; {verb} {_shown(planned)}"


def _shown(data: Any) -> str:
    """A value as in TOML, which has no word for what is not known."""
    return "nothing" if data is None else value(data)


def _granted(row: Privilege) -> str:
    return f"{_named(row.item)}{' with grant option' if row.grantable else ''}, granted by {row.grantor}"


def _named(item: Item) -> str:
    column = f" ({item.column})" if item.column else ""
    return f"{item.privilege}{column} to {item.grantee}"


def unfulfilled(plan: Plan, snapshot: Snapshot) -> list[Problem]:
    """Every difference between what the plan promised and what is found after its steps, untouched attributes included."""
    before = {observed.identity: observed for observed in plan.observed.objects}
    return [
        Problem(said, address=str(check.identity))
        for check in plan.decided.checks
        for said in _unfulfilled(check, before.get(check.observed), snapshot.get(check.identity))
    ]


def _unfulfilled(check: Check, before: Observed | None, found: Found | None) -> list[str]:
    if found is None:
        return [] if check.gone else ["is not there"]
    if check.gone:
        return [f"is still there (OID {found.oid})"]
    if before is not None and before.oid:
        same = found.oid == before.oid
        if same == check.new:
            return [f"is still the object with OID {found.oid}" if same else f"is another object: its OID is {found.oid}"]
    wanted = wanted_image(check, before)
    now = relied_image(found, wanted)
    said = [
        f"{name} {_difference(value, now.get(name), 'the plan wants')}"
        for name, value in sorted(wanted.items())
        # None on the found side is hidden, never empty.
        if now.get(name) is not None and not agrees(value, now[name])
    ]
    if check.owner and found.owner != check.owner:
        said.append(f"owner {_difference(check.owner, found.owner, 'the plan wants')}")
    return said + _items_unfulfilled(check, found.acl)


def _items_unfulfilled(check: Check, acl: AccessList) -> list[str]:
    said: list[str] = []
    for one in check.items:
        item = Item(one.column, one.grantee, one.privilege)
        rows = acl.rows.get(item, ())
        option = any(row.grantable for row in rows)
        if not one.present:
            said += [f"privilege is still there: {_named(item)}"] if rows else []
        elif not rows:
            said.append(f"privilege is missing: {_named(item)}")
        elif one.grantable and not option:
            said.append(f"grant option is missing: {_named(item)}")
        elif option and not one.grantable and not check.new:
            # A new object is born with what its maker's default privileges say.
            said.append(f"grant option is still there: {_named(item)}")
    return said


def same_image(recorded: Image, found: Image) -> bool:
    """Whether an image that was recorded, its secrets masked, is that of what is found."""
    return all(agrees(recorded.get(name), found.get(name)) for name in recorded.keys() | found.keys())
