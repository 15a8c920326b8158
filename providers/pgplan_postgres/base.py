"""What kinds of PostgreSQL objects have in common, besides `pgplan.sdk`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pgplan.sdk import Found, ObjectKindBase, Reference, part
from pgplan_postgres.rights import Rights, new_owner, ownership

FIRST_NORMAL_OID = 16384
"""Objects with smaller OIDs were made by initdb (src/include/access/transam.h)."""


class OwnedKind(ObjectKindBase):
    """Defaults for a kind whose objects have an owner: `owner` is an attribute of its specs, and `Found.owner` is given."""

    grantees: Sequence[str] = ("owner",)

    def owner(self, spec: Any) -> str | None:
        owner: str | None = spec.owner
        return owner

    def missing_rights(self, found: Found | None, spec: Any, rights: Rights) -> Sequence[str]:
        """Ownership, and what it takes to hand it on."""
        lacks = [] if found is None else ownership(found, rights)
        before = rights.facts.role if found is None else found.owner
        return lacks if spec is None else [*lacks, *new_owner(self.owner(spec), before, rights)]


def to_role(value: str | None, attribute: str) -> list[Reference]:
    """A reference to a role by its name. None: nothing is said."""
    return [Reference("role", part(value), attribute)] if value else []
