"""Slots in SQL text, against texts whose slots are known and against psql itself."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pgplan.slots import find, split
from tests.servers import Server, binaries

SLOT = ":'x'"
INSIDE = st.text(alphabet="x: ab1\n$", max_size=6)
QUOTED = st.one_of(
    INSIDE.map(lambda text: f"'{text}{SLOT.replace(chr(39), chr(39) * 2)}'"),
    INSIDE.map(lambda text: f" E'{text}\\':''x'''"),
    INSIDE.map(lambda text: f'"{text}{SLOT}"'),
    INSIDE.map(lambda text: f" $a${text.replace('a', 'b')}{SLOT}$b$$$a$ "),
    INSIDE.map(lambda text: f" $${text.replace('$', '')}{SLOT}$$ "),
    INSIDE.map(lambda text: f"/*{text}/* {SLOT} */{SLOT}*/"),
    INSIDE.map(lambda text: f"--{text.replace(chr(10), '')}{SLOT}\n"),
    st.just(f":{SLOT}"),
    st.just(" ab$c$ "),
    st.text(alphabet="ab1(),*-+ :", max_size=4).map(lambda text: f" {text.replace('--', '')} "),
)


@given(st.lists(QUOTED), st.lists(QUOTED), st.lists(QUOTED))
def test_slots_stand_where_they_were_put(before: list[str], between: list[str], after: list[str]) -> None:
    parts = [f"{''.join(part)} " for part in (before, between, after)]
    text = f" {SLOT}".join(parts)
    assert split(text, "x") == [f"{parts[0]} ", f"{parts[1]} ", parts[2]]
    assert split(text, "y") == [text]


@given(st.text(alphabet="x:'\"$/*-\\\n Ee1", max_size=30))
def test_any_text_is_put_together_again(text: str) -> None:
    assert SLOT.join(split(text, "x")) == text
    for start, end, name in find(text):
        assert text[start:end] == f":'{name}'"


@pytest.mark.parametrize("text", ["'", '"', "E'", "E'\\", "$$", "$a$ $$", "/*", "/* /* */", "--"])
def test_what_is_not_closed_runs_to_the_end(text: str) -> None:
    assert list(find(f"{text} {SLOT}")) == []


QUOTES = [SLOT, ":", "'", "''", '"', "E'", "e'", " E'a\\'b'", "$$", "$a$"]
OTHERS = ["$1", "a", "_", "1", "--", "\n", "/*", "*/", "*", " ", "-", "/"]


# The version of psql counts here, not that of the server.
@pytest.mark.parametrize("server", [max(binaries())], indirect=True, ids=["psql"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@example([" E'a\\'b'", "\n", "'", "a", "\\'", SLOT, "'"])
@example([" E'a\\'b'", "--", "\n", "'", "a", "\\'", "'", SLOT])
@example(["$1", "$$", SLOT, "$$"])
@example(["1", "$$", SLOT, "$$"])
@given(pieces=st.lists(st.sampled_from([*QUOTES, *OTHERS]), max_size=12))
def test_psql_sees_the_same(server: Server, pieces: list[str]) -> None:
    text = f"a {''.join(pieces)}"
    assume(not re.search("[0-9][a-z_]", text))  # no SQL, and read in another way by each version
    command = ["psql", "-X", "-q", "-d", server.url("postgres"), "-v", "x=X"]
    done = subprocess.run(command, input=f"{text}\n\\p\n\\r\n", capture_output=True, text=True, check=False)
    # A backslash outside of quotes is a command of psql's; what is not closed, it never comes to print.
    assume(done.returncode == 0 and not done.stderr and done.stdout)
    # It leaves empty lines out.
    assert "".join(done.stdout.split()) == "".join("'X'".join(split(text, "x")).split())
