"""Reads memberships, the options of all grantors together and, from PostgreSQL 16 on, of each.

https://www.postgresql.org/docs/current/catalog-pg-auth-members.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pgplan.sdk import SYSTEM_NAME, Dependent, Facts, Found, ReaderBase, Row, Scope, sql
from pgplan_postgres.membership import ROWS_PER_GRANTOR, Membership, membership_key
from pgplan_postgres.sql import roles

_QUERY = """
SELECT a.oid::bigint AS oid, r.oid::bigint AS role_oid, r.rolname AS role, m.oid::bigint AS member_oid, m.rolname AS member,
       g.rolname AS grantor, a.admin_option AS admin, a.inherit_option AS inherit, a.set_option AS set
  FROM pg_catalog.pg_auth_members AS a
  JOIN {roles} AS r ON r.oid = a.roleid
  JOIN {roles} AS m ON m.oid = a.member
  LEFT JOIN {roles} AS g ON g.oid = a.grantor
 ORDER BY r.oid, m.oid, g.oid
"""

_QUERY_BEFORE_16 = """
-- One row for each role and member, no OID, no options but ADMIN; the grantor is a remark, and may be gone.
SELECT 0 AS oid, r.oid::bigint AS role_oid, r.rolname AS role, m.oid::bigint AS member_oid, m.rolname AS member,
       NULL AS grantor, a.admin_option AS admin, NULL::boolean AS inherit, NULL::boolean AS set
  FROM pg_catalog.pg_auth_members AS a
  JOIN {roles} AS r ON r.oid = a.roleid
  JOIN {roles} AS m ON m.oid = a.member
 ORDER BY r.oid, m.oid
"""


class MembershipReader(ReaderBase):
    type = "membership"
    scope: Scope = "cluster"
    always = True
    """Which rights the connected role has through others is told by memberships alone."""

    def query(self, facts: Facts) -> str:
        query = _QUERY if facts.version >= ROWS_PER_GRANTOR else _QUERY_BEFORE_16
        return sql.SQL(query).format(roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        pairs: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            pairs.setdefault((row["role"], row["member"]), []).append(row)
        granted: dict[tuple[str, str], list[Dependent]] = {}
        for row in rows:
            if row["grantor"] is not None:
                key = membership_key(Membership(row["role"], row["member"]))
                granted.setdefault((row["role"], row["grantor"]), []).append(Dependent("membership", key))
        for pair, of_pair in pairs.items():
            holds = tuple(granted.get(pair, ()))
            yield _found(of_pair, None, holds)
            others = sum(row["admin"] for row in of_pair) > 1  # then another row holds what the member granted
            yield from (_found([row], row["grantor"], () if others else holds) for row in of_pair if row["grantor"] is not None)


def _found(rows: Sequence[Row], grantor: str | None, holds: tuple[Dependent, ...]) -> Found:
    first = rows[0]
    spec = Membership(
        first["role"],
        first["member"],
        admin=any(row["admin"] for row in rows),
        inherit=_any(rows, "inherit"),
        set=_any(rows, "set"),
        granted_by=grantor,
    )
    details = [{option: row[option] for option in ("grantor", "admin", "inherit", "set")} for row in rows]
    oids = [first["role_oid"], first["member_oid"]]
    return Found(
        "membership",
        membership_key(spec),
        0 if grantor is None else first["oid"],
        spec,
        # Before PostgreSQL 16 a membership has no OID: those of the two roles are the next best.
        extra={"rows": details, "oids": oids},
        holds=holds,
        system=bool(SYSTEM_NAME.match(spec.role) and SYSTEM_NAME.match(spec.member)),
    )


def _any(rows: Sequence[Row], option: str) -> bool | None:
    values: list[Any] = [row[option] for row in rows]
    return None if None in values else any(values)
