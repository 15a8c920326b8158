"""What a state says once somebody has taken entries out of it, or put one under another address. Pure."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterable

from attrs import evolve, frozen

from pgplan.address import like
from pgplan.configuration.moves import unlike
from pgplan.errors import PgplanError, Problem, raise_all
from pgplan.plan.moves import elsewhere
from pgplan.registry import Registry
from pgplan.state.kinds import mistakes
from pgplan.state.model import Entry, State


@frozen
class Edit:
    """What would be recorded."""

    version: str | None
    """Of the state that it was made from."""
    state: State
    """The next one."""
    entries: tuple[Entry, ...]
    """Those that it is about, as they were."""
    to: str = ""
    """The address that the only one of them gets; "" where they are taken out."""


def forgotten(state: State, version: str | None, patterns: Iterable[str]) -> Edit:
    """Without the entries whose addresses are like one of the patterns. Raises PgplanError with each that none is like."""
    entries = state.by_address()
    found = {pattern: like(pattern, entries) for pattern in patterns}
    raise_all(PgplanError, (_unknown(pattern, entries) for pattern, addresses in found.items() if not addresses))
    gone = sorted({address for addresses in found.values() for address in addresses})
    out = tuple(entries[address] for address in gone)
    return Edit(version, state.with_changes((), tuple(gone), secrets=_overall(state, out)), out)


def moved(state: State, version: str | None, origin: str, to: str, registry: Registry) -> Edit:
    """With what is recorded as `origin` under the address `to`.

    Raises PgplanError when nothing is, when something is recorded there already, or when it cannot be called so.
    """
    entries = state.by_address()
    if origin not in entries:
        raise PgplanError(_unknown(origin, entries))
    wrong = unlike(origin, to, registry.kinds)
    if wrong is not None:
        raise PgplanError(Problem(wrong[0], address=to, hint=wrong[1]))
    if to in entries:
        hint = f"one of the two can be managed there: pgplan forget {shlex.quote(to)} stops managing what is recorded now"
        raise PgplanError(Problem("is recorded already", address=to, hint=hint))
    default = state.target.databases[0][0] if state.target is not None else entries[origin].database
    away = elsewhere(entries[origin], to, default)
    raise_all(PgplanError, [] if away is None else [away])
    entry = evolve(entries[origin], address=to)
    raise_all(
        PgplanError, (Problem(said, address=to) for said in mistakes(evolve(state, entries=(entry,), pending=None), registry))
    )
    after = state.with_changes((entry,), (origin,), secrets=_overall(state, (entry,)))
    return Edit(version, after, (entries[origin],), to)


def _overall(state: State, entries: Iterable[Entry]) -> object:
    """The one digest over all secrets says where they belong: it holds no more where one of them goes or moves."""
    return None if any(entry.secrets for entry in entries) else state.secrets


def _unknown(pattern: str, recorded: Collection[str]) -> Problem:
    close = difflib.get_close_matches(pattern, sorted(recorded), n=1)
    hint = f"did you mean {close[0]}?" if close else "`pgplan state list` lists what is recorded; * stands for any text"
    return Problem("is not recorded", address=pattern, hint=hint)
