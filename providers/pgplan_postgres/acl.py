"""Access lists: the SQL that reads them, and what they hold as `Privilege` items.

An unset list (NULL) means `acldefault()`; a set one, empty or not, is the whole truth.
https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import sql

from pgplan.address import role_grantee
from pgplan.kind import Privilege

Items = Sequence[Sequence[Any]] | None
"""What a column of `acl_items` holds once psycopg has read the JSON. NULL: the list is empty."""

_ITEM = """json_build_array({column},
           e.grantee::bigint, (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = e.grantee),
           e.grantor::bigint, (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = e.grantor),
           e.privilege_type, e.is_grantable)"""


def item(column: LiteralString = "''") -> sql.Composed:
    """SQL for one item of a list exploded as `e`; `column` is the SQL for the column's name.

    Sub-selects find each role by its OID's index, whatever the planner thinks of the number of roles; an OID without a role
    (a grantee dropped by force) stays in the list.
    """
    return sql.SQL(_ITEM).format(column=sql.SQL(column))


def acl_items(acl: LiteralString, code: LiteralString, owner: LiteralString) -> sql.Composed:
    """SQL for a column of a whole-SELECT query: the access list as JSON, to be read by `acl_of`.

    `acl` and `owner` are the list's and the owner's columns, `code` the object type's letter for `acldefault()`:
    ``sql.SQL("SELECT d.oid, {acl} AS acl FROM pg_database AS d").format(acl=acl_items("d.datacl", "d", "d.datdba"))``
    """
    return sql.SQL(
        """(
    SELECT json_agg({item})
      FROM aclexplode(coalesce({acl}, acldefault({code}, {owner}))) AS e)"""
    ).format(item=item(), acl=sql.SQL(acl), code=sql.Literal(code), owner=sql.SQL(owner))


def acl_of(*lists: Items) -> tuple[Privilege, ...]:
    """The privileges that columns made by `acl_items` hold, sorted."""
    return tuple(sorted(_privilege(item) for items in lists for item in items or ()))


def _privilege(item: Sequence[Any]) -> Privilege:
    column, grantee_oid, grantee, grantor_oid, grantor, privilege, grantable = item
    # OID 0 is PUBLIC; any other OID without a role is written as pg_get_userbyid() does.
    return Privilege(
        column=column,
        grantee=role_grantee(None if grantee_oid == 0 else _role(grantee_oid, grantee)),
        privilege=privilege,
        grantor=_role(grantor_oid, grantor),
        grantable=grantable,
    )


def _role(oid: int, name: str | None) -> str:
    return f"unknown (OID={oid})" if name is None else name
