"""A command line inside the process of the tests does what it does as a process of its own."""

from __future__ import annotations

import gc
import logging
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import inside
from tests.project import Project, Result

TEXT = """[pgplan]
name = "{0}"
[connection]
url = "${{env.DATABASE_URL}}"
[variables.p]
sensitive = true
from = {{ command = ["sh", "-c", "echo tëll >&2; printf '%s' \\"$PASSWORD\\""] }}
[role."{0}_ä"]
login = true
password = "${{var.p}}"
comment = "ünï\\u001b[2J"
[schema."{0}_s"]
owner = "{0}_ä"
protect = true
"""
PRINTS = "tëll\n"
"""What the command that tells the password writes to the standard error that it inherits."""


@pytest.fixture
def base(project: Project, unique: str) -> Project:
    project.environment["PASSWORD"] = "s3cret-4711"
    project.write(TEXT.format(unique))
    return project


def _inside(project: Project, *arguments: str) -> Result:
    return Result(*inside.run(project.command(*arguments), project.variables()))


def _outside(project: Project, *arguments: str) -> Result:
    process = project.process(*arguments)
    out, err = process.communicate(timeout=inside.SECONDS)
    return Result(process.returncode, out, err)


def _both(project: Project, *arguments: str) -> Result:
    """Of a command that may be repeated."""
    result = _outside(project, *arguments)
    assert _inside(project, *arguments) == result
    return result


def test_what_only_reads_gives_the_same(base: Project) -> None:
    assert _both(base, "--version").out.startswith("pgplan ")
    assert "Commands:" in _both(base, "--help").out
    assert _both(base, "plan", "--format", "json").err == PRINTS
    assert _both(base, "plan", "--detailed-exitcode").code == 2
    planned = _both(base, "plan", "--out", base.plan_file)
    assert (planned.code, planned.err.startswith(PRINTS)) == (0, True)
    assert _both(base, "show", base.plan_file).code == 0
    assert "there is no terminal" in _both(base, "apply").err


def test_mistakes_give_the_same(base: Project) -> None:
    assert _both(base, "plan", "--no-such-option").code == 64
    assert _both(base, "plan", "-out=x").code == 64
    assert "cannot connect" in _both(base, "plan", "--url", "postgresql://nobody@/x?host=/nowhere").err
    assert _both(base, "validate", "-C", "absent").code == 1
    base.environment["PASSWORD"] = "\udcff"
    assert "what the command sh gives is not UTF-8 text" in _both(base, "plan").err
    base.edit("login = true", 'logn = true\n"\\u001b" = 1')
    mistakes = _both(base, "-v", "plan")
    assert (mistakes.code, mistakes.out, mistakes.err.count("Error: ")) == (1, "", 3)


def _round(project: Project, unique: str, run: Callable[..., Result]) -> list[Result]:
    """Everything that changes something, with what each command says."""
    results: list[Result] = []

    def expect(code: int, *arguments: str) -> None:
        result = run(project, *arguments)
        assert result.code == code, result
        # Another state and another object, but the same texts.
        out, err = (re.sub(r"(lineage is|oid) +\w+", r"\1 …", text) for text in (result.out, result.err))
        results.append(Result(code, out, err))

    project.write(TEXT.format(unique))
    expect(0, "plan", "--out", project.plan_file)
    expect(0, "apply", "--yes")
    expect(3, "apply", project.plan_file)
    expect(0, "plan", "--detailed-exitcode")
    expect(0, "state", "show", f"schema.{unique}_s")
    with psycopg.connect(project.url) as connection:
        connection.execute(f'ALTER ROLE "{unique}_ä" CREATEDB'.encode())
    expect(2, "drift")
    expect(5, "destroy", "--yes")
    project.edit("protect = true", "")
    project.run("apply", "--yes")
    project.run("destroy", "--yes")
    shutil.rmtree(project.directory / ".pgplan")
    return results


def test_what_changes_something_gives_the_same(base: Project, unique: str) -> None:
    assert _round(base, unique, _inside) == _round(base, unique, _outside)


def _of_the_process() -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "directory": Path().stat(),
        "files": [os.fstat(number)[:3] for number in range(3)],
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "arguments": sys.argv,
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
        "logs": logging.root.handlers[:],
        "collector": gc.isenabled(),
        "cached": sorted(cache.__qualname__ for cache in inside.caches() if cache.cache_info().currsize),
    }


@pytest.mark.parametrize("arguments", [["apply", "--yes"], ["plan", "--no-such-option"]])
def test_nothing_of_a_run_stays(base: Project, arguments: list[str]) -> None:
    _inside(base, "validate")
    before = _of_the_process()
    assert before["cached"] == []
    _inside(base, *arguments)
    assert _of_the_process() == before
    assert len(list(inside.caches())) > 5
    _inside(base, "destroy", "--yes")


def test_who_interrupts_the_tests_is_heard(base: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("pgplan.workflow.load", interrupt)
    before = _of_the_process()
    with pytest.raises(KeyboardInterrupt):
        base.run("plan")
    assert _of_the_process() == before


def test_a_run_that_does_not_end_fails(base: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "SECONDS", 1)
    base.edit('"-c", ', '"-c", "exec sleep 60", ')
    with pytest.raises(pytest.fail.Exception, match="has not ended after 1 second"):
        base.run("plan")


def test_what_counts_at_the_start_of_a_process_has_one(base: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> tuple[int, str, str]:
        return 0, "inside", ""

    monkeypatch.setattr(inside, "run", run)
    assert base.run("validate").out == "inside"
    assert base.run("validate", environment={"PASSWORD": "x", "HOME": "/"}).out == "inside"
    for name, value in {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"}.items():
        assert "is valid" in base.run("validate", environment={name: value}).out
