"""Which rights the connected role lacks to make, alter or drop a role.

https://www.postgresql.org/docs/current/role-attributes.html, and CreateRole(), AlterRole() and DropRole() in
src/backend/commands/user.c: their rules changed with PostgreSQL 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pgplan_postgres.rights import ADMIN_NEEDED, SUPERUSER, Rights

SWITCHES = ("superuser", "createdb", "createrole", "login", "inherit", "replication", "bypassrls")
DEFAULTS = {"inherit": True, "connection_limit": -1}
_ATTRIBUTES = (*SWITCHES, "connection_limit", "valid_until")
"""What CREATE ROLE and ALTER ROLE set, but for the password."""
_OWN = {"password", "config", "database_config"}
"""What every role may set of itself."""
_RARE = ("createdb", "replication", "bypassrls")
"""What may be given or taken from 16 on by who has it, with CREATEROLE."""
_SUPERUSERS = ("replication", "bypassrls")
"""What only a superuser may give or take before 16."""


def missing(before: Any, spec: Any, rights: Rights) -> list[str]:
    """To get from the role `before` (None: create) to `spec` (None: drop)."""
    changed = _changed(before, spec)
    new = rights.facts.version >= ADMIN_NEEDED
    lacks: list[str] = []
    if before is None or before.name != rights.facts.role or spec is None or not _OWN.issuperset(changed):
        lacks += [] if rights.attribute("createrole") else ["the attribute CREATEROLE"]
        if before is not None and new and not rights.admin_of(before.name):
            lacks.append(f"ADMIN OPTION on the role {before.name}")
    if before is not None and before.superuser:
        lacks.append(SUPERUSER)
    elif not new and before is not None and before.replication and _is_altered(spec, changed):
        lacks.append(f"{SUPERUSER}, which altering a role with REPLICATION needs before PostgreSQL 16")
    return [*lacks, *(f"{right}, to {verb} {each.upper()}" for each, right, verb in _attributes(changed, spec, rights, new=new))]


def to_rename(before: Any, rights: Rights) -> list[str]:
    lacks = [] if rights.attribute("createrole") else ["the attribute CREATEROLE"]
    if rights.facts.version >= ADMIN_NEEDED and not rights.admin_of(before.name):
        lacks.append(f"ADMIN OPTION on the role {before.name}")
    return [*lacks, *([SUPERUSER] if before.superuser else [])]


def _changed(before: Any, spec: Any) -> list[str]:
    """Attributes that a statement names. A password that is only to be sent is told by the absence of any other."""
    if spec is None:
        return []
    names = (*_ATTRIBUTES, "config", "database_config", "comment")

    def had(name: str) -> Any:
        return DEFAULTS.get(name, False) if before is None else getattr(before, name)

    return [name for name in names if getattr(spec, name) not in (None, had(name))] or ["password"]


def _is_altered(spec: Any, changed: Sequence[str]) -> bool:
    """Whether there is an ALTER ROLE that is about more than settings; a DROP is none."""
    return spec is not None and any(name in (*_ATTRIBUTES, "password") for name in changed)


def _attributes(changed: Sequence[str], spec: Any, rights: Rights, *, new: bool) -> list[tuple[str, str, str]]:
    """(attribute, right that it takes, verb) of those that not every CREATEROLE role may give or take."""
    needed: list[tuple[str, str, str]] = []
    for each in changed:
        verb = "give" if getattr(spec, each, None) else "take away"
        if each == "superuser" or (each in _SUPERUSERS and not new):
            needed.append((each, SUPERUSER, verb))
        elif each in _RARE and new and not rights.attribute(each):
            needed.append((each, f"the attribute {each.upper()}", verb))
    return needed
