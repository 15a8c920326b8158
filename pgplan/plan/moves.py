"""``[[moved]]``: what is recorded under one address is managed under another one. Pure.

Nothing changes in the database, and what is recorded stays as it is: an object is its OID under any address. So is it with
``pgplan state mv``, which does the same at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from attrs import evolve, field, frozen

from pgplan.address import Address
from pgplan.configuration.model import Move
from pgplan.errors import Problem
from pgplan.state.model import Entry, State


@frozen
class Moved:
    """A state as its entries are to be read."""

    state: State
    addresses: Mapping[str, str] = field(factory=dict[str, str])
    """The recorded addresses of what is moved, by the new ones."""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def elsewhere(entry: Entry, to: str, default: str) -> Problem | None:
    """Why what is recorded cannot be what an address means: it is in another database. `default` goes without saying."""
    database = Address.parse(to).database or default
    if not entry.database or database == entry.database:
        return None
    message = f"is in the database {database}, and what is recorded as {entry.address} is in {entry.database}"
    return Problem(message, address=to, hint="an object does not move from one to the other: remove it there, and make it here")


def moved(moves: Iterable[Move], state: State, default: str) -> Moved:
    """`state`, with what the moves say; they make sense together (`pgplan.configuration.moves`). `default` is the database that
    goes without saying."""
    targets = {move.origin: move for move in moves}
    entries = state.by_address()
    addresses: dict[str, str] = {}
    problems: list[Problem] = []
    for address in sorted(entries.keys() & targets.keys()):
        end = address
        while end in targets:
            end = targets[end].to
        other = end if end in entries else addresses.get(end)
        if other is None:
            away = elsewhere(entries[address], end, default)
            problems += [evolve(away, source=targets[address].source)] if away is not None else []
            addresses[end] = address
            continue
        hint = f"one of the two stays: stop managing the other one with `pgplan forget`, and see `pgplan state show {other}`"
        message = f"is moved here from {address}, and {'it' if other == end else other} is recorded too"
        problems.append(Problem(message, targets[address].source, end, hint))
    back = {old: new for new, old in addresses.items()}
    renamed = (evolve(entry, address=back.get(entry.address, entry.address)) for entry in state.entries)
    ordered = tuple(sorted(renamed, key=lambda entry: entry.address)) if back else state.entries
    return Moved(evolve(state, entries=ordered), addresses, tuple(problems), tuple(_needless(targets.values(), entries)))


def _needless(moves: Iterable[Move], recorded: Collection[str]) -> Iterator[str]:
    for move in moves:
        if move.origin not in recorded:
            yield f"nothing is recorded as {move.origin}: its [[moved]] can be removed once that holds for every state"
