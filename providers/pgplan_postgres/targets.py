"""What a privilege is on: the names of objects in TOML, in keys and in SQL, and the patterns of ``*_in``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from pgplan.sdk import Catalog, Found, is_pattern, join, matcher, name_problem, part, pattern_key, split, sql, unpart
from pgplan_postgres.grantable import GRANTABLE
from pgplan_postgres.signatures import normal_arguments, signature_sql, split_signature

_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
SYSTEM_FUNCTION = "system_function"
"""The type of the reader of functions that PostgreSQL brings: three thousand, of which hardly any configuration names one."""


def object_key(type_: str, text: str) -> str:
    """The key of an object that TOML names. A function may leave out its argument types, and then its key does.

    Raises ValueError when `text` is not such a name.
    """
    if not GRANTABLE[type_].in_schema:
        return _SPELLED.get(type_, part)(_checked(text))
    name, arguments = split_signature(text) if type_ == "function" else (text, None)
    names = split(name)
    if len(names) != 2:  # noqa: PLR2004 (schema and name)
        write = "write schema.name" + (", with double quotes around a part that holds a dot" if len(names) > 2 else "")  # noqa: PLR2004
        raise ValueError(f"{text!r} names no {type_}: {write}")
    return join(*map(_checked, names)) + ("" if arguments is None else normal_arguments(arguments))


def _checked(name: str) -> str:
    problem = name_problem(name)
    if problem:
        raise ValueError(problem)
    return name


def large_object_key(text: str) -> str:
    """Large objects have no name but their OID. Raises ValueError for anything else."""
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
        raise ValueError(f'{text!r} is no large object: write its OID, such as "16401"')
    return text


def parameter_key(text: str) -> str:
    """A parameter as pg_parameter_acl has it: in lower case, an extension's with a dot. Raises ValueError for what is none."""
    if not _PARAMETER.fullmatch(text):
        raise ValueError(f"{text!r} is no configuration parameter")
    return text.lower()


_SPELLED: Mapping[str, Callable[[str], str]] = {"large_object": large_object_key, "parameter": parameter_key}
"""By type, how an object is named that has no name of the common sort."""


@lru_cache(maxsize=65536)
def object_sql(type_: str, key: str) -> str:
    """An object's name in GRANT and REVOKE."""
    if type_ == "function":
        return signature_sql(key)
    if type_ == "large_object":
        return sql.Literal(int(key)).text
    dotted = GRANTABLE[type_].in_schema or type_ == "parameter"
    return sql.Identifier(*(split(key) if dotted else (unpart(key),))).text


def schemas_key(text: str) -> str:
    """The key of the schemas that ``*_in`` names: a schema, or a pattern in which ``*`` stands for anything.

    A schema whose own name holds a ``*`` is double-quoted. Raises ValueError for a system schema, and for what is no name.
    """
    if is_system(text) and "*" not in text:
        raise ValueError(f"{text} is a system schema: name its objects one by one")
    return pattern_key(text)


def is_system(schema: str) -> bool:
    return schema.startswith("pg_") or schema == "information_schema"


def readers_of(type_: str, key: str) -> tuple[str, ...]:
    """See `pgplan.kind.Provider.readers_of`. A function's key may lack its argument types."""
    if type_ == "function" and is_system(schema_of(key)):
        return (type_, SYSTEM_FUNCTION)
    return (type_,)


def except_key(type_: str, text: str) -> str:
    """The key of an item of ``except``: a schema, or an object within one. Raises ValueError when it is neither."""
    if "*" in text and '"' not in text:
        raise ValueError(f"{text!r}: except takes names, not patterns; double-quote a name that holds a star")
    if "." not in text and "(" not in text and not text.startswith('"'):
        return part(_checked(text))
    name, arguments = split_signature(text) if type_ == "function" else (text, None)
    schema, *objects = split(name)
    return part(_checked(schema)) if not objects and arguments is None else object_key(type_, text)


def is_reached(key: str, schemas: str) -> bool:
    """Whether what an `except_key` names is in the schemas of a `schemas_key`."""
    schema = schema_of(key)
    return not is_system(schema) and matcher(schemas)(schema)


def exceptions(type_: str, excepted: Iterable[str], catalog: Catalog) -> Iterator[tuple[str, str]]:
    """(type, key) of what each `except_key` names; of routines that share a name, one."""
    for key in excepted:
        name, arguments = split_signature(key) if type_ == "function" else (key, None)
        if len(split(name)) == 1:
            yield "schema", key
        elif type_ == "function" and arguments is None:
            yield type_, next((found.key for found in overloads(key, catalog)), key)
        else:
            yield type_, key


def matching(type_: str, schemas: str, catalog: Catalog) -> list[Found]:
    """The objects that ``*_in`` means, extension members included, sorted by key. Never those of system schemas."""
    if not is_pattern(schemas):
        return [found for found in catalog.within(type_, f"{schemas}.") if not found.system]
    matches = matcher(schemas)
    return [found for found in catalog.of(type_) if not found.system and matches(schema_of(found.key))]


@lru_cache(maxsize=65536)
def schema_of(key: str) -> str:
    """The schema's name in the key of an object within one."""
    name, _ = split_signature(key)
    return split(name)[0]


def is_excepted(found: Found, excepted: tuple[str, ...]) -> bool:
    """Whether an object, its schema, or all routines of its name are left out."""
    if not excepted:
        return False
    name, _ = split_signature(found.key)
    return any(key in excepted for key in (found.key, name, part(split(name)[0])))


def overloads(key: str, catalog: Catalog) -> list[Found]:
    """The routines that a function's key without argument types may mean."""
    return catalog.within("function", f"{key}(")
