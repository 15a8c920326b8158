"""Functions, procedures, aggregates and window functions, as found: PostgreSQL has one namespace and one access list for all.

https://www.postgresql.org/docs/current/catalog-pg-proc.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

from pgplan.sdk import Facts, Found, ReaderBase, Row, join, sql
from pgplan_postgres import settings
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.function import Function, Parallel, Volatility
from pgplan_postgres.function_arguments import SETOF, Argument, Mode
from pgplan_postgres.signatures import argument_list, catalog_type
from pgplan_postgres.targets import is_system

_PROKINDS = {"p": "a procedure", "a": "an aggregate", "w": "a window function"}
_VOLATILITY: dict[str, Volatility] = {"v": "volatile", "s": "stable", "i": "immutable"}
_PARALLEL: dict[str, Parallel] = {"u": "unsafe", "r": "restricted", "s": "safe"}
_MODES: dict[str, Mode] = {"i": "in", "o": "out", "b": "inout", "v": "variadic", "t": "table"}

_FROM = """pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     -- temporary functions are nobody's to grant
     WHERE n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog'"""
_QUERY = """
WITH {listed}, own AS (
    -- what pgplan could have made; of all others it need not know more than who may call them
    SELECT p.oid
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     WHERE p.prokind = 'f' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.objsubid = 0 AND d.deptype = 'e')
)
SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS prokind, o.rolname AS owner,
       {extension} AS extension,
       input.types, whole.*, listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_proc AS p ON p.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
  LEFT JOIN (
    -- input types only: they are what tells overloaded routines apart
    SELECT p.oid AS proc,
           json_agg(json_build_array(tn.nspname, t.typname, en.nspname, et.typname) ORDER BY a.position) AS types
      FROM pg_catalog.pg_proc AS p
     CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, position)
      JOIN pg_catalog.pg_type AS t ON t.oid = a.type
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
      -- an array is the one type that its element names; int2vector and its like are none
      LEFT JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem AND et.typarray = t.oid
      LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = et.typnamespace
     GROUP BY p.oid) AS input ON input.proc = p.oid
  LEFT JOIN (
    SELECT p.oid AS proc, l.lanname AS language, p.prosrc AS body, p.provolatile::text AS volatility, p.proisstrict AS strict,
           p.proparallel::text AS parallel, p.proleakproof AS leakproof, p.prosecdef AS definer,
           p.procost AS cost, p.prorows AS rows, p.proconfig AS config, d.description AS comment, p.proretset AS returns_set,
           json_build_array(tn.nspname, t.typname, en.nspname, et.typname) AS returns, arguments.list AS arguments,
           p.pronargdefaults > 0 AS has_defaults, p.prosupport <> 0 AS has_support, p.protrftypes IS NOT NULL AS has_transforms,
           p.prosqlbody IS NOT NULL AS is_atomic, p.probin IS NOT NULL AS is_in_library
      FROM own
      JOIN pg_catalog.pg_proc AS p ON p.oid = own.oid
      JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
      JOIN pg_catalog.pg_type AS t ON t.oid = p.prorettype
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
      LEFT JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem AND et.typarray = t.oid
      LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = et.typnamespace
      LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = p.tableoid AND d.objoid = p.oid AND d.objsubid = 0
      LEFT JOIN (
        SELECT p.oid AS proc,
               json_agg(json_build_array(tn.nspname, t.typname, en.nspname, et.typname, a.name, a.mode::text)
                        ORDER BY a.position) AS list
          FROM own
          JOIN pg_catalog.pg_proc AS p ON p.oid = own.oid
          -- without output arguments there are only input types, and without names no names
         CROSS JOIN LATERAL unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
               WITH ORDINALITY AS a (type, name, mode, position)
          JOIN pg_catalog.pg_type AS t ON t.oid = a.type
          JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
          LEFT JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem AND et.typarray = t.oid
          LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = et.typnamespace
         GROUP BY p.oid) AS arguments ON arguments.proc = p.oid) AS whole ON whole.proc = p.oid
"""


class FunctionReader(ReaderBase):
    type = "function"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "p", "proacl", "proowner", _FROM)
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("p")).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    key = join(row["schema"], row["name"]) + argument_list(_type(*argument) for argument in row["types"] or ())
    spec = _only_named(key, row) if row["language"] is None else _whole(key, row)
    return found_with_list("function", key, spec, row, lists, system=is_system(row["schema"]))


def _only_named(key: str, row: Row) -> Function:
    kind = _PROKINDS.get(row["prokind"])
    return Function(name=key, owner=row["owner"] or "", beyond=(kind,) if kind else ())


def _whole(key: str, row: Row) -> Function:
    returns = _type(*row["returns"])
    return Function(
        name=key,
        arguments=tuple(_argument(*argument) for argument in cast("list[list[Any]]", row["arguments"] or [])),
        returns=SETOF + returns if row["returns_set"] else returns,
        language=row["language"],
        body=row["body"],
        volatility=_VOLATILITY[row["volatility"]],
        strict=row["strict"],
        parallel=_PARALLEL[row["parallel"]],
        leakproof=row["leakproof"],
        security="definer" if row["definer"] else "invoker",
        cost=row["cost"],
        rows=row["rows"],
        config=settings.from_catalog(row["config"] or ()),
        owner=row["owner"] or "",
        comment=row["comment"] or "",
        beyond=tuple(_beyond(row)),
    )


def _beyond(row: Row) -> Iterator[str]:
    """In the words of `Function.beyond`."""
    if row["is_atomic"]:
        yield "a body of BEGIN ATOMIC"
    if row["is_in_library"]:
        yield "a body in a library"
    if row["has_defaults"]:
        yield "defaults of arguments"
    if row["has_support"]:
        yield "a support function"
    if row["has_transforms"]:
        yield "transforms"


def _argument(schema: Any, type_: Any, element_schema: Any, element: Any, name: str | None, mode: str | None) -> Argument:
    return Argument(_type(schema, type_, element_schema, element), name or "", _MODES[mode or "i"])


@lru_cache(maxsize=4096)
def _type(schema: Any, name: Any, element_schema: Any, element: Any) -> str:
    return catalog_type(schema, name) if element is None else catalog_type(element_schema, element) + "[]"
