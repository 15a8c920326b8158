"""Access lists: the SQL that reads them, each different one once, and what objects share of them.

An unset list (NULL) means `acldefault()`; a set one, empty or not, is the whole truth.
https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString

from pgplan.sdk import NO_LIST, PUBLIC, AccessList, Facts, Found, Privilege, Row, part, role_grantee, sql
from pgplan_postgres.grantable import GRANTABLE, every
from pgplan_postgres.sql import roles

_ITEM = """json_build_array({column},
           e.grantee::bigint, (SELECT rolname FROM {roles} WHERE oid = e.grantee),
           e.grantor::bigint, (SELECT rolname FROM {roles} WHERE oid = e.grantor),
           {privileges}, e.is_grantable)"""
_ITEMS = """
    SELECT json_agg({item})
      FROM (SELECT grantee, grantor, is_grantable, array_agg(privilege_type) AS privileges
              FROM aclexplode({acl})
             GROUP BY grantee, grantor, is_grantable) AS e"""
_LISTED = """object AS (
    SELECT {oid} AS oid, coalesce({acl}, acldefault({letter}, {owner})) AS acl
      FROM {source}
), list AS (
    -- each different list once, known by the OID of one of its objects
    SELECT l.number, l.acl, ({items}) AS items
      FROM (SELECT (array_agg(o.oid))[1] AS number, o.acl FROM object AS o GROUP BY o.acl) AS l
), listed AS (
    -- what a list says comes with that one object only
    SELECT o.oid, l.number::bigint AS list, CASE WHEN o.oid = l.number THEN l.items END AS acl
      FROM object AS o JOIN list AS l ON l.acl = o.acl
)"""
_EXTENSION = """(SELECT x.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid
         WHERE d.classid = {alias}.tableoid AND d.objid = {alias}.oid AND d.objsubid = 0 AND d.deptype = 'e')"""
_UNKNOWN = re.compile(r"unknown \(OID=\d+\)")


def item(column: LiteralString, privileges: LiteralString, facts: Facts) -> sql.Composed:
    """SQL for one item of a list exploded as `e`, from the SQL for a column's name and for an array of privileges.

    Sub-selects find each role by its OID's index, whatever the planner thinks of the number of roles; an OID without a role
    (a grantee dropped by force) stays in the list.
    """
    return sql.SQL(_ITEM).format(column=sql.SQL(column), privileges=sql.SQL(privileges), roles=roles(facts))


def items(acl: LiteralString, facts: Facts, column: LiteralString = "''") -> sql.Composed:
    """SQL for a SELECT of all items of a list as JSON: what `Lists` reads. NULL for an empty one."""
    return sql.SQL(_ITEMS).format(item=item(column, "e.privileges", facts), acl=sql.SQL(acl))


def listed(
    type_: str, alias: LiteralString, acl: LiteralString, owner: LiteralString, source: LiteralString, facts: Facts
) -> sql.Composed:
    """SQL for common table expressions, the last of which, `listed`, gives each object's oid, list and acl.

    `source` says after FROM which objects there are, `alias` is their catalog's; `acl` and `owner` are columns of it. The query
    that it belongs to selects listed.list and listed.acl, which `Lists` reads.
    """
    return sql.SQL(_LISTED).format(
        oid=sql.Identifier(alias, "oid"),
        acl=sql.Identifier(alias, acl),
        letter=sql.Literal(GRANTABLE[type_].letter),
        owner=sql.Identifier(alias, owner),
        source=sql.SQL(source),
        items=items("l.acl", facts),
    )


def extension(alias: LiteralString) -> sql.Composed:
    """SQL for the name of the extension that a row of the catalog called `alias` is a member of, NULL for none."""
    return sql.SQL(_EXTENSION).format(alias=sql.SQL(alias))


class Lists:
    """The access lists of one reading: one instance of each, however many objects have it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """`rows` have the number of a list as `list`; one row of each has its items as `acl`, but for an empty one."""
        self._items: dict[int, Any] = {row["list"]: row["acl"] for row in rows if row["acl"] is not None}
        self._by_number: dict[tuple[int, str | None], AccessList] = {}
        self._by_content: dict[tuple[Privilege, ...], AccessList] = {(): NO_LIST}
        self._privileges: dict[_Row, Privilege] = {}

    def of(self, row: Row) -> AccessList:
        """The list of the object in `row`, with that of its columns if it has one: `column_acl`, JSON that is not yet read."""
        number = row["list"], row.get("column_acl")
        found = self._by_number.get(number)
        if found is None:
            found = self._by_number[number] = self.made(self._items.get(number[0]), _columns(number[1]))
        return found

    def made(self, *lists: Sequence[Any] | None) -> AccessList:
        """The list that has the items of all of `lists`. None has no item."""
        rows = sorted(row for items in lists for item in items or () for row in _rows(*item))
        privileges = tuple(self._privilege(row) for row in rows)
        return self._by_content.setdefault(privileges, AccessList(privileges))

    def _privilege(self, row: _Row) -> Privilege:
        """Different lists have most of their items in common."""
        found = self._privileges.get(row)
        if found is None:
            found = self._privileges[row] = Privilege(*row)
        return found


