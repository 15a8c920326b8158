"""The spec of grant and revoke, and its address.

https://www.postgresql.org/docs/current/sql-grant.html
"""

from __future__ import annotations

import re

from attrs import field, frozen

from pgplan.sdk import PUBLIC, InvalidBlockError, Selector, grantee_part, grantee_role, name_problem, part_grantee, unpart
from pgplan_postgres.grantable import BULK, GRANTABLE
from pgplan_postgres.privileges import Right, normal
from pgplan_postgres.selectors import InSchemas, Named
from pgplan_postgres.targets import object_key, schemas_key

_KEY = re.compile(r'("(?:[^"]|"")*"|[^/"]+)/([a-z_]+):(.+)', re.DOTALL)


@frozen
class Access:
    """Rights of one grantee on one object, or on the objects of schemas: the spec of both grant and revoke."""

    grantee: str
    """As `pgplan.snapshot.Item` spells it."""
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

    def selector(self, right: Right) -> Selector:
        """The objects that a right is about."""
        if self.named:
            return Named(self.type, self.object)
        return InSchemas(self.object_type, self.object, right.excepted, right.extension_members)


def parse_key(key: str) -> Access:
    """The spec, without rights, that an address's key stands for. Raises InvalidBlockError when it is none."""
    match = _KEY.fullmatch(key)
    if match is None or match[2] not in {*GRANTABLE, *BULK}:
        hint = "such as app/schema:billing, PUBLIC/table:billing.t or app/tables_in:billing"
        raise InvalidBlockError(((), f"{key!r} is not the key of a grant or revoke: write role/type:object", hint))
    type_ = match[2]
    grantee = part_grantee(match[1])
    try:
        spec = Access(grantee, type_, canonical(type_, match[3]), ())
    except ValueError as error:
        raise InvalidBlockError(((), str(error), "")) from None
    problem = name_problem(grantee_role(grantee) or PUBLIC)
    if problem:
        raise InvalidBlockError(((), problem, ""))
    if spec.key != key:
        raise InvalidBlockError(((), f"{key!r} is not written as pgplan writes it", f"write {spec.key}"))
    return spec


def canonical(type_: str, text: str) -> str:
    """What stands in a key for an object, or for the schemas of ``*_in``. Raises ValueError when `text` is neither."""
    if type_ in BULK:
        return schemas_key(text if "*" in text else unpart(text))
    return object_key(type_, text if GRANTABLE[type_].in_schema else unpart(text))
