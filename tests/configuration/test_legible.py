"""Text that no value of PostgreSQL can be: refused where it is read, by the name of its source, and never shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pgplan.errors import ConfigurationError
from tests.configuration.conftest import Project

MARKER = "m4rker"
BROKEN = {"surrogate": f"{MARKER}\udcff", "NUL": f"{MARKER}\x00"}
SAID = {"surrogate": "is not UTF-8 text", "NUL": "holds a NUL character"}
USE = {True: '[role.a]\npassword = "${var.x}"\n', False: '[role.a]\ncomment = "<${var.x}>"\n'}
Loader = Callable[[Project, str], object]


def data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def from_file(project: Project, text: str) -> object:
    (project.directory / "value").write_bytes(data(text))
    return project.load()


def from_variable_file(project: Project, text: str) -> object:
    path = project.directory / "values.toml"
    path.write_text('x = "' + text.replace("\x00", "\\u0000") + '"\n')
    return project.load(var_files=(path,))


def program(text: str) -> str:
    return f"['{sys.executable}', '-c', 'import sys; sys.stdout.buffer.write(bytes({list(data(text))}))']"


SOURCES: dict[str, tuple[Callable[[str], str], Loader, str]] = {
    "--var": (lambda _: "", lambda project, text: project.load({"x": text}), "--var gives"),
    "prefix": (
        lambda _: "",
        lambda project, text: project.load(environ={"PGPLAN_VAR_x": text}),
        "the environment variable PGPLAN_VAR_x gives",
    ),
    "env": (
        lambda _: 'from = { env = "X" }\n',
        lambda project, text: project.load(environ={"X": text}),
        "the environment variable X gives",
    ),
    "file": (lambda _: 'from = { file = "value" }\n', from_file, "the file value gives"),
    "command": (
        lambda text: f"from = {{ command = {program(text)} }}\n",
        lambda project, _: project.load(),
        f"the command {sys.executable} gives",
    ),
    "default": (
        lambda _: 'default = "${env.X}"\n',
        lambda project, text: project.load(environ={"X": text}),
        "the environment variable X gives",
    ),
    "variable file": (lambda _: "", from_variable_file, "values.toml:1: x"),
}


@pytest.mark.parametrize("sensitive", [True, False], ids=["sensitive", "plain"])
@pytest.mark.parametrize(
    ("source", "wrong"),
    # TOML has no surrogates.
    [(source, wrong) for source in SOURCES for wrong in BROKEN if (source, wrong) != ("variable file", "surrogate")],
)
def test_a_variable(project: Project, source: str, wrong: str, *, sensitive: bool) -> None:
    block, load, name = SOURCES[source]
    text = BROKEN[wrong]
    project.write(USE[sensitive] + f"[variables.x]\nsensitive = {str(sensitive).lower()}\n{block(text)}")
    with pytest.raises(ConfigurationError) as raised:
        load(project, text)
    # Without its file, a variable that is not sensitive has no value either.
    problem, *_ = raised.value.problems
    assert f"{name} {SAID[wrong]}" in str(problem)
    assert "x" in (problem.address.removeprefix("var."), problem.message.split()[0])
    assert problem.hint
    assert MARKER not in str(raised.value)


@pytest.mark.parametrize("block", ['[role.a]\npassword = "${env.X}"\n', '[role.a]\ncomment = "${env.X}"\n'])
@pytest.mark.parametrize("wrong", BROKEN)
def test_a_reference_to_the_environment(project: Project, block: str, wrong: str) -> None:
    project.write(block)
    with pytest.raises(ConfigurationError) as raised:
        project.load(environ={"X": BROKEN[wrong]})
    (problem,) = raised.value.problems
    assert f"the environment variable X gives {SAID[wrong]}" in str(problem)
    assert MARKER not in str(raised.value)


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ('url = "${env.X}"', "the environment variable X gives"),
        ('password = { env = "X" }', "the environment variable X gives"),
        ('password = { file = "value" }', "the file value gives"),
    ],
)
@pytest.mark.parametrize("wrong", BROKEN)
def test_the_connection(project: Project, block: str, named: str, wrong: str) -> None:
    project.write(f"[connection]\n{block}\n")
    (project.directory / "value").write_bytes(data(BROKEN[wrong]))
    with pytest.raises(ConfigurationError) as raised:
        project.load(environ={"X": BROKEN[wrong]})
    (problem,) = raised.value.problems
    assert f"what {named} {SAID[wrong]}" in str(problem)
    assert problem.address == "connection"
    assert MARKER not in str(raised.value)


def test_inside_a_list(project: Project) -> None:
    project.write('[variables.x]\ntype = "list"\n[role.a]\nmember_of = "${var.x}"\n')
    with pytest.raises(ConfigurationError, match=r"var\.x: what --var gives holds a NUL character"):
        project.load({"x": f'["{MARKER}\\u0000"]'})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[role.a]\ncomment = "m\\u0000"\n', "pgplan.toml:4: role.a.comment holds"),
        ('[role.a]\nconfig = { x = ["y", "\\U00000000"] }\n', "pgplan.toml:4: role.a.config.x.1 holds"),
        ('[role."a\\u0000"]\n', "pgplan.toml:3: a key of role holds"),
    ],
)
def test_what_stands_in_toml(project: Project, text: str, where: str) -> None:
    (problem,) = project.write(text).problems()
    assert problem.startswith(f"{where} a NUL character")


def test_a_backslash_before_the_escape_is_no_escape(project: Project) -> None:
    assert project.write('[role.a]\ncomment = "m\\\\u0000"\n').load().declared[0].spec.comment == "m\\u0000"


def test_what_a_text_may_hold(project: Project, tmp_path: Path) -> None:
    text = "Ünï\t\x01 \U0001f600 \ufffd"
    project.write(USE[False] + '[variables.x]\nfrom = { file = "value" }\n')
    (tmp_path / "value").write_text(text)
    assert project.load().declared[0].spec.comment == f"<{text}>"
