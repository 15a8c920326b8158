"""What grant and revoke have in common: their spec, its address, and the edges that it stands for.

https://www.postgresql.org/docs/current/sql-grant.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import evolve, field, frozen

from pgplan.address import PUBLIC, grantee_part, grantee_role, name_problem, part, unpart
from pgplan.kind import Edge, Found, InvalidBlockError, Reference, Scope, Snapshot, Wanted
from pgplan.secret import Secret
from pgplan_postgres.access_toml import access_blocks
from pgplan_postgres.privileges import ALL, PRIVILEGES, SINCE, Right, every, known, normal
from pgplan_postgres.relations import FoundTable
from pgplan_postgres.targets import BULK, is_excepted, is_pattern, matching, object_key, overloads, schemas_key

_KEY = re.compile(r'("(?:[^"]|"")*"|[^/"]+)/([a-z_]+):(.+)', re.DOTALL)
_OTHER = {"table": "sequence", "sequence": "table"}


@frozen
class Access:
    """Rights of one grantee on one object, or on the objects of schemas: the spec of both grant and revoke."""

    grantee: str
    """As `pgplan.kind.Privilege` spells it."""
    type: str
    """A type of object, or ``tables_in`` and its like."""
    object: str
    """The object's key; with ``*_in`` a schema's, or a pattern."""
    rights: tuple[Right, ...] = field(converter=normal)

    @property
    def object_type(self) -> str:
        return BULK.get(self.type, self.type)

    @property
    def named(self) -> bool:
        return self.type not in BULK

    @property
    def key(self) -> str:
        return f"{grantee_part(self.grantee)}/{self.type}:{self.object}"


class AccessKind:
    """The part of `pgplan.kind.EdgeKind` that grant and revoke share."""

    form: Literal["table", "array"] = "array"
    scope: Scope = "database"
    version: int = 1
    spec = Access
    attribute: str
    """What a block calls the grantee."""

    def secrets(self, spec: Access) -> Mapping[str, Secret]:  # the contract asks every kind
        return {}

    def references(self, spec: Access) -> Sequence[Reference]:
        """The grantee and what is named. A function without argument types is resolved, and missed, by `edges`."""
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
        other = _OTHER.get(spec.type)
        return (spec.object_type, other) if other else (spec.object_type,)

    def edges(self, spec: Access, snapshot: Snapshot) -> Iterable[Wanted]:
        edges: dict[Edge, bool] = {}
        for right in spec.rights:
            privileges = _expanded(spec, right, snapshot)
            for target in _targets(spec, right, snapshot):
                for edge in _edges(target, right, privileges, spec.grantee, snapshot):
                    edges[edge] = edges.get(edge, False) or right.grantable
        return [Wanted(edge, grantable, spec.named) for edge, grantable in edges.items()]

    def _object(self, key: str, snapshot: Snapshot) -> tuple[Access, list[Found]]:
        """What an address names, without rights, and the objects found. Raises InvalidBlockError."""
        spec = parse_key(key)
        targets = _targets(spec, Right(ALL), snapshot)
        return spec, [found for target in targets if (found := snapshot.found.get(target)) is not None]


def _expanded(spec: Access, right: Right, snapshot: Snapshot) -> tuple[str, ...]:
    version = snapshot.facts.version
    if right.privilege == ALL:
        return every(spec.object_type, version, columns=bool(right.columns))
    if not known(right.privilege, version):
        since = SINCE[right.privilege]
        message = f"the server is PostgreSQL {version // 10000}, and {right.privilege} exists from {since} on"
        raise InvalidBlockError((("privileges",), message, "leave it out for this server"))
    return (right.privilege,)


def _targets(spec: Access, right: Right, snapshot: Snapshot) -> list[tuple[str, str]]:
    """The objects that a right is about. One that is named stays in, found or not: the engine says which are missing."""
    if not spec.named:
        found = matching(spec.object_type, spec.object, snapshot)
        wanted = (one for one in found if right.extension_members or not one.extension)
        return [(one.type, one.key) for one in wanted if not is_excepted(one, right.excepted)]
    if spec.type == "function" and not spec.object.endswith(")"):
        return [("function", _overload(spec.object, snapshot))]
    other = _OTHER.get(spec.type)
    if other and (spec.type, spec.object) not in snapshot.found and (other, spec.object) in snapshot.found:
        message = f"{spec.object} is a {other}, not a {spec.type}"
        raise InvalidBlockError((("on", spec.type), message, f'write on = {{ {other} = "{spec.object}" }}'))
    return [(spec.type, spec.object)]


def _overload(key: str, snapshot: Snapshot) -> str:
    candidates = [found.key for found in overloads(key, snapshot)]
    if len(candidates) > 1:
        message = f"there are {len(candidates)} functions called {key}: {', '.join(candidates)}"
        raise InvalidBlockError((("on", "function"), message, "write the one that you mean with its argument types"))
    return candidates[0] if candidates else key


def _edges(target: tuple[str, str], right: Right, privileges: Sequence[str], grantee: str, snapshot: Snapshot) -> Iterator[Edge]:
    found = snapshot.found.get(target)
    for column in right.columns or ("",):
        if column and isinstance(found, FoundTable) and column not in found.columns:
            # No such target is ever found: a missing column is reported, or forgotten, as a missing object is.
            yield from (Edge("column", f"{target[1]}.{part(column)}", "", grantee, privilege) for privilege in privileges)
        else:
            yield from (Edge(*target, column, grantee, privilege) for privilege in privileges)


def parse_key(key: str) -> Access:
    """The spec, without rights, that an address's key stands for. Raises InvalidBlockError when it is none."""
    match = _KEY.fullmatch(key)
    if match is None or match[2] not in {*PRIVILEGES, *BULK}:
        hint = "such as app/schema:billing, PUBLIC/table:billing.t or app/tables_in:billing"
        raise InvalidBlockError(((), f"{key!r} is not the key of a grant or revoke: write role/type:object", hint))
    type_ = match[2]
    grantee = match[1] if match[1] in (PUBLIC, f'"{PUBLIC}"') else unpart(match[1])
    try:
        spec = Access(grantee, type_, _canonical(type_, match[3]), ())
    except ValueError as error:
        raise InvalidBlockError(((), str(error), "")) from None
    problem = name_problem(grantee_role(grantee) or PUBLIC)
    if problem:
        raise InvalidBlockError(((), problem, ""))
    if spec.key != key:
        raise InvalidBlockError(((), f"{key!r} is not written as pgplan writes it", f"write {spec.key}"))
    return spec


def _canonical(type_: str, text: str) -> str:
    if type_ in BULK:
        return schemas_key(text if "*" in text else unpart(text))
    return object_key(type_, text if type_ in ("table", "sequence", "function") else unpart(text))


def held(found: Found, grantee: str) -> dict[tuple[str, str], bool]:
    """What an access list gives a grantee, whoever granted it: by (column, privilege), whether with grant option."""
    privileges: dict[tuple[str, str], bool] = {}
    for one in found.acl:
        if one.grantee == grantee:
            item = (one.column, one.privilege)
            privileges[item] = privileges.get(item, False) or one.grantable
    return privileges


def common(lists: Sequence[dict[tuple[str, str], bool]]) -> dict[tuple[str, str], bool]:
    """What every one of the objects gives, with grant option if each gives it so."""
    first, *others = lists or [{}]
    items = sorted(item for item in first if all(item in one for one in others))
    return {item: all(one[item] for one in lists) for item in items}
