"""The script of a plan holds nothing that cannot be seen, and does what the plan would."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pgplan import sql
from pgplan.invisible import is_hidden
from pgplan.render.scripts import plain_sql
from tests.project import Project
from tests.servers import Server, binaries

pytestmark = pytest.mark.enough(18)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
UNSEEN = st.text(st.sampled_from("\u200b\u202e\u3164\x1b\n\r\t\x7f\u00a0\u2028\U000e0100\\'\"$aé;-"), min_size=1, max_size=15)


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(), autocommit=True) as made:
        yield made


def seen(text: str) -> bool:
    return not any(is_hidden(c) for c in text if c != "\n")


@example("\u202e", "\\\u200b")
@given(TEXTS | UNSEEN, TEXTS | UNSEEN)
def test_a_statement_means_the_same(connection: psycopg.Connection, name: str, value: str) -> None:
    name = name.encode()[:63].decode(errors="ignore") or "x"
    said, called = sql.Literal(value), sql.Identifier(name)
    before = sql.SQL("SELECT {} AS {},\n {} || {}").format(said, called, said, sql.Literal(name)).text
    after = plain_sql(before)
    assert seen(after)
    cursors = [connection.execute(text.encode()) for text in (before, after)]
    described = [[column.name for column in cursor.description or ()] for cursor in cursors]
    assert described[0] == described[1]
    assert described[1][0] == name
    rows = [cursor.fetchone() for cursor in cursors]
    assert rows == [(value, value + name)] * 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SELECT E'\\\u200b\\\\\x1b'", "\u200b\\\x1b"),
        ("SELECT U&'\\0061\u200b'", "a\u200b"),
        ("SELECT $$it's\u202e\n\\$$", "it's\u202e\n\\"),
        ("SELECT $x$\u200b$$\u200b$x$", "\u200b$$\u200b"),
        ("SELECT /* it's \u202e */ 'a' -- \u202e '\n", "a"),
        ("SELECT 'plain', \n 'é'", "plain"),
    ],
)
def test_other_forms_of_text(connection: psycopg.Connection, text: str, value: str) -> None:
    assert seen(plain_sql(text))
    row = connection.execute(plain_sql(text).encode()).fetchone()
    assert row is not None
    assert row[0] == value


@pytest.mark.parametrize("text", ["SELECT 1\u200b", "SELECT a\u3164", "SELECT\u00a01", "SELECT 'a\u200b"])
def test_what_cannot_be_written_is_refused_and_not_done(connection: psycopg.Connection, text: str) -> None:
    assert seen(plain_sql(text))
    with pytest.raises(psycopg.Error):
        connection.execute(plain_sql(text).encode())


def test_psql_runs_the_script_and_nothing_is_left_to_do(database: str, unique: str, tmp_path: Path) -> None:
    """Names, comments, settings and options with everything that could fool a reader, or psql."""
    project = Project(tmp_path, database)
    role = f"{unique}\\u200b\\n\\\\! touch /tmp/x;\\u202e--"
    project.write(f"""
[pgplan]
name = "t"
[connection]
url = "${{env.DATABASE_URL}}"
[policy]
existing = "adopt"
[role."{role}"]
comment = "a\\u202eb\\n:'x' \\\\ it's\\u3164"
config = {{ application_name = "\\u00a0\\u2028x" }}
[schema."s\\U000E0100"]
owner = "{role}"
[foreign_data_wrapper.plain]
options = {{ "o\\u200b" = "v\\u001b\\\\" }}
[[grant]]
to = "{role}"
on = {{ schema = "s\\U000E0100" }}
privileges = ["USAGE"]
""")
    script = project.run("plan", "--format", "sql").out
    assert seen(script)
    psql = [str(binaries()[18] / "psql"), "-X", "-q", "-f", "-", database]
    done = subprocess.run(psql, input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 to add, 0 to change, 0 to destroy" in project.run("plan").out
    project.run("apply", "--yes")
    project.nothing_to_do()
    project.run("destroy", "--include-adopted", "--yes")