_NOTHING: Mapping[str, Any] = {}


def found_with_list(
    type_: str,
    key: str,
    spec: Any,
    row: Row,
    lists: Lists,
    *,
    system: bool = False,
    columns: frozenset[str] = frozenset(),
    belongs_to: str = "",
    follows: tuple[str, str] | None = None,
) -> Found:
    """An object with an access list, from a row with oid, owner, list and perhaps extension."""
    extension = row.get("extension")
    return Found(
        type_,
        key,
        row["oid"],
        spec,
        extra=_NOTHING,
        owner=row["owner"] or "",
        acl=lists.of(row),
        columns=columns,
        secrets=_NOTHING,
        extension=part(extension) if extension else "",
        belongs_to=belongs_to,
        follows=follows,
        system=system,
    )


@lru_cache(maxsize=4096)
def built_in(type_: str, owner: str, version: int) -> AccessList:
    """What ``acldefault()`` gives for an object of this type and owner, on a server of this server_version_num."""
    own = [Privilege("", role_grantee(owner), privilege, owner) for privilege in every(type_, version)]
    public = [Privilege("", PUBLIC, privilege, owner) for privilege in GRANTABLE[type_].public]
    return AccessList(tuple(sorted(own + public)))


def given(found: Found) -> Iterator[Privilege]:
    """What an object's list says beyond its owner's own rights. An OID whose role is gone can be granted nothing."""
    owner = role_grantee(found.owner)
    for one in found.acl.privileges:
        own = one.grantee == owner and one.grantor == found.owner
        if not own and not is_unknown(one.grantee):
            yield one


def is_unknown(role: str) -> bool:
    """Whether it stands for an OID whose role is gone."""
    return _UNKNOWN.fullmatch(role) is not None


_Row = tuple[str, str, str, str, bool]
"""A privilege, in the order of Privilege's attributes."""


def _columns(text: str | None) -> list[Any] | None:
    if text is None:
        return None
    loaded: list[Any] = json.loads(text)
    return loaded


def _rows(
    column: str, to_oid: int, to: str | None, by_oid: int, by: str | None, privileges: Sequence[str], grantable: bool
) -> Iterator[_Row]:
    grantee = PUBLIC if to_oid == 0 else role_grantee(_role(to_oid, to))
    grantor = _role(by_oid, by)
    return ((column, grantee, privilege, grantor, grantable) for privilege in privileges)


def _role(oid: int, name: str | None) -> str:
    """An OID without a role is written as pg_get_userbyid() does."""
    return f"unknown (OID={oid})" if name is None else name
