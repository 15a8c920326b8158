"""Help: what each screen has, that it fits a terminal, and that its examples are what pgplan takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from pgplan.cli.commands import pgplan
from pgplan.cli.frame import Command, Group
from pgplan.cli.options import Common, common_options


def _all(command: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], Command | Group]]:
    assert isinstance(command, (Command, Group))
    yield names, command
    if isinstance(command, Group):
        for name in command.lazy:
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from _all(found, *names, name)


COMMANDS = dict(_all(pgplan))
EVERY = pytest.mark.parametrize("names", COMMANDS, ids=" ".join)


def _run(*arguments: str, code: int = 0) -> str:
    done = CliRunner(env={"COLUMNS": "80"}).invoke(pgplan, arguments, prog_name="pgplan", obj=Common(), terminal_width=80)
    assert done.exit_code == code, done.output
    return done.output


@EVERY
def test_every_way_to_ask_shows_the_same(names: tuple[str, ...]) -> None:
    text = _run(*names, "--help")
    assert text == _run(*names, "-h") == _run("-h", *names) == _run("help", *names)
    assert text.startswith(f"Usage: {' '.join(('pgplan', *names))} ")


@EVERY
def test_a_screen_has_its_parts_and_fits(names: tuple[str, ...]) -> None:
    text = _run("help", *names)
    command = COMMANDS[names]
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 50
    assert command.examples
    assert all(f"\n  {line}\n" in text for line in command.examples)
    arguments = {
        one.make_metavar(click.Context(command)).strip("[]. -") for one in command.params if isinstance(one, click.Argument)
    }
    assert arguments == set(getattr(command, "arguments", {}))
    assert all(re.search(rf"\nArguments:\n(.*\n)*  {name}  ", text) for name in arguments)
    options = text.partition("\nOptions:\n")[2].partition("\n\n")[0]
    assert not any(f"  {name}" in options for name in arguments)
    shared = [option for option in common_options() if f"  {option.opts[0]}" in text]
    assert len(shared) == (0 if names else len(common_options()))
    assert names == () or "`pgplan help` lists the options of every command" in text


EXAMPLES = [line for command in COMMANDS.values() for line in command.examples]


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_understood(line: str) -> None:
    program, *arguments = shlex.split(line.partition("|")[0].partition(">")[0], comments=True)
    assert program == "pgplan"
    _run("-h", *arguments)


def test_an_example_with_a_typo_would_be_found() -> None:
    _run("-h", "plan", "--outt", "plan.bin", code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("help", "plna"), "There is no command 'plna'. Did you mean 'plan'?"),
        (("-h", "plna"), "There is no command 'plna'. Did you mean 'plan'?"),
        (("help", "plan", "out"), "'pgplan plan' has no commands of its own."),
        (("state",), "Missing command."),
    ],
)
def test_what_has_no_help(arguments: tuple[str, ...], said: str) -> None:
    assert said in _run(*arguments, code=2)
