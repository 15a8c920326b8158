"""Changing what is recorded: forgotten, or under another address, at once or by the configuration."""

from __future__ import annotations

import json

import pytest

import pgplan
from tests.project import Project
from tests.servers import Server

CONFIG = """
[pgplan]
name = "{0}"
[connection]
url = "${{env.DATABASE_URL}}"
[variables.p]
sensitive = true
from = {{ env = "P" }}
[role.{0}_app]
login = true
password = "${{var.p}}"
[role."{0}_b[1]"]
protect = true
member_of = ["{0}_app"]
[schema.{0}_s]
[[grant]]
to = "{0}_app"
on = {{ schema = "{0}_s" }}
privileges = ["USAGE"]
"""


@pytest.fixture
def applied(project: Project, unique: str) -> Project:
    project.environment["P"] = "hunter2"
    project.write(CONFIG.format(unique))
    project.plan_and_apply()
    return project


def recorded(project: Project) -> list[str]:
    return project.run("state", "list").out.splitlines()


def roles(server: Server, unique: str) -> list[str]:
    return [name for (name,) in server.rows(f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{unique}%' ORDER BY 1")]


def test_what_is_forgotten_stays_in_the_database(applied: Project, unique: str, server: Server) -> None:
    app, other, grant = f"role.{unique}_app", f'role."{unique}_b[1]"', f"grant.{unique}_app/schema:{unique}_s"
    before, there = recorded(applied), roles(server, unique)
    shown = applied.run("forget", "--dry-run", "role.*", "grant.*")
    assert shown.out.splitlines()[1:4] == [f"  . {grant}", f"  . {other}  # protected: that ends here too", f"  . {app}"]
    assert f"Note: {other}, {app}: declared, so that the next plan says that it exists already" in shown.out
    assert f"Note: {grant}: declared, so that the next plan adopts it again" in shown.out
    assert "nobody can be asked for approval" in applied.run("forget", "role.*", expect=1).err
    assert recorded(applied) == before
    forgotten = applied.run("forget", "--yes", other, grant, environment={"DATABASE_URL": "postgresql:///nowhere?host=/nowhere"})
    assert "Forgotten: 2 addresses." in forgotten.out
    assert recorded(applied) == [one for one in before if one not in (other, grant)]
    assert roles(server, unique) == there
    assert f"pgplan import '{other}'" in applied.run("plan", expect=1).err
    applied.edit(f'[role."{unique}_b[1]"]\nprotect = true\nmember_of = ["{unique}_app"]\n', "")
    applied.run("state", "rm", "--yes", "membership.*")
    assert "Plan: 0 to add, 0 to change, 0 to destroy. 1 to adopt." in applied.run("plan").out
    applied.plan_and_apply()
    assert "hunter2" not in applied.everything


def test_what_cannot_be_forgotten(applied: Project, unique: str) -> None:
    refused = applied.run("forget", "--yes", f"role.{unique}_ap", "server.*", f"role.{unique}_app", expect=1)
    assert f"role.{unique}_ap: is not recorded\n  did you mean role.{unique}_app?" in refused.err
    assert "server.*: is not recorded" in refused.err
    assert f"role.{unique}_app" in recorded(applied)
    applied.edit("login = true", "lgin = true")
    assert "nobody can tell which of these it declares" in applied.run("forget", "--dry-run", "role.*").out
    applied.edit("lgin = true", "login = true")
    with pgplan.open(applied.directory, environment={**applied.environment, "DATABASE_URL": applied.url}) as project:
        shown = project.look_to_forget("schema.*")
        applied.run("forget", "--yes", "grant.*")
        with pytest.raises(pgplan.StaleError, match="changed by somebody else"):
            project.record(shown)
    state = applied.directory / ".pgplan" / "state.json"
    document = json.loads(state.read_text())
    place = {key: document["target"][key] for key in ("system_identifier", "timeline")}
    ((name, oid),) = document["target"]["databases"]
    pending = {"id": "ab", **place, "lsn": "0/1", "database": name, "database_oid": oid, "xid": "9", "pid": 7}
    nothing: dict[str, list[object]] = {one: [] for one in ("before", "after", "entries", "removed", "tombstones")}
    state.write_text(json.dumps({**document, "pending": {**pending, **nothing, "secrets": None}}))
    assert "an apply was interrupted" in applied.run("forget", "--yes", "schema.*", expect=1).err


def test_another_address(applied: Project, unique: str, server: Server) -> None:
    """Somebody renames a role by hand: its record follows, by command or by [[moved]], and its secret is known still."""
    old, new = f"role.{unique}_app", f"role.{unique}_new"
    assert "did you mean" in applied.run("state", "mv", f"{old}x", new, expect=1).err
    assert "a role cannot become a schema" in applied.run("state", "mv", old, "schema.a", expect=1).err
    assert "is recorded already" in applied.run("state", "mv", old, f'role."{unique}_b[1]"', expect=1).err
    note = applied.run("state", "mv", "--dry-run", old, new).out
    assert f"  > {old} -> {new}\n" in note
    assert f"{old} is declared still" in note
    assert f"{new} is not declared" in note
    server.execute(f"ALTER ROLE {unique}_app RENAME TO {unique}_new")
    text = (applied.directory / "pgplan.toml").read_text().replace(f"{unique}_app", f"{unique}_new")
    moves = [(old, new), (f"grant.{unique}_app/schema:{unique}_s", f"grant.{unique}_new/schema:{unique}_s")]
    moves += [(f'membership.{unique}_app/"{unique}_b[1]"', f'membership.{unique}_new/"{unique}_b[1]"')]
    applied.write(text + "".join(f"[[moved]]\nfrom = '{one}'\nto = '{other}'\n" for one, other in moves))
    shown = applied.run("plan", "--detailed-exitcode", "--out", applied.plan_file, expect=2)
    assert f"  > {old} -> {new}  # will be managed under this address" in shown.out
    assert "Plan: 0 to add, 0 to change, 0 to destroy. 3 to move." in shown.out
    assert f"# move {old}" in applied.run("show", applied.plan_file, "--format", "markdown").out.replace("&gt;", ">")
    changes = json.loads(applied.run("show", applied.plan_file, "--format", "json").out)["resource_changes"]
    assert {one.get("previous_address", ""): one["address"] for one in changes} == dict(moves)
    applied.run("apply", applied.plan_file)
    assert "3 to move" not in applied.run("plan", "--detailed-exitcode").out
    assert {other for _, other in moves} <= set(recorded(applied))
    applied.write(text)
    applied.nothing_to_do()
    server.execute(f"ALTER ROLE {unique}_new RENAME TO {unique}_app")
    applied.write(text.replace(f"{unique}_new", f"{unique}_app"))
    for one, other in moves:
        applied.run("state", "mv", "--yes", other, one)
    applied.nothing_to_do()


def test_what_is_found_there_is_not_what_was_moved(applied: Project, unique: str, server: Server) -> None:
    old, new = f"role.{unique}_app", f"role.{unique}_new"
    server.execute(f"CREATE ROLE {unique}_new LOGIN")
    text = (applied.directory / "pgplan.toml").read_text().replace(f"{unique}_app", f"{unique}_new")
    applied.write(f'{text}[[moved]]\nfrom = "{old}"\nto = "{new}"\n')
    refused = applied.run("plan", expect=1).err
    assert f"{new}: the one recorded" in refused
    assert f"is called {unique}_app now" in refused
    applied.write(f'{text}[[moved]]\nfrom = "{old}"\n[[moved]]\nfrom = "{old}"\nto = "{old}"\n[[moved]]\nfrom = "x"\nto = 1\n')
    wrong = applied.run("validate", expect=1).err
    for said in ("'to' is missing", f"{old} is where it is", "to: expected a string, found an integer"):
        assert f"moved: {said}" in wrong
