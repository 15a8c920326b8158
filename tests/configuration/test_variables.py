from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pgplan.errors import ConfigurationError
from pgplan.secret import Secret
from tests.configuration.conftest import Problems, Project

COMMENT = '[role.a]\ncomment = "${var.x}"\n'
PASSWORD = '[role.a]\npassword = "${var.x}"\n'


def comment(project: Project, environ: Mapping[str, str] | None = None) -> str:
    value = project.one("role.a", environ).spec.comment
    assert isinstance(value, str)
    return value


def password(project: Project, environ: Mapping[str, str] | None = None, *, resolve_secrets: bool = True) -> Secret:
    secret = project.one("role.a", environ, resolve_secrets=resolve_secrets).spec.password
    assert isinstance(secret, Secret)
    assert secret.source == "${var.x}"
    return secret


def test_order_of_values(project: Project, tmp_path: Path) -> None:
    project.write(COMMENT + '[variables.x]\nfrom = { env = "X" }\ndefault = "default"\n')
    file = tmp_path / "a.toml"
    file.write_text('x = "file"\n')
    later = tmp_path / "b.toml"
    later.write_text('x = "later"\n')
    environ = {"X": "from", "PGPLAN_VAR_x": "prefix"}
    expected = ["--var", "later", "file", "prefix", "from", "default"]
    seen = [
        project.load({"x": "--var"}, environ, (file,)),
        project.load({}, environ, (file, later)),
        project.load({}, environ, (file,)),
        project.load({}, environ),
        project.load({}, {"X": "from"}),
        project.load({}, {}),
    ]
    assert [one.declared[0].spec.comment for one in seen] == expected


def test_from_a_file_and_a_command(project: Project) -> None:
    (project.directory / "secret").write_text("from the file\n")
    project.write(COMMENT + '[variables.x]\nfrom = { file = "secret" }\n')
    assert comment(project) == "from the file"
    program = "import os; print(os.getcwd() + os.environ['SUFFIX'])"
    project.write(COMMENT + f"[variables.x]\nfrom = {{ command = ['{sys.executable}', '-c', \"{program}\"] }}\n")
    assert comment(project, {"SUFFIX": "!"}) == f"{project.directory}!"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("integer", "5", "5"),
        ("number", "1.50", "1.50"),
        ("boolean", "true", "true"),
        ("string", "5", "5"),
    ],
)
def test_text_takes_the_type(project: Project, kind: str, text: str, shown: str) -> None:
    project.write(f'[variables.x]\ntype = "{kind}"\n[role.a]\nconfig = {{ one = "${{var.x}}", more = "<${{var.x}}>" }}\n')
    config = project.load({"x": text}).declared[0].spec.block.config
    assert config == {"one": shown, "more": f"<{shown}>"}


def test_lists_and_tables(project: Project) -> None:
    project.write(
        '[variables.roles]\ntype = "list"\n[variables.config]\ntype = "table"\ndefault = { a = 1 }\n'
        '[role.a]\nmember_of = "${var.roles}"\nconfig = "${var.config}"\n'
    )
    declared = project.load({"roles": '["x", "y"]'}).declared
    assert [one.address for one in declared] == ["membership.x/a", "membership.y/a", "role.a"]
    assert declared[2].spec.block.config == {"a": "1"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "5.0"),
        ("integer", "x"),
        ("number", "x"),
        ("boolean", "yes"),
        ("list", "a, b"),
        ("list", "{}"),
        ("table", "[]\ny = 1"),
    ],
)
def test_text_that_does_not_fit(project: Project, kind: str, text: str) -> None:
    project.write(f'[variables.x]\ntype = "{kind}"\n[role.a]\ncomment = "${{var.x}}"\n')
    (problem,) = project.problems({"x": text})
    assert problem.startswith(f"var.x: what --var gives is no {kind}")


def test_a_default_has_the_type(problems: Problems) -> None:
    assert problems('[variables.x]\ntype = "integer"\ndefault = true\n') == [
        "pgplan.toml:5: var.x: the value is no integer\n  the variable's type is 'integer'"
    ]


