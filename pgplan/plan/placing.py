"""Which databases blocks mean that name one, or some by a pattern, once it is known which there are. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, frozen

from pgplan.address import Address, unpart
from pgplan.configuration.model import Declared
from pgplan.errors import Problem
from pgplan.kind import MadeApart
from pgplan.patterns import matcher, pattern_key
from pgplan.registry import Registry, is_edge_kind


@frozen
class Database:
    """One database of the cluster."""

    name: str
    oid: int
    """0: it is declared, and not there yet."""
    template: bool = False
    """No pattern matches it."""
    shut: bool = False
    """It takes no connection of the connected role."""


@frozen
class Placed:
    declared: tuple[Declared, ...]
    """Sorted by address."""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def placed(
    declared: Iterable[Declared], default: str, there: Sequence[Database], registry: Registry, excluded: Sequence[str] = ()
) -> Placed:
    """Each declaration in each database that it means. The default one goes without saying; patterns leave out those that are
    `excluded`, by patterns of their own."""
    declared = tuple(declared)
    known = {one.name: one for one in there}
    for name in made(declared, registry):
        known.setdefault(name, Database(name, 0))
    by_address: dict[str, Declared] = {}
    problems: list[Problem] = []
    notes: list[str] = []
    for one in declared:
        if not one.database:
            problems += _put(one, by_address, registry)
            continue
        names = [one.database]
        if one.pattern:
            names = [name for name in sorted(known) if _matches(one, known[name]) and not _is_excluded(name, excluded)]
        if not names:
            notes.append(f"{one.address}: no database is called like this")
        for name in names:
            problems += _unfit(one, name, known)
            problems += _put(_in(one, "" if name == default else name), by_address, registry)
    return Placed(tuple(by_address[address] for address in sorted(by_address)), tuple(problems), tuple(notes))


def made(declared: Iterable[Declared], registry: Registry) -> list[str]:
    """The names of the databases that are declared."""
    return [unpart(one.key) for one in declared if isinstance(registry.kinds[one.kind], MadeApart)]


def _matches(one: Declared, database: Database) -> bool:
    expression = ".*".join(map(re.escape, one.database.split("*")))
    return not database.template and re.fullmatch(expression, database.name, re.DOTALL) is not None


def _is_excluded(name: str, excluded: Sequence[str]) -> bool:
    return any(matcher(pattern_key(text))(name) for text in excluded)


def _in(one: Declared, database: str) -> Declared:
    return evolve(
        one,
        address=str(Address(one.kind, one.key, database)),
        database=database,
        pattern=False,
        written=one.address,
    )


def _put(one: Declared, by_address: dict[str, Declared], registry: Registry) -> Iterator[Problem]:
    first = by_address.setdefault(one.address, one)
    if first is one:
        return
    kind = registry.kinds[one.kind]
    spec = kind.merge(first.spec, one.spec) if is_edge_kind(kind) else None
    if spec is None:
        source = one.sources[0] if one.sources else None
        message = f"{one.stands_as} and {first.stands_as} declare the same in the same database"
        yield Problem(message, source, one.stands_as, "keep one of the two")
        return
    by_address[one.address] = first.merged(one, spec)


def _unfit(one: Declared, name: str, known: Mapping[str, Database]) -> Iterator[Problem]:
    source = one.sources[0] if one.sources else None
    if name not in known:
        close = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f"did you mean {close[0]}?" if close else f"declare [database.{name}], or correct the name"
        yield Problem(f"there is no database {name}, and nothing declares it", source, one.address, hint)
    elif known[name].shut:
        hint = "let it take connections, and grant CONNECT on it; or name the others, or add it to exclude_databases in [scope]"
        yield Problem(f"the database {name} takes no connection of the connected role", source, one.address, hint)
