"""What grant and revoke have in common as kinds.

https://www.postgresql.org/docs/current/sql-grant.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import evolve

from pgplan.sdk import Catalog, Claim, Facts, Found, Item, Reference, Scope, Secret, Selector, grantee_role, is_pattern, part
from pgplan_postgres.access import Access, parse_key
from pgplan_postgres.access_toml import access_blocks
from pgplan_postgres.grantable import GRANTABLE
from pgplan_postgres.privileges import ALL, Right, expanded
from pgplan_postgres.selectors import OwnedSequences
from pgplan_postgres.targets import readers_of


class AccessKind:
    """The part of `pgplan.kind.EdgeKind` that grant and revoke share."""

    form: Literal["table", "array"] = "array"
    scope: Scope = "database"
    version: int = 1
    right_after: Sequence[str] = ()
    of_owners = False
    spec = Access
    attribute: str
    """What a block calls the grantee."""
    forbids: bool
    """Whether it is about privileges that must not be there."""

    def secrets(self, spec: Access) -> Mapping[str, Secret]:  # the contract asks every kind
        return {}

    def references(self, spec: Access) -> Sequence[Reference]:
        """The grantee and what is named. A function without argument types is resolved, and missed, by its selector."""
        role = grantee_role(spec.grantee)
        references = [] if role is None else [Reference("role", part(role), self.attribute)]
        if not spec.named:
            if not is_pattern(spec.object):
                references.append(Reference("schema", spec.object, spec.type))
        elif spec.type != "function" or spec.object.endswith(")"):
            references.append(Reference(spec.type, spec.object, "on"))
        return references

    def merge(self, one: Access, other: Access) -> Access:
        return evolve(one, rights=(*one.rights, *other.rights))

    def blocks(self, spec: Access) -> Sequence[Mapping[str, Any]]:
        return access_blocks(spec, self.attribute)

    def reads(self, spec: Access) -> Sequence[str]:
        """A table's name is looked for among the sequences too, and the other way round, for the sake of the error."""
        namesake = GRANTABLE[spec.object_type].namesake
        if any(right.with_sequences for right in spec.rights):
            return (spec.object_type, "sequence")
        if not spec.named:
            return (spec.object_type,)
        return (*readers_of(spec.object_type, spec.object), *([namesake] if namesake else []))

    def claims(self, spec: Access, facts: Facts) -> Sequence[Claim]:
        """One for each set of objects, and with grant option one more; an item that is in both is in that one only."""
        said: dict[tuple[Selector, bool], dict[Item, None]] = {}
        for right in spec.rights:
            items = said.setdefault((spec.selector(right), right.grantable), {})
            for privilege in expanded(spec.object_type, right.privilege, facts.version, columns=bool(right.columns)):
                items |= dict.fromkeys(Item(column, spec.grantee, privilege) for column in right.columns or ("",))
            if right.with_sequences:
                # nextval() in the default of a serial column asks for USAGE of whoever inserts.
                sequences = OwnedSequences(spec.selector(right))
                said.setdefault((sequences, right.grantable), {})[Item("", spec.grantee, "USAGE")] = None
        claims: list[Claim] = []
        for (selector, grantable), items in said.items():
            more = {} if grantable else said.get((selector, True), {})
            if some := tuple(sorted(item for item in items if item not in more)):
                claims.append(Claim(selector, some, self.forbids, grantable))
        return claims

    def _found(self, key: str, catalog: Catalog) -> tuple[Access, list[Found]]:
        """What an address names, without rights, and the objects found. Raises InvalidBlockError."""
        spec = parse_key(key)
        targets = spec.selector(Right(ALL)).objects(catalog)
        return spec, [found for target in targets if (found := catalog.get(*target)) is not None]


def common(lists: Sequence[Mapping[tuple[str, str], bool]]) -> dict[tuple[str, str], bool]:
    """What every one of the lists gives, with grant option if each gives it so."""
    first, *others = lists or [{}]
    items = sorted(item for item in first if all(item in one for one in others))
    return {item: all(one[item] for one in lists) for item in items}
