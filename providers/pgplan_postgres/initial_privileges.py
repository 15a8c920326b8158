"""What objects had from the start that is not built in: what initdb gave, and what extensions give with their members.

https://www.postgresql.org/docs/current/catalog-pg-init-privs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pgplan.sdk import NO_LIST, AccessList, Catalog, Facts, Found, ReaderBase, Row, sql
from pgplan_postgres.acl import Lists, items

INITIAL_PRIVILEGES = "initial_privileges"
_CLASSES: Mapping[str, int] = {
    "foreign_data_wrapper": 2328,
    "function": 1255,
    "language": 2612,
    "large_object": 2613,
    "schema": 2615,
    "sequence": 1259,
    "server": 1417,
    "table": 1259,
    "type": 1247,
}
"""By type, the OID of the catalog that its objects are in."""
_QUERY = """
SELECT i.classoid::bigint AS class, i.objoid::bigint AS oid, ({items}) AS acl
  FROM pg_catalog.pg_init_privs AS i
  LEFT JOIN pg_catalog.pg_attribute AS a
    -- 1259 is the OID of pg_class: only columns are parts of an object
    ON i.classoid = 1259 AND i.objsubid <> 0 AND a.attrelid = i.objoid AND a.attnum = i.objsubid
"""


class InitialPrivilegesReader(ReaderBase):
    type = INITIAL_PRIVILEGES

    def query(self, facts: Facts) -> str:
        return sql.SQL(_QUERY).format(items=items("i.initprivs", facts, "coalesce(a.attname, '')")).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(())
        parts: dict[str, list[Row]] = {}
        for row in rows:
            parts.setdefault(f"{row['class']}-{row['oid']}", []).append(row)
        for key, of_one in parts.items():
            acl = lists.made(*(row["acl"] for row in of_one))
            yield Found(self.type, key, 0, None, acl=acl, system=True)


def given_at_first(found: Found, catalog: Catalog) -> AccessList:
    """What initdb or its extension gave on an object."""
    known = catalog.get(INITIAL_PRIVILEGES, f"{_CLASSES[found.type]}-{found.oid}") if found.type in _CLASSES else None
    return NO_LIST if known is None else known.acl
