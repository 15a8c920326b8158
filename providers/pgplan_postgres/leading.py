"""What leads the connected role to others, and what is left of it on the way through a plan. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pgplan.sdk import Catalog, Found, Outcome, part

Key = tuple[str, str]
"""Type and key of an object."""


DATABASE_OWNER = "pg_database_owner"
"""Predefined: whoever owns the connected database, and nobody else, is in it, without any GRANT."""


def reached(role: str, memberships: Iterable[tuple[str, str]], catalog: Catalog) -> frozenset[str]:
    """A role and those that these memberships, (role, member), lead it to."""
    steps = [(member, group) for group, member in memberships]
    database = catalog.get("database", part(catalog.facts.database))
    steps += [] if database is None else [(database.owner, DATABASE_OWNER)]
    return frozenset(_distances({role}, steps))


def is_inherited(membership: Any, outcome: Outcome) -> bool:
    if membership.inherit is not None:
        return bool(membership.inherit)
    member = outcome.spec("role", part(membership.member))
    return member is None or bool(member.inherit)


def memberships_left(catalog: Catalog, later: Catalog, dropped: Collection[Key], altered: Collection[Key]) -> Iterator[Found]:
    """Those that are found or made when some objects are gone, and others are as they are made.

    A membership as a whole is not what it was when one of its parts is not.
    """
    changed = {*dropped, *altered}
    split = {_whole(found) for found in catalog.of("membership") if changed and ("membership", found.key) in changed}
    for found in catalog.of("membership"):
        roles = ("role", part(found.spec.role)), ("role", part(found.spec.member))
        whole = _whole(found)
        same = changed.isdisjoint((("membership", found.key), ("membership", whole)))
        if same and (found.key != whole or whole not in split) and not any(role in dropped for role in roles):
            yield found
    for found in later.of("membership"):
        if ("membership", found.key) not in dropped and (not changed or _is_new(found, catalog, altered)):
            yield found


def _is_new(found: Found, catalog: Catalog, altered: Collection[Key]) -> bool:
    return ("membership", found.key) in altered or catalog.get("membership", found.key) is None


def _whole(membership: Found) -> str:
    return f"{part(membership.spec.role)}/{part(membership.spec.member)}"


def leading(
    me: str, lost: Collection[str], memberships: Collection[Found], dropped: Collection[Key], altered: Collection[Key]
) -> list[Key]:
    """What is dropped or altered and leads from `me` on to roles that are `lost`; what is farthest is first."""
    pairs = [(found.spec.role, found.spec.member) for found in memberships]
    above = _distances(lost, pairs)
    below = _distances({me}, [(member, role) for role, member in pairs])
    at: dict[Key, int] = {}
    for found in memberships:
        role, member = found.spec.role, found.spec.member
        if role in above and member in below and member != me:
            at["role", part(member)] = at["membership", found.key] = below[member]
    leaving = {*dropped, *(key for key in altered if key[0] == "membership")}
    return sorted(at.keys() & leaving, key=lambda key: (-at[key], key))


def _distances(start: Collection[str], steps: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many of the steps, each from one to another, lead to what can be reached."""
    ways: dict[str, list[str]] = {}
    for one, other in steps:
        ways.setdefault(one, []).append(other)
    distances, ring, steps_taken = dict.fromkeys(start, 0), list(start), 0
    while ring:
        steps_taken += 1
        ring = list(dict.fromkeys(other for one in ring for other in ways.get(one, ()) if other not in distances))
        distances |= dict.fromkeys(ring, steps_taken)
    return distances
