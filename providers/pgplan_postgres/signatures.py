"""Function signatures: input types as PostgreSQL spells them, in keys and in SQL.

https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pgplan.sdk import join, part, split, sql

SYSTEM_SCHEMA = "pg_catalog"
_SPELLED = {
    "any": '"any"',
    "bit": "bit",
    "bool": "boolean",
    "bpchar": "character",
    "char": '"char"',
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "interval": "interval",
    "numeric": "numeric",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
"""Types of pg_catalog that SQL spells otherwise than the catalog does."""
_ALIASES = {spelled: spelled for spelled in _SPELLED.values()} | {
    "char": "character",
    "char varying": "character varying",
    "dec": "numeric",
    "decimal": "numeric",
    "float": "double precision",
    "int": "integer",
    "national char": "character",
    "national char varying": "character varying",
    "national character": "character",
    "national character varying": "character varying",
    "nchar": "character",
    "nchar varying": "character varying",
}
_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
_SIGNATURE = re.compile(r'((?:"(?:[^"]|"")*"|[^"(])*)(?:\((.*)\))?', re.DOTALL)
_ARGUMENT = re.compile(r'(?:"(?:[^"]|"")*"|[^",])+')


def catalog_type(schema: str, name: str) -> str:
    """A type in a key: as PostgreSQL spells it, with its schema unless that is pg_catalog."""
    return _SPELLED.get(name) or part(name) if schema == SYSTEM_SCHEMA else join(schema, name)


def normal_type(text: str) -> str:
    """A type as someone wrote it, as it stands in a key: ``int`` is ``integer``, ``varchar[]`` ``character varying[]``.

    Names are not folded, and a name without a schema is one of pg_catalog. Raises ValueError when it is not a type's name.
    """
    base, array = text.strip(), ""
    while base.endswith("[]"):
        base, array = base[:-2].rstrip(), "[]"
    words = base if '"' in base else " ".join(base.split())
    if words in _ALIASES:
        return _ALIASES[words] + array
    if '"' not in words and re.search(r"[()\[\]]", words):
        raise ValueError(f"{text.strip()!r}: an argument's type has no length; write varchar, not varchar(20)")
    names = split(words)
    if len(names) > 2:  # noqa: PLR2004 (schema and name)
        raise ValueError(f"{text.strip()!r} is not a type: write name or schema.name")
    return catalog_type(*(names if len(names) > 1 else (SYSTEM_SCHEMA, *names))) + array


def split_signature(text: str) -> tuple[str, str | None]:
    """A routine's name and what stands in its parentheses, None without them. Raises ValueError for anything else."""
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a function: write schema.name or schema.name(type, type)")
    return match[1].strip(), match[2]


def argument_list(types: Iterable[str]) -> str:
    """What follows a routine's name in a key."""
    return f"({','.join(types)})"


def normal_arguments(text: str) -> str:
    """The argument list of a key, from what stands in the parentheses. Raises ValueError for what is not a list of types."""
    if not text.strip():
        return argument_list(())
    arguments = split_arguments(text)
    if ",".join(arguments) != text:
        raise ValueError(f"({text}) is not a list of types")
    return argument_list(normal_type(argument) for argument in arguments)


def split_arguments(text: str) -> list[str]:
    """The types in the parentheses of a key."""
    found: list[str] = _ARGUMENT.findall(text)
    return found


def signature_sql(key: str) -> str:
    """A routine's key as SQL: every argument is marked IN, as pg_dump does.

    Without IN, ROUTINE also looks at output arguments: ``f(integer)`` would be ambiguous beside a procedure ``f(OUT integer)``.
    https://www.postgresql.org/docs/current/sql-dropprocedure.html
    """
    name, arguments = split_signature(key)
    types = (f"IN {_type_sql(argument)}" for argument in split_arguments(arguments or ""))
    return f"{sql.Identifier(*split(name)).text}({', '.join(types)})"


def _type_sql(text: str) -> str:
    base, array = (text[:-2], "[]") if text.endswith("[]") else (text, "")
    if base in _ALIASES or _SIMPLE.fullmatch(base):
        return text
    return sql.Identifier(*split(base)).text + array
