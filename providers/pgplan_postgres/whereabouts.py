"""Where an object is, for ``[scope]``, and what of it is nobody's to declare.

https://www.postgresql.org/docs/current/predefined-roles.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pgplan.sdk import (
    PUBLIC,
    SYSTEM_NAME,
    AccessList,
    Catalog,
    Found,
    Privilege,
    Whereabouts,
    grantee_role,
    part,
    role_grantee,
    split,
    unpart,
)
from pgplan_postgres.acl import is_unknown
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.default_lists import DefaultList, without_list
from pgplan_postgres.initial_privileges import given_at_first
from pgplan_postgres.membership import BOOTSTRAP_SUPERUSER, Membership, membership_key
from pgplan_postgres.rights import PLATFORMS
from pgplan_postgres.signatures import split_signature

_PLATFORM = re.compile(
    rf"{'|'.join(PLATFORMS)}|rds_.*|rdsadmin|rdsrepladmin|rdstopmgr|cloudsql.*|alloydb.*|azuresu|azure_.*|supabase_.*"
    "|cloud_admin|neon_.*|zenith_admin"
)
"""Roles that managed services make for themselves."""


def whereabouts(found: Found, catalog: Catalog) -> Whereabouts:  # noqa: PLR0911 - one for each sort of thing
    """See `pgplan.kind.Surveyor.whereabouts`."""
    match found.type:
        case "schema":
            return Whereabouts(unpart(found.key), is_brought=_is_brought(found), as_made=_is_made_with(found))
        case "database":
            return _of_database(found, catalog)
        case "role":
            return _of_role(found, catalog)
        case "membership":
            return _of_membership(found, catalog)
        case "user_mapping":
            return _of_user_mapping(found)
        case "default_privileges":
            return _of_default_list(found, catalog)
        case "parameter":
            # The dot in its name is no schema's, and it is there without anybody's doing.
            return Whereabouts(is_brought=True)
        case _:
            return _in_schema(_schema(found.key), is_brought=_is_brought(found), as_made=_is_made_with(found))


def initial(found: Found, catalog: Catalog) -> AccessList:
    """See `pgplan.kind.Surveyor.initial`."""
    built_in = without_list(found.type, found.key, found.owner, catalog.facts)
    given = given_at_first(found, catalog).privileges or _of_information_schema(found)
    return AccessList(tuple(sorted({*built_in.privileges, *given}))) if given else built_in


def _of_information_schema(found: Found) -> tuple[Privilege, ...]:
    """What initdb gives there and does not note: anybody may look at it."""
    schema = unpart(found.key) if found.type == "schema" else _schema(found.key) if found.type == "table" else ""
    privilege = "USAGE" if found.type == "schema" else "SELECT"
    return (Privilege("", PUBLIC, privilege, found.owner),) if schema == "information_schema" else ()


def is_platform(role: str) -> bool:
    return _PLATFORM.fullmatch(role) is not None


def _is_brought(found: Found) -> bool:
    return is_platform(found.owner) or 0 < found.oid < FIRST_NORMAL_OID or _is_made_with(found)


@lru_cache(maxsize=4096)
def _in_schema(schema: str, *, is_brought: bool, as_made: bool) -> Whereabouts:
    return Whereabouts(schema, is_brought=is_brought, as_made=as_made)


def _is_made_with(found: Found) -> bool:
    return found.system or bool(found.extension)


def _schema(key: str) -> str:
    name, _ = split_signature(key)
    schema, *within = split(name)
    return schema if len(within) == 1 else ""


def _of_database(found: Found, catalog: Catalog) -> Whereabouts:
    """What PUBLIC may do in another database is no business of who is connected to this one."""
    name = unpart(found.key)
    elsewhere = name not in catalog.snapshot.databases
    return Whereabouts(database=name, is_brought=True, as_made=found.system or elsewhere)


def _of_role(found: Found, catalog: Catalog) -> Whereabouts:
    role: str = found.spec.name
    own = role in (catalog.facts.role, catalog.facts.session_role)
    nobodys = own or found.system or is_platform(role)
    return Whereabouts(roles=(role_grantee(role),), is_brought=nobodys or _is_held(role, catalog), as_made=nobodys)


def _is_held(role: str, catalog: Catalog) -> bool:
    """Whether others gave the connected role the rights of this one. What it gave itself, it has of what it made."""
    me = catalog.facts.role
    found = catalog.get("membership", membership_key(Membership(role, me)))
    rows: list[Mapping[str, Any]] = found.extra["rows"] if found is not None else []
    return any(row["grantor"] != me and (row["inherit"] is not False or row["set"] is not False) for row in rows)


def _of_membership(found: Found, catalog: Catalog) -> Whereabouts:
    """A predefined role counts as what somebody is a member of, and only for the member's sake. Platforms see to their own."""
    role, member = found.spec.role, found.spec.member
    brought = (
        is_platform(role)
        or is_platform(member)
        or _is_system(member, catalog)
        or member in (catalog.facts.role, catalog.facts.session_role)
        or any(_is_creators(row, member, catalog) for row in found.extra["rows"])
    )
    scoped = tuple(role_grantee(one) for one in (role, member) if not _is_system(one, catalog))
    return Whereabouts(roles=scoped, others=(role_grantee(role), role_grantee(member)), is_brought=brought)


def _is_creators(row: Mapping[str, Any], member: str, catalog: Catalog) -> bool:
    """What who makes a role without being a superuser is given on it, and cannot give back: from PostgreSQL 16 on."""
    creator, grantor = catalog.get("role", part(member)), catalog.get("role", part(row["grantor"] or ""))
    if grantor is None or grantor.oid != BOOTSTRAP_SUPERUSER or creator is None or not creator.spec.createrole:
        return False
    return bool(row["admin"]) and not row["inherit"] and not row["set"]


def _is_system(role: str, catalog: Catalog) -> bool:
    found = catalog.get("role", part(role))
    return SYSTEM_NAME.match(role) is not None or (found is not None and found.system)


def _of_user_mapping(found: Found) -> Whereabouts:
    user: str = found.spec.user
    role = grantee_role(user)
    return Whereabouts(roles=(user,), is_brought=role is not None and (is_unknown(role) or is_platform(role)))


def _of_default_list(found: Found, catalog: Catalog) -> Whereabouts:
    one: DefaultList = found.spec
    owner = role_grantee(one.owner)
    scoped = () if _is_system(one.owner, catalog) else (owner,)
    # What is built in is in a list only because the list is there.
    return Whereabouts(one.schema, scoped, (owner,), is_brought=is_platform(one.owner), as_made=True)
