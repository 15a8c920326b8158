"""How many objects there are, of types of which there may be too many to read them only to count them.

https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import LiteralString

from pgplan.sdk import sql
from pgplan_postgres.acl import extension
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.granted_only import TYPES_FROM

_OF_SCHEMAS = """
SELECT {type} AS type, n.nspname AS schema, count(*) AS number
  FROM {source}
   AND {oid} >= {first} AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   -- members of extensions are nobody's to declare
   AND {extension} IS NULL
 GROUP BY n.nspname
"""
_LARGE_OBJECTS = "SELECT 'large_object' AS type, '' AS schema, count(*) AS number FROM pg_catalog.pg_largeobject_metadata"
_RELATIONS = "pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE "
_SOURCES: Mapping[str, tuple[LiteralString, LiteralString]] = {
    "table": ("c", _RELATIONS + "c.relkind IN ('r', 'p', 'v', 'm', 'f')"),
    "sequence": ("c", _RELATIONS + "c.relkind = 'S'"),
    "function": ("p", "pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace WHERE true"),
    "type": ("t", TYPES_FROM),
}
TALLIED = (*_SOURCES, "large_object", "foreign_table", "parameter")
"""Foreign tables are tables, and of parameters it means nothing that they are there."""


def tally(types: Collection[str]) -> str:
    """See `pgplan.kind.Surveyor.tally`."""
    queries = [_of_schemas(type_, *_SOURCES[type_]).text for type_ in sorted(_SOURCES.keys() & set(types))]
    return "\nUNION ALL\n".join([*queries, *([_LARGE_OBJECTS] if "large_object" in types else [])])


def _of_schemas(type_: str, alias: LiteralString, source: LiteralString) -> sql.Composed:
    return sql.SQL(_OF_SCHEMAS).format(
        type=sql.Literal(type_),
        source=sql.SQL(source),
        oid=sql.Identifier(alias, "oid"),
        first=sql.Literal(FIRST_NORMAL_OID),
        extension=extension(alias),
    )
