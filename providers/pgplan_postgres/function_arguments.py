"""Arguments and results of functions: as TOML has them, as the catalogs keep them, and as SQL, all in one spelling.

https://www.postgresql.org/docs/current/sql-createfunction.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from attrs import frozen

from pgplan.sdk import Mistakes, split, sql
from pgplan_postgres.column_types import type_sql
from pgplan_postgres.expressions import expression_sql, normal_expression
from pgplan_postgres.signatures import SYSTEM_SCHEMA, argument_list, normal_type, split_arguments, split_signature
from pgplan_postgres.sql import name, words

Mode = Literal["in", "out", "inout", "variadic", "table"]
INPUT: Sequence[Mode] = ("in", "inout", "variadic")
"""Arguments that a call gives: their types tell overloaded functions apart."""
OUTPUT: Sequence[Mode] = ("out", "inout", "table")
SETOF = "SETOF "
RECORD = "record"

_MODES = {
    "in": sql.SQL("IN"),
    "out": sql.SQL("OUT"),
    "inout": sql.SQL("INOUT"),
    "variadic": sql.SQL("VARIADIC"),
}


@frozen
class ArgumentBlock:
    """One of `arguments`. Omitted, and enforced: it has no name, is given by the caller, and cannot be left out by him."""

    type: str
    name: str = ""
    mode: Mode = "in"
    default: str = ""
    """An expression of SQL, such as ``'x'`` or ``now()``."""


@frozen
class Argument:
    type: str
    """As in the key: without modifiers, which PostgreSQL drops."""
    name: str = ""
    mode: Mode = "in"
    default: str = ""
    """As declared, or as the server spells it."""


def declared_arguments(mistakes: Mistakes, key: str, blocks: Sequence[ArgumentBlock] | None) -> tuple[Argument, ...]:
    """All arguments; those of the key, without names, where none are listed."""
    listed = [part for part in split_arguments(split_signature(key)[1] or "") if part]
    if blocks is None:
        return tuple(map(Argument, listed))
    arguments = tuple(_argument(mistakes, index, block) for index, block in enumerate(blocks))
    given = argument_list(one.type for one in arguments if one.mode in INPUT)
    if not mistakes.found and given != argument_list(listed):
        hint = f"in its name stand the types of what a call gives: {split_signature(key)[0]}{given}"
        mistakes.add(("arguments",), f"the arguments are {given}, and the function's name says {argument_list(listed)}", hint)
    _check_defaults(mistakes, arguments)
    modes = [one.mode for one in arguments]
    if "table" in modes:
        if "out" in modes or "inout" in modes:
            mistakes.add(("arguments",), "the modes out and inout do not go with table")
        elif set(modes[modes.index("table") :]) != {"table"}:
            mistakes.add(("arguments",), "the arguments of mode table are the columns of the result: list them last")
    return arguments


def _argument(mistakes: Mistakes, index: int, block: ArgumentBlock) -> Argument:
    path = ("arguments", index)
    if block.name or block.mode == "table":
        mistakes.name((*path, "name"), block.name)
    default = block.default
    try:
        default = normal_expression(block.default) if block.default else ""
    except ValueError as error:
        mistakes.add((*path, "default"), str(error))
    return Argument(_type(mistakes, (*path, "type"), block.type), block.name, block.mode, default)


def _check_defaults(mistakes: Mistakes, arguments: Sequence[Argument]) -> None:
    """https://www.postgresql.org/docs/current/xfunc-sql.html#XFUNC-SQL-PARAMETER-DEFAULTS"""
    first = ""
    for index, one in enumerate(arguments):
        path = ("arguments", index)
        if one.default and one.mode not in INPUT:
            mistakes.add((*path, "default"), f"only what a call gives has a default: this one is of mode {one.mode}")
        elif one.mode in INPUT and not one.default and first:
            hint = "a call leaves out arguments from the right: give each after the first default one too"
            mistakes.add(path, f"it lacks a default, and stands after {first}, which has one", hint)
        elif one.default:
            first = one.name or one.type


