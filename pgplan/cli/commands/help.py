"""`pgplan help`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pgplan.cli.frame import Command

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _commands(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - used while completing only

    root = ctx.find_root().command
    names = root.list_commands(ctx) if isinstance(root, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(
    cls=Command,
    enters_directory=False,
    arguments={"COMMAND": "Its name, such as plan or state list; by default pgplan itself."},
    examples=("pgplan help plan", "pgplan help state list"),
)
@click.argument("names", nargs=-1, metavar="[COMMAND]", shell_complete=_commands)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show the help of a command, or the commands and the options that all of them take."""
    context = ctx.find_root()
    for name in names:
        group = context.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{context.command_path!r} has no commands of its own.", ctx)
        _, found, _ = group.resolve_command(context, [name])
        assert found is not None
        context = click.Context(found, parent=context, info_name=name, **found.context_settings)
    click.echo(context.get_help())
