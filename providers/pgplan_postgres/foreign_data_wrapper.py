"""Read only, for what servers and privileges refer to.

https://www.postgresql.org/docs/current/catalog-pg-foreign-data-wrapper.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen
from psycopg import sql

from pgplan.address import join
from pgplan.kind import Facts, Found, Row
from pgplan.secret import Secret
from pgplan_postgres.acl import acl_items, found_with_list
from pgplan_postgres.base import ReaderBase, sorted_dict
from pgplan_postgres.options import found_options, query_column


@frozen
class ForeignDataWrapper:
    name: str
    handler: str | None = None
    """A function's name with its schema; "" means none."""
    validator: str | None = None
    options: dict[str, str | Secret] | None = field(default=None, converter=sorted_dict)
    owner: str | None = None


_QUERY = """
SELECT w.oid::bigint AS oid, w.fdwname AS name, o.rolname AS owner,
       h.proname AS handler, hn.nspname AS handler_schema, v.proname AS validator, vn.nspname AS validator_schema,
       -- 2328 is pg_foreign_data_wrapper's own OID
       (SELECT x.extname FROM pg_catalog.pg_depend AS e JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
                WHERE e.classid = 2328 AND e.objid = w.oid AND e.deptype = 'e') AS extension,
       {options} AS options,
       {acl} AS acl
  FROM pg_catalog.pg_foreign_data_wrapper AS w
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = w.fdwowner
  LEFT JOIN pg_catalog.pg_proc AS h ON h.oid = w.fdwhandler
  LEFT JOIN pg_catalog.pg_namespace AS hn ON hn.oid = h.pronamespace
  LEFT JOIN pg_catalog.pg_proc AS v ON v.oid = w.fdwvalidator
  LEFT JOIN pg_catalog.pg_namespace AS vn ON vn.oid = v.pronamespace
"""


class ForeignDataWrapperReader(ReaderBase):
    type = "foreign_data_wrapper"

    def query(self, facts: Facts) -> str:
        query = sql.SQL(_QUERY).format(options=query_column("w.fdwoptions"), acl=acl_items("w.fdwacl", "F", "w.fdwowner"))
        return query.as_string(None)

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_found(row) for row in rows]


def _function(schema: str | None, function: str | None) -> str:
    return join(schema, function) if schema is not None and function is not None else ""


def _found(row: Row) -> Found:
    spec = ForeignDataWrapper(
        name=row["name"],
        handler=_function(row["handler_schema"], row["handler"]),
        validator=_function(row["validator_schema"], row["validator"]),
        options=found_options(row["options"]),
        owner=row["owner"] or "",
    )
    return found_with_list("foreign_data_wrapper", spec, row)
