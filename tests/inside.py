"""The command line run inside the process of the tests, as if it were a process of its own.

It gets its own arguments, environment and standard streams, down to the file descriptors, which programs that it starts inherit;
nothing that another run has cached; and the handlers of signals and logs that a new process has. What it changes of all that is
undone. Only warnings differ: they are errors, as in every test.
"""

from __future__ import annotations

import gc
import io
import locale
import logging
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from inspect import signature
from typing import Any, NoReturn, TextIO

import pytest

from pgplan.cli import main
from pgplan.errors import Exit

SECONDS = 120
"""A run that takes longer hangs."""


def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a command line, the program's name first."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _surroundings(environment), _streams(out.fileno(), err.fileno()), _interpreter(command), _limit():
            code = _exit_code()
        if code == Exit.INTERRUPTED:
            raise KeyboardInterrupt  # nobody but who runs the tests sends this process a signal
        return code, _text(out.fileno()), _text(err.fileno())


def _exit_code() -> int:
    with pytest.raises(SystemExit) as end:
        main()
    assert isinstance(end.value.code, int)
    return end.value.code


@contextmanager
def _surroundings(environment: Mapping[str, str]) -> Generator[None]:
    """Environment and working directory, of the whole process: libpq asks the C library."""
    before, directory = dict(os.environ), os.open(".", os.O_RDONLY)
    _set_environment(environment)
    try:
        yield
    finally:
        _set_environment(before)
        os.fchdir(directory)
        os.close(directory)


def _set_environment(environment: Mapping[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


@contextmanager
def _streams(out: int, err: int) -> Generator[None]:
    """No input, and output to these file descriptors."""
    streams = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as stack, open(os.devnull, "rb") as nothing:  # noqa: PTH123 - no path
        for number, instead in enumerate((nothing.fileno(), out, err)):
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            os.dup2(instead, number)
        mine = _opened(0, "r"), _opened(1, "w"), _opened(2, "w", "backslashreplace")
        sys.stdin, sys.stdout, sys.stderr = mine
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            for stream in mine:
                stream.close()


def _opened(number: int, mode: str, errors: str | None = None) -> TextIO:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    return io.TextIOWrapper(os.fdopen(number, f"{mode}b", closefd=False), encoding=encoding, errors=errors)


def _text(number: int) -> str:
    """All of a file, as subprocess reads a pipe as text."""
    os.lseek(number, 0, os.SEEK_SET)
    with _opened(number, "r") as stream:
        return stream.read()


@contextmanager
def _interpreter(command: Sequence[str]) -> Generator[None]:
    """What the console script finds in a new interpreter, and changes there."""
    arguments, logs, enabled = sys.argv, logging.root.handlers[:], gc.isenabled()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.argv = [*command]
    logging.root.handlers.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _forget()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        _forget()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        logging.root.handlers[:] = logs
        sys.argv = arguments
        if enabled:
            gc.enable()


def caches() -> Iterator[Any]:
    """Those of pgplan's functions, but for functions without parameters: they keep converters, which know no values."""
    for name in list(sys.modules):
        if name.startswith("pgplan"):
            yield from _caches_of(name)


@cache
def _caches_of(module: str) -> tuple[Any, ...]:
    functions = [value for value in vars(sys.modules[module]).values() if hasattr(value, "cache_clear")]
    return tuple(function for function in functions if signature(function).parameters)


def _forget() -> None:
    """As where a process begins or ends."""
    for function in caches():
        function.cache_clear()


@contextmanager
def _limit() -> Generator[None]:
    """Fail where the run does not end. A failure of pytest is no Exception, which pgplan would report as its own fault."""

    def fail(*_: object) -> NoReturn:
        pytest.fail(f"pgplan has not ended after {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
