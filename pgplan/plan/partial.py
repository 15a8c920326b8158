"""Plans of a part of what is declared and recorded, and replacements that somebody asks for. Pure.

What is left out stays as state and database have it: neither made nor altered, dropped, adopted, forgotten or recorded. What it
says of access lists still counts where others would take that away (`pgplan.plan.privileges`), but it asks for nothing.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from attrs import evolve, field, frozen

from pgplan.address import like
from pgplan.configuration.model import Declared
from pgplan.errors import PgplanError, Problem, raise_all
from pgplan.kind import MadeApart
from pgplan.plan.bonds import bonds_of
from pgplan.plan.consequences import Decisions, replaced
from pgplan.plan.model import Options
from pgplan.plan.objects import Decision, source_of
from pgplan.plan.renames import World
from pgplan.registry import Registry
from pgplan.snapshot import Snapshot
from pgplan.state.model import State

SHOWN = 5
"""How many addresses a note names."""


@frozen
class Selection:
    """What a plan is about."""

    left_out: frozenset[str] = frozenset()
    """The addresses that it is not about."""
    stranded: Mapping[str, str] = field(factory=dict[str, str])
    """Those of them that nobody named, and what each cannot be without."""
    anew: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    """The addresses that each pattern of --replace means."""

    def to_rename(self, declared: Iterable[Declared]) -> tuple[Declared, ...]:
        """`declared`, of which nothing is renamed that is left out."""
        return tuple(evolve(one, former="") if one.former and one.address in self.left_out else one for one in declared)

    def torn(self, world: World) -> Iterator[Problem]:
        """What is left out although a rename moves its record."""
        for new, old in world.addresses.items():
            if new != old and old not in world.relocated and new in self.left_out:
                hint = f"add --target {shlex.quote(new)}, or leave out what is renamed too"
                yield Problem(
                    f"is recorded as {old}, and a rename of this plan moves that; it cannot be left out", None, new, hint
                )

    def within(self, decisions: Decisions) -> tuple[dict[str, Decision], list[Problem]]:
        """The decisions that the plan is about, replacements among them; and why something cannot be replaced."""
        kept = {address: one for address, one in decisions.items() if address not in self.left_out}
        problems: list[Problem] = []
        for pattern, addresses in self.anew.items():
            refused = {address: self._not_replaced(address, kept.get(address)) for address in addresses}
            if all(refused.values()):
                problems += filter(None, refused.values())
            for address in (address for address, problem in refused.items() if problem is None):
                if kept[address].action in ("none", "update"):
                    kept[address] = replaced(kept[address], f"asked for with --replace {shlex.quote(pattern)}")
        return kept, problems

    def _not_replaced(self, address: str, decision: Decision | None) -> Problem | None:
        """Why an address cannot be made anew, None if it can or need not be."""
        if address in self.left_out:
            return Problem("is to be replaced, and is left out of this plan", None, address, "add it with --target as well")
        if decision is None:
            return Problem("is no object: there is nothing to make anew", None, address, "leave it out of --replace")
        source = source_of(decision.declared)
        if decision.declared is None:
            hint = "leave it out of --replace: without its block, the policy says what becomes of it"
            return Problem("is to be replaced, and is not declared", source, address, hint)
        if decision.found is not None and isinstance(decision.kind, MadeApart):
            hint = "leave it out of --replace; who means that drops it by hand"
            return Problem("is to be replaced, and what it holds would be lost with it", source, address, hint)
        if decision.found is not None and decision.entry is None:
            # What is not recorded is somebody else's until it is.
            hint = f"manage it first, with: pgplan import {shlex.quote(address)}"
            return Problem("is to be replaced, and what is found is not managed yet", source, address, hint)
        return None

    def notes(self) -> Iterator[str]:
        if self.stranded:
            some = [f"{address} (because of {needed})" for address, needed in sorted(self.stranded.items())]
            more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
            yield f"left out too: {', '.join(some[:SHOWN])}{more}"


ALL = Selection()


def select(declared: Sequence[Declared], state: State, snapshot: Snapshot, registry: Registry, options: Options) -> Selection:
    """What a plan with these options is about. What is recorded and not in `declared` goes.

    Raises PgplanError with every pattern that no address is like.
    """
    if not (options.partial or options.replace):
        return ALL
    by_address = {one.address: one for one in declared}
    former = {one.former_address for one in by_address.values() if one.former}
    known = {*by_address, *state.by_address(), *(tombstone.address for tombstone in state.tombstones), *former}
    targets, excluded, anew = (
        {pattern: tuple(sorted(like(pattern, known))) for pattern in patterns}
        for patterns in (options.target, options.exclude, options.replace)
    )
    asked = (("--target", targets), ("--exclude", excluded), ("--replace", anew))
    raise_all(
        PgplanError,
        (_unlike(option, one, known) for option, found in asked for one, addresses in found.items() if not addresses),
    )
    if not options.partial:
        return Selection(anew=anew)
    bonds = bonds_of(by_address, state, snapshot, registry)
    named = _all(excluded)
    out = _reached(named, bonds.needed_by)
    wanted = _reached(_all(targets), bonds.needs).keys() if targets else known
    chosen = _reached(_all(targets) - out.keys(), bonds.needs, but=out).keys() if targets else known - out.keys()
    stranded = {address: needed for address, needed in out.items() if address in wanted - named}
    return Selection(frozenset(known - chosen), stranded, anew)


def _all(found: Mapping[str, Iterable[str]]) -> set[str]:
    return {address for addresses in found.values() for address in addresses}


def _reached(begin: Iterable[str], arcs: Mapping[str, Iterable[str]], but: Collection[str] = ()) -> dict[str, str]:
    """All that arcs lead to, each with the address that led to it; "" for where they begin."""
    reached = dict.fromkeys(sorted(begin), "")
    queue = list(reached)
    while queue:
        address = queue.pop()
        for other in sorted(arcs.get(address, ())):
            if other not in reached and other not in but:
                reached[other] = address
                queue.append(other)
    return reached


def _unlike(option: str, pattern: str, known: Collection[str]) -> Problem:
    close = difflib.get_close_matches(pattern, sorted(known), n=1)
    hint = f"did you mean {close[0]}?" if close else "`pgplan state list` lists what is recorded; * stands for any text"
    return Problem(f"{option} {pattern}: no address like this is declared or recorded", hint=hint)
