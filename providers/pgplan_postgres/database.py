"""Read only, for what privileges and settings refer to.

https://www.postgresql.org/docs/current/catalog-pg-database.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from pgplan.sdk import Facts, Found, ReaderBase, Row, Scope, part, sorted_dict, sql
from pgplan_postgres.acl import Lists, found_with_list, listed
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.settings import from_catalog


@frozen
class Database:
    name: str
    owner: str | None = None
    connection_limit: int | None = None
    """-1 means no limit."""
    allow_connections: bool | None = None
    is_template: bool | None = None
    config: dict[str, str] | None = field(default=None, converter=sorted_dict)
    comment: str | None = None


_QUERY = """
WITH {listed}
SELECT d.oid::bigint AS oid, d.datname AS name, o.rolname AS owner, d.datconnlimit AS connection_limit,
       d.datallowconn AS allow_connections, d.datistemplate AS is_template, s.setconfig AS config, c.description AS comment,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_database AS d ON d.oid = listed.oid
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = d.datdba
  LEFT JOIN pg_catalog.pg_db_role_setting AS s ON s.setdatabase = d.oid AND s.setrole = 0
  LEFT JOIN pg_catalog.pg_shdescription AS c ON c.classoid = d.tableoid AND c.objoid = d.oid
"""


class DatabaseReader(ReaderBase):
    type = "database"
    scope: Scope = "cluster"
    always = True

    def query(self, facts: Facts) -> str:
        return sql.SQL(_QUERY).format(listed=listed(self.type, "d", "datacl", "datdba", "pg_catalog.pg_database AS d")).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    spec = Database(
        name=row["name"],
        owner=row["owner"] or "",
        connection_limit=row["connection_limit"],
        allow_connections=row["allow_connections"],
        is_template=row["is_template"],
        config=from_catalog(row["config"] or ()),
        comment=row["comment"] or "",
    )
    return found_with_list("database", part(spec.name), spec, row, lists, system=row["oid"] < FIRST_NORMAL_OID)
