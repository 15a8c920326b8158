"""Every error: its exit code, what it says, and that nothing was changed."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from attrs import evolve

from pgplan import planfile
from tests.project import Project
from tests.servers import Server

HEAD = '[pgplan]\nname = "{0}"\n\n[connection]\nurl = "${{env.DATABASE_URL}}"\n\n'
ROLE = "[role.{0}_app]\nlogin = true\n"


@pytest.fixture
def base(project: Project, unique: str) -> Project:
    project.write((HEAD + ROLE).format(unique))
    return project


def _roles(server: Server, unique: str) -> list[str]:
    return [name for (name,) in server.rows(f"SELECT rolname FROM pg_roles WHERE rolname ~ '^{unique}_' ORDER BY 1")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[role.x]\nlogn = true\n", r"pgplan\.toml:11: role\.x: .*logn.*\n  .*login"),
        ('[role.x]\nlogin = "yes"\n', r"pgplan\.toml:11: role\.x: login.*"),
        ('[schema.x]\nowner = "{0}_nobody"\n', r"pgplan\.toml:\d+: schema\.x: owner names role\.{0}_nobody"),
        ('[role.x]\ncomment = "${{var.nope}}"\n', r"pgplan\.toml:11: .*nope"),
        (
            '[[grant]]\nto = "{0}_app"\non = {{ schema = "public" }}\nprivileges = ["SELECT"]\n',
            "a schema has no privilege 'SELECT'",
        ),
        ("[role." + "x" * 64 + "]\n", "64 bytes long; PostgreSQL keeps 63"),
        ('[role."public"]\n', "reserve"),
        (
            '[role.{0}_x]\nmember_of = ["{0}_app"]\n[[membership]]\nrole = "{0}_x"\nmember = "{0}_app"\n',
            "membership.{0}_app/{0}_x: dependency cycle: ",
        ),
        ('[role.x]\npassword = "hunter2"\n', "plaintext_secrets|stands in the configuration|literal"),
        ("[role.x\n", r"pgplan\.toml:10"),
    ],
    ids=["unknown key", "type", "reference", "variable", "privilege", "long name", "reserved", "cycle", "literal", "syntax"],
)
def test_mistakes_in_the_configuration(base: Project, unique: str, server: Server, text: str, said: str) -> None:
    base.write((HEAD + ROLE + "\n" + text).format(unique))
    result = base.run("apply", "--yes", expect=1)
    assert re.search(said.replace("{0}", unique), result.err), result.err
    assert "hunter2" not in result.err
    assert _roles(server, unique) == []


def test_a_duplicate_in_two_files_names_both(base: Project, unique: str) -> None:
    base.write(ROLE.format(unique), "more.pgplan.toml")
    error = base.run("validate", expect=1).err
    assert "pgplan.toml:7" in error
    assert "more.pgplan.toml:1" in error
    assert f"role.{unique}_app" in error


def test_a_missing_secret_is_deferred_and_then_required(base: Project, unique: str, server: Server) -> None:
    base.edit("login = true", 'login = true\npassword = "${var.p}"\n[variables.p]\nsensitive = true\nfrom = { env = "NOWHERE" }')
    planned = base.run("plan", "--out", base.plan_file)
    assert "secret deferred" in planned.out
    assert "Note: the variable p has no value here: the environment variable NOWHERE is not set." in planned.err
    result = base.run("apply", base.plan_file, expect=1)
    assert f"role.{unique}_app" in result.err
    assert "${var.p}" in result.err
    assert _roles(server, unique) == []
    base.run("apply", base.plan_file, "--var", "p=hunter2")
    base.run("plan", "--detailed-exitcode")
    assert "hunter2" not in base.everything
    base.run("destroy", "--yes")


def test_a_connection_that_has_no_value_names_the_line_and_what_to_set(project: Project, unique: str) -> None:
    connection = '[connection]\nurl = "${{env.NOWHERE_URL}}"\npassword = {{ env = "NOWHERE_PW" }}\n'
    project.write(('[pgplan]\nname = "{0}"\n' + connection).format(unique))
    assert project.run("plan", expect=1).err == (
        "Error: pgplan.toml:4: connection: url: the environment variable NOWHERE_URL is not set\n"
        "  set it, or say where with --url\n"
        "Error: pgplan.toml:5: connection: password: the environment variable NOWHERE_PW is not set\n"
    )
    variable = '[variables.url]\nsensitive = true\n[connection]\nurl = "${{var.url}}"\n'
    project.write(('[pgplan]\nname = "{0}"\n' + variable).format(unique))
    assert "pgplan.toml:6: connection: url: the variable url has no value: " in project.run("plan", expect=1).err
    project.run("plan", "--url", project.url)


def test_no_server_there(base: Project) -> None:
    base.url = f"postgresql://nobody@/nowhere?host={base.directory}"
    error = base.run("plan", expect=1).err
    assert error.startswith("Error: connection: cannot connect")
    assert "check host and port" in error


def test_no_such_database_or_role(base: Project, server: Server) -> None:
    assert 'database "absent" does not exist' in base.run("plan", "--url", server.url("absent"), expect=1).err
    assert 'role "absent" does not exist' in base.run("plan", "--url", server.url(user="absent"), expect=1).err


def test_a_wrong_password_is_not_shown(base: Project, unique: str, server: Server) -> None:
    hba = server.directory / "data" / "pg_hba.conf"
    before = hba.read_text()
    server.execute(f"CREATE ROLE {unique}_login LOGIN PASSWORD 'right'")
    hba.write_text(f"local all {unique}_login scram-sha-256\n{before}")
    server.execute("SELECT pg_reload_conf()")
    try:
        url = base.url.replace("postgres@", f"{unique}_login:hunter2@")
        error = base.run("plan", "--url", url, expect=1).err
    finally:
        hba.write_text(before)
        server.execute("SELECT pg_reload_conf()", f"DROP ROLE {unique}_login")
    assert "password authentication failed" in error
    assert "hunter2" not in error


def test_no_right_names_the_right_and_changes_nothing(base: Project, unique: str, server: Server) -> None:
    server.execute(f"CREATE ROLE {unique}_weak LOGIN")
    base.write((HEAD + "[schema.{0}_s]\n").format(unique))
    result = base.run("apply", "--yes", "--url", base.url.replace("postgres@", f"{unique}_weak@"), expect=1)
    assert f"schema.{unique}_s" in result.err
    assert f"the connected role {unique}_weak lacks CREATE on database" in result.err
    assert base.run("state", "list").out == ""
    server.execute(f"DROP ROLE {unique}_weak")


def test_what_exists_already_prints_the_command_that_works(base: Project, unique: str, server: Server) -> None:
    server.execute(f"CREATE ROLE {unique}_app")
    error = base.run("plan", expect=1).err
    assert f"pgplan.toml:7: role.{unique}_app: exists already" in error
    base.run(*re.findall(r"pgplan (import \S+)", error)[0].split())
    assert "login = false -> true" in base.run("plan", "--detailed-exitcode", expect=2).out
    base.run("apply", "--yes")
    base.run("destroy", "--yes", "--include-adopted")
    assert _roles(server, unique) == []


def test_a_plan_is_stale_when_the_state_moved(base: Project) -> None:
    base.run("plan", "--out", base.plan_file)
    base.run("apply", "--yes")
    error = base.run("apply", base.plan_file, expect=3).err
    assert "stale" in error
    base.run("destroy", "--yes")


def test_a_plan_is_stale_when_an_object_was_altered(base: Project, unique: str, server: Server) -> None:
    base.run("apply", "--yes")
    base.edit("login = true", "login = true\ncreatedb = true")
    base.run("plan", "--out", base.plan_file)
    server.execute(f"ALTER ROLE {unique}_app CREATEROLE")
    error = base.run("apply", base.plan_file, expect=3).err
    assert f"role.{unique}_app: createrole" in error
    assert server.rows(f"SELECT rolcreatedb FROM pg_roles WHERE rolname = '{unique}_app'") == [(False,)]
    base.run("destroy", "--yes")


def test_a_plan_for_another_database_or_cluster(base: Project, server: Server) -> None:
    base.run("plan", "--out", base.plan_file)
    error = base.run("apply", base.plan_file, "--url", server.url(), expect=3).err
    assert "another database" in error
    other = Server(18).create(identity=True)
    try:
        assert "another cluster" in base.run("apply", base.plan_file, "--url", other.url(), expect=3).err
        base.run("apply", base.plan_file)
        assert "belongs to another cluster" in base.run("plan", "--url", other.url(), expect=3).err
        assert "belongs to another database" in base.run("plan", "--url", server.url(), expect=3).err
    finally:
        other.destroy()
    base.run("destroy", "--yes")


def test_a_plan_of_another_configuration(base: Project, unique: str, server: Server) -> None:
    base.run("plan", "--out", base.plan_file)
    base.edit(f'name = "{unique}"', 'name = "another"')
    assert "belongs to the configuration" in base.run("apply", base.plan_file, expect=3).err
    assert _roles(server, unique) == []


def test_a_damaged_or_an_unexpected_plan(base: Project) -> None:
    base.run("plan", "--out", base.plan_file)
    digest = re.findall("sha256:[0-9a-f]{64}", base.run("show", base.plan_file).out)[0]
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    assert "not the expected one" in base.run("apply", base.plan_file, "--expect-digest", other, expect=3).err
    base.run("apply", base.plan_file, "--expect-digest", "nonsense", expect=64)
    base.run("apply", "--yes", "--expect-digest", other, expect=3)
    data = bytearray(Path(base.plan_file).read_bytes())
    data[len(data) // 2] ^= 1
    Path(base.plan_file).write_bytes(data)
    assert "damaged" in base.run("apply", base.plan_file, expect=3).err
    assert "damaged" in base.run("show", base.plan_file, expect=3).err
    assert base.run("state", "list").out == ""


def test_a_plan_expires(base: Project) -> None:
    base.run("plan", "--out", base.plan_file, "--expires", "1m")
    plan, manifest = planfile.read(Path(base.plan_file))
    assert plan.decided.expires is not None
    for expires, expected, message in (
        ("2026-01-01T00:00:00+00:00", (), "expired at 2026-01-01"),
        ("2999-01-01T00:00:00+00:00", ("--expect-digest", planfile.digest(plan)), "not the expected one"),
    ):
        planfile.write(Path(base.plan_file), evolve(plan, decided=evolve(plan.decided, expires=expires)), manifest)
        base.run("show", base.plan_file)
        assert message in base.run("apply", base.plan_file, *expected, expect=3).err


def test_the_state_locked_by_another_run_is_4(base: Project, unique: str, server: Server) -> None:
    # Who is blocked waits until the test lets go, however long that takes.
    base.edit("[connection]\n", '[connection]\nsettings = { lock_timeout = "10min" }\n')
    with psycopg.connect(base.url) as blocker:
        blocker.execute(f"CREATE ROLE {unique}_app".encode())
        process = base.process("apply", "--yes")
        lock = base.directory / ".pgplan"
        try:
            while not _holds_lock(server, unique):
                assert process.poll() is None, process.communicate()
            error = base.run("apply", "--yes", expect=4).err
            assert "process" in error
            assert base.run("plan").out.endswith("Plan: 1 to add, 0 to change, 0 to destroy.\n")
            base.run("apply", "--yes", "--lock-timeout", "200ms", expect=4)
        finally:
            blocker.rollback()
            process.communicate(timeout=60)
    assert process.returncode == 0
    assert lock.exists()
    base.run("destroy", "--yes")


def _holds_lock(server: Server, unique: str) -> bool:
    query = f"SELECT 1 FROM pg_stat_activity WHERE application_name = 'pgplan {unique}' AND wait_event_type = 'Lock'"
    return bool(server.rows(query))


def test_protection_is_5(base: Project, unique: str, server: Server) -> None:
    base.edit("login = true", "login = true\nprotect = true")
    base.run("apply", "--yes")
    base.write(HEAD.format(unique))
    error = base.run("apply", "--yes", expect=5).err
    assert f"role.{unique}_app" in error
    assert "protect" in error
    base.run("destroy", "--yes", expect=5)
    assert _roles(server, unique) == [f"{unique}_app"]
    server.execute(f"DROP ROLE {unique}_app")


def test_locking_oneself_out_is_5(project: Project, unique: str, server: Server) -> None:
    server.execute(f"CREATE ROLE {unique}_admin LOGIN SUPERUSER")
    url = project.url.replace("postgres@", f"{unique}_admin@")
    project.write((HEAD + "[role.{0}_admin]\nlogin = true\n").format(unique))
    project.run("import", f"role.{unique}_admin", "--url", url)
    assert "superuser" in project.run("apply", "--yes", "--url", url, expect=5).err.lower()
    server.execute(f"DROP ROLE {unique}_admin")


def test_a_step_that_fails_leaves_everything_as_before(base: Project, unique: str, server: Server) -> None:
    server.refuse("CREATE SCHEMA", f"{unique}_db")
    base.write((HEAD + ROLE + '[schema.s]\nowner = "{0}_app"\n').format(unique))
    error = base.run("apply", "--yes", expect=1).err
    assert "pgplan.toml:9: schema.s: step 2 of 2 failed: CREATE SCHEMA is refused here" in error
    assert "rolled back" in error
    assert _roles(server, unique) == []
    assert base.run("state", "list").out == ""


@pytest.mark.parametrize("command", [["plan"], ["drift"], ["psql"]])
@pytest.mark.parametrize("url", ["postgresql:///m4rker\udcff", "host=x password=m4rker\udcff", "postgresql://h/m4rker%ff"])
def test_a_url_that_is_no_text(base: Project, url: str, command: list[str]) -> None:
    error = base.run(*command, "--url", url, expect=1).err
    assert "connection: the URL is not UTF-8 text\n  expected postgresql://" in error
    assert "m4rker" not in error


@pytest.mark.parametrize("name", ["PGHOST", "PGPASSWORD", "PGUSER"])
def test_an_environment_of_libpq_that_is_no_text(base: Project, name: str) -> None:
    base.edit('[connection]\nurl = "${env.DATABASE_URL}"\n', "")
    error = base.run("plan", expect=1, environment={name: "m4rker\udcff", "PGPORT": "1"}).err
    assert "connection: cannot connect" in error
    assert "m4rker" not in error.replace("/m4rker", "")


@pytest.mark.parametrize("command", [["plan"], ["drift"], ["apply", "--yes"], ["destroy", "--yes"], ["plan", "--format", "json"]])
def test_a_state_with_a_spec_that_no_kind_has(base: Project, unique: str, command: list[str]) -> None:
    base.run("apply", "--yes")
    path = base.directory / ".pgplan" / "state.json"
    path.write_text(path.read_text().replace('"connection_limit": -1', '"connection_limit": "none"'))
    base.edit(ROLE.format(unique), "")
    error = base.run(*command, expect=1).err
    said = f"is damaged: role.{unique}_app: expected an integer, found a string @ $.connection_limit"
    assert f"Error: the state {path.resolve()} {said}" in error.replace(str(path), str(path.resolve()))
    assert "fault of pgplan" not in error
    assert "role." in base.run("state", "list").out
