"""What the connected role may do, told from one snapshot: so that a missing right is an error of the plan, not of apply.

It says that a right is missing only where that is certain; what it does not know, the server decides.
https://www.postgresql.org/docs/current/ddl-priv.html, https://www.postgresql.org/docs/current/role-attributes.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

from pgplan.sdk import (
    PUBLIC,
    Catalog,
    Edge,
    EdgeChange,
    Found,
    Identity,
    Item,
    Outcome,
    OwnerChange,
    Reasons,
    Wanted,
    grantee_role,
    part,
    role_grantee,
)
from pgplan_postgres.grantable import DEFAULT_PRIVILEGES, GRANTABLE
from pgplan_postgres.leading import Key, is_inherited, leading, memberships_left, reached
from pgplan_postgres.targets import schema_of

ADMIN_NEEDED = 160000
"""server_version_num from which CREATEROLE alone is not enough to alter, drop or grant a role: it takes ADMIN OPTION too."""
SUPERUSER = "the attribute SUPERUSER"
PLATFORMS = (
    "alloydbsuperuser",
    "avnadmin",
    "azure_pg_admin",
    "cloudsqlsuperuser",
    "doadmin",
    "neon_superuser",
    "rds_superuser",
    "supabase_admin",
)
"""Roles of managed services, whose administrators may do some of what PostgreSQL itself leaves to superusers."""
INHERIT_NEEDED = 160000
"""server_version_num from which it takes a role's inherited rights to change its default privileges."""


