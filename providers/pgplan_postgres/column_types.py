"""Types of columns, modifiers included: as TOML has them, as the catalogs keep them, and as SQL, all in one spelling.

The catalogs keep a modifier as a number (pg_attribute.atttypmod), which ``format_type()`` would spell; but that reads the newest
catalogs, not the snapshot's. So the modifiers of PostgreSQL's own types are spelled here; those of other types, which only a
function of theirs can spell, are left alone.
https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re
from typing import Any

from pgplan.sdk import split, sql
from pgplan_postgres.signatures import SYSTEM_SCHEMA, catalog_type, normal_type

_TIMES = (
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
)
_LENGTHS = ("bit", "bit varying", "character", "character varying")
_MODIFIED = {*_LENGTHS, *_TIMES, "interval", "numeric"}
_WORDS = {"double precision", *_MODIFIED}
_SERIAL = re.compile(r"(small|big)?serial[248]?")
_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
# What SQL cannot say without quotes or a length: CHARACTER and BIT mean one of them.
_UNLIMITED = {
    **dict.fromkeys(("bpchar", '"bpchar"', "pg_catalog.bpchar"), "bpchar"),
    **dict.fromkeys(('"bit"', "pg_catalog.bit"), '"bit"'),
}
# src/include/utils/datetime.h: the bits of an interval's fields.
_FIELDS = {
    "year": 1 << 2,
    "month": 1 << 1,
    "day": 1 << 3,
    "hour": 1 << 10,
    "minute": 1 << 11,
    "second": 1 << 12,
    "year to month": 1 << 2 | 1 << 1,
    "day to hour": 1 << 3 | 1 << 10,
    "day to minute": 1 << 3 | 1 << 10 | 1 << 11,
    "day to second": 1 << 3 | 1 << 10 | 1 << 11 | 1 << 12,
    "hour to minute": 1 << 10 | 1 << 11,
    "hour to second": 1 << 10 | 1 << 11 | 1 << 12,
    "minute to second": 1 << 11 | 1 << 12,
}
_FULL_PRECISION = 0xFFFF
_HEADER = 4
"""VARHDRSZ, which some modifiers are counted with."""
_SINGLE_PRECISION = 24
_ARRAY = re.compile(r"\s*(?:\[\s*\d*\s*\]\s*)+$")
_MODIFIER = re.compile(r"\s*\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\)")


def column_type(text: str) -> str:
    """A type as someone wrote it, in the one spelling: ``varchar(20)`` is ``character varying(20)``, ``int[]`` ``integer[]``.

    A name without a schema is one of pg_catalog. Raises ValueError when it is no type, or the modifier not one of PostgreSQL's.
    """
    base = _ARRAY.sub("", text.strip())
    array = "[]" if base != text.strip() else ""
    if base in _UNLIMITED:
        return _UNLIMITED[base] + array
    if _SERIAL.fullmatch(base):
        raise ValueError(f"{text!r} is a type with a default, which is not managed; write integer, smallint or bigint")
    match = None if '"' in base else _MODIFIER.search(base)
    if match is None:
        return _spelled(*_known(base), ()) + array
    name, fields = _known(f"{base[: match.start()]} {base[match.end() :]}".strip())
    if name not in _MODIFIED and name != "double precision":
        raise ValueError(f"{text!r}: the modifier of such a type is not managed; write {name}")
    return _spelled(name, fields, tuple(int(number) for number in match.groups() if number is not None)) + array


def _known(text: str) -> tuple[str, str]:
    """A type's name, and the fields of an interval."""
    words = text.split()
    if words and words[0] == "interval" and " ".join(words[1:]) in _FIELDS:
        return "interval", " ".join(words[1:])
    return normal_type(text), ""


def _spelled(name: str, fields: str, modifiers: tuple[int, ...]) -> str:
    """A type of PostgreSQL's with its modifiers, where the server would add one, with that."""
    if name == "double precision" and modifiers:
        return "real" if modifiers[0] <= _SINGLE_PRECISION else name
    if name in ("bit", "character") and not modifiers:
        modifiers = (1,)
    if name == "numeric" and len(modifiers) == 1:
        modifiers = (*modifiers, 0)
    listed = f"({','.join(map(str, modifiers))})" if modifiers else ""
    if name in _TIMES:
        first, _, zone = name.partition(" ")
        return f"{first}{listed} {zone}"
    return " ".join(filter(None, (name, fields))) + listed


def found_type(schema: str, name: str, element_schema: str | None, element: str | None, modifier: int) -> str:
    """A type as the catalogs keep it. `element` is an array's, whose modifier is its elements'."""
    if element is not None and element_schema is not None:
        return found_type(element_schema, element, None, None, modifier) + "[]"
    spelled = catalog_type(schema, name)
    if schema != SYSTEM_SCHEMA or spelled not in _MODIFIED:
        return spelled
    if modifier < 0:
        return _UNLIMITED.get(f"{SYSTEM_SCHEMA}.{name}", spelled)
    if spelled == "interval":
        return _interval(modifier)
    if spelled == "numeric":
        bits = modifier - _HEADER
        # The scale is a signed number of 11 bits from PostgreSQL 15 on, and before that never too large for one.
        return _spelled(spelled, "", (bits >> 16 & 0xFFFF, (bits & 0x7FF ^ 1024) - 1024))
    return _spelled(spelled, "", (modifier - _HEADER if "character" in spelled else modifier,))


def _interval(modifier: int) -> str:
    precision, mask = modifier & 0xFFFF, modifier >> 16 & 0x7FFF
    fields = next((words for words, bits in _FIELDS.items() if bits == mask), "")
    return _spelled("interval", fields, () if precision == _FULL_PRECISION else (precision,))


def type_sql(spelled: str) -> sql.Composable:
    """SQL for a type in the one spelling."""
    base: Any = spelled.removesuffix("[]")
    keywords = _MODIFIER.sub("", base)
    first = keywords.partition(" ")[0]
    if _SIMPLE.fullmatch(base) or ('"' not in base and (keywords in _WORDS or first == "interval")):
        # One plain word, or words and numbers of the tables above: nothing else has such a form.
        written: sql.Composable = sql.SQL(base)
    else:
        written = sql.Identifier(*split(base))
    return sql.SQL("{}[]").format(written) if base != spelled else written
