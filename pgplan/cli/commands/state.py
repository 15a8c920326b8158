"""`pgplan state list` and `pgplan state show`."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Literal

import click

from pgplan.cli.completion import recorded
from pgplan.cli.frame import Command, Group, alone
from pgplan.cli.options import Common
from pgplan.cli.requests import matching, request_of
from pgplan.cli.terminal import out, say
from pgplan.errors import PgplanError, Problem
from pgplan.offline import load_store, stored_state
from pgplan.render.state import entry_document, entry_text, listing, state_head
from pgplan.state.model import State

_HERE = "pgplan.cli.commands.state"
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to show it."
)


@click.group(
    cls=Group,
    lazy={
        "list": (f"{_HERE}:list_", "List the addresses that are managed."),
        "show": (f"{_HERE}:show", "Show what is recorded of one address."),
        "mv": ("pgplan.cli.commands.move:command", "Manage something under another address."),
        "rm": ("pgplan.cli.commands.forget:command", "The same as `pgplan forget`."),
        "rebind": ("pgplan.cli.commands.rebind:command", "Bind the state to a restored, upgraded or recreated cluster."),
    },
    examples=("pgplan state list", "pgplan state show role.alice"),
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Look at what pgplan has recorded, and change it: the database stays as it is."""
    alone(ctx)


def _load(common: Common) -> State:
    store = load_store(request_of(common))
    return stored_state(store, store.name)[0]


@click.command(
    "list",
    cls=Command,
    arguments={"PATTERN": "Only addresses like this; * stands for any text, ? for one character."},
    examples=("pgplan state list", "pgplan state list 'role.*' 'grant.*/schema:billing'"),
)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=recorded)
@_FORMAT
@click.pass_obj
def list_(common: Common, patterns: tuple[str, ...], form: Literal["text", "json"]) -> None:
    """List the addresses that are managed, or those that match a pattern such as 'role.*'."""
    state = _load(common)
    matches = matching(patterns)
    entries = [entry for entry in state.entries if matches(entry.address)]
    if form == "json":
        out(json.dumps([entry_document(entry) for entry in entries], indent=2) + "\n")
        return
    out(listing(entries))
    if state.pending is not None or common.verbose:
        say(common, state_head(state))


@click.command(
    "show",
    cls=Command,
    arguments={"ADDRESS": "One of those that `pgplan state list` lists."},
    examples=("pgplan state show role.alice",),
)
@click.argument("address", shell_complete=recorded)
@_FORMAT
@click.pass_obj
def show(common: Common, address: str, form: Literal["text", "json"]) -> None:
    """Show what is recorded of one address."""
    state = _load(common)
    entry = state.by_address().get(address)
    if entry is None:
        close = get_close_matches(address, state.by_address(), n=1)
        hint = f"Did you mean {close[0]}?" if close else "`pgplan state list` lists what is"
        raise PgplanError(Problem("is not managed", address=address, hint=hint))
    out(json.dumps(entry_document(entry), indent=2) + "\n" if form == "json" else entry_text(entry))
