"""Functions, procedures, aggregates and window functions, as found: PostgreSQL has one namespace and one access list for all.

https://www.postgresql.org/docs/current/catalog-pg-proc.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, LiteralString, cast

from attrs import evolve

from pgplan.sdk import Facts, Found, ReaderBase, Row, join, sql
from pgplan_postgres import settings
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.dependents import dependents, held
from pgplan_postgres.expressions import split_expressions
from pgplan_postgres.function import Function, Parallel, Volatility
from pgplan_postgres.function_arguments import INPUT, SETOF, Argument, Mode
from pgplan_postgres.signatures import argument_list, catalog_type
from pgplan_postgres.sql import roles
from pgplan_postgres.targets import SYSTEM_FUNCTION, is_system

_PROKINDS = {"p": "a procedure", "a": "an aggregate", "w": "a window function"}
_VOLATILITY: dict[str, Volatility] = {"v": "volatile", "s": "stable", "i": "immutable"}
_PARALLEL: dict[str, Parallel] = {"u": "unsafe", "r": "restricted", "s": "safe"}
_MODES: dict[str, Mode] = {"i": "in", "o": "out", "b": "inout", "v": "variadic", "t": "table"}

_FROM = """pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     WHERE """
# Temporary functions are nobody's to grant.
_OTHERS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
_SYSTEM = "n.nspname IN ('pg_catalog', 'information_schema')"
_QUERY = """
WITH {listed}, own AS (
    -- what pgplan could have made; of all others it need not know more than who may call them
    SELECT p.oid
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     WHERE p.prokind = 'f' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.objsubid = 0 AND d.deptype = 'e')
), input AS (
    -- input types only: they are what tells overloaded routines apart; some thousand routines have a few hundred lists of them
    SELECT v.types, json_agg(json_build_array(tn.nspname, t.typname, en.nspname, et.typname) ORDER BY a.position)::text AS names
      FROM (SELECT DISTINCT p.proargtypes AS types FROM listed JOIN pg_catalog.pg_proc AS p ON p.oid = listed.oid) AS v
     CROSS JOIN LATERAL unnest(v.types) WITH ORDINALITY AS a (type, position)
      JOIN pg_catalog.pg_type AS t ON t.oid = a.type
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
      -- an array is the one type that its element names; int2vector and its like are none
      LEFT JOIN pg_catalog.pg_type AS et ON et.oid = t.typelem AND et.typarray = t.oid
      LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = et.typnamespace
     GROUP BY v.types
)
SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS prokind, o.rolname AS owner,
       {extension} AS extension,
       input.names AS input, CASE WHEN whole.proc IS NOT NULL THEN row_to_json(whole) END AS whole, held.list AS held,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_proc AS p ON p.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN {roles} AS o ON o.oid = p.proowner
  LEFT JOIN {held} AS held ON held.object = p.oid
  LEFT JOIN input ON input.types = p.proargtypes
  LEFT JOIN (
    SELECT p.oid AS proc, l.lanname AS language, p.prosrc AS body, p.provolatile::text AS volatility, p.proisstrict AS strict,
           p.proparallel::text AS parallel, p.proleakproof AS leakproof, p.prosecdef AS definer,
           p.procost AS cost, p.prorows AS rows, p.proconfig AS config, d.description AS comment, p.proretset AS returns_set,
           json_build_array(tn.nspname, t.typname, en.nspname, et.typname) AS returns, arguments.list AS arguments,
           -- 0: there is no row that it could speak of
           p.pronargdefaults AS defaults, pg_get_expr(p.proargdefaults, 0) AS default_list, own_types.list AS own_types,
           p.prosupport <> 0 AS has_support, p.protrftypes IS NOT NULL AS has_transforms,
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
         GROUP BY p.oid) AS arguments ON arguments.proc = p.oid
      LEFT JOIN (
        -- types that are not PostgreSQL's own; an array is its elements', a row its table's, a multirange its range's
        SELECT used.proc,
               json_agg(json_build_array(CASE WHEN c.relkind <> 'c' THEN 'table' ELSE 'type' END, n.nspname, t.typname)) AS list
          FROM (SELECT DISTINCT p.oid AS proc, coalesce(e.oid, a.type) AS type
                  FROM own
                  JOIN pg_catalog.pg_proc AS p ON p.oid = own.oid
                 CROSS JOIN LATERAL unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) AS a (type)
                  LEFT JOIN pg_catalog.pg_type AS e ON e.typarray = a.type) AS used
          JOIN pg_catalog.pg_type AS t ON t.oid = used.type AND t.typtype <> 'm'
          JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname <> 'pg_catalog'
          LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
         GROUP BY used.proc) AS own_types ON own_types.proc = p.oid
    -- planned by itself: the time to plan joins grows with the square and more of their number
    OFFSET 0) AS whole ON whole.proc = p.oid
