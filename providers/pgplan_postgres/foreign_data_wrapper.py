"""Read only, for what servers and privileges refer to.

https://www.postgresql.org/docs/current/catalog-pg-foreign-data-wrapper.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen
from psycopg import sql

from pgplan.address import join, part
from pgplan.kind import Facts, Found, Row
from pgplan.secret import Secret
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
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
WITH {listed}
SELECT w.oid::bigint AS oid, w.fdwname AS name, o.rolname AS owner,
       h.proname AS handler, hn.nspname AS handler_schema, v.proname AS validator, vn.nspname AS validator_schema,
       {extension} AS extension,
       {options} AS options,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = listed.oid
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = w.fdwowner
  LEFT JOIN pg_catalog.pg_proc AS h ON h.oid = w.fdwhandler
  LEFT JOIN pg_catalog.pg_namespace AS hn ON hn.oid = h.pronamespace
  LEFT JOIN pg_catalog.pg_proc AS v ON v.oid = w.fdwvalidator
  LEFT JOIN pg_catalog.pg_namespace AS vn ON vn.oid = v.pronamespace
"""


class ForeignDataWrapperReader(ReaderBase):
    type = "foreign_data_wrapper"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "w", "fdwacl", "fdwowner", "pg_catalog.pg_foreign_data_wrapper AS w")
        query = sql.SQL(_QUERY).format(listed=lists, extension=extension("w"), options=query_column("w.fdwoptions"))
        return query.as_string(None)

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _function(schema: str | None, function: str | None) -> str:
    return join(schema, function) if schema is not None and function is not None else ""


def _found(row: Row, lists: Lists) -> Found:
    spec = ForeignDataWrapper(
        name=row["name"],
        handler=_function(row["handler_schema"], row["handler"]),
        validator=_function(row["validator_schema"], row["validator"]),
        options=found_options(row["options"]),
        owner=row["owner"] or "",
    )
    return found_with_list("foreign_data_wrapper", part(spec.name), spec, row, lists)
