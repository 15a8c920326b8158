"""``[[moved]]``: what is recorded under one address is managed under another one from now on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pgplan.address import Address
from pgplan.configuration.model import Move
from pgplan.cycle import find_cycle


def mistakes(moves: Iterable[Move], declared: Collection[str], kinds: Collection[str]) -> Iterator[tuple[Move, str, str]]:
    """What is wrong with moves, each with a message and a hint."""
    taken: dict[str, Move] = {}
    onto: dict[str, Move] = {}
    for move in moves:
        wrong = _wrong(move, declared, kinds)
        if wrong is not None:
            yield move, *wrong
            continue
        first, other = taken.setdefault(move.origin, move), onto.setdefault(move.to, move)
        if first is not move:
            yield move, f"{move.origin} is moved to {first.to} already", "remove one of the two"
        elif other is not move:
            yield move, f"{other.origin} is moved to {move.to} already", "remove one of the two"
    cycle = find_cycle((one.origin, one.to) for one in taken.values())
    if cycle:
        yield taken[cycle[0]], f"moves in a circle: {' → '.join(cycle)}", "remove one of them"


def _wrong(move: Move, declared: Collection[str], kinds: Collection[str]) -> tuple[str, str] | None:
    mistake = unlike(move.origin, move.to, kinds)
    if mistake is None and move.origin in declared:
        return f"{move.origin} is declared too", "remove that block, or this one"
    return mistake


def unlike(origin: str, to: str, kinds: Collection[str]) -> tuple[str, str] | None:
    """Why one address cannot become the other, and what to do."""
    for address in (origin, to):
        try:
            kind = Address.parse(address).kind
        except ValueError as error:
            return str(error), "write it as `pgplan state list` does"
        if kind not in kinds:
            return f"there is no kind {kind!r}", "write the address as `pgplan state list` does"
    one, other = Address.parse(origin), Address.parse(to)
    if one.kind != other.kind:
        return f"a {one.kind} cannot become a {other.kind}", "the one must go, and the other come: leave this out"
    return (f"{origin} is where it is", "leave this out") if one == other else None