"""
_HELD = "SELECT own.oid, 1255, own.oid FROM own"


class FunctionReader(ReaderBase):
    type = "function"
    _which: LiteralString = _OTHERS

    def query(self, facts: Facts) -> str:
        lists = listed("function", "p", "proacl", "proowner", _FROM + self._which, facts)
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("p"), held=held(_HELD), roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


class SystemFunctionReader(FunctionReader):
    type = SYSTEM_FUNCTION
    _which: LiteralString = _SYSTEM


def _found(row: Row, lists: Lists) -> Found:
    key = join(row["schema"], row["name"]) + _input(row["input"])
    spec = _only_named(key, row) if row["whole"] is None else _whole(key, row["owner"] or "", row["whole"])
    found = found_with_list("function", key, spec, row, lists, system=is_system(row["schema"]))
    return evolve(found, holds=dependents(row["held"])) if row["held"] else found


def _only_named(key: str, row: Row) -> Function:
    kind = _PROKINDS.get(row["prokind"])
    return Function(name=key, owner=row["owner"] or "", beyond=(kind,) if kind else ())


def _whole(key: str, owner: str, row: Row) -> Function:
    returns = _type(*row["returns"])
    arguments = [_argument(*argument) for argument in cast("list[list[Any]]", row["arguments"] or [])]
    defaults = _defaults(row)
    return Function(
        name=key,
        arguments=tuple(_with_defaults(arguments, defaults or ())),
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
        owner=owner,
        comment=row["comment"] or "",
        beyond=(*_beyond(row), *(["defaults that pgplan cannot read"] if defaults is None else [])),
        types=tuple(sorted((type_, join(schema, name)) for type_, schema, name in row["own_types"] or ())),
    )


def _beyond(row: Row) -> Iterator[str]:
    """In the words of `Function.beyond`."""
    if row["is_atomic"]:
        yield "a body of BEGIN ATOMIC"
    if row["is_in_library"]:
        yield "a body in a library"
    if row["has_support"]:
        yield "a support function"
    if row["has_transforms"]:
        yield "transforms"


def _defaults(row: Row) -> list[str] | None:
    """The expressions, None where they cannot be told apart."""
    try:
        found = split_expressions(row["default_list"]) if row["defaults"] else []
    except ValueError:
        return None
    return found if len(found) == row["defaults"] else None


def _with_defaults(arguments: Sequence[Argument], defaults: Sequence[str]) -> Iterator[Argument]:
    """The last of the arguments that a call gives are those that it may leave out."""
    given = sum(one.mode in INPUT for one in arguments)
    rest = iter((*[""] * (given - len(defaults)), *defaults))
    return (evolve(one, default=next(rest)) if one.mode in INPUT else one for one in arguments)


def _argument(schema: Any, type_: Any, element_schema: Any, element: Any, name: str | None, mode: str | None) -> Argument:
    return Argument(_type(schema, type_, element_schema, element), name or "", _MODES[mode or "i"])


@lru_cache(maxsize=4096)
def _input(types: str | None) -> str:
    """The argument list of a key; None for no arguments."""
    return argument_list(_type(*argument) for argument in json.loads(types or "[]"))


@lru_cache(maxsize=4096)
def _type(schema: Any, name: Any, element_schema: Any, element: Any) -> str:
    return catalog_type(schema, name) if element is None else catalog_type(element_schema, element) + "[]"
