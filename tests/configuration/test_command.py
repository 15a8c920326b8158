"""A command that gives a value ends with pgplan, whatever interrupts it and when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgplan.configuration import command as commands
from pgplan.errors import ConfigurationError
from tests.configuration.conftest import Project

WRITES = "echo $$ > shell; sleep 300 & echo $! > child; mv shell ready; wait; echo late"
"""A shell and its child, by their numbers in files."""


@pytest.fixture
def slow(project: Project) -> Iterator[Project]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    project.write(f"[variables.x]\nfrom = {{ command = ['sh', '-c', '{WRITES}'] }}\n[role.a]\ncomment = '${{var.x}}'\n")
    yield project
    signal.signal(signal.SIGTERM, before)
    for name in ("ready", "shell", "child"):
        number = _number(project.directory / name)
        if number and _runs(number):
            os.kill(number, signal.SIGKILL)


def _number(path: Path) -> int:
    return int(path.read_text() or "0") if path.exists() else 0


def _runs(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def _load(project: Project) -> None:
    project.load(environ={"PATH": "/usr/bin:/bin"})


def _nothing_runs(project: Project, started: list[int]) -> None:
    children = [_number(project.directory / name) for name in ("ready", "shell", "child")]
    deadline = time.monotonic() + 10
    while any(map(_runs, filter(None, (*children, *started)))):
        assert time.monotonic() < deadline, "a command is left running"
        time.sleep(0.02)


def _to_the_main_thread(number: signal.Signals) -> None:
    """Sent to the process, it may reach the thread that sends it, and wake up nobody."""
    signal.pthread_kill(threading.main_thread().ident or 0, number)


def _starting(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> list[int]:
    """Do something when a process was just started, and nothing knows of it yet."""
    real: Callable[..., int] = getattr(subprocess, "_fork_exec")  # noqa: B009 - not known to type checkers
    started: list[int] = []

    def fork_exec(*arguments: object) -> int:
        started.append(real(*arguments))
        then()
        return started[-1]

    monkeypatch.setattr(subprocess, "_fork_exec", fork_exec)
    monkeypatch.setattr(subprocess, "_USE_POSIX_SPAWN", False)
    return started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 3])
def test_interrupted_while_it_starts(slow: Project, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, times: int) -> None:
    def interrupt() -> None:
        for _ in range(times):
            signal.raise_signal(number)

    started = _starting(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        _load(slow)
    assert started
    _nothing_runs(slow, started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_runs(slow: Project, number: signal.Signals) -> None:
    def interrupt() -> None:
        while not (slow.directory / "ready").exists():
            time.sleep(0.01)
        _to_the_main_thread(number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        _load(slow)
    thread.join()
    _nothing_runs(slow, [])


def test_interrupted_while_it_is_ended(slow: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C does not make a command outlive pgplan that does not end at once."""
    text = (slow.directory / "pgplan.toml").read_text()
    slow.write(text.replace(WRITES, "trap : TERM INT; " + WRITES.replace("wait;", "wait; sleep 300;")), header=False)
    started = _starting(monkeypatch, lambda: None)

    def interrupt() -> None:
        while not (slow.directory / "ready").exists():
            time.sleep(0.01)
        for _ in range(2):
            _to_the_main_thread(signal.SIGINT)
            time.sleep(commands.GRACE / 4)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        _load(slow)
    thread.join()
    _nothing_runs(slow, started)


@pytest.mark.parametrize("terminal", [True, False])
def test_only_where_a_terminal_leads_to_it_it_stays_in_our_group(
    project: Project, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    """There it may ask for a passphrase, and Ctrl-C reaches all that it has started; elsewhere nobody but pgplan ends them."""
    monkeypatch.setattr(commands, "_has_terminal", lambda: terminal)
    program = "import os; print(os.getpgrp())"
    project.write(
        f"[variables.x]\nfrom = {{ command = ['{sys.executable}', '-c', '{program}'] }}\n[role.a]\ncomment = '${{var.x}}'\n"
    )
    group = int(project.load(environ={"PATH": "/usr/bin:/bin"}).declared[0].spec.comment)
    assert (group == os.getpgrp()) == terminal


def test_on_a_terminal_it_ends_too(slow: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_has_terminal", lambda: True)
    slow.write((slow.directory / "pgplan.toml").read_text().replace(WRITES, "exec sleep 300"), header=False)
    started = _starting(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        _load(slow)
    _nothing_runs(slow, started)


def test_too_slow(slow: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgplan.configuration.origin.COMMAND_SECONDS", 0.5)
    with pytest.raises(ConfigurationError, match=r"the command sh did not end within 0\.5 seconds"):
        _load(slow)
    _nothing_runs(slow, [])


def test_signals_work_as_before_afterwards(project: Project) -> None:
    project.write(
        f"[variables.x]\nfrom = {{ command = ['{sys.executable}', '-c', 'print(1)'] }}\n[role.a]\ncomment = '${{var.x}}'\n"
    )
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    _load(project)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
