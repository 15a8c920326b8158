"""Values from outside: an environment variable, a file, or what a command prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from pgplan.configuration.interpolation import Lookup, Missing, fill, scalar_text
from pgplan.legible import UTF8_HINT, unfit
from pgplan.secret import Secret

COMMAND_SECONDS = 120
"""Long enough for a person to unlock a password store."""


@frozen
class Origin:
    """``{ env = … }``, ``{ file = … }`` or ``{ command = […] }``: exactly one."""

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if sum((self.env is not None, self.file is not None, bool(self.command))) != 1:
            raise ValueError("give exactly one of env, file and command")

    @property
    def words(self) -> tuple[str, ...]:
        return self.command or (self.env or self.file or "",)

    def __str__(self) -> str:
        """For messages and as the source of a secret: without a command's arguments, and with references not filled in."""
        if self.env is not None:
            return f"the environment variable {self.env}"
        return f"the file {self.file}" if self.file is not None else f"the command {self.command[0]}"


@frozen
class Unresolved:
    """No value, and why. `failed`: there is a mistake, which a default must not hide. `not_run`: no command is run here.

    With a `hint` there is a value, but it cannot be one: that is no secret which merely is not here.
    """

    reason: str
    failed: bool = False
    not_run: bool = False
    hint: str = ""


def resolve(
    origin: Origin, directory: Path, environ: Mapping[str, str], lookup: Lookup, *, commands: bool, sensitive: bool = False
) -> str | Unresolved:
    """The text that `origin` stands for, without the line break at its end. Paths are relative to `directory`.

    With `commands` false, no command is run. Only a `sensitive` value may depend on a sensitive variable.
    """
    words = [_filled(text, lookup, sensitive=sensitive) for text in origin.words]
    filled = [word for word in words if isinstance(word, str)]
    if len(filled) < len(words):
        return next(word for word in words if isinstance(word, Unresolved))
    if origin.env is not None:
        found = environ.get(filled[0])
        return Unresolved(f"{origin} is not set") if found is None else _fit(found, str(origin))
    if origin.file is not None:
        return _file(directory / filled[0], str(origin))
    if not commands:
        return Unresolved("no command is run here", not_run=True)
    return _command(filled, str(origin), directory, environ)


def _filled(text: str, lookup: Lookup, *, sensitive: bool) -> str | Unresolved:
    value: Any = fill(text, lookup)
    if isinstance(value, Missing):
        return Unresolved(value.message, failed=True)
    if not isinstance(value, Secret):
        return scalar_text(value)
    if not sensitive:
        return Unresolved("its origin depends on a sensitive variable", failed=True)
    return Unresolved("its origin depends on a sensitive variable that has no value") if value.withheld else value.reveal()


def _file(path: Path, name: str) -> str | Unresolved:
    try:
        return _line(path.read_bytes(), name)
    except FileNotFoundError:
        return Unresolved(f"{name} does not exist")
    except OSError as error:
        return Unresolved(f"cannot read {name}: {error.strerror}", failed=True)


def _command(command: list[str], name: str, directory: Path, environ: Mapping[str, str]) -> str | Unresolved:
    from subprocess import TimeoutExpired  # noqa: PLC0415 - late: few configurations run a command

    from pgplan.configuration.command import output  # noqa: PLC0415

    try:
        status, printed = output(command, directory, environ, COMMAND_SECONDS)
    except OSError as error:
        return Unresolved(f"cannot run {name}: {error.strerror}", failed=True)
    except TimeoutExpired:
        return Unresolved(f"{name} did not end within {COMMAND_SECONDS} seconds", failed=True)
    if status:
        return Unresolved(f"{name} ended with exit status {status}", failed=True)
    return _line(printed, name)


def _line(data: bytes, name: str) -> str | Unresolved:
    try:
        return _fit(data.decode().removesuffix("\n").removesuffix("\r"), name)
    except UnicodeDecodeError:
        return Unresolved(f"what {name} gives is not UTF-8 text", failed=True, hint=UTF8_HINT)


def _fit(text: str, name: str) -> str | Unresolved:
    wrong = unfit(text)
    return text if wrong is None else Unresolved(f"what {name} gives {wrong[0]}", failed=True, hint=wrong[1])
