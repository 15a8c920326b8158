"""Reads user mappings, and which of them show their options to the connected role.

https://www.postgresql.org/docs/current/view-pg-user-mappings.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgplan.sdk import Facts, Found, ReaderBase, Row, Secret, role_grantee, sql
from pgplan_postgres.membership import ROWS_PER_GRANTOR
from pgplan_postgres.options import mapping_options, query_column
from pgplan_postgres.user_mapping import SLOT, UserMapping, user_mapping_key

# The view hides from members of pg_read_all_data what its own catalog shows them.
_QUERY_CATALOG = """
SELECT u.oid::bigint AS oid, s.srvname AS server, u.umuser <> 0 AS of_role, r.rolname AS role, true AS visible,
       u.xmin::text AS xmin,
       {options} AS options
  FROM pg_catalog.pg_user_mapping AS u
  JOIN pg_catalog.pg_foreign_server AS s ON s.oid = u.umserver
  LEFT JOIN pg_catalog.pg_authid AS r ON r.oid = u.umuser
"""

# umoptions is NULL both where there are none and where the view hides them, so the view's own condition stands here once more,
# in plain columns: PUBLIC's mapping shows them to who has the server owner's rights, any other to the mapped role itself if it
# has those or USAGE. pg_database_owner's implicit member is left out: then they count as hidden, which is safe.
_QUERY = """
WITH RECURSIVE mine AS (
  SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
  UNION
  SELECT a.roleid
    FROM mine
    JOIN pg_catalog.pg_auth_members AS a ON a.member = mine.oid
    JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
   WHERE {inherits}
)
SELECT u.umid::bigint AS oid, s.srvname AS server, u.umuser <> 0 AS of_role, r.rolname AS role,
       u.umoptions IS NOT NULL
       OR CASE WHEN u.umuser = 0 THEN s.srvowner IN (SELECT oid FROM mine)
               ELSE r.rolname = current_user
                    AND (s.srvowner IN (SELECT oid FROM mine)
                         OR EXISTS (SELECT FROM aclexplode(coalesce(s.srvacl, acldefault('S', s.srvowner))) AS e
                                     WHERE e.privilege_type = 'USAGE'
                                       AND (e.grantee = 0 OR e.grantee IN (SELECT oid FROM mine))))
           END AS visible,
       NULL AS xmin,
       {options} AS options
  FROM pg_catalog.pg_user_mappings AS u
  JOIN pg_catalog.pg_foreign_server AS s ON s.oid = u.srvid
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = u.umuser
"""


class UserMappingReader(ReaderBase):
    type = "user_mapping"

    def query(self, facts: Facts) -> str:
        options = query_column("u.umoptions")
        if facts.reads_secrets:
            return sql.SQL(_QUERY_CATALOG).format(options=options).text
        inherits = sql.SQL("a.inherit_option") if facts.version >= ROWS_PER_GRANTOR else sql.SQL("m.rolinherit")
        return sql.SQL(_QUERY).format(options=options, inherits=inherits).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        # A mapping of a role that is gone has no name that a configuration could give.
        return [_found(row) for row in rows if row["role"] is not None or not row["of_role"]]


def _found(row: Row) -> Found:
    options = mapping_options(row["options"]) if row["visible"] else None
    spec = UserMapping(row["server"], role_grantee(row["role"]), options)
    shown: dict[str, str | None] = dict(row["options"] or ())
    return Found(
        "user_mapping",
        user_mapping_key(spec),
        row["oid"],
        spec,
        hidden=("options",) if options is None else (),
        # Secrets stand in no image, so this is what tells that someone set another one.
        extra={"xmin": row["xmin"]} if row["xmin"] is not None and shown else {},
        # All of them: which are declared as secrets, the configuration says.
        secrets={SLOT + option: Secret(value or "") for option, value in shown.items()},
    )
