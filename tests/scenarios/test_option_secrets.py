"""Options of a user mapping: whatever they are called, their values are secrets unless the configuration says them in clear."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

HEAD = """[pgplan]
name = "options"
[connection]
url = "${env.DATABASE_URL}"
[policy]
existing = "adopt"
[variables.pin]
sensitive = true
from = { env = "PIN" }
"""
MAPPING = """[[user_mapping]]
server = "s"
user = "postgres"
options = { user = "remote", pin = "${var.pin}", region = "eu" }
"""
MARKER = "found-9317"
UNDECLARED = ("account_key", "connection_string", "dsn", "jwt", "private_key_pem")


@pytest.fixture
def mapped(project: Project, cluster: Server) -> Project:
    """A mapping on a wrapper without a validator, with secrets that no name gives away."""
    secrets = ", ".join(f"{option} '{MARKER}-{option}'" for option in ("pin", *UNDECLARED))
    project.environment["PIN"] = f"{MARKER}-pin"
    cluster.execute(
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER s FOREIGN DATA WRAPPER w",
        f"CREATE USER MAPPING FOR postgres SERVER s OPTIONS (user 'remote', region 'eu', {secrets})",
    )
    return project


def _nowhere(project: Project) -> None:
    assert MARKER not in project.everything
    for path in (path for path in project.directory.rglob("*") if path.is_file()):
        assert MARKER.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("declared", [MAPPING, ""], ids=["declared", "undeclared"])
def test_import_records_and_shows_no_value(mapped: Project, declared: str) -> None:
    mapped.write(HEAD + declared)
    mapped.run("import", "user_mapping.s/postgres")
    shown = mapped.run("state", "show", "user_mapping.s/postgres").out
    assert "remote" in shown
    assert ("eu" in shown) == bool(declared)
    mapped.run("state", "show", "user_mapping.s/postgres", "--format", "json")
    _nowhere(mapped)


def test_no_value_is_planned_applied_or_called_drift(mapped: Project, cluster: Server) -> None:
    mapped.write(HEAD + MAPPING)
    for form in ("text", "json", "markdown", "sql"):
        mapped.run("plan", "--out", mapped.plan_file, "--format", form)
        mapped.run("show", mapped.plan_file, "--format", form)
    plan = mapped.run("plan").out
    assert all(f"- options.{option} = (sensitive)" in plan for option in UNDECLARED)
    assert "region" not in plan
    mapped.plan_and_apply()
    cluster.execute(f"ALTER USER MAPPING FOR postgres SERVER s OPTIONS (ADD jwt '{MARKER}', SET region 'us')")
    for form in ("text", "json"):
        drift = mapped.run("drift", "--format", form, expect=2).out
        assert "jwt" in drift
        assert "us" in drift
    mapped.run("plan", "--out", mapped.plan_file)
    cluster.execute(f"ALTER USER MAPPING FOR postgres SERVER s OPTIONS (SET jwt '{MARKER}-2')")
    stale = mapped.run("apply", mapped.plan_file, expect=3).all
    assert "user_mapping.s/postgres" in stale
    _nowhere(mapped)


def test_an_option_that_becomes_clear_text_does_not_show_what_it_was(mapped: Project) -> None:
    mapped.write(HEAD + MAPPING)
    mapped.plan_and_apply()
    mapped.edit('"${var.pin}"', '"1234"')
    assert '~ options.pin = (sensitive) -> "1234"' in mapped.run("plan").out
    mapped.plan_and_apply()
    _nowhere(mapped)
