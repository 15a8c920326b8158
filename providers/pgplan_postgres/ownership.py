"""``[[ownership]]``: whose objects are that pgplan does not make.

Removing the block forgets it; nothing is given back. https://www.postgresql.org/docs/current/sql-altertable.html, and the same of
each other type
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from attrs import frozen

from pgplan.sdk import (
    Catalog,
    Claim,
    Declaration,
    Facts,
    Found,
    InvalidBlockError,
    Mistakes,
    Reference,
    Scope,
    Secret,
    Selector,
    is_pattern,
    role_grantee,
)
from pgplan_postgres.access import canonical
from pgplan_postgres.access_block import On, Target, targets
from pgplan_postgres.access_toml import on_table
from pgplan_postgres.base import to_role
from pgplan_postgres.grantable import BULK, GRANTABLE
from pgplan_postgres.selectors import Ownable, OwnableInSchemas
from pgplan_postgres.targets import readers_of
from pgplan_postgres.words import OWNERSHIP


@frozen
class OwnershipBlock:
    WORDS: ClassVar[Mapping[str, str]] = OWNERSHIP

    on: tuple[On, ...]
    owner: str


@frozen
class Ownership:
    """The owner of one object, or of the objects of schemas."""

    type: str
    """A type of object, or ``tables_in`` and its like."""
    object: str
    """The object's key; with ``*_in`` a schema's, or a pattern."""
    owner: str
    excepted: tuple[str, ...] = ()
    """Schemas and objects left out, as keys, sorted."""

    @property
    def key(self) -> str:
        return f"{self.type}:{self.object}"

    @property
    def object_type(self) -> str:
        return BULK.get(self.type, self.type)

    @property
    def selector(self) -> Selector:
        if self.type in BULK:
            return OwnableInSchemas(self.object_type, self.object, self.excepted)
        return Ownable(self.type, self.object, self.owner)


class OwnershipKind:
    name = "ownership"
    form: Literal["table", "array"] = "array"
    scope: Scope = "database"
    version: int = 1
    of_owners = True
    right_after: Sequence[str] = ()
    block = OwnershipBlock
    spec = Ownership

    def declare(self, name: str, block: OwnershipBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        owner = mistakes.role(("owner",), block.owner)
        specs = [_spec(one, owner) for one in targets(block.on, mistakes)]
        for i, on in enumerate(block.on):
            if on.parameter is not None:
                mistakes.add(("on", i, "parameter"), "a parameter has no owner")
            if on.extension_members:
                hint = "leave it out: they come and go with the extension"
                mistakes.add(("on", i, "extension_members"), "members of an extension get no other owner", hint)
        mistakes.done()
        return [Declaration(self.name, spec.key, spec) for spec in specs]

    def merge(self, one: Ownership, other: Ownership) -> None:
        """An object has one owner."""

    def secrets(self, spec: Ownership) -> Mapping[str, Secret]:  # the contract asks every kind
        return {}

    def references(self, spec: Ownership) -> Sequence[Reference]:
        """The owner and what is named. A function without argument types is resolved, and missed, by its selector."""
        references = to_role(spec.owner, "owner")
        if spec.type in BULK:
            return references if is_pattern(spec.object) else [*references, Reference("schema", spec.object, spec.type)]
        named = spec.type != "function" or spec.object.endswith(")")
        return [*references, Reference(spec.type, spec.object, "on")] if named else references

    def blocks(self, spec: Ownership) -> Sequence[Mapping[str, Any]]:
        return [{"on": on_table(spec.type, spec.object, spec.excepted), "owner": role_grantee(spec.owner)}]

    def reads(self, spec: Ownership) -> Sequence[str]:
        """Sequences follow their tables, and a server's owner must be able to use its wrapper."""
        type_ = spec.object_type
        more = {"table": ("sequence",), "sequence": ("table",), "server": ("foreign_data_wrapper",)}
        named = (type_,) if spec.type in BULK else readers_of(type_, spec.object)
        return (*named, *more.get(type_, ()))

    def claims(self, spec: Ownership, facts: Facts) -> Sequence[Claim]:
        return [Claim(spec.selector, owner=spec.owner)]

    def adoptable(self, key: str, catalog: Catalog) -> Ownership | None:
        spec = parse_key(key)
        found = [one for target in spec.selector.objects(catalog) if (one := catalog.get(*target)) is not None]
        owners = sorted({one.owner for one in found})
        if len(owners) > 1:
            hint = "declare the one that shall be the owner of all, and apply that"
            raise InvalidBlockError(((), f"its objects belong to several roles: {', '.join(owners)}", hint))
        return _spec(Target(spec.type, spec.object), owners[0]) if owners else None

    def declarations(self, found: Found) -> Iterable[Declaration]:
        """None: what is in a list is granted."""
        return []


def _spec(target: Target, owner: str) -> Ownership:
    return Ownership(target.type, target.key, owner, tuple(sorted(target.excepted)))


def parse_key(key: str) -> Ownership:
    """The spec, without an owner, that an address's key stands for. Raises InvalidBlockError when it is none."""
    type_, _, text = key.partition(":")
    if type_ not in {*GRANTABLE, *BULK} - {"parameter"}:
        hint = "such as table:billing.t or tables_in:billing"
        raise InvalidBlockError(((), f"{key!r} is not the key of an ownership: write type:object", hint))
    try:
        spec = Ownership(type_, canonical(type_, text), "")
    except ValueError as error:
        raise InvalidBlockError(((), str(error), "")) from None
    if spec.key != key:
        raise InvalidBlockError(((), f"{key!r} is not written as pgplan writes it", f"write {spec.key}"))
    return spec
