"""Every command against a real server, with its exit codes."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import tomli
from attrs import evolve
from psycopg.conninfo import conninfo_to_dict

from tests.project import PGPLAN, Project
from tests.servers import Server

HEAD = '[pgplan]\nname = "{0}"\n\n[connection]\nurl = "${{env.DATABASE_URL}}"\n\n'
BASE = HEAD + '[role.{0}_app]\nlogin = true\n\n[schema.{0}_s]\ncomment = "one"\n'
GRANT = '[[grant]]\nto = "{0}_app"\non = {{ schema = "{0}_s" }}\nprivileges = ["USAGE"]\n'
NOTHING = "No changes. The database matches the configuration.\n"


@pytest.fixture
def base(project: Project, unique: str) -> Project:
    project.write((BASE + GRANT).format(unique))
    return project


def _clean(server: Server, project: Project, *roles: str) -> None:
    name = conninfo_to_dict(project.url)["dbname"]
    for role in roles:
        server.execute(f'DROP OWNED BY "{role}" CASCADE', f'DROP ROLE "{role}"', database=str(name))


def _hand(project: Project, *statements: str) -> None:
    with psycopg.connect(project.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_plan_show_apply_and_nothing_left(base: Project) -> None:
    planned = base.run("plan", "--out", base.plan_file)
    assert planned.out.endswith("Plan: 3 to add, 0 to change, 0 to destroy.\nPrivileges: 1 granted, 0 revoked.\n")
    digest = re.findall("sha256:[0-9a-f]{64}", planned.err)[0]
    assert base.run("plan", "--detailed-exitcode", expect=2).err == ""
    shown = base.run("show", base.plan_file)
    assert shown.out.endswith(planned.out)
    assert "Expires" not in shown.out
    assert digest in shown.out
    assert shown.err == ""
    assert stat.S_IMODE(Path(base.plan_file).stat().st_mode) == 0o600
    applied = base.run("apply", base.plan_file, "--expect-digest", digest)
    assert applied.out == "Apply complete! 3 added, 0 changed, 0 destroyed. Privileges: 1 granted, 0 revoked.\n"
    assert applied.err == ""
    assert base.run("plan", "--detailed-exitcode").out == NOTHING
    assert base.run("apply").out == NOTHING
    destroyed = base.run("destroy", "--yes").out
    assert "Destroy complete! 0 added, 0 changed, 3 destroyed.\n" in destroyed
    assert "will be destroyed\n" in destroyed
    assert "no longer declared" not in destroyed
    assert base.run("destroy").out == "No changes. No objects need to be destroyed.\n"


def test_show_needs_only_the_file(base: Project) -> None:
    base.run("plan", "--out", base.plan_file)
    base.write("this is no TOML")
    base.url = "postgresql://nobody@/nowhere?host=/nowhere"
    for form in ("text", "json", "markdown", "sql"):
        assert base.run("show", base.plan_file, "--format", form).err == ""


def test_show_says_when_a_plan_expires(base: Project) -> None:
    base.run("plan", "--out", base.plan_file, "--expires", "12h")
    (expires,) = re.findall(r"Expires at (\S+)", base.run("show", base.plan_file).out)
    left = datetime.fromisoformat(expires) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=50) < left <= timedelta(hours=12)
    assert json.loads(base.run("show", base.plan_file, "--format", "json").out)["expires"] == expires


def test_forms_of_a_plan(base: Project, unique: str) -> None:
    document = json.loads(base.run("plan", "--format", "json").out)
    by_address = {change["address"]: change for change in document["resource_changes"]}
    role = by_address[f"role.{unique}_app"]
    assert (role["type"], role["name"], role["mode"]) == ("role", f"{unique}_app", "managed")
    assert role["change"]["actions"] == ["create"]
    assert role["statements"] == [f'CREATE ROLE "{unique}_app" LOGIN']
    markdown = base.run("plan", "--format", "markdown").out
    assert document["digest"] in markdown
    assert f"+ create role.{unique}_app" in markdown
    assert f'CREATE ROLE "{unique}_app" LOGIN;' in base.run("plan", "--format", "sql").out


def test_the_script_runs_as_it_is(base: Project, unique: str, server: Server) -> None:
    base.edit("login = true", 'login = true\npassword = "${var.p}"\n[variables.p]\nsensitive = true')
    script = base.run("plan", "--format", "sql", "--var", "p=hunter2").out
    assert "hunter2" not in script
    assert f"--   role_{unique}_app_password\n" in script
    lines = [line for line in script.splitlines() if not line.startswith("\\")]
    _hand(base, "\n".join(lines).replace(f":'role_{unique}_app_password'", "'hunter2'"))
    assert server.rows(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{unique}_app'") == [(True,)]
    _clean(server, base, f"{unique}_app")


def test_apply_asks_nobody_without_a_terminal(base: Project) -> None:
    for arguments in (["apply"], ["apply", "--no-input"], ["destroy"]):
        if arguments == ["destroy"]:
            base.run("apply", "--yes")
        result = base.run(*arguments, expect=1)
        assert "nobody can be asked for approval" in result.err
        assert "--yes" in result.err
        assert "Plan: " in result.out
    base.run("destroy", "--auto-approve")


def _at_terminal(project: Project, answer: str, *arguments: str, meanwhile: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """Run pgplan on a pseudo-terminal and type an answer once it asks; `meanwhile` happens before."""
    primary, secondary = os.openpty()
    environment = {**os.environ, "DATABASE_URL": project.url, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"}
    process = subprocess.Popen(
        [PGPLAN, "-C", str(project.directory), *arguments],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        env=environment,
        start_new_session=True,
    )
    os.close(secondary)
    screen = ""
    typed = False
    while True:
        try:
            screen += os.read(primary, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            break
        if not typed and "(yes or no):" in screen:
            meanwhile()
            time.sleep(0.2)
            os.write(primary, answer.encode())
            typed = True
    os.close(primary)
    return process.wait(timeout=20), screen


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("no\r", 1, "declined; nothing was changed"),
        ("\r", 1, "declined"),
        ("yesterday\r", 1, "declined"),
        ("\x03", 130, "interrupted; nothing was changed"),
    ],
)
def test_declining_at_a_terminal(base: Project, answer: str, code: int, said: str) -> None:
    ended, screen = _at_terminal(base, answer, "apply")
    assert ended == code, screen
    assert said in screen
    assert not (base.directory / ".pgplan" / "state.json").exists()


def test_another_run_that_applied_while_the_question_stood_is_said(base: Project) -> None:
    def meanwhile() -> None:
        base.run("apply", "--yes")

    ended, screen = _at_terminal(base, "yes\r", "apply", meanwhile=meanwhile)
    assert ended == 3, screen
    assert "another run applied to the same state while this plan waited for approval; nothing was changed" in " ".join(
        screen.split()
    )
    assert "lineage" not in screen
    base.run("plan", "--detailed-exitcode")
    base.run("destroy", "--yes")


@pytest.mark.parametrize("answer", ["yes\r", "y\r", " Y \r"])
def test_approving_at_a_terminal_in_colour(base: Project, answer: str) -> None:
    ended, screen = _at_terminal(base, answer, "apply")
    assert ended == 0, screen
    assert "\x1b[32m+\x1b[0m" in screen
    assert "Apply complete! 3 added" in screen
    assert "\x1b[" not in base.run("plan").all
    base.run("destroy", "--yes")


def test_drift_is_found_and_repaired(base: Project, unique: str) -> None:
    base.run("apply", "--yes")
    assert base.run("drift").out == "No drift. 3 objects are as they were last applied.\n"
    _hand(base, f'ALTER ROLE "{unique}_app" CREATEDB', f'REVOKE USAGE ON SCHEMA "{unique}_s" FROM "{unique}_app"')
    found = base.run("drift", expect=2)
    assert "~ createdb = false -> true" in found.out
    assert f"- USAGE on schema {unique}_s from {unique}_app" in found.out
    assert "Drift: 2 changed, 0 disappeared." in found.out
    document = json.loads(base.run("drift", "--format", "json", expect=2).out)
    assert {change["address"] for change in document["resource_drift"]} == {
        f"role.{unique}_app",
        f"grant.{unique}_app/schema:{unique}_s",
    }
    repaired = base.run("plan").out
    assert "# the database changed" in repaired
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in repaired
    base.run("apply", "--yes")
    base.run("drift")
    base.run("destroy", "--yes")


def test_drift_without_a_state_is_an_error(base: Project) -> None:
    """A pipeline that lost its state must not be told that all is well."""
    error = base.run("drift", expect=1).err
    assert "nothing is recorded yet: there is no state in" in error
    assert "`pgplan apply`" in error
    assert base.run("drift", "--format", "json", expect=1).out == ""


def test_what_newly_matches_a_pattern_is_no_drift(base: Project, unique: str) -> None:
    pattern = f'\n[[grant]]\nto = "{unique}_app"\non = {{ tables_in = "public" }}\nprivileges = ["SELECT"]\n'
    named = f'\n[[grant]]\nto = "{unique}_app"\non = {{ table = "public.named" }}\nprivileges = ["INSERT"]\n'
    closed = '\n[[revoke]]\nfrom = "PUBLIC"\non = { functions_in = "public" }\nprivileges = ["EXECUTE"]\n'
    base.write(pattern + named + closed, "more.pgplan.toml")
    _hand(base, "CREATE TABLE public.old (a int)", "CREATE TABLE public.named (a int)")
    base.run("apply", "--yes")
    quiet = "No drift. 6 objects are as they were last applied.\n"
    assert base.run("drift").out == quiet
    _hand(base, "CREATE TABLE public.one (a int)")
    assert base.run("drift").out == f"Note: 1 new table is not covered yet: run plan\n\n{quiet}"
    _hand(base, "CREATE TABLE public.two (a int)", "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    shown = base.run("drift").out
    assert shown == f"Note: 1 new function and 2 new tables are not covered yet: run plan\n\n{quiet}"
    # What was there is watched as before, and what was named is what it was.
    _hand(base, f"REVOKE SELECT ON public.old FROM {unique}_app", "DROP TABLE public.named", "CREATE TABLE public.named (a int)")
    shown = base.run("drift", expect=2).out
    assert "1 new function and 3 new tables are not covered yet: run plan" in shown
    assert f"- SELECT on table public.old from {unique}_app" in shown
    assert f"- INSERT on table public.named from {unique}_app" in shown
    assert "public.one" not in shown
    assert "Drift: 2 changed, 0 disappeared." in shown
    base.run("apply", "--yes")
    _hand(base, f"REVOKE SELECT ON public.one FROM {unique}_app")
    assert "- SELECT on table public.one" in base.run("drift", expect=2).out
    base.run("destroy", "--yes")


def test_a_change_of_the_configuration_is_no_drift(base: Project) -> None:
    base.run("apply", "--yes")
    base.edit("login = true", "login = true\ncreatedb = true")
    base.run("drift")
    assert "# the configuration changed" in base.run("plan", "--detailed-exitcode", expect=2).out
    base.run("destroy", "--yes")


def test_drift_compares_a_secret_with_what_was_applied(base: Project, unique: str) -> None:
    base.edit("login = true", 'login = true\npassword = "${var.p}"\n[variables.p]\nsensitive = true')
    base.run("apply", "--yes", "--var", "p=hunter2")
    assert base.run("drift", "--var", "p=hunter2").out == "No drift. 3 objects are as they were last applied.\n"
    assert base.run("drift").out.count("1 secret not c") == 1
    assert "1 secret not compared" in base.run("drift", "--var", "p=another").out
    _hand(base, f"ALTER ROLE \"{unique}_app\" PASSWORD 'by hand'")
    assert "password = (sensitive)  # secret changed" in base.run("drift", "--var", "p=hunter2", expect=2).out
    base.run("destroy", "--yes")
    assert "hunter2" not in base.everything


def test_state_list_and_show(base: Project, unique: str) -> None:
    assert base.run("state", "list").out == ""
    base.run("apply", "--yes")
    addresses = base.run("state", "list").out.splitlines()
    assert addresses == [f"grant.{unique}_app/schema:{unique}_s", f"role.{unique}_app", f"schema.{unique}_s"]
    assert base.run("state", "list", "role.*").out == f"role.{unique}_app\n"
    assert "login = true" in base.run("state", "show", f"role.{unique}_app").out
    document = json.loads(base.run("state", "show", "--format", "json", f"schema.{unique}_s").out)
    assert document["spec"]["comment"] == "one"
    assert f"Did you mean role.{unique}_app?" in base.run("state", "show", f"role.{unique}_ap", expect=1).err
    base.run("destroy", "--yes")


def test_the_state_can_be_looked_at_whatever_else_is_wrong(base: Project, unique: str) -> None:
    base.run("apply", "--yes")
    whole = (base.directory / "pgplan.toml").read_text()
    base.write(whole + '[variables.v]\n[role.x]\nlogn = "${var.v}"\n')
    base.run("validate", expect=1)
    assert f"role.{unique}_app" in base.run("state", "list").out.splitlines()
    base.write(whole + '[state]\npath = "${env.NOWHERE_DIR}/state.json"\n')
    assert "state: path: the environment variable NOWHERE_DIR is not set" in base.run("state", "list", expect=1).err
    base.write(whole)
    base.run("destroy", "--yes")


def test_import_records_prints_what_is_missing_and_leaves_an_empty_plan(project: Project, unique: str, server: Server) -> None:
    _hand(
        project,
        f'CREATE ROLE "{unique}_app" LOGIN CONNECTION LIMIT 3',
        f'CREATE SCHEMA "{unique}_s" AUTHORIZATION "{unique}_app"',
        f'COMMENT ON SCHEMA "{unique}_s" IS \'with "quotes" and ${{dollars}}\'',
        f'CREATE TABLE "{unique}_s"."Weird.Table" (a int, b int)',
        f'GRANT SELECT (a, b), INSERT ON "{unique}_s"."Weird.Table" TO PUBLIC',
    )
    project.write((HEAD + "[role.{0}_app]\nlogin = true\nconnection_limit = 3\n").format(unique))
    error = project.run("plan", expect=1).err
    command = re.findall(r"pgplan (import \S+)", error)[0]
    done = project.run(*command.split())
    assert (done.out, done.err) == ("", f"role.{unique}_app: imported\n")
    assert project.run("plan", "--detailed-exitcode").out == NOTHING
    addresses = [f"schema.{unique}_s", f'grant.PUBLIC/table:{unique}_s."Weird.Table"']
    printed = project.run("import", *addresses).out
    tomli.loads(printed)
    project.write((project.directory / "pgplan.toml").read_text() + "\n" + printed)
    assert project.run("plan", "--detailed-exitcode").out == NOTHING
    assert project.run("import", *addresses).err.count("is managed already") == 2
    _hand(project, f'REVOKE SELECT (a) ON "{unique}_s"."Weird.Table" FROM PUBLIC', f'ALTER ROLE "{unique}_app" CREATEDB')
    changes = project.run("plan", "--detailed-exitcode", expect=2).out
    assert "SELECT (a) on table" in changes
    assert "createdb = true -> false" in changes
    entry = json.loads(project.run("state", "show", "--format", "json", addresses[1]).out)
    assert entry["adopted"] == {"all": True, "listed": []}
    assert "adopted   all of its privileges" in project.run("state", "show", addresses[1]).out
    left = project.run("destroy", "--yes").out
    assert "Destroy complete! 0 added, 0 changed, 0 destroyed. 3 forgotten." in left
    assert server.rows(f"SELECT 1 FROM pg_roles WHERE rolname = '{unique}_app'") == [(1,)]
    _clean(server, project, f"{unique}_app")


def test_the_toml_of_an_imported_mapping_never_drops_its_password(project: Project, unique: str, server: Server) -> None:
    login, other = f"{unique}_login", f"{unique}_other"
    _hand(
        project,
        "CREATE EXTENSION postgres_fdw",
        f"CREATE ROLE {login} LOGIN",
        f"CREATE ROLE {other}",
        "CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw",
        f"GRANT USAGE ON FOREIGN SERVER remote TO {login}",
        f"CREATE USER MAPPING FOR {other} SERVER remote OPTIONS (user 'u', password 'hunter2')",
    )
    head = HEAD.format(unique)
    address = f"user_mapping.remote/{other}"
    project.write(head)
    printed = project.run("import", address).out
    project.write(head + printed)
    assert "secret deferred" in project.run("plan").out
    name = printed.partition("[variables.")[2].partition("]")[0]
    assert project.run("plan", "--var", f"{name}=hunter2").out == NOTHING
    weak = evolve(project, url=project.url.replace("postgres@", f"{login}@"))
    weak.write(head + '[state]\npath = "weak.json"\n')
    hidden = weak.run("import", address).out
    assert 'ignore = ["options"]' in hidden
    weak.write(head + '[state]\npath = "weak.json"\n' + hidden)
    assert weak.run("plan").out.endswith(NOTHING)
    _clean(server, project, login, other)


def test_import_of_what_is_not_there_records_nothing(base: Project, unique: str) -> None:
    wrong = base.run("import", f"role.{unique}_none", "role.pg_monitor", "grant.nonsense", expect=1)
    assert wrong.err.count("Error: ") == 3
    assert f"role.{unique}_none: is not found" in wrong.err
    assert "predefined" in wrong.err
    base.run("import", "nonsense.x", expect=1)
    base.run("import", "nonsense", expect=1)
    assert base.run("state", "list").out == ""


def test_the_url_option_stands_above_the_configuration(base: Project) -> None:
    url, base.url = base.url, "postgresql://nobody@/nowhere?host=/nowhere"
    assert "cannot connect" in base.run("plan", expect=1).err
    base.run("--url", url, "plan")
    base.run("plan", "--url", url)


def test_a_directory_deep_down_and_a_quiet_run(base: Project) -> None:
    assert base.run("plan", "-q", "--out", base.plan_file).err == ""
    assert "Plan: 3 to add" in base.run("-q", "apply", "--yes").out
    base.run("destroy", "--yes", "-q")


def test_apply_does_nothing_when_its_output_is_closed(base: Project, unique: str, server: Server) -> None:
    process = base.process("apply", "--yes")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), error) == (1, "Error: standard output was closed; nothing was changed\n")
    assert server.rows(f"SELECT 1 FROM pg_roles WHERE rolname = '{unique}_app'") == []