def test_a_sensitive_variable(project: Project) -> None:
    project.write(PASSWORD + '[variables.x]\nsensitive = true\nfrom = { env = "X" }\n')
    assert password(project, {"X": "hunter2"}).reveal() == "hunter2"
    assert password(project, {"PGPLAN_VAR_x": "hunter2"}).reveal() == "hunter2"
    assert "hunter2" not in repr(project.load({"x": "hunter2"}))


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("", "there is no default"),
        ('from = { env = "X" }', "the environment variable X is not set"),
        ('from = { env = "EMPTY" }', "its value is empty"),
        ('from = { file = "none" }', "the file none does not exist"),
        ('from = { file = "." }', "cannot read the file .: Is a directory"),
        ('from = { command = ["/none/program"] }', "cannot run the command /none/program: No such file or directory"),
        ('from = { command = ["false"] }', "the command false ended with exit status 1"),
        ('from = { file = "${var.other}" }', "its origin depends on a sensitive variable that has no value"),
    ],
)
def test_a_secret_that_cannot_be_resolved_is_withheld(project: Project, origin: str, reason: str) -> None:
    project.write(PASSWORD + f"[variables.x]\nsensitive = true\n{origin}\n[variables.other]\nsensitive = true\n")
    environ = {"EMPTY": "", "PATH": "/usr/bin:/bin"}
    assert password(project, environ).withheld
    assert project.load(environ=environ).unresolved["x"] == reason


def test_offline_reads_no_secret_and_runs_no_command(project: Project) -> None:
    ran = project.directory / "ran"
    command = f'from = {{ command = ["touch", "{ran}"] }}\n'
    project.write(PASSWORD + "[variables.x]\nsensitive = true\n" + command + "[variables.y]\n" + command)
    assert password(project, {"PGPLAN_VAR_x": "hunter2"}, resolve_secrets=False).withheld
    assert not ran.exists()
    assert project.load(environ={"PATH": "/usr/bin:/bin"}).unresolved == {"x": "its value is empty"}
    assert ran.exists()


def test_offline_a_command_is_missed_where_its_value_shows(project: Project) -> None:
    project.write(COMMENT + '[variables.x]\nfrom = { command = ["echo", "x"] }\ndefault = "never used"\n')
    assert comment(project, {"PATH": "/usr/bin:/bin"}) == "x"
    assert project.problems(resolve_secrets=False) == [
        "pgplan.toml:4: role.a: comment: the variable 'x' comes from a command, which is not run here\n  give it: --var x=…"
    ]
    project.write(PASSWORD + '[variables.x]\nfrom = { command = ["echo", "x"] }\n')
    assert password(project, resolve_secrets=False).withheld


def test_a_command_runs_only_for_a_variable_that_is_used(project: Project) -> None:
    ran = project.directory / "ran"
    project.write(f'[variables.x]\nfrom = {{ command = ["touch", "{ran}"] }}\n')
    project.load(environ={"PATH": "/usr/bin:/bin"})
    assert not ran.exists()


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("", "there is no default"),
        ('from = { env = "X" }', "the environment variable X is not set"),
        ('from = { file = "none" }', "the file none does not exist"),
        ('from = { command = ["/none/x"] }\ndefault = "x"', "cannot run the command /none/x: No such file or directory"),
        ('from = { file = "." }\ndefault = "x"', "cannot read the file .: Is a directory"),
        ('default = "${env.NONE}"', "the environment variable NONE is not set"),
    ],
)
def test_a_variable_without_a_value_is_reported_once(problems: Problems, origin: str, reason: str) -> None:
    assert problems(f"[variables.x]\n{origin}\n" + COMMENT + '[role.b]\ncomment = "${var.x}"\n') == [
        f"pgplan.toml:3: var.x: the variable has no value: {reason}\n  give it: --var x=…"
    ]


def test_variables_may_need_each_other(project: Project) -> None:
    project.write(COMMENT + '[variables.x]\ndefault = "${var.y}-${env.Z}"\n[variables.y]\ndefault = "y"\n')
    assert comment(project, {"Z": "z"}) == "y-z"
    project.write(COMMENT + '[variables.x]\ndefault = "${var.y}"\n[variables.y]\ndefault = "<${var.x}>"\n')
    assert project.problems() == ["pgplan.toml:8: var.y: the variable 'x' needs its own value"]


def test_what_needs_a_secret_is_secret(project: Project) -> None:
    text = '[variables.x]\ndefault = "<${var.y}>"\n[variables.y]\nsensitive = true\nfrom = { env = "Y" }\n'
    project.write(PASSWORD + text)
    assert password(project, {"Y": "hunter2"}).reveal() == "<hunter2>"
    project.write(COMMENT + text)
    (problem,) = project.problems()
    assert problem.startswith("pgplan.toml:4: role.a: comment: the value is sensitive and this attribute is not")


