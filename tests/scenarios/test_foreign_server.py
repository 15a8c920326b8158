"""examples/foreign-server, as a user would live with it."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

EXAMPLE = (Path(__file__).parents[2] / "examples" / "foreign-server" / "pgplan.toml").read_text()
HEAD = '[pgplan]\nname = "foreign-server"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
PASSWORD = "pässword'with\\quotes-7731"


@pytest.fixture
def example(project: Project) -> Project:
    project.write(EXAMPLE.replace('url = "embedded"', 'url = "${env.DATABASE_URL}"'))
    project.environment["REMOTE_PASSWORD"] = PASSWORD
    return project


def _blocks(text: str) -> list[str]:
    """The blocks of a TOML text, each with the comments before it."""
    return [block for block in re.split(r"\n\n(?=(?:#.*\n)*\[)", text) if block.strip()]


def _mappings(server: Server) -> dict[str, dict[str, str]]:
    rows = server.rows("SELECT usename, coalesce(umoptions, '{}') FROM pg_user_mappings ORDER BY 1")
    return {user: dict(option.split("=", 1) for option in options) for user, options in rows}


def test_from_nothing_to_nothing_left_to_do(example: Project, cluster: Server) -> None:
    statements = [" ".join(statement.split()[:3]) for statement in example.sql()]
    order = [statements.index(first) for first in ('CREATE EXTENSION "postgres_fdw"', 'CREATE SERVER "s1"')]
    assert order == sorted(order)
    assert statements.index('CREATE ROLE "dba"') < max(i for i, s in enumerate(statements) if s.startswith("CREATE USER MAPPING"))
    assert statements.index('CREATE SERVER "s1"') < min(
        i for i, s in enumerate(statements) if s.startswith("CREATE USER MAPPING")
    )
    example.plan_and_apply()
    assert _mappings(cluster) == {
        "dba": {"user": "remote_admin", "password": PASSWORD},
        "postgres": {},
        "public": {},
    }


def test_any_order_of_the_blocks_works_and_gives_the_same_digest(example: Project) -> None:
    digests: set[str] = set()
    blocks = _blocks(EXAMPLE.replace('url = "embedded"', 'url = "${env.DATABASE_URL}"'))
    shuffle = random.Random(7)
    for _ in range(4):
        shuffle.shuffle(blocks)
        example.write("\n\n".join(blocks))
        out = example.run("plan", "--out", example.plan_file).all
        digests.update(re.findall(r"sha256:[0-9a-f]{64}", out))
    assert len(digests) == 1
    example.plan_and_apply()


def test_the_password_is_nowhere(example: Project, cluster: Server) -> None:
    example.plan_and_apply()
    for format_ in ("text", "json", "markdown", "sql"):
        example.run("show", example.plan_file, "--format", format_)
    example.run("state", "list")
    example.run("state", "show", "user_mapping.s1/dba")
    example.run("graph")
    files = b"".join(path.read_bytes() for path in example.directory.rglob("*") if path.is_file())
    log = cluster.log.read_text(errors="replace")
    assert "pg_user_mapping" in log
    for form in (PASSWORD, PASSWORD.replace("'", "''"), "with\\\\quotes-7731", "quotes-7731"):
        assert form not in example.everything
        assert form not in log
        assert form.encode() not in files


def test_an_option_changes_alone(example: Project, cluster: Server) -> None:
    example.plan_and_apply()
    example.edit('user = "remote_admin"', 'user = "remote_reader"')
    assert example.sql() == ['ALTER USER MAPPING FOR "dba" SERVER "s1" OPTIONS (SET "user" \'remote_reader\')']
    example.plan_and_apply()
    example.edit("port = 5432", 'port = 5432, fetch_size = "50"')
    assert example.sql() == ['ALTER SERVER "s1" OPTIONS (ADD "fetch_size" \'50\')']
    example.plan_and_apply()
    example.edit(', fetch_size = "50"', "")
    assert example.sql() == ['ALTER SERVER "s1" OPTIONS (DROP "fetch_size")']
    example.plan_and_apply()
    assert _mappings(cluster)["dba"] == {"user": "remote_reader", "password": PASSWORD}


def test_only_the_secret_changes(example: Project, cluster: Server) -> None:
    example.plan_and_apply()
    example.environment["REMOTE_PASSWORD"] = "another-4456"
    example.run("plan", "--out", example.plan_file)
    shown = json.loads(example.run("show", example.plan_file, "--format", "json").out)
    (change,) = shown["resource_changes"]
    assert change["address"] == "user_mapping.s1/dba"
    assert change["change"]["actions"] == ["update"]
    text = example.run("show", example.plan_file).out
    assert "password" in text
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in text
    example.run("apply", example.plan_file)
    assert _mappings(cluster)["dba"] == {"user": "remote_admin", "password": "another-4456"}
    example.nothing_to_do()


def test_a_secret_that_is_not_there_counts_as_unchanged_once_recorded(example: Project) -> None:
    example.plan_and_apply()
    del example.environment["REMOTE_PASSWORD"]
    result = example.run("plan", "--detailed-exitcode")
    assert "1 secret not checked" in result.all


def test_a_missing_secret_is_deferred_and_then_required(example: Project) -> None:
    del example.environment["REMOTE_PASSWORD"]
    example.run("plan", "--out", example.plan_file)
    refused = example.run("apply", example.plan_file, expect=1)
    assert "remote_password" in refused.err
    example.run("apply", example.plan_file, environment={"REMOTE_PASSWORD": PASSWORD})


def test_a_secret_changed_by_hand_is_found_and_repaired(example: Project, cluster: Server) -> None:
    example.plan_and_apply()
    cluster.execute("ALTER USER MAPPING FOR dba SERVER s1 OPTIONS (SET password 'by hand')")
    assert example.run("plan", "--detailed-exitcode", expect=2).out
    example.plan_and_apply()
    assert _mappings(cluster)["dba"]["password"] == PASSWORD


def test_removed_blocks_drop_mapping_server_and_extension_in_order(example: Project, cluster: Server) -> None:
    example.plan_and_apply()
    example.write(HEAD)
    statements = [" ".join(statement.split()[:3]) for statement in example.sql()]
    mappings = [i for i, s in enumerate(statements) if s.startswith("DROP USER MAPPING")]
    assert len(mappings) == 3
    assert max(mappings) < statements.index('DROP SERVER "s1"') < statements.index('DROP EXTENSION "postgres_fdw"')
    assert max(mappings) < statements.index('DROP ROLE "dba"')
    example.plan_and_apply()
    assert cluster.rows("SELECT srvname FROM pg_foreign_server") == []


def test_destroy_removes_what_was_created(example: Project, cluster: Server) -> None:
    example.plan_and_apply()
    example.run("destroy", "--yes")
    assert cluster.rows("SELECT extname FROM pg_extension WHERE extname = 'postgres_fdw'") == []
    assert cluster.rows("SELECT rolname FROM pg_roles WHERE rolname = 'dba'") == []
    assert example.run("state", "list").out.strip() == ""


@pytest.mark.enough(18)
def test_options_of_another_wrapper_are_not_kept(project: Project, cluster: Server) -> None:
    """The wrapper says what options there are: postgres_fdw knows none of those that were there."""
    cluster.execute("CREATE FOREIGN DATA WRAPPER w", "CREATE EXTENSION postgres_fdw")
    head = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
    blocks = '[server.s]\nfdw = "w"\n@[foreign_table."public.t"]\nserver = "s"\ncolumns = []\n@'
    project.write(head + blocks.replace("@", 'options = { odd = "x" }\n'))
    project.plan_and_apply()
    project.write(head + blocks.replace("@", "").replace('"w"', '"w"\ntype = "a"'))
    project.plan_and_apply()
    told = "SELECT srvoptions, ftoptions FROM pg_foreign_server AS s JOIN pg_foreign_table ON ftserver = s.oid"
    assert cluster.rows(told) == [(["odd=x"], ["odd=x"])]
    project.write(head + blocks.replace("@", "").replace('"w"', '"postgres_fdw"\ntype = "a"'))
    shown = project.run("plan").out
    assert "fdw cannot be altered; options as found mean nothing to the new one, and go" in shown
    assert "server.s is replaced; options as found mean nothing to the new one, and go" in shown
    project.plan_and_apply()
    assert cluster.rows(told) == [(None, None)]
    assert "No changes" in project.run("plan").out