class Rights:
    """What the connected role has now, or has by what the plan makes."""

    def __init__(
        self, catalog: Catalog, later: Catalog, dropped: Collection[Key] = frozenset(), altered: Collection[Key] = frozenset()
    ) -> None:
        """`later` is `catalog` when all that the plan makes is made, and before privileges change. What is `dropped` has gone by
        then, and what is `altered` is no more as it is found."""
        self.catalog = catalog
        self.later = later
        self.facts = catalog.facts
        self._changed = dropped, altered
        self._inherited: dict[str, frozenset[str]] = {}

    @cached_property
    def now(self) -> Rights:
        """Without what the plan makes."""
        dropped, altered = self._changed
        return Rights(self.catalog, self.catalog, {*dropped, *altered})

    def without(self, dropped: Collection[Key], altered: Collection[Key]) -> Rights:
        return Rights(self.catalog, self.later, dropped, altered)

    def leading(self, dropped: Collection[Key], altered: Collection[Key]) -> list[Key]:
        lost = self._held - self.without(dropped, altered)._held  # noqa: SLF001 (of the same class)
        return leading(self.facts.role, {role for _, role in lost.difference(self._own)}, self._memberships, dropped, altered)

    @property
    def _held(self) -> frozenset[tuple[str, str]]:
        """A way to have something of a role, and the role."""
        ways = (("inherit", self.roles), ("set", self._becoming), ("admin", self._administered))
        return frozenset((how, role) for how, roles in ways for role in roles)

    @property
    def _own(self) -> Iterator[tuple[str, str]]:
        """What the connected role has by memberships of its own. These it never loses: that is refused."""
        for found in self._memberships:
            if found.spec.member == self.facts.role:
                given = (("inherit", self._inherits(found)), ("set", found.spec.set is not False), ("admin", found.spec.admin))
                yield from ((how, found.spec.role) for how, is_given in given if is_given)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The connected role and those whose rights it inherits."""
        return self.inherited_by(self.facts.role)

    def inherited_by(self, role: str) -> frozenset[str]:
        """A role and those whose rights it inherits."""
        if role not in self._inherited:
            inheriting = (found for found in self._memberships if self._inherits(found))
            self._inherited[role] = self._reached(role, inheriting, "inherit")
        return self._inherited[role]

    @cached_property
    def groups(self) -> frozenset[str]:
        """The connected role and those that it is a member of, with inherited rights or without."""
        return self._reached(self.facts.role, self._memberships, "")

    @property
    def platform(self) -> bool:
        """Whether this is a managed service, whose own rules for superusers' work nobody but its server knows."""
        return any(self.catalog.get("role", one) is not None for one in PLATFORMS)

    def has_those_of(self, role: str) -> bool:
        """Whether the connected role has the rights of `role`."""
        return role in self.roles

    def may_become(self, role: str) -> bool:
        """Whether the connected role may SET ROLE to `role`."""
        return role in self._becoming

    @cached_property
    def _becoming(self) -> frozenset[str]:
        allowed = (found for found in self._memberships if found.spec.set is not False)
        return self._reached(self.facts.role, allowed, "set")

    @cached_property
    def _memberships(self) -> tuple[Found, ...]:
        return tuple(memberships_left(self.catalog, self.later, *self._changed))

    def _reached(self, role: str, memberships: Iterable[Found], option: str) -> frozenset[str]:
        """Who makes a role becomes a member that may do so much only where createrole_self_grant says it."""
        own = self.catalog.get("setting", "createrole_self_grant")
        pairs = [(found.spec.role, found.spec.member) for found in memberships]
        if own is not None and option in own.spec.value.lower():
            made = (found for found in self.later.of("role") if self.catalog.get("role", found.key) is None)
            pairs += [(found.spec.name, self.facts.role) for found in made]
        return reached(role, pairs, self.later)

    def _inherits(self, membership: Found) -> bool:
        if membership.spec.inherit is not None:
            return bool(membership.spec.inherit)
        member = self.later.get("role", part(membership.spec.member))
        return member is None or bool(member.spec.inherit)

    def attribute(self, name: str) -> bool:
        """Whether the connected role has an attribute such as ``createrole``: attributes are not inherited."""
        own = self.catalog.get("role", part(self.facts.role))
        return own is None or bool(getattr(own.spec, name))

    def admin_of(self, role: str) -> bool:
        """Whether the connected role has ADMIN OPTION on `role`, by itself or by a role whose rights it inherits."""
        return role in self._administered

    @cached_property
    def _administered(self) -> frozenset[str]:
        held = (found.spec for found in self._memberships if found.spec.admin)
        return frozenset(spec.role for spec in held if spec.member in self.roles)

    def owns(self, found: Found) -> bool:
        return not found.owner or self.has_those_of(found.owner)

    def has(self, type_: str, key: str, privilege: str) -> bool:
        """Whether the connected role has a privilege on an object; true for one that nobody knows yet."""
        found, made = self.catalog.get(type_, key), self.later.get(type_, key)
        if made is None:
            return True
        if found is None:
            # What is new may be born with privileges that default privileges give.
            mine = (one.owner in (self.facts.role, made.owner) for one in self.catalog.of(DEFAULT_PRIVILEGES))
            return self.owns(made) or any(mine)
        # An owner may have lost its own.
        return any(_gives(one, privilege, self.roles) for one in (found, made))

    def has_other(self, role: str, type_: str, key: str, privilege: str) -> bool:
        """The same of another role."""
        found, other = self.later.get(type_, key), self.later.get("role", part(role))
        if found is None or other is None or other.spec.superuser:
            return True
        roles = self.inherited_by(role)
        if self.catalog.get(type_, key) is None:
            return found.owner in roles or any(True for _ in self.catalog.of(DEFAULT_PRIVILEGES))
        return _gives(found, privilege, roles)

    def reaches(self, grantee: str) -> bool:
        """Whether what `grantee` is granted is the connected role's too."""
        return _is_of(grantee, self.roles)

    def runs_as(self, change: EdgeChange) -> str:
        """The owner, where the connected role may become it but does not have its rights, nor what it takes besides."""
        one = change.edge.object
        found = self.later.snapshot.get(one)
        if found is None or not found.owner or self.has_those_of(found.owner) or not self.may_become(found.owner):
            return ""
        if one.type == DEFAULT_PRIVILEGES:
            return found.owner if self.facts.version >= INHERIT_NEEDED else ""
        return "" if self._may(change, found) else found.owner

    def missing_for(self, change: EdgeChange, granted: Collection[Edge]) -> str | None:
        """The right that the connected role lacks to grant or revoke: ownership, or the grant option; or to get at the object."""
        one, item = change.edge.object, change.edge.item
        found = self.later.snapshot.get(one)
        if self.facts.superuser or found is None:
            return None
        if change.run_as and not self.may_become(change.run_as):
            return f"the right to SET ROLE {change.run_as}, which granted {item.privilege} on {one.type} {one.key}"
        if change.run_as or (found.owner and self.owns(found)) or self._may(change, found):
            return self._missing_in_schema(change, granted)
        if one.type == DEFAULT_PRIVILEGES:
            return self._missing_for_defaults(found.owner)
        if change.action == "revoke" and change.grantor and change.grantor not in self.roles:
            return f"the rights of the role {change.grantor}, which granted {item.privilege} on {one.type} {one.key}"
        owner = f"its owner is {found.owner}" if found.owner else "which superusers have"
        return f"ownership of {one.type} {one.key} ({owner}), or {item.privilege} on it with grant option"

    def _may(self, change: EdgeChange, found: Found) -> bool:
        """Whether the connected role may do without the rights of the owner: by a grant option."""
        if found.type == DEFAULT_PRIVILEGES or (
            change.action == "revoke" and change.grantor and change.grantor not in self.roles
        ):
            return False
        item = change.edge.item
        rows = (row for row in found.acl.privileges if row.privilege == item.privilege and row.column in ("", item.column))
        return any(row.grantable and self.reaches(row.grantee) for row in rows)

    def _missing_in_schema(self, change: EdgeChange, granted: Collection[Edge]) -> str | None:
        if change.run_as:
            why = self.hindered(change, granted)
            return f"the rights for it: {why} (grant that first)" if why else None
        schema = self._schema_needed(change, granted)
        return f"USAGE on schema {schema}" if schema else None

    def hindered(self, change: EdgeChange, granted: Collection[Edge]) -> str:
        schema = self._schema_needed(change, granted)
        return f"{change.run_as}, as which it must run, has no USAGE on schema {schema}" if schema else ""

    def _schema_needed(self, change: EdgeChange, granted: Collection[Edge]) -> str:
        """The schema on which who makes the change lacks USAGE. What privileges give on a schema in the same direction changes
        before what needs it."""
        type_, key, database = change.edge.object
        if type_ not in GRANTABLE or not GRANTABLE[type_].in_schema:
            return ""
        schema, runner = part(schema_of(key)), change.run_as
        if self.has_other(runner, "schema", schema, "USAGE") if runner else self.has("schema", schema, "USAGE"):
            return ""
        usage = Identity("schema", schema, database)
        given = (PUBLIC, *map(role_grantee, self.inherited_by(runner or self.facts.role)))
        covered = change.action == "grant" and any(Edge(usage, Item("", one, "USAGE")) in granted for one in given)
        return "" if covered else schema

    def missing_to_give(self, change: OwnerChange) -> list[str]:
        """https://www.postgresql.org/docs/current/sql-altertable.html, and the same of each other type"""
        return list(_missing_to_give(change, self))

    def lock_out(self, change: OwnerChange) -> str | None:
        own = change.object.type == "database" and change.object.key == part(self.facts.database)
        return "the ownership of its own database" if own and change.before == self.facts.role else None

    def _missing_for_defaults(self, owner: str) -> str | None:
        """To be able to SET ROLE is enough before 16; from then on the owner's rights must be inherited."""
        if self.facts.version < INHERIT_NEEDED and owner in self.groups:
            return None
        inherit = "" if self.facts.version < INHERIT_NEEDED else ", inherit = true"
        block = f"[[membership]] with role = {toml(owner)}, member = {toml(self.facts.role)}{inherit}"
        return f"the rights of the role {owner}, whose default privileges they are: declare a {block}"


