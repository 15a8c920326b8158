"""SQL composed without a driver is what psycopg composes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql as theirs

from pgplan import sql as ours
from tests.servers import Server

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
HOSTILE = [
    "",
    "a",
    "a'b",
    "''",
    'a"b',
    '""',
    "a\\b",
    "\\'",
    "\\",
    "E'",
    "--",
    "/*",
    "$$",
    "%s",
    "{}",
    "{name}",
    "é\n",
    "\u202e",
    ":'x'",
]


@given(TEXTS)
def test_values_as_psycopg_writes_them(value: str) -> None:
    assert ours.Literal(value).text == theirs.Literal(value).as_string(None)


@given(st.integers() | st.booleans())
def test_numbers_as_psycopg_writes_them(value: int) -> None:
    assert ours.Literal(value).text == theirs.Literal(value).as_string(None)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0))
def test_fractions_as_psycopg_writes_them(value: float) -> None:
    assert ours.Literal(value).text == theirs.Literal(value).as_string(None)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="no number"):
        ours.Literal(wrong)


@given(st.lists(TEXTS, min_size=1))
def test_names_as_psycopg_writes_them(parts: list[str]) -> None:
    assert ours.Identifier(*parts).text == theirs.Identifier(*parts).as_string(None)


@given(TEXTS, TEXTS, st.lists(TEXTS))
def test_templates_as_psycopg_fills_them(one: str, two: str, many: list[str]) -> None:
    def filled(sql: Any) -> Any:
        joined = sql.SQL(", ").join(sql.Literal(each) for each in many)
        both = sql.SQL("{{}} {} is {}").format(sql.Identifier(one), joined)
        return sql.SQL("{a} {b}{a} %").format(a=both, b=sql.Composed([sql.Literal(two), sql.SQL("{}")]))

    assert filled(ours).text == filled(theirs).as_string(None)


@pytest.mark.parametrize("wrong", ["a\0b", "\ud800", "a\udcff"])
def test_what_is_no_text_is_refused(wrong: str) -> None:
    for kind in (ours.Literal, ours.Identifier):
        with pytest.raises(ValueError, match=r"NUL|surrogates"):
            kind(wrong)


@pytest.mark.parametrize("wrong", ["text", b"text", 5, None, theirs.SQL("text")])
def test_what_is_no_sql_is_never_sent(wrong: Any) -> None:
    with pytest.raises(TypeError, match="is no SQL"):
        ours.SQL("{}").format(wrong)
    with pytest.raises(TypeError, match="is no SQL"):
        ours.SQL("{a}").format(a=wrong)
    with pytest.raises(TypeError, match="is no SQL"):
        ours.SQL(",").join([wrong])
    with pytest.raises(TypeError, match="is no SQL"):
        ours.Composed([wrong])


@pytest.mark.parametrize(
    ("template", "args", "named"),
    [
        ("{}", 0, ()),
        ("{}", 2, ()),
        ("", 1, ()),
        ("{a}", 0, ()),
        ("{a}", 0, ("a", "b")),
        ("{a}", 1, ()),
        ("{0}", 1, ()),
        ("{!r}", 1, ()),
        ("{:>9}", 1, ()),
        ("{a.text}", 0, ("a",)),
        ("{a[0]}", 0, ("a",)),
    ],
)
def test_arguments_and_places_must_fit(template: Any, args: int, named: tuple[str, ...]) -> None:
    part = ours.SQL("x")
    with pytest.raises(ValueError, match=r"fit the places|may stand"):
        ours.SQL(template).format(*[part] * args, **dict.fromkeys(named, part))


def test_a_name_has_a_part() -> None:
    with pytest.raises(TypeError, match="at least one part"):
        ours.Identifier()


def test_the_server_reads_what_was_meant(server: Server) -> None:
    with psycopg.connect(server.url()) as connection:
        for value in filter(None, HOSTILE):
            query = ours.SQL("SELECT {} AS {}, E'' {}").format(ours.Literal(value), ours.Identifier(value), ours.SQL(""))
            cursor = connection.execute(query.text.encode())
            assert cursor.description is not None
            assert (cursor.fetchone(), cursor.description[0].name) == ((value, ""), value)