def test_undeclared_variables(project: Project) -> None:
    project.write(COMMENT.replace("var.x", "var.regoin") + '[variables.region]\ndefault = "eu"\n')
    file = project.directory / "more.toml"
    file.write_text('\nregon = "us"\n')
    with pytest.raises(ConfigurationError) as caught:
        project.load({"reigon": "x", "zzz": "x"}, {"PGPLAN_VAR_other": "is somebody else's"}, (file,))
    assert [str(problem) for problem in caught.value.problems] == [
        "--var sets 'reigon', which is not declared\n  did you mean 'region'?",
        "--var sets 'zzz', which is not declared\n  declare it: [variables.zzz]",
        f"{file}:2: the variable 'regon' is not declared\n  did you mean 'region'?",
        "pgplan.toml:4: role.a: comment: the variable 'regoin' is not declared\n  did you mean 'region'?",
    ]


def test_a_variable_file_that_cannot_be_read(project: Project) -> None:
    project.write("")
    broken = project.directory / "broken.toml"
    broken.write_text("a = \n")
    with pytest.raises(ConfigurationError) as caught:
        project.load(var_files=(broken, project.directory / "none.toml"))
    assert [str(problem) for problem in caught.value.problems] == [
        f'{broken}:1: there is no value that TOML knows (column 5)\n  text stands in quotes: "…"; booleans are true and false',
        f"{project.directory}/none.toml: cannot read it: No such file or directory",
    ]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('[variables.x]\ntype = "strin"\n', "pgplan.toml:4: var.x: type: 'strin' is not one of"),
        ("[variables.x]\nsensitiv = true\n", "pgplan.toml:4: var.x: unknown key 'sensitiv'\n  did you mean 'sensitive'?"),
        ("[variables.x]\nfrom = {}\n", "pgplan.toml:4: var.x: from: give exactly one of env, file and command"),
        (
            '[variables.x]\nfrom = { env = "A", file = "b" }\n',
            "pgplan.toml:4: var.x: from: give exactly one of env, file and command",
        ),
        ('[variables.x]\ntype = "list"\nsensitive = true\n', "pgplan.toml:4: var.x: a sensitive variable is a string"),
        ('[variables]\nx = "a"\n', "pgplan.toml:4: variables: write [variables.NAME]: 'x' stands outside of a block"),
        ("[[variables]]\n", "pgplan.toml:3: variables: write [variables.NAME], one for each"),
        ('[variables."a b"]\n', "pgplan.toml:3: 'a b' cannot be a variable's name"),
        ('[variables.x]\nfrom = { env = "${var.y}" }\n', "pgplan.toml:4: var.x: the variable 'y' is not declared"),
    ],
)
def test_mistakes_in_a_declaration_are_reported_once(problems: Problems, block: str, expected: str) -> None:
    (problem,) = problems(block + (COMMENT if "variables.x" in block else ""))
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    "origin", ['default = "${var.y}"', 'from = { file = "${var.y}" }', 'from = { command = ["cat", "${var.y}"] }']
)
@pytest.mark.parametrize("resolve_secrets", [True, False])
def test_a_wrong_reference_of_a_sensitive_variable(project: Project, origin: str, resolve_secrets: bool) -> None:
    project.write(PASSWORD + f"[variables.x]\nsensitive = true\n{origin}\n")
    (problem,) = project.problems(resolve_secrets=resolve_secrets)
    assert problem.startswith("pgplan.toml:7: var.x: the variable 'y' is not declared")


def test_a_sensitive_default_is_a_secret_in_clear(problems: Problems, project: Project) -> None:
    text = '[variables.x]\nsensitive = true\ndefault = "hunter2"\n'
    (problem,) = problems(text)
    assert problem.startswith("pgplan.toml:5: var.x: default: a secret stands here in clear")
    assert "hunter2" not in problem
    project.write(PASSWORD + text + '[policy]\nplaintext_secrets = "allow"\n')
    assert password(project).reveal() == "hunter2"


def test_declared_in_two_files(project: Project) -> None:
    project.write('[variables.x]\ndefault = "a"\n')
    project.write('\n[variables.x]\ndefault = "b"\n', "more.pgplan.toml")
    (problem,) = project.problems()
    assert problem.startswith("more.pgplan.toml:2: [variables.x] stands in pgplan.toml:3 too\n")


def test_a_default_that_is_used_as_a_secret_stands_in_clear(problems: Problems, project: Project) -> None:
    text = PASSWORD + '[variables.x]\ndefault = "hunter2"\n'
    (problem,) = problems(text)
    assert problem.startswith("pgplan.toml:6: var.x: default: a secret stands here in clear")
    project.write(text)
    assert project.load({"x": "given"}).declared
    project.write(text + '[policy]\nplaintext_secrets = "allow"\n')
    assert password(project).reveal() == "hunter2"
