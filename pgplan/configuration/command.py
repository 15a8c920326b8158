"""Running a command for what it prints. Whatever ends the run ends the command too.

Import it late: few configurations run a command.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pgplan.interrupts import deferred

GRACE = 1.0
"""Seconds that a command which is told to end has for it."""


def output(command: Sequence[str], directory: Path, environ: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
    """Exit status and standard output. Its standard error is the user's: it says what went wrong.

    Raises OSError when it cannot be started, subprocess.TimeoutExpired when it takes longer than `seconds`.
    """
    process: subprocess.Popen[bytes] | None = None
    alone = not _has_terminal()
    try:
        # An interrupt within Popen would leave behind what that has just started: nobody would know its number.
        with deferred(however_often=True) as interrupts:
            process = subprocess.Popen(  # noqa: S603 - the configuration's own command, without a shell
                command,
                cwd=directory,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                process_group=0 if alone else None,
            )
        if interrupts.count:
            raise KeyboardInterrupt  # noqa: TRY301 - the process is ended below
        printed, _ = process.communicate(timeout=seconds)
    except BaseException:
        if process is not None:
            _end(process, alone=alone)
        raise
    return process.returncode, printed


def _has_terminal() -> bool:
    """Whether a terminal's keys go to this process, Ctrl-C too: a command that asks there must stay in its group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _end(process: subprocess.Popen[bytes], *, alone: bool) -> None:
    """End it and, if it has a group of its own, whatever it has started."""

    def send(number: signal.Signals) -> None:
        with suppress(OSError):
            os.killpg(process.pid, number) if alone else process.send_signal(number)

    with deferred(however_often=True):
        send(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        send(signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
