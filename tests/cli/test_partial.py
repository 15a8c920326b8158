"""Plans of a part, from the command line to the server and back."""

from __future__ import annotations

import json
import re

import pytest

import pgplan
from tests.project import Project
from tests.servers import Server

CONFIG = """
[pgplan]
name = "{0}"
[connection]
url = "${{env.DATABASE_URL}}"
[role."{0}_own er"]
[role.{0}_other]
[schema."{0}.s"]
owner = "{0}_own er"
[schema.{0}_else]
[[grant]]
to = "{0}_other"
on = {{ schema = "{0}.s" }}
privileges = ["USAGE"]
"""


@pytest.fixture
def part(project: Project, unique: str) -> Project:
    project.write(CONFIG.format(unique))
    return project


def test_a_part_is_planned_saved_applied_and_recorded_alone(part: Project, unique: str, server: Server) -> None:
    target = ("--target", f'schema."{unique}.s"')
    shown = part.run("plan", *target, "--out", part.plan_file)
    assert "Plan: 2 to add, 0 to change, 0 to destroy." in shown.out
    assert f"This plan is partial: {' '.join(target)}. What it leaves out is neither changed nor compared." in shown.out
    assert re.search(r"""apply \S+plan.bin --target 'schema."\w+.s"'""", shown.err)
    for form in ("markdown", "sql"):
        assert "This plan is partial" in part.run("show", part.plan_file, "--format", form).out
    document = json.loads(part.run("show", part.plan_file, "--format", "json").out)
    assert (document["partial"], document["options"]["target"]) == (True, [target[1]])
    refused = part.run("apply", part.plan_file, expect=3)
    assert f"this plan was made with --target '{target[1]}', not without --target" in refused.err
    part.run("apply", part.plan_file, *target, "--exclude", "*.nothing", expect=3)
    part.run("apply", part.plan_file, *target)
    assert part.run("state", "list").out.split("\n")[:2] == [f'role."{unique}_own er"', f'schema."{unique}.s"']
    again = part.run("plan", *target, "--detailed-exitcode")
    assert "No changes. What it is about matches the configuration." in again.out
    part.plan_and_apply()
    part.run("destroy", "--yes", "--exclude", f"schema.{unique}_else")
    left = part.run("state", "list").out.split()
    assert left == [f"schema.{unique}_else"]
    assert server.rows(f"SELECT nspname FROM pg_namespace WHERE nspname LIKE '{unique}%'", f"{unique}_db") == [
        (f"{unique}_else",)
    ]


def test_what_is_left_out_along_is_said_and_unknown_patterns_are_refused(part: Project, unique: str) -> None:
    shown = part.run("plan", "--exclude", f'role."{unique}_own er"')
    needed = f'schema."{unique}.s" (because of role."{unique}_own er")'
    granted = f'grant.{unique}_other/schema:"{unique}.s" (because of schema."{unique}.s")'
    assert f"left out too: {granted}, {needed}" in shown.out
    assert "Plan: 2 to add" in shown.out
    refused = part.run("plan", "--target", f"role.{unique}_othr", "--replace", "server.*", expect=1)
    assert f"did you mean role.{unique}_other?" in refused.err
    assert "--replace server.*: no address like this is declared or recorded" in refused.err
    part.run("plan", "--destroy", "--replace", "role.*", expect=64)


def test_replace(part: Project, unique: str) -> None:
    """Its privileges come back, whoever gave them."""
    part.plan_and_apply()
    before = part.run("plan", "--replace", f'schema."{unique}.s"')
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in before.out
    assert "asked for with --replace" in before.out
    part.run("apply", "--yes", "--replace", f'schema."{unique}.s"')
    part.nothing_to_do()


def test_the_library_takes_the_same(part: Project, unique: str) -> None:
    target, exclude = [f"role.{unique}_*", f'schema."{unique}.s"'], ["*_other"]
    with pgplan.open(part.directory, environment={"DATABASE_URL": part.url}) as project:
        plan = project.plan(target=target, exclude=exclude)
        assert [change.address for change in plan.changes] == [f'role."{unique}_own er"', f'schema."{unique}.s"']
        plan.save(part.plan_file)
    with pgplan.open(part.directory, environment={"DATABASE_URL": part.url}) as project:
        saved = pgplan.load(part.plan_file)
        with pytest.raises(pgplan.StaleError, match="not without --exclude"):
            project.apply(saved, target=target)
        assert len(project.apply(saved, target=reversed(target), exclude=exclude).state.entries) == 2


def test_a_rename_takes_along_all_that_is_recorded_otherwise_because_of_it(part: Project, unique: str) -> None:
    """Left out, it leaves that out: nothing is taken from who is not renamed yet."""
    part.plan_and_apply()
    part.edit(f"[role.{unique}_other]", f'[role.{unique}_new]\nrenamed_from = "{unique}_other"')
    part.edit(f'to = "{unique}_other"', f'to = "{unique}_new"')
    for excluded in (f"role.{unique}_new", f"role.{unique}_other", f"grant.{unique}_new/*"):
        assert "No changes." in part.run("plan", "--exclude", excluded).out
    part.run("apply", "--yes", "--target", f"role.{unique}_other")
    part.nothing_to_do()
    assert f"grant.{unique}_new/schema" in part.run("state", "list").out


def test_what_is_in_a_database_comes_and_goes_with_it(part: Project, unique: str, server: Server) -> None:
    there = f"{unique}_there"
    text = (part.directory / "pgplan.toml").read_text() + '[policy.database]\nremoved = "delete"\n'
    part.write(f'{text}[database.{there}]\n[schema.x]\ndatabase = "{there}"\n[schema.y]\ndatabase = ["{there}", "{unique}_db"]\n')
    left_out = part.run("plan", "--exclude", "database.*").out
    assert (
        f"left out too: schema.x@{there} (because of database.{there}), schema.y@{there} (because of database.{there})"
        in left_out
    )
    part.run("apply", "--yes", "--target", f"schema.x@{there}")
    assert part.run("state", "list").out.split() == [f"database.{there}", f"schema.x@{there}"]
    part.plan_and_apply()
    assert "what it holds would be lost with it" in part.run("plan", "--replace", "database.*", expect=1).err
    assert (
        f"database.{there} (because of schema.y@{there})" in part.run("plan", "--destroy", "--exclude", f"schema.y@{there}").out
    )
    part.run("destroy", "--yes", "--target", f"database.{there}")
    assert not [one for one in part.run("state", "list").out.split() if there in one]
    assert server.rows(f"SELECT 1 FROM pg_database WHERE datname = '{there}'") == []
