"""The page on what goes wrong has every exit code and every refusal, in the messages' words; commands in messages exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import click
import pytest

from pgplan.errors import Exit
from tests.docs.pages import ROOT
from tests.docs.test_pages import COMMANDS

PAGE = (ROOT / "docs" / "how-to" / "when-something-goes-wrong.md").read_text()
REFUSALS = ("StaleError", "LockedError", "RefusedError")


@cache
def _trees() -> list[ast.Module]:
    sources = [path for top in ("pgplan", "providers", "state_backends") for path in sorted((ROOT / top).rglob("*.py"))]
    return [ast.parse(path.read_text()) for path in sources]


@cache
def _strings() -> set[str]:
    nodes = (node for tree in _trees() for node in ast.walk(tree))
    return {text for node in nodes if isinstance(node, ast.expr) and (text := _text(node))}


def _text(node: ast.expr) -> str | None:
    """A string with … for whatever stands in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "" if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return (_text(node.left) or "…") + (_text(node.right) or "…")
    return None


def _calls(node: ast.AST, *names: str) -> Iterator[ast.Call]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in names:
            yield one


def _refused(function: ast.AST) -> Iterator[ast.Call]:
    """Problems that are raised with exit code 3, 4 or 5."""
    for call in _calls(function, *REFUSALS, "raise_all"):
        named = call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in REFUSALS
        if named or getattr(call.func, "id", "") in REFUSALS:
            yield from _calls(call, "Problem")
    for node in ast.walk(function):
        if isinstance(node, ast.Tuple) and node.elts and ast.unparse(node.elts[0]) == "Exit.REFUSED":
            yield from _calls(node, "Problem")


def _messages(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        named = {
            ast.unparse(target): text
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and (text := _text(node.value))
            for target in node.targets
        }
        for problem in _refused(function):
            text = _text(problem.args[0]) or named.get(ast.unparse(problem.args[0]))
            if text:
                yield re.sub("^…: ", "the saved plan is stale: ", text) if text.startswith("…: …") else text


def _phrases(text: str) -> list[str]:
    """What stands in the first column."""
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text, re.MULTILINE)
    return [phrase for row in rows for phrase in re.findall("`([^`]+)`", row)]


def _matches(phrase: str, text: str) -> bool:
    """A … stands for anything."""
    return re.search(".*".join(map(re.escape, phrase.split("…"))), text, re.DOTALL) is not None


def _about(code: int) -> str:
    match = re.search(rf"^## Exit code {code}:.*?\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert match is not None, f"exit code {code} has no section"
    return match[1]


def test_every_exit_code_has_its_section() -> None:
    assert all(_about(code).strip() for code in Exit)


def test_every_refusal_is_on_the_page() -> None:
    messages = {message for tree in _trees() for message in _messages(tree)}
    phrases = [phrase for code in (Exit.STALE, Exit.LOCKED, Exit.REFUSED) for phrase in _phrases(_about(code))]
    assert len(messages) > 20
    assert [message for message in sorted(messages) if not any(_matches(phrase, message) for phrase in phrases)] == []


@pytest.mark.parametrize("phrase", _phrases(PAGE))
def test_what_the_page_quotes_is_what_pgplan_says(phrase: str) -> None:
    assert any(_matches(phrase, text) for text in _strings())


_COMMAND = re.compile(r"`pgplan ([^`]+)`|with: pgplan ([^\n]+)")


def _named(text: str) -> Iterator[str]:
    yield from ("".join(groups) for groups in _COMMAND.findall(text))


def test_every_command_that_a_message_or_a_page_names_exists() -> None:
    pages = [path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))]
    found = {command for text in (*_strings(), *pages) for command in _named(text)}
    assert len(found) > 20
    for command in sorted(found):
        words = [word for word in command.replace("-C DIR ", "").split() if word != "…"]
        name = next((f"pgplan {' '.join(words[:n])}" for n in (2, 1) if f"pgplan {' '.join(words[:n])}" in COMMANDS), "pgplan")
        assert name != "pgplan" or words[0].startswith(("-", "…", "COMMAND", "[")), command
        known = {text for one in COMMANDS[name].params if isinstance(one, click.Option) for text in one.opts}
        said = {word.partition("=")[0] for word in " ".join(words).partition(" -- ")[0].split() if word.startswith("--")}
        assert said - {"--"} <= known | {"--help", "--version"}, command


def test_a_command_with_a_typo_would_be_found() -> None:
    assert list(_named("run `pgplan imprt x`; or with: pgplan state lst")) == ["imprt x", "state lst"]
