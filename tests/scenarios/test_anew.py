"""Objects that are not those that were recorded: renamed, dropped and made anew, in another database, in another cluster."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = [pytest.mark.enough(18), pytest.mark.usefixtures("cheap_digests")]

TOML = """
[pgplan]
name = "t"
[connection]
url = "${{env.DATABASE_URL}}"
[variables.p]
type = "string"
sensitive = true
from = {{ env = "P" }}
[role.{app}]
comment = "ours"
[extension.postgres_fdw]
[server.s]
fdw = "postgres_fdw"
[[user_mapping]]
server = "s"
user = "{app}"
options = {{ user = "remote", password = "${{var.p}}" }}
[schema.data]
[[grant]]
to = "{app}"
on = {{ schema = "data" }}
privileges = ["USAGE"]
"""


@pytest.fixture
def app(unique: str) -> str:
    return f"{unique}_app"


@pytest.fixture
def applied(tmp_path: Path, database: str, app: str) -> Project:
    project = Project(tmp_path, database, environment={"P": "marker-1"})
    project.write(TOML.format(app=app))
    project.plan_and_apply()
    return project


def recorded(project: Project, address: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(project.run("state", "show", address, "--format", "json").out)
    return document


def database_of(project: Project) -> str:
    return str(re.findall("@/(.*)[?]", project.url)[0])


def role(server: Server, name: str) -> list[tuple[str, bool]]:
    """Its comment, and whether it may log in."""
    return [*server.rows(f"SELECT shobj_description(oid, 'pg_authid'), rolcanlogin FROM pg_roles WHERE rolname = '{name}'")]


@pytest.fixture
def stranger(applied: Project, server: Server, app: str) -> Project:
    """Somebody renames our role, and makes another one with its name."""
    server.execute(
        f'ALTER ROLE "{app}" RENAME TO "{app}_old"', f'CREATE ROLE "{app}" LOGIN', f"COMMENT ON ROLE \"{app}\" IS 'theirs'"
    )
    return applied


def test_a_stranger_is_neither_altered_nor_dropped(stranger: Project, server: Server, app: str) -> None:
    for command in ("plan", "apply --yes", "plan --format json"):
        said = stranger.run(*command.split(), expect=1).err
        assert f"role.{app}: the one recorded (OID " in said
        assert f"is called {app}_old now" in said
        assert f"pgplan state rebind role.{app}" in said
    assert f"~ role.{app}  # the one recorded (OID " in stranger.run("drift", expect=2).out
    # Our mapping went with the old name.
    server.execute(f'DROP USER MAPPING FOR "{app}_old" SERVER s', database=database_of(stranger))
    stranger.run("destroy", "--yes", "--include-adopted")
    assert role(server, app) == [("theirs", True)]
    assert role(server, f"{app}_old") == [("ours", False)]
    assert stranger.run("state", "list").out == ""
    server.execute(f'DROP ROLE "{app}"', f'DROP ROLE "{app}_old"')


def test_a_stranger_is_taken_for_ours_only_when_somebody_says_so(stranger: Project, server: Server, app: str) -> None:
    before = recorded(stranger, f"role.{app}")
    shown = stranger.run("state", "rebind", f"role.{app}", "--dry-run").out
    assert shown.splitlines()[0] == "1 found with another OID, 0 as recorded, 0 not there."
    assert f"  role.{app}: OID {before['oid']} -> " in shown
    assert recorded(stranger, f"role.{app}") == before
    assert "nobody can be asked" in stranger.run("state", "rebind", f"role.{app}", expect=1).err
    stranger.run("state", "rebind", f"role.{app}", "--yes")
    after = recorded(stranger, f"role.{app}")
    assert after | {"oid": 0} == before | {"oid": 0}
    assert 'comment = "ours" -> "theirs"' in stranger.run("drift", expect=2).out
    assert "Nothing to rebind." in stranger.run("state", "rebind", f"role.{app}").out
    # Our mapping went with the old name.
    assert f"+ user_mapping.s/{app}  # had disappeared from the database: the one recorded is called s/{app}_old now" in (
        stranger.run("plan").out
    )
    stranger.plan_and_apply()
    assert role(server, app) == [("ours", False)]
    server.execute(f'DROP DATABASE "{database_of(stranger)}" WITH (FORCE)', f'DROP ROLE "{app}_old"')


@pytest.mark.parametrize("how", ["rebind", "import", "adopt"])
def test_a_mapping_that_somebody_made_anew(applied: Project, app: str, server: Server, how: str) -> None:
    address, database = f"user_mapping.s/{app}", database_of(applied)

    def anew(password: str) -> None:
        made = f"CREATE USER MAPPING FOR \"{app}\" SERVER s OPTIONS (user 'remote', password '{password}')"
        server.execute(f'DROP USER MAPPING FOR "{app}" SERVER s', made, database=database)

    anew("marker-1")
    assert f"= {address}  # will be adopted: made anew: its OID is " in applied.run("plan", "--detailed-exitcode", expect=2).out
    applied.plan_and_apply()
    assert recorded(applied, address)["origin"] == "adopted"
    anew("marker-2")
    said = applied.run("plan", expect=1).err
    assert "is not the one recorded: dropped and made anew with other content, by somebody else" in said
    assert f"pgplan state rebind user_mapping.s/{app}" in said
    assert f"~ {address}  # the one recorded (OID " in applied.run("drift", expect=2).out
    if how == "adopt":
        applied.edit("[role.", '[policy]\nexisting = "adopt"\n[role.')
        assert "the one recorded (OID " in applied.run("plan").out
    elif how == "import":
        assert f"{address}: imported" in applied.run("import", address).err
    else:
        applied.run("state", "rebind", "user_mapping.*", "--yes")
    applied.plan_and_apply()
    assert "marker-" not in applied.everything
    assert server.rows("SELECT umoptions FROM pg_user_mappings", database) == [(["user=remote", "password=marker-1"],)]
    applied.run("destroy", "--yes", "--include-adopted")


def test_a_database_that_somebody_made_anew(applied: Project, server: Server) -> None:
    database = database_of(applied)
    server.execute(f'DROP DATABASE "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"')
    for command in ("plan", "drift", "apply --yes", "destroy --yes"):
        said = applied.run(*command.split(), expect=3).err
        assert "belongs to another database" in said
        assert "pgplan state rebind" in said
    assert "name no pattern" in applied.run("state", "rebind", "role.*", expect=1).err
    shown = applied.run("state", "rebind", "--dry-run").out
    assert shown.splitlines()[0] == "0 found with another OID, 1 as recorded, 4 not there."
    assert f"database: {database} (OID " in shown
    applied.run("state", "rebind", "--yes")
    assert recorded(applied, "server.s")["oid"] == 0
    assert "+ server.s  # had disappeared from the database" in applied.run("plan").out
    applied.plan_and_apply()
    assert recorded(applied, "server.s")["oid"]
    applied.run("destroy", "--yes")


def test_another_cluster_takes_its_place(applied: Project, app: str, server: Server) -> None:
    other = Server(server.version).create(identity=True)
    try:
        other.execute(f'CREATE ROLE "{app}" LOGIN', f"COMMENT ON ROLE \"{app}\" IS 'ours'", 'CREATE DATABASE "moved"')
        there = applied.url
        applied.url = other.url("moved")
        said = applied.run("plan", expect=3).err
        assert "belongs to another cluster" in said
        assert "pgplan state rebind" in said
        applied.run("state", "rebind", "--yes")
        assert "login = false -> true" in applied.run("drift", expect=2).out
        assert "~ role." in applied.run("plan").out
        applied.plan_and_apply()
        assert recorded(applied, "server.s")["database"] == "moved"
        applied.run("destroy", "--yes")
        applied.url = there
    finally:
        other.destroy()
    server.execute(f'DROP DATABASE "{database_of(applied)}" WITH (FORCE)', f'DROP ROLE "{app}"')


def test_what_cannot_be_rebound(tmp_path: Path, database: str, applied: Project) -> None:
    assert "no recorded address is like this" in applied.run("state", "rebind", "nothing.*", expect=1).err
    (tmp_path / "empty").mkdir()
    empty = Project(tmp_path / "empty", database)
    empty.write('[pgplan]\nname = "e"\n[connection]\nurl = "${env.DATABASE_URL}"\n')
    assert "nothing is recorded" in empty.run("state", "rebind", expect=1).err
    applied.run("destroy", "--yes")
