"""Owners that move, and names that break careless tools."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

CONNECTION = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
LONG = "l" * 63
NAMES = [
    'a "b',
    "O'Hara",
    "Ünï",
    LONG,
    "ü" * 31,
    "back\\slash",
    "billing-api",
    "bob@example.com",
    "with space",
    "PUBLIC",
    "select",
    "MixedCase",
]


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_an_owner_moves_from_a_role_that_goes_to_a_role_that_comes(project: Project, cluster: Server) -> None:
    project.write(
        CONNECTION + '[role.old]\n[schema.s]\nowner = "old"\n[[grant]]\nto="old"\non={schema="s"}\nprivileges=["USAGE"]'
    )
    project.plan_and_apply()
    project.write(
        CONNECTION + '[role.new]\n[schema.s]\nowner = "new"\n[[grant]]\nto="new"\non={schema="s"}\nprivileges=["USAGE"]'
    )
    project.plan_and_apply()
    assert cluster.rows("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 's'") == [("new",)]
    assert cluster.rows("SELECT 1 FROM pg_roles WHERE rolname = 'old'") == []


def _blocks(name: str) -> str:
    text = _toml(name)
    role = _toml('"PUBLIC"' if name == "PUBLIC" else name)
    return (
        f"[role.{role}]\nlogin = true\ncomment = {text}\n[schema.{text}]\nowner = {role}\n"
        f'[[membership]]\nrole = {role}\nmember = "m"\n'
        f'[[grant]]\nto = {role}\non = {{ schema = {text} }}\nprivileges = ["USAGE", "CREATE"]\n'
        f'[[grant]]\nto = "m"\non = {{ schema = {text} }}\nprivileges = ["USAGE"]\n'
    )


def test_names_are_kept_to_the_letter(project: Project, cluster: Server) -> None:
    project.write(CONNECTION + "[role.m]\n" + "".join(map(_blocks, NAMES)))
    project.plan_and_apply()
    project.run("show", project.plan_file, "--format", "json")
    roles = {name for (name,) in cluster.rows("SELECT rolname::text FROM pg_roles")}
    owners = set(cluster.rows("SELECT nspname::text, pg_get_userbyid(nspowner)::text FROM pg_namespace"))
    assert set(NAMES) <= roles
    assert {(name, name) for name in NAMES} <= owners
    listed = project.run("state", "list").out.splitlines()
    for address in (one for one in listed if one.startswith("schema.")):
        project.run("state", "show", address)
    project.write(CONNECTION)
    project.plan_and_apply()
    assert not set(NAMES) & {name for (name,) in cluster.rows("SELECT rolname::text FROM pg_roles")}


def test_a_name_that_postgresql_would_cut_is_refused(project: Project) -> None:
    project.write(CONNECTION + f"[role.{LONG}x]\n")
    assert "64 bytes" in project.run("validate", expect=1).err


def test_memberships_can_be_turned_round(project: Project, cluster: Server) -> None:
    roles = CONNECTION + "[role.a]\n[role.b]\n"
    project.write(roles + '[[membership]]\nrole = "a"\nmember = "b"\n')
    project.plan_and_apply()
    project.write(roles + '[[membership]]\nrole = "b"\nmember = "a"\n')
    project.plan_and_apply()
    rows = cluster.rows("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'a'::regrole")
    assert rows == [("b",)]


def test_a_membership_loop_is_shown_as_a_path(project: Project) -> None:
    project.write(CONNECTION + '[role.a]\nmember_of = ["b"]\n[role.b]\nmember_of = ["a"]\n')
    error = project.run("validate", expect=1).err
    assert "cycle" in error
    assert "→" in error