def may_become(before: Sequence[Argument], after: Sequence[Argument]) -> bool:
    """Whether CREATE OR REPLACE turns the one list into the other: it adds names and defaults, and takes away neither."""
    return len(before) == len(after) and all(map(_may_become, before, after))


def _may_become(before: Argument, after: Argument) -> bool:
    named = not before.name and before.mode in ("in", "variadic")
    same = before.type == after.type and before.mode == after.mode and (named or before.name == after.name)
    return same and bool(after.default or not before.default)


def _type(mistakes: Mistakes, path: tuple[str | int, ...], text: str) -> str:
    try:
        return normal_type(text)
    except ValueError as error:
        mistakes.add(path, str(error))
        return text


def declared_result(mistakes: Mistakes, arguments: Sequence[Argument], returns: str | None) -> str:
    """``integer`` or ``SETOF integer``: as declared, or as it follows from the arguments."""
    implied = _implied(arguments)
    if returns is None:
        if implied is None:
            mistakes.add((), "'returns' is missing", 'write returns = "void" for a function that gives nothing back')
        return implied or ""
    words_ = returns.split(maxsplit=1)
    if words_ and words_[0].lower() == "table":
        mistakes.add(("returns",), "the columns of a result stand in arguments", 'give each of them mode = "table"')
        return ""
    several = len(words_) > 1 and words_[0].lower() == SETOF.strip().lower()
    result = _type(mistakes, ("returns",), words_[1] if several else returns)
    result = SETOF + result if several else result
    table = any(one.mode == "table" for one in arguments)
    if implied is not None and result != implied and (table or result != SETOF + implied):
        message = f"it returns {result}, and by its arguments {implied}"
        mistakes.add(("returns",), message, "leave returns out" + ("" if table else f", or write {SETOF}{implied}"))
    return result


def _implied(arguments: Iterable[Argument]) -> str | None:
    out = [one for one in arguments if one.mode in OUTPUT]
    if not out:
        return None
    result = out[0].type if len(out) == 1 else RECORD
    return SETOF + result if out[0].mode == "table" else result


def signature(key: str) -> sql.Composable:
    """A function's key as SQL."""
    function, arguments = split_signature(key)
    types = (sql.SQL("IN {}").format(type_sql(one)) for one in split_arguments(arguments or "") if one)
    return sql.SQL("{}({})").format(name(*split(function)), sql.SQL(", ").join(types))


def definition(key: str, arguments: Sequence[Argument], returns: str) -> sql.Composable:
    """Name, arguments and result in ``CREATE FUNCTION``."""
    function, _ = split_signature(key)
    given = sql.SQL(", ").join(words(_MODES[one.mode], _named(one), _default(one)) for one in arguments if one.mode != "table")
    columns = [_named(one) for one in arguments if one.mode == "table"]
    result = sql.SQL("RETURNS TABLE ({})").format(sql.SQL(", ").join(columns)) if columns else _result(returns)
    return sql.SQL("{}({}) {}").format(name(*split(function)), given, result)


def _named(one: Argument) -> sql.Composable:
    return words(name(one.name) if one.name else None, type_sql(one.type))


def _default(one: Argument) -> sql.Composable | None:
    return sql.SQL("DEFAULT {}").format(expression_sql(one.default)) if one.default else None


def _result(returns: str) -> sql.Composable:
    result = type_sql(returns.removeprefix(SETOF))
    return sql.SQL("RETURNS SETOF {}").format(result) if returns.startswith(SETOF) else sql.SQL("RETURNS {}").format(result)


def own_types(arguments: Iterable[Argument], returns: str) -> Iterator[str]:
    """The keys of types that are not PostgreSQL's own, sorted; an array is its elements' here."""
    spelled = {one.type.removesuffix("[]") for one in arguments} | {returns.removeprefix(SETOF).removesuffix("[]")}
    for one in sorted(filter(None, spelled)):
        # What has no schema is one of pg_catalog, and is spelled by up to four words.
        if (" " not in one or '"' in one) and len(names := split(one)) > 1 and names[0] != SYSTEM_SCHEMA:
            yield one
