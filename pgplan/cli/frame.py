"""Commands and groups of commands as pgplan wants them: common options everywhere, lazy imports, suggestions for typos.

Help has arguments apart from options, and examples; the options that every command takes are told once, by `pgplan help`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from pgplan.cli.options import common_options

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_SHARED = frozenset(option.name for option in common_options())
_HELP = "pgplan.help"


def _format_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The options of `command`, and for pgplan itself those of every command."""
    sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Options of every command, before or after its name": []}
    own, shared = sections.values()
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record is not None:
            (shared if parameter.name in _SHARED else own).append(record)
    if ctx.parent is not None:
        shared.clear()
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
    if ctx.parent is not None:
        formatter.write_paragraph()
        formatter.write_text("`pgplan help` lists the options of every command, such as -C, --url and --var.")


def _format_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples" if len(examples) > 1 else "Example"):
            for line in examples:
                formatter.write(f"  {line}\n")


class Command(click.Command):
    """A command with the common options.

    `arguments`: what each is, by its metavar. `enters_directory`: it runs in the directory of -C, which must be there.
    """

    def __init__(
        self,
        *first: Any,
        arguments: Mapping[str, str] | None = None,
        examples: Sequence[str] = (),
        enters_directory: bool = True,
        **more: Any,
    ) -> None:
        more["context_settings"] = {**SETTINGS, **(more.get("context_settings") or {})}
        super().__init__(*first, **more)
        self.arguments = dict(arguments or {})
        self.examples = tuple(examples)
        self.enters_directory = enters_directory
        self.params.extend(common_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.arguments:
            with formatter.section("Arguments"):
                formatter.write_dl(list(self.arguments.items()))
        _format_options(self, ctx, formatter)
        _format_examples(self.examples, formatter)


def _help_wanted(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_HELP] = True


class Group(click.Group):
    """A group that knows its commands by name and help alone, and imports one when it is called.

    `commands`: name to (module, one line of help); the module has a click command called ``command``. With -h before the name
    of a command, it is that command's help that is shown.
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, tuple[str, str]], examples: Sequence[str] = (), **more: Any) -> None:
        more["context_settings"] = {**SETTINGS, **(more.get("context_settings") or {})}
        more |= {"no_args_is_help": False, "invoke_without_command": True, "add_help_option": False}
        super().__init__(*arguments, **more)
        self.lazy = dict(lazy)
        self.examples = tuple(examples)
        text = "Show this message and exit."
        help_ = click.Option(["-h", "--help"], is_flag=True, expose_value=False, callback=_help_wanted, help=text)
        self.params.extend((help_, *common_options()))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute or "command")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.lazy and not name.startswith("-") and not ctx.resilient_parsing:
            close = get_close_matches(name, self.lazy, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Commands: {', '.join(self.lazy)}."
            raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)
        found, command, rest = super().resolve_command(ctx, args)
        return found, command, ["--help", *rest] if ctx.meta.get(_HELP) else rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _format_options(self, ctx, formatter)
        _format_examples(self.examples, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])


def alone(ctx: click.Context) -> None:
    """What a group does where no command of it is named. Raises click's UsageError unless its help is asked for."""
    if ctx.invoked_subcommand is not None:
        return
    if ctx.parent is not None and not ctx.meta.get(_HELP):
        raise click.UsageError("Missing command.", ctx)
    click.echo(ctx.get_help())