def _is_of(grantee: str, roles: Collection[str]) -> bool:
    return grantee == PUBLIC or grantee_role(grantee) in roles


def _gives(found: Found, privilege: str, roles: Collection[str]) -> bool:
    return any(row.privilege == privilege and _is_of(row.grantee, roles) for row in found.acl.privileges)


def _missing_to_give(change: OwnerChange, rights: Rights) -> Iterator[str]:
    type_, key, _ = change.object
    if change.before and not rights.has_those_of(change.before):
        yield f"ownership of {type_} {key} (its owner is {change.before})"
    yield from new_owner(change.after, change.before, rights)
    database = rights.facts.database
    if type_ == "database" and not rights.attribute("createdb"):
        yield "the attribute CREATEDB, which it takes to change a database's owner"
    elif type_ == "foreign_data_wrapper":
        yield SUPERUSER
    elif type_ == "schema" and not rights.has("database", part(database), "CREATE"):
        yield f"CREATE on database {database}"
    elif type_ == "server":
        found = rights.catalog.get(type_, key)
        if found is not None and not rights.has_other(change.after, "foreign_data_wrapper", part(found.spec.fdw), "USAGE"):
            yield _of_other(change, f"USAGE on foreign-data wrapper {found.spec.fdw}")
    elif GRANTABLE[type_].in_schema:
        yield from _missing_in_schema(change, part(schema_of(key)), rights)


