"""What the database must hold before and after the steps, against what it does hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pgplan.errors import Problem
from pgplan.images import MARKER, Image
from pgplan.kind import Found, Snapshot
from pgplan.plan.diff import agrees
from pgplan.plan.model import Plan, Relied
from pgplan.plan.observed import EXTRA, HIDDEN, relied_acl, relied_image

Item = tuple[str, str, str]
"""(column, grantee, privilege)"""


def stale(plan: Plan, found: Snapshot) -> list[Problem]:
    """Every difference between what the plan found and what is found now, by address and attribute."""
    return [problem for relied in plan.relied for problem in _stale(relied, found.get(relied.type, relied.key))]


def _stale(relied: Relied, found: Found | None) -> list[Problem]:
    address = f"{relied.type}.{relied.key}"
    if found is None:
        return [] if relied.oid is None else [Problem("is gone; the plan found it", address=address)]
    if relied.oid is None:
        return [Problem(f"exists now (OID {found.oid}); the plan found nothing there", address=address)]
    if found.oid != relied.oid:
        message = f"is another object now: its OID is {found.oid}, the plan found {relied.oid}"
        return [Problem(message, address=address)]
    problems: list[Problem] = []
    if relied.image is not None:
        now = relied_image(found, relied.image)
        for name in sorted(relied.image.keys() | now.keys()):
            if not agrees(relied.image.get(name), now.get(name)):
                said = _difference(relied.image.get(name), now.get(name), "the plan found")
                problems.append(Problem(f"{name} {said}", address=address))
    if relied.acl is not None:
        problems += [Problem(said, address=address) for said in _list_difference(relied.acl, relied_acl(found))]
    return problems


def _difference(planned: Any, now: Any, verb: str) -> str:
    """In words. Of tables only the names that differ are told: an option that nobody declared may hold a secret."""
    if isinstance(planned, Mapping) or isinstance(now, Mapping):
        if MARKER in (planned, now) or not isinstance(planned, Mapping) or not isinstance(now, Mapping):
            return f"is not what {verb}"
        names = sorted(str(k) for k in planned.keys() | now.keys() if not agrees(planned.get(k), now.get(k)))  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType] JSON
        return f"differs from what {verb} in: {', '.join(names)}"
    return f"is {now!r}; {verb} {planned!r}"


def _list_difference(planned: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    gone = [item for item in planned if item not in now]
    come = [item for item in now if item not in planned]
    return [f"privilege is gone: {_words(item)}" for item in gone] + [f"privilege is new: {_words(item)}" for item in come]


def _words(item: Mapping[str, Any]) -> str:
    column = f" ({item['column']})" if item.get("column") else ""
    option = " with grant option" if item.get("grantable") else ""
    grantor = f", granted by {item['grantor']}" if item.get("grantor") else ""
    return f"{item['privilege']}{column} to {item['grantee']}{option}{grantor}"


def unfulfilled(plan: Plan, found: Snapshot) -> list[Problem]:
    """Every difference between what the plan promised and what is found after its steps, untouched attributes included."""
    replaced = {change.address for change in plan.changes if change.action == "replace"}
    problems: list[Problem] = []
    for relied in plan.relied:
        address = f"{relied.type}.{relied.key}"
        after = found.get(relied.type, relied.key)
        said = _unfulfilled(relied, after, replaced=address in replaced)
        problems += [Problem(words, address=address) for words in said]
    return problems


def _unfulfilled(relied: Relied, found: Found | None, *, replaced: bool) -> list[str]:
    if relied.expected is None:
        return [] if found is None else [f"is still there (OID {found.oid})"]
    if found is None:
        return ["is not there"]
    if relied.oid and (found.oid == relied.oid) == replaced:
        return [f"is still the object with OID {found.oid}" if replaced else f"is another object: its OID is {found.oid}"]
    wanted = {name: value for name, value in relied.expected.items() if value is not None}
    if relied.expected and relied.image is not None and not replaced:
        untouched = relied.image.keys() - wanted.keys() - {EXTRA, HIDDEN}
        wanted.update((name, relied.image[name]) for name in untouched if relied.image[name] is not None)
    now = relied_image(found, wanted)
    said = [
        f"{name} {_difference(value, now.get(name), 'the plan wants')}"
        for name, value in sorted(wanted.items())
        # None on the found side is hidden, never empty.
        if now.get(name) is not None and not agrees(value, now[name])
    ]
    return said + _list_unfulfilled(relied, found)


def _merged(items: Sequence[Mapping[str, Any]]) -> dict[Item, bool]:
    """An access list without grantors: whether each privilege can be granted on."""
    merged: dict[Item, bool] = {}
    for item in items:
        key = (str(item["column"]), str(item["grantee"]), str(item["privilege"]))
        merged[key] = merged.get(key, False) or bool(item.get("grantable", False))
    return merged


def _list_unfulfilled(relied: Relied, found: Found) -> list[str]:
    has = _merged(relied_acl(found))
    said: list[str] = []
    if relied.expected_acl is not None:
        wanted = _merged(relied.expected_acl)
        for item, grantable in sorted(wanted.items()):
            if item not in has:
                said.append(f"privilege is missing: {_named(item)}")
            elif grantable and not has[item]:
                said.append(f"grant option is missing: {_named(item)}")
            elif has[item] and not grantable and relied.exact_acl:
                said.append(f"grant option is still there: {_named(item)}")
        if relied.exact_acl:
            said += [f"privilege was not planned: {_named(item)}" for item in sorted(has.keys() - wanted.keys())]
    forbidden = sorted(_merged(relied.forbidden_acl).keys() & has.keys())
    return said + [f"privilege is still there: {_named(item)}" for item in forbidden]


def _named(item: Item) -> str:
    column, grantee, privilege = item
    return _words({"column": column, "grantee": grantee, "privilege": privilege})


def same_image(recorded: Image, found: Image) -> bool:
    """Whether an image that was recorded, its secrets masked, is that of what is found."""
    return all(agrees(recorded.get(name), found.get(name)) for name in recorded.keys() | found.keys())
