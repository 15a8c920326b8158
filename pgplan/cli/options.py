"""Options that every command takes, before or after its name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from attrs import define, field

from pgplan.errors import PgplanError, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h)")


@define
class Common:
    """What the common options say, wherever they stood. Later ones win; variables add up."""

    chosen_directory: Path | None = None
    """As -C names it, from where pgplan was started."""
    url: str | None = None
    variables: dict[str, str] = field(factory=dict[str, str])
    var_files: list[Path] = field(factory=list[Path])
    no_color: bool = False
    no_input: bool = False
    lock_timeout: float = 0.0
    event_file: Path | None = None
    verbose: int = 0
    quiet: bool = False

    def colour(self, stream: TextIO) -> bool:
        """Whether output to `stream` is coloured (https://no-color.org)."""
        wanted = not self.no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return wanted and stream.isatty()

    def shown(self, path: Path) -> Path:
        """`path`, which is relative to the directory of -C, from where pgplan was started."""
        return (self.chosen_directory or Path()) / path

    @property
    def debug(self) -> bool:
        return self.verbose > 0 or bool(os.environ.get("PGPLAN_DEBUG"))


class Duration(click.ParamType[float]):
    """Seconds, written as ``30s``, ``5m``, ``1h30m``; a number alone is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value)
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        parts = _DURATION.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{text!r} is not a duration; write it as 30s, 5m or 1h30m", param, ctx)
        return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _keep(store: Callable[[Common, Any], None]) -> Callable[[click.Context, click.Parameter, Any], None]:
    """A callback that hands a given value to `store`; an option that was not given changes nothing."""

    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value not in (None, False, 0, ()) or isinstance(value, float):
            store(ctx.ensure_object(Common), value)

    return callback


def _setter(name: str) -> Callable[[Common, Any], None]:
    return lambda common, value: setattr(common, name, value)


def _enter_directory(ctx: click.Context, _: click.Parameter, values: tuple[Path, ...]) -> None:
    """Once all directories are known, those before the command's name too, be in the last one until the command has ended.

    Like git and make, each is relative to the one before. A command that can make its directory does that itself.
    """
    common = ctx.ensure_object(Common)
    for value in values:
        common.chosen_directory = common.shown(value)
    chosen = common.chosen_directory
    if chosen is None or ctx.resilient_parsing or not getattr(ctx.command, "enters_directory", False):
        return
    try:
        ctx.with_resource(chdir(chosen))
    except OSError as error:
        message = f"cannot change to the directory {chosen}: {error.strerror}"
        raise PgplanError(Problem(message, hint="-C names a directory that is there; `pgplan -C DIR init` makes one")) from None


def _complete_directory(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - used while completing only

    return [CompletionItem(incomplete, type="dir")]


def _store_variables(common: Common, values: tuple[str, ...]) -> None:
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            # The text may be a secret: it is not repeated.
            raise click.BadParameter("expected NAME=VALUE", param_hint="'--var'")
        common.variables[name] = text


def _store_var_files(common: Common, values: tuple[Path, ...]) -> None:
    common.var_files.extend(values)


def _store_verbose(common: Common, value: int) -> None:
    common.verbose += value


def common_options() -> list[click.Option]:
    """The options anew for one command: click binds them to it."""
    # Where -C leads is known only when all options are: what a path names is looked at later.
    path = click.Path(path_type=Path, readable=False)

    def option(names: list[str], store: Callable[[Common, Any], None], text: str, **more: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_keep(store), help=text, **more)

    return [
        click.Option(
            ["-C", "--directory"],
            expose_value=False,
            callback=_enter_directory,
            is_eager=True,
            multiple=True,
            type=path,
            metavar="DIR",
            help="Run as if started in DIR; other paths are relative to it too.",
            shell_complete=_complete_directory,
        ),
        option(["--url"], _setter("url"), "Connect there; stands above [connection].url.", metavar="URL"),
        option(["--var"], _store_variables, "Set a variable. May be repeated.", multiple=True, metavar="NAME=VALUE"),
        option(
            ["--var-file"],
            _store_var_files,
            "Read variables from a TOML file. May be repeated.",
            multiple=True,
            type=path,
            metavar="FILE",
        ),
        option(["--no-color"], _setter("no_color"), "Do not colour the output (also NO_COLOR=1).", is_flag=True),
        option(["--no-input"], _setter("no_input"), "Never ask; fail where an answer is needed.", is_flag=True),
        option(
            ["--lock-timeout"],
            _setter("lock_timeout"),
            "How long to wait for the state's lock, such as 30s.",
            type=Duration(),
            metavar="TIME",
        ),
        option(
            ["--events"],
            _setter("event_file"),
            "Append everything that happens to FILE, a JSON object a line.",
            type=path,
            metavar="FILE",
        ),
        option(["-v", "--verbose"], _store_verbose, "Say more.", count=True),
        option(["-q", "--quiet"], _setter("quiet"), "Say nothing but results and errors.", is_flag=True),
    ]