def _missing_in_schema(change: OwnerChange, schema: str, rights: Rights) -> Iterator[str]:
    if not rights.has("schema", schema, "USAGE"):
        yield f"USAGE on schema {schema}"
    if not rights.has_other(change.after, "schema", schema, "CREATE"):
        yield _of_other(change, f"CREATE on schema {schema}")


def _of_other(change: OwnerChange, right: str) -> str:
    return f"{SUPERUSER}: {change.after}, which is to own it, has no {right} (grant that first, in a plan of its own)"


def toml(role: str) -> str:
    """A role as a block names it."""
    return json.dumps(role_grantee(role), ensure_ascii=False)


def ownership(found: Found, rights: Rights) -> list[str]:
    return [] if rights.owns(found) else [f"ownership of {found.type} {found.key} (its owner is {found.owner})"]


def new_owner(owner: str | None, before: str, rights: Rights) -> list[str]:
    """What it takes to make something of `before` another role's."""
    if owner in (None, before) or rights.may_become(str(owner)):
        return []
    block = f"[[membership]] with role = {toml(str(owner))}, member = {toml(rights.facts.role)}"
    return [f"the right to SET ROLE {owner}, which is to own it: declare a {block}"]


def owners_lack(wanted: Wanted, privilege: str, on: Callable[[Any], tuple[str, str]], outcome: Outcome) -> Reasons:
    """Where a new owner cannot take over what another role has, for want of a privilege `on` what its spec names: type and key.

    A superuser may make anyone the owner. What this plan grants comes after what it makes.
    """
    facts, catalog = outcome.catalog.facts, outcome.catalog
    held: dict[str, frozenset[str]] = {}
    for key, (found, spec) in wanted.items() if not facts.superuser else ():
        owner, (type_, other) = spec.owner, on(spec)
        role, ground = outcome.spec("role", part(owner or "")), outcome.spec(type_, other)
        if owner in (None, found.owner if found is not None else facts.role) or role is None or role.superuser or ground is None:
            continue
        if owner not in held:
            inherited = ((one.role, one.member) for _, one in outcome.specs("membership") if is_inherited(one, outcome))
            held[owner] = reached(owner, inherited, catalog)
        if not _is_held(privilege, catalog.get(type_, other), ground.owner or facts.role, held[owner], catalog):
            name = f"{type_.replace('_', '-')} {other}"
            hint = f"apply a [[grant]] of {privilege} to {owner} first, and then declare the owner"
            yield key, f"the role {owner} lacks {privilege} on {name}, so that only a superuser could make it the owner", hint


def _is_held(privilege: str, found: Found | None, owner: str, holders: Collection[str], catalog: Catalog) -> bool:
    """Whether the roles may have a privilege on an object, which will belong to `owner`."""
    if owner in holders or (found is not None and _gives(found, privilege, holders)):
        return True
    # What is new may be born with privileges that default privileges give.
    return found is None and any(True for _ in catalog.of(DEFAULT_PRIVILEGES))
