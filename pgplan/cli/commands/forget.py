"""`pgplan forget`, and `pgplan state rm`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from pgplan import registry as registries
from pgplan.address import Address
from pgplan.cli.completion import recorded
from pgplan.cli.edit import dry_run, make, show, unasked
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.requests import request_of
from pgplan.editing import still_declared
from pgplan.registry import Registry, is_edge_kind

SHOWN = 5
"""How many addresses a note names."""


@click.command(
    "forget",
    cls=Command,
    arguments={"PATTERN": "A recorded address, or what some are like; * stands for any text, ? for one character."},
    examples=("pgplan forget role.alice", "pgplan forget --dry-run 'grant.alice/*'"),
)
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...", shell_complete=recorded)
@dry_run
@unasked
@click.pass_obj
def command(common: Common, patterns: tuple[str, ...], *, dry_run: bool, yes: bool) -> None:
    """Stop managing something, changing nothing in the database.

    What is recorded of it is taken out of the state: no later plan drops it, not even where it was protected. Needs no
    connection. Remove its block too: a plan takes what is declared and not recorded for something that somebody else made.
    """
    with project(common) as opened:
        shown = opened.look_to_forget(*patterns)
        addresses = [entry.address for entry in shown.entries]
        declared = still_declared(request_of(common), addresses)
        show(shown, list(_notes(declared, registries.installed())))
        if not dry_run:
            some = f"{len(addresses)} addresses" if len(addresses) > 1 else addresses[0]
            make(common, opened, shown, f"Forget {some}?", f"Forgotten: {some}.", yes=yes)


def _notes(declared: set[str] | None, registry: Registry) -> Iterator[str]:
    if declared is None:
        yield "the configuration has mistakes, so that nobody can tell which of these it declares: see `pgplan validate`"
        return
    again = {address for address in declared if _is_adopted(address, registry)}
    if declared - again:
        exists = "the next plan says that it exists already, or adopts it, as policy says"
        yield f"{_listed(declared - again)}: declared, so that {exists}: remove the block, or `pgplan import` it"
    if again:
        yield f"{_listed(again)}: declared, so that the next plan adopts it again: remove the block"


def _is_adopted(address: str, registry: Registry) -> bool:
    """Whether a plan asks nobody before it manages what exists."""
    kind = registry.kinds.get(Address.parse(address).kind)
    return kind is not None and (is_edge_kind(kind) or registry.object_kind(kind.name).adopted_silently)


def _listed(addresses: Iterable[str]) -> str:
    ordered = sorted(addresses)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more
