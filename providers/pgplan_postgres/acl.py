"""Access lists: the SQL that reads them, and what they hold as `Privilege` items.

An unset list (NULL) means `acldefault()`; a set one, empty or not, is the whole truth.
https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString

from psycopg import sql

from pgplan.address import PUBLIC, part, role_grantee
from pgplan.kind import Found, Privilege

Items = Sequence[Sequence[Any]] | None
"""What a column of `acl_items` holds once psycopg has read the JSON. NULL: the list is empty."""

_ITEM = """json_build_array({column},
           e.grantee::bigint, (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = e.grantee),
           e.grantor::bigint, (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = e.grantor),
           {privileges}, e.is_grantable)"""
_ITEMS = """(
    SELECT json_agg({item})
      FROM (SELECT grantee, grantor, is_grantable, array_agg(privilege_type) AS privileges
              FROM aclexplode({acl})
             GROUP BY grantee, grantor, is_grantable) AS e)"""
_EFFECTIVE = "coalesce({acl}, acldefault({code}, {owner}))"
_LISTS = """(
    SELECT l.acl, {items} AS items
      FROM (SELECT DISTINCT {acl} AS acl FROM {source}) AS l)"""


def item(column: LiteralString, privileges: LiteralString) -> sql.Composed:
    """SQL for one item of a list exploded as `e`, from the SQL for a column's name and for an array of privileges.

    Sub-selects find each role by its OID's index, whatever the planner thinks of the number of roles; an OID without a role
    (a grantee dropped by force) stays in the list.
    """
    return sql.SQL(_ITEM).format(column=sql.SQL(column), privileges=sql.SQL(privileges))


def acl_items(acl: LiteralString, code: LiteralString, owner: LiteralString) -> sql.Composed:
    """SQL for a column of a whole-SELECT query: the access list as JSON, to be read by `acl_of`.

    `acl` and `owner` are the list's and the owner's columns, `code` the object type's letter for `acldefault()`:
    ``sql.SQL("SELECT d.oid, {acl} AS acl FROM pg_database AS d").format(acl=acl_items("d.datacl", "d", "d.datdba"))``
    """
    return _items(effective(acl, code, owner))


def effective(acl: LiteralString, code: LiteralString, owner: LiteralString) -> sql.Composed:
    """SQL for the list that holds: an unset one is the built-in default."""
    return sql.SQL(_EFFECTIVE).format(acl=sql.SQL(acl), code=sql.Literal(code), owner=sql.SQL(owner))


def acl_lists(acl: sql.Composed, source: LiteralString) -> sql.Composed:
    """SQL for a table of the different lists in `source` (``acl``) as JSON (``items``), to be joined to its objects.

    For types with thousands of objects: most of them have the same list, and each list is taken apart once.
    """
    return sql.SQL(_LISTS).format(items=_items(sql.SQL("l.acl")), acl=acl, source=sql.SQL(source))


def _items(acl: sql.Composable) -> sql.Composed:
    return sql.SQL(_ITEMS).format(item=item("''", "e.privileges"), acl=acl)


Row = tuple[str, str, str, str, bool]


def acl_of(*lists: Items) -> tuple[Privilege, ...]:
    """The privileges that columns made by `acl_items` hold, sorted."""
    rows = (row for items in lists for item in items or () for row in _rows(*item))
    return tuple(_privilege(row) for row in sorted(rows))


def found_with_list(type_: str, spec: Any, row: Mapping[str, Any]) -> Found:
    """An object with an owner, an access list and perhaps an extension, from a row with oid, owner, acl and extension."""
    return Found(
        type_,
        part(spec.name),
        row["oid"],
        spec,
        owner=row["owner"] or "",
        acl=acl_of(row["acl"]),
        extension=part(row["extension"]) if row["extension"] else "",
    )


@lru_cache(maxsize=65536)
def _privilege(row: Row) -> Privilege:
    """Most objects of an owner have the same items: one instance serves them all."""
    return Privilege(*row)


def _rows(
    column: str, to_oid: int, to: str | None, by_oid: int, by: str | None, privileges: Sequence[str], grantable: bool
) -> Iterator[Row]:
    """One item, in the order of Privilege's attributes."""
    grantee = PUBLIC if to_oid == 0 else role_grantee(_role(to_oid, to))
    grantor = _role(by_oid, by)
    return ((column, grantee, privilege, grantor, grantable) for privilege in privileges)


def _role(oid: int, name: str | None) -> str:
    """An OID without a role is written as pg_get_userbyid() does."""
    return f"unknown (OID={oid})" if name is None else name
