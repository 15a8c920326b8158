"""What a server would refuse of extensions, and which rights it takes to install one.

https://www.postgresql.org/docs/current/sql-createextension.html, and src/backend/commands/extension.c
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pgplan.sdk import Found, Outcome, part
from pgplan_postgres.available_extension import AvailableExtension, Version
from pgplan_postgres.rights import SUPERUSER, Rights

_LIST = "`SELECT name FROM pg_available_extensions` lists those that are there (`pgplan psql`)"


def refused(found: Found | None, spec: Any, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """(message, hint) for each reason why it cannot be installed, or become what it shall be."""
    offered = _offered(spec.name, outcome)
    if found is not None:
        yield from _refused_update(found, spec, offered, outcome)
    elif offered is None:
        names = [one.spec.name for one in outcome.catalog.of("available_extension")]
        close = difflib.get_close_matches(spec.name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"install its package on the machine of the server; {_LIST}"
        yield f"the server does not offer the extension {spec.name}: its files are not there", hint
    else:
        yield from _refused_creation(spec, offered, outcome)


def _offered(name: str, outcome: Outcome) -> AvailableExtension | None:
    found = outcome.catalog.get("available_extension", part(name))
    return found.spec if found is not None else None


def _refused_creation(spec: Any, offered: AvailableExtension, outcome: Outcome) -> Iterator[tuple[str, str]]:
    version = offered.version(spec.version)
    if version is None:
        default = f", or leave version out for {offered.default}" if offered.default else ""
        hint = f"write one of {', '.join(sorted(offered.versions))}{default}"
        which = f"version {spec.version}" if spec.version else "default version"
        yield f"the server has no {which} of the extension {spec.name}", hint
        return
    if version.schema and spec.schema not in (None, version.schema):
        yield f"the extension {spec.name} must be in the schema {version.schema}", "leave schema out"
    yield from _lacking(spec, version, outcome, cascade=bool(spec.cascade))


def _lacking(spec: Any, version: Version, outcome: Outcome, *, cascade: bool) -> Iterator[tuple[str, str]]:
    """What it requires and what will not be there, or cannot be installed with it."""
    known: set[str] = set()
    queue = list(version.requires)
    while queue:
        name = queue.pop(0)
        if name in known or outcome.is_there("extension", part(name)):
            continue
        known.add(name)
        offered = _offered(name, outcome)
        needed = offered.version(None) if offered is not None else None
        if needed is None:
            yield f"it requires the extension {name}, which the server does not offer", f"install its package first; {_LIST}"
        elif cascade:
            queue += needed.requires
        else:
            more = ", or say cascade = true" if spec.cascade is None else ""
            yield f"it requires the extension {name}, which is not installed", f"declare [extension.{part(name)}]{more}"


def _refused_update(found: Found, spec: Any, offered: AvailableExtension | None, outcome: Outcome) -> Iterator[tuple[str, str]]:
    now = found.spec.version
    if spec.version not in (None, now):
        if offered is None:
            yield f"the server does not offer the extension {spec.name} any more: its files are gone", "install its package again"
        elif offered.updates is not None and spec.version not in offered.updates:
            ways = f"it can become {', '.join(offered.updates)}; or" if offered.updates else "there is none to any other version;"
            message = f"there is no update from version {now} of the extension {spec.name} to {spec.version}"
            yield message, f"{ways} leave version out"
        elif (version := offered.version(spec.version)) is not None:
            yield from _lacking(spec, version, outcome, cascade=False)
    if spec.schema not in (None, found.spec.schema) and not found.extra["relocatable"]:
        hint = "leave schema out; or remove the block, apply that, and then declare the extension anew"
        yield f"the extension {spec.name} cannot be moved from the schema {found.spec.schema}", hint


def missing(found: Found | None, spec: Any, rights: Rights) -> list[str]:
    """What the connected role lacks to install it, with what it requires, to update or to move it."""
    if rights.platform:
        return []  # its administrators may install more than PostgreSQL says
    installed = {one.spec.name for one in rights.catalog.of("extension")}
    queue = [spec.name] if found is None or spec.version not in (None, found.spec.version) else []
    known: set[str] = set()
    lacks: dict[str, None] = {}
    if found is not None and spec.schema not in (None, found.spec.schema):
        offered = rights.catalog.get("available_extension", part(spec.name))
        now = offered.spec.version(found.spec.version) if offered is not None else None
        lacks |= {f"{SUPERUSER}, to whom what {spec.name} has brought belongs": None} if now is not None and now.superuser else {}
    while queue:
        name = queue.pop(0)
        offered = rights.catalog.get("available_extension", part(name))
        version = offered.spec.version(spec.version if name == spec.name else None) if offered is not None else None
        if name in known or version is None:
            continue
        known.add(name)
        right = _missing(name, version, rights)
        lacks |= {right: None} if right else {}
        queue += [one for one in version.requires if one not in installed] if spec.cascade else []
    return list(lacks)


def _missing(name: str, version: Version, rights: Rights) -> str:
    if not version.superuser:
        return ""
    if not version.trusted:
        return f"{SUPERUSER}, which it takes to install or update {name}: it is no trusted extension"
    database = rights.facts.database
    return "" if rights.has("database", part(database), "CREATE") else f"CREATE on database {database}"
