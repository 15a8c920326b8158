"""A plan file in a store that others can write to: apply makes the plan again, and nothing else is applied."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from pgplan import planfile
from pgplan.cli.run import run
from pgplan.kind import Statement
from pgplan.plan.model import Change, Plan, Step
from tests.project import Project, Result
from tests.servers import Server

pytestmark = pytest.mark.usefixtures("cheap_digests")

HEAD = '[pgplan]\nname = "{0}"\n[connection]\nurl = "${{env.DATABASE_URL}}"\n'
BEFORE = """
[role.{0}_app]
login = true
[role.{0}_old]
"""
AFTER = """
[variables.word]
default = "hello"
[variables.p]
sensitive = true
from = {{ env = "P" }}
[role.{0}_app]
login = true
createdb = true
password = "${{var.p}}"
[schema.{0}_s]
comment = "${{var.word}}"
[[grant]]
to = "{0}_app"
on = {{ schema = "{0}_s" }}
privileges = ["USAGE"]
"""


@define
class InProcess(Project):
    """Runs the command line in this process: a file is edited in many ways here."""

    capture: pytest.CaptureFixture[str] | None = None

    def run(self, *arguments: str, expect: int = 0, environment: Mapping[str, str] | None = None) -> Result:
        assert self.capture is not None
        self.capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"DATABASE_URL": self.url, **self.environment, **(environment or {})}.items():
                patch.setenv(name, value)
            code = run(["-C", str(self.directory), *arguments])
        out, err = self.capture.readouterr()
        assert code == expect, f"pgplan {' '.join(arguments)} ended with {code}:\n{out}\n{err}"
        return Result(code, out, err)


@pytest.fixture
def project(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> Project:
    return InProcess(tmp_path, database, capture=capsys)


@pytest.fixture
def planned(project: Project, unique: str) -> Project:
    """One thing to add, one to change, one to drop, one to grant, with a secret; planned with everything at hand."""
    project.environment["P"] = "hunter2"
    project.write((HEAD + BEFORE).format(unique))
    project.run("apply", "--yes")
    project.write((HEAD + AFTER).format(unique))
    project.run("plan", "--out", project.plan_file, "--expires", "1h")
    return project


def found(server: Server, project: Project, unique: str) -> list[object]:
    queries = (
        f"SELECT rolname::text, rolsuper, rolcreatedb FROM pg_roles WHERE rolname ~ '^{unique}_' ORDER BY 1",
        "SELECT nspname::text, nspacl::text, obj_description(oid) FROM pg_namespace ORDER BY 1",
    )
    rows: list[object] = [row for query in queries for row in server.rows(query, f"{unique}_db")]
    return [*rows, (project.directory / ".pgplan" / "state.json").read_bytes()]


def edit(project: Project, change: Callable[[Plan], Plan]) -> Plan:
    """Edit the file on purpose, with a digest and a manifest that fit again."""
    path = Path(project.plan_file)
    plan, about = planfile.read(path)
    edited = change(plan)
    assert edited != plan
    planfile.write(path, edited, about)
    return edited


def decided(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: evolve(plan, decided=evolve(plan.decided, **changes))


def first_change(which: str, **changes: Any) -> Callable[[Plan], Plan]:
    """Edit the first change of an action."""

    def edited(plan: Plan) -> Plan:
        index = next(number for number, one in enumerate(plan.changes) if one.action == which)
        lines: list[Change] = list(plan.changes)
        lines[index] = evolve(lines[index], **changes)
        return decided(changes=tuple(lines))(plan)

    return edited


def steps(change: Callable[[list[Step]], object]) -> Callable[[Plan], Plan]:
    def edited(plan: Plan) -> Plan:
        (phase,) = plan.decided.phases
        listed = list(phase.steps)
        change(listed)
        return decided(phases=(evolve(phase, steps=tuple(listed)),))(plan)

    return edited


EVIL = Statement("CREATE ROLE intruder SUPERUSER")


def append_statement(listed: list[Step]) -> None:
    listed[-1] = evolve(listed[-1], statements=(*listed[-1].statements, EVIL))


def replace_statement(listed: list[Step]) -> None:
    listed[0] = evolve(listed[0], statements=(EVIL, *listed[0].statements[1:]))


def run_as(listed: list[Step]) -> None:
    listed[-1] = evolve(listed[-1], statements=tuple(evolve(one, run_as="postgres") for one in listed[-1].statements))


def explained_step(plan: Plan) -> Plan:
    """One more step, which an existing change claims to need."""
    number = max(step.number for step in plan.steps) + 1
    last = plan.changes[-1]
    plan = steps(lambda listed: listed.append(Step(number, (last.address,), (EVIL,))))(plan)
    return decided(changes=(*plan.changes[:-1], evolve(last, steps=(*last.steps, number))))(plan)


def phase(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: decided(phases=tuple(evolve(one, **changes) for one in plan.decided.phases))(plan)


def slots(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: decided(slots=tuple(evolve(one, **changes) for one in plan.decided.slots))(plan)


def state(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: decided(state=evolve(plan.decided.state, **changes))(plan)


def options(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: decided(options=evolve(plan.decided.options, **changes))(plan)


def without_steps(plan: Plan) -> Plan:
    return decided(phases=(), changes=tuple(evolve(one, steps=()) for one in plan.changes))(plan)


def looser_checks(plan: Plan) -> Plan:
    return decided(checks=tuple(evolve(one, untouched=False) for one in plan.decided.checks))(plan)


EDITS: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "a statement appended": (steps(append_statement), f"runs what is not planned here: {EVIL.sql}"),
    "a statement replaced": (steps(replace_statement), f"runs what is not planned here: {EVIL.sql}"),
    "run as another role": (steps(run_as), "-- as postgres"),
    "steps in another order": (steps(lambda listed: listed.insert(0, evolve(listed.pop(), number=0))), ""),
    "a step added": (explained_step, f"runs what is not planned here: {EVIL.sql}"),
    "no steps": (without_steps, "does not run"),
    "another database": (phase(database="other"), ""),
    "no transaction": (phase(apart="drop"), ""),
    "an address changed": (first_change("delete", address="role.postgres", steps=()), ""),
    "a change made harmless": (first_change("delete", action="forget"), "is planned differently here: action"),
    "a reason": (first_change("update", reason="harmless"), "is planned differently here: reason"),
    "before and after": (first_change("update", before={}, after={}), "is planned differently here: before, after"),
    "no longer protected": (first_change("update", protected=True), "is planned differently here: whether it is protected"),
    "no checks": (decided(checks=()), "differs from what is planned here in what must be found after its steps"),
    "looser checks": (looser_checks, "what must be found after"),
    "a secret suppressed": (slots(status="same"), "var.p: the secret password"),
    "a secret forced": (slots(status="changed"), "var.p: the secret password"),
    "a secret from elsewhere": (slots(source="${env.P}"), "here in which secrets are sent, and what they are taken from"),
    "no secrets": (decided(slots=()), "var.p: the secret password"),
    "origins": (decided(origins={"p": "ab" * 32}), "var.p"),
    "no origins": (decided(origins={}), "how the values of sensitive variables are to be got"),
    "destroys": (options(destroy=True), "this plan destroys: say --destroy"),
    "what was adopted": (options(include_adopted=True), "this plan includes what was adopted: say --include-adopted"),
    "serial": (state(serial=7), "serial"),
    "lineage": (state(lineage="x"), "lineage"),
    "hash": (state(hash="00"), "content"),
    "name": (decided(name="another"), "belongs to the configuration"),
    "what was observed": (lambda plan: evolve(plan, observed=evolve(plan.observed, role="somebody")), "somebody"),
}


def test_whatever_was_edited_is_not_applied_and_show_tells_what_would_run(planned: Project, server: Server, unique: str) -> None:
    before = found(server, planned, unique)
    original = Path(planned.plan_file).read_bytes()
    for name, (change, said) in EDITS.items():
        Path(planned.plan_file).write_bytes(original)
        plan = edit(planned, change)
        error = planned.run("apply", planned.plan_file, expect=3).err
        assert said in error, f"{name}: {error}"
        assert found(server, planned, unique) == before, name
        if "damaged" not in error:
            shown_in_every_form(planned, plan)
    Path(planned.plan_file).write_bytes(original)
    planned.run("apply", planned.plan_file)
    planned.nothing_to_do()


def shown_in_every_form(project: Project, plan: Plan) -> None:
    """Each statement that would run, with the role that it would run as."""
    document = json.loads(project.run("show", project.plan_file, "--format", "json").out)
    sent = [(one.sql, one.run_as) for step in plan.steps for one in step.statements]
    assert [(one["sql"], one["run_as"]) for one in document["statements"]] == sent
    for form in ("text", "markdown", "sql"):
        text = project.run("show", project.plan_file, "--format", form).out
        for sql, role in sent:
            head, *_ = sql.partition(" :'")
            assert head in text, form
            assert role in text, form


def test_what_was_edited_on_purpose_runs_only_when_it_is_trusted(planned: Project, server: Server) -> None:
    edit(planned, steps(append_statement))
    planned.run("apply", planned.plan_file, expect=3)
    planned.run("apply", planned.plan_file, "--trust-plan")
    assert server.rows("SELECT rolsuper FROM pg_roles WHERE rolname = 'intruder'") == [(True,)]
    server.execute("DROP ROLE intruder")


def test_steps_that_no_change_explains_are_no_plan(planned: Project) -> None:
    for unexplained in (
        steps(lambda listed: listed.append(Step(99, ("role.postgres",), (EVIL,)))),
        steps(lambda listed: listed.append(Step(99, (), (EVIL,)))),
        steps(lambda listed: listed.append(listed[0])),
        first_change("update", steps=()),
        first_change("update", steps=(99,)),
    ):
        original = Path(planned.plan_file).read_bytes()
        edit(planned, unexplained)
        for arguments in (("show",), ("apply",), ("apply", "--trust-plan")):
            assert "is damaged" in planned.run(arguments[0], planned.plan_file, *arguments[1:], expect=3).err
        Path(planned.plan_file).write_bytes(original)


def test_an_expiry_that_was_put_off_is_found_by_the_digest(planned: Project) -> None:
    digest = re.findall("sha256:[0-9a-f]{64}", planned.run("show", planned.plan_file).out)[0]
    edit(planned, decided(expires="2999-01-01T00:00:00+00:00"))
    assert "not the expected one" in planned.run("apply", planned.plan_file, "--expect-digest", digest, expect=3).err


def test_another_plan_of_the_same_configuration(planned: Project, server: Server, unique: str) -> None:
    planned.edit("createdb = true", "createdb = true\ncreaterole = true")
    planned.run("plan", "--out", planned.plan_file)
    planned.edit("createdb = true\ncreaterole = true", "createdb = true")
    before = found(server, planned, unique)
    error = planned.run("apply", planned.plan_file, expect=3).err
    assert "the configuration differs: pgplan.toml was changed since the plan was made" in error
    assert f"role.{unique}_app: is planned differently here: after" in error
    assert found(server, planned, unique) == before


def test_a_file_more_or_less(planned: Project, unique: str) -> None:
    planned.write(f"[role.{unique}_more]\n", "more.pgplan.toml")
    error = planned.run("apply", planned.plan_file, expect=3).err
    assert "more.pgplan.toml is new since the plan was made" in error
    assert f"role.{unique}_more: is not in the plan, but planned here" in error
    planned.run("plan", "--out", planned.plan_file)
    (planned.directory / "more.pgplan.toml").unlink()
    error = planned.run("apply", planned.plan_file, expect=3).err
    assert "more.pgplan.toml is gone since the plan was made" in error
    assert f"role.{unique}_more: is in the plan, but not planned here" in error


def test_a_change_of_the_files_that_means_the_same_is_none(planned: Project) -> None:
    planned.edit("[variables.word]", "# what it says\n[variables.word]")
    planned.run("apply", planned.plan_file)


def test_an_older_plan(planned: Project, server: Server, unique: str) -> None:
    older = planned.directory / "older.bin"
    shutil.copy(planned.plan_file, older)
    planned.run("apply", planned.plan_file)
    before = found(server, planned, unique)
    assert "its serial is 2, the plan's 1" in planned.run("apply", str(older), expect=3).err
    assert found(server, planned, unique) == before


def test_a_plan_of_another_configuration_under_the_same_name(planned: Project, server: Server, unique: str) -> None:
    planned.write((HEAD + "[role.{0}_other]\n").format(unique))
    before = found(server, planned, unique)
    error = planned.run("apply", planned.plan_file, expect=3).err
    assert "var.p: the configuration does not take this secret from where it did" in error
    assert found(server, planned, unique) == before
    planned.write((HEAD + AFTER.partition("[role")[0] + "[schema.{0}_s]\nowner = '{0}_nobody'\n").format(unique))
    assert f"owner names role.{unique}_nobody" in planned.run("apply", planned.plan_file, expect=3).err


def test_variables_are_given_to_apply_as_to_plan(planned: Project) -> None:
    planned.run("plan", "--out", planned.plan_file, "--var", "word=bye")
    for given in ((), ("--var", "word=hi")):
        error = planned.run("apply", planned.plan_file, *given, expect=3).err
        assert "var.word: the variable has another value than when the plan was made\n  give --var" in error
    values = planned.directory / "values.toml"
    values.write_text('word = "bye"\n')
    planned.run("apply", planned.plan_file, "--var-file", str(values))


def test_what_flows_into_a_secret_is_not_in_the_file_in_any_form(planned: Project) -> None:
    planned.edit('[variables.word]\ndefault = "hello"', '[variables.word]\n[variables.part]\ndefault = "${var.word}"')
    planned.edit('"${var.p}"', '"${var.part}-${var.p}"')
    planned.run("plan", "--out", planned.plan_file, "--var", "word=bye")
    _, about = planfile.read(Path(planned.plan_file))
    assert about.variables == ()


def test_destroy_is_said_again(planned: Project, server: Server, unique: str) -> None:
    planned.run("apply", planned.plan_file)
    said = planned.run("plan", "--destroy", "--out", planned.plan_file).err
    assert f"apply {planned.plan_file} --destroy\n" in said
    assert "this plan destroys: say --destroy" in planned.run("apply", planned.plan_file, expect=3).err
    planned.run("apply", planned.plan_file, "--destroy", "--include-adopted", expect=3)
    planned.run("apply", planned.plan_file, "--destroy")
    assert server.rows(f"SELECT 1 FROM pg_roles WHERE rolname ~ '^{unique}_'") == []
    planned.run("plan", "--out", planned.plan_file)
    error = planned.run("apply", planned.plan_file, "--destroy", expect=3).err
    assert "--destroy was given, but this is no plan that destroys" in error


def test_destroy_is_an_option_of_apply_without_a_plan(planned: Project, server: Server, unique: str) -> None:
    planned.run("apply", "--destroy", "--yes")
    assert server.rows(f"SELECT 1 FROM pg_roles WHERE rolname ~ '^{unique}_'") == []
    planned.run("apply", "--include-adopted", "--yes", expect=64)
    planned.run("apply", "--trust-plan", "--yes", expect=64)


# Secrets: planned with what the one side knows, applied with what the other does.

VERIFIER = "SELECT rolpassword FROM pg_authid WHERE rolname = '{0}_app'"


@pytest.mark.parametrize(
    ("at_plan", "at_apply", "code"),
    [
        ("one", "one", 0),  # same, same
        ("one", None, 0),  # same, unchecked
        ("one", "two", 3),  # same, changed
        (None, "one", 0),  # unchecked, same
        (None, None, 0),  # unchecked, unchecked
        (None, "two", 0),  # unchecked, changed: not sent
        ("two", "two", 0),  # changed, changed
        ("two", "one", 3),  # changed, same
        ("two", None, 3),  # changed, unchecked
    ],
)
def test_a_recorded_secret(
    project: Project, server: Server, unique: str, at_plan: str | None, at_apply: str | None, code: int
) -> None:
    project.write((HEAD + AFTER).format(unique))
    project.run("apply", "--yes", environment={"P": "one"})
    project.edit("createdb = true", "createdb = false")
    verifier = server.rows(VERIFIER.format(unique))
    project.run("plan", "--out", project.plan_file, environment={"P": at_plan or ""})
    result = project.run("apply", project.plan_file, environment={"P": at_apply or ""}, expect=code)
    assert (server.rows(VERIFIER.format(unique)) != verifier) is (at_plan == at_apply == "two")
    if code:
        assert "var.p: the secret password of role." in result.err
    held_back = at_plan is None and at_apply == "two"
    assert ("another value now; it is not sent" in result.err) is held_back
    left = 2 if held_back or code == 3 else 0
    project.run("plan", "--detailed-exitcode", environment={"P": at_apply or ""}, expect=left)


@pytest.mark.parametrize(
    ("at_plan", "at_apply", "code"), [("one", "one", 0), (None, "one", 0), ("one", None, 3), (None, None, 1)]
)
def test_a_new_secret(project: Project, unique: str, at_plan: str | None, at_apply: str | None, code: int) -> None:
    project.write((HEAD + AFTER).format(unique))
    project.run("plan", "--out", project.plan_file, environment={"P": at_plan or ""})
    error = project.run("apply", project.plan_file, environment={"P": at_apply or ""}, expect=code).err
    if code == 3:
        assert "var.p: the secret password of role." in error


def test_other_secrets_are_judged_though_nothing_of_theirs_changes(project: Project, unique: str) -> None:
    project.write((HEAD + AFTER).format(unique))
    project.run("apply", "--yes", environment={"P": "one"})
    project.write(f"[role.{unique}_more]\n", "more.pgplan.toml")
    project.run("plan", "--out", project.plan_file, environment={"P": "one"})
    assert "var.p" in project.run("apply", project.plan_file, environment={"P": "two"}, expect=3).err
    project.run("apply", project.plan_file, environment={"P": ""})
