"""What the shell completes besides commands and options: addresses, without a connection."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgplan.cli.options import Common
from pgplan.errors import PgplanError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from pgplan.offline import Request


def recorded(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The addresses of the state."""
    return _items(_recorded(_request(ctx)), incomplete)


def importable(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The addresses that are declared, but not in the state."""
    request = _request(ctx)
    return _items(set(_declared(request)) - set(_recorded(request)), incomplete)


def managed(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The addresses that are declared or in the state."""
    request = _request(ctx)
    return _items({*_declared(request), *_recorded(request)}, incomplete)


def _items(addresses: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - used while completing only

    return [CompletionItem(address) for address in sorted(addresses) if address.startswith(incomplete)]


def _request(ctx: click.Context) -> Request:
    """No --var takes part: a shell completes without the values that a command would be given."""
    from pgplan.offline import Request  # noqa: PLC0415 - imports much

    return Request(ctx.ensure_object(Common).shown(Path()))


def _recorded(request: Request) -> list[str]:
    from pgplan.offline import load_store, stored_state  # noqa: PLC0415

    try:
        store = load_store(request)
        return [entry.address for entry in stored_state(store, store.name)[0].entries]
    except PgplanError:
        return []  # the command itself will say what is wrong


def _declared(request: Request) -> list[str]:
    from pgplan.offline import load_offline  # noqa: PLC0415

    try:
        return [one.address for one in load_offline(request)[0].declared]
    except PgplanError:
        return []  # as above
