"""What the connected role may do, told from one snapshot: so that a missing right is an error of the plan, not of apply.

It says that a right is missing only where that is certain; what it does not know, the server decides.
https://www.postgresql.org/docs/current/ddl-priv.html, https://www.postgresql.org/docs/current/role-attributes.html
"""

from __future__ import annotations

from functools import cached_property

from pgplan.address import PUBLIC, grantee_role, part
from pgplan.kind import EdgeChange, Found, Snapshot

ADMIN_NEEDED = 160000
"""server_version_num from which CREATEROLE alone is not enough to alter, drop or grant a role: it takes ADMIN OPTION too."""


class Rights:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.facts = snapshot.facts

    @cached_property
    def roles(self) -> frozenset[str]:
        """The connected role and those whose rights it inherits."""
        database = self.snapshot.get("database", part(self.facts.database))
        given: dict[str, list[str]] = {}
        for found in self.snapshot.of("membership"):
            if self._inherits(found):
                given.setdefault(found.spec.member, []).append(found.spec.role)
        if database is not None:
            given.setdefault(database.owner, []).append("pg_database_owner")
        known, queue = {self.facts.role}, [self.facts.role]
        while queue:
            fresh = set(given.get(queue.pop(), ())) - known
            known |= fresh
            queue += fresh
        return frozenset(known)

    def _inherits(self, membership: Found) -> bool:
        if membership.spec.inherit is not None:
            return bool(membership.spec.inherit)
        member = self.snapshot.get("role", part(membership.spec.member))
        return member is None or bool(member.spec.inherit)

    def attribute(self, name: str) -> bool:
        """Whether the connected role has an attribute such as ``createrole``: attributes are not inherited."""
        own = self.snapshot.get("role", part(self.facts.role))
        return own is None or bool(getattr(own.spec, name))

    def admin_of(self, role: str) -> bool:
        """Whether the connected role has ADMIN OPTION on `role`, by itself or by a role whose rights it inherits."""
        held = (found.spec for found in self.snapshot.of("membership") if found.spec.role == role and found.spec.admin)
        return any(spec.member in self.roles for spec in held)

    def owns(self, found: Found) -> bool:
        return not found.owner or found.owner in self.roles

    def has(self, type_: str, key: str, privilege: str) -> bool:
        """Whether the connected role has a privilege on an object; true for one that is not found."""
        found = self.snapshot.get(type_, key)
        if found is None or self.owns(found):
            return True
        return any(row.privilege == privilege and self._reaches(row.grantee) for row in found.acl)

    def _reaches(self, grantee: str) -> bool:
        return grantee == PUBLIC or grantee_role(grantee) in self.roles

    def missing_for(self, change: EdgeChange) -> str | None:
        """The right that the connected role lacks to grant or revoke: ownership, or the grant option."""
        edge = change.edge
        found = self.snapshot.found.get(edge.target)
        if self.facts.superuser or found is None or self.owns(found) or change.run_as:
            return None
        if change.action == "revoke" and change.grantor and change.grantor not in self.roles:
            return f"the rights of the role {change.grantor}, which granted {edge.privilege} on {edge.type} {edge.key}"
        rows = (row for row in found.acl if row.privilege == edge.privilege and row.column in ("", edge.column))
        if any(row.grantable and self._reaches(row.grantee) for row in rows):
            return None
        return f"ownership of {edge.type} {edge.key} (its owner is {found.owner}), or {edge.privilege} on it with grant option"


def ownership(found: Found, rights: Rights) -> str | None:
    return None if rights.owns(found) else f"ownership of {found.type} {found.key} (its owner is {found.owner})"
