"""From ordered halves to phases: numbered steps with their final SQL. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Literal, TypeVar

from attrs import field, frozen

from pgplan.errors import ConfigurationError, Problem, raise_all
from pgplan.kind import EdgeChange, InvalidBlockError, MadeApart, OwnerChange, Provider, Renamable, Statement
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import Privileges
from pgplan.plan.model import Phase, Step
from pgplan.plan.objects import Decision
from pgplan.plan.outlook import Outlook
from pgplan.plan.phases import Leg, Node
from pgplan.plan.renames import Rename
from pgplan.registry import Registry

T = TypeVar("T")
Apart = Literal["", "make", "drop"]
Piece = tuple[tuple[str, ...], Sequence[Statement]]


def phases_of(
    ordered: Sequence[Leg],
    decisions: Decisions,
    privileges: Privileges,
    renames: Sequence[Rename],
    outlook: Outlook,
    temporary: Callable[[str], str],
) -> tuple[Phase, ...]:
    """In each database one step for each rename, then one for each half, and one for each statement of owners and of privileges.

    `temporary` gives the key, by address, that an object made apart has until the first transaction gives it its own.

    Raises ConfigurationError where a kind says that this server cannot do what is declared.
    """
    default, registry = outlook.snapshot.facts.database, outlook.registry
    apart = [one for one in decisions.values() if one.creates and isinstance(one.kind, MadeApart)]
    first: dict[str, list[Piece]] = {}
    for one in renames:
        first.setdefault(one.declared.database or default, []).append(((one.declared.address,), _rename(one, registry)))
    if apart:
        first.setdefault(default, []).extend(_named(apart, temporary))
    ordered = _with_legs(ordered, first, default)
    pieces = _Pieces(decisions, privileges, registry, default)
    listed: list[tuple[str, Apart, list[Piece]]] = [(default, "make", [_apart(one, temporary) for one in apart])]
    for leg in ordered:
        own = [piece for node in leg.nodes for piece in pieces.of(node)]
        if leg.transaction:
            listed.append((leg.database, "", [*first.pop(leg.database, ()), *own]))
        else:
            listed.extend((leg.database, "drop", [piece]) for piece in own)
    raise_all(ConfigurationError, pieces.problems)
    return tuple(_numbered(listed))


def _with_legs(ordered: Sequence[Leg], first: Collection[str], default: str) -> list[Leg]:
    """With a transaction for each database that has something to begin with, where it has none otherwise."""
    known = {leg.database for leg in ordered if leg.transaction}
    begins = ordered[0].database == default and ordered[0].transaction if ordered else False
    anchor = [Leg(default, ())] if default in first and not begins else []
    more = [Leg(name, ()) for name in first if name not in known and name != default]
    at = 1 if begins else 0
    return [*ordered[:at], *anchor, *more, *ordered[at:]]


def _numbered(listed: Iterable[tuple[str, Apart, Sequence[Piece]]]) -> Iterator[Phase]:
    numbers = count(1)
    for database, how, pieces in listed:
        filled = ((addresses, statements) for addresses, statements in pieces if statements)
        steps = tuple(Step(next(numbers), addresses, tuple(done)) for addresses, done in filled)
        if steps:
            yield Phase(database, steps, how)


def _apart(decision: Decision, temporary: Callable[[str], str]) -> Piece:
    kind = decision.kind
    assert isinstance(kind, MadeApart)
    return (decision.address,), [kind.apart(decision.made_spec, temporary(decision.address))]


def _named(apart: Iterable[Decision], temporary: Callable[[str], str]) -> Iterator[Piece]:
    for decision in apart:
        kind = decision.kind
        assert isinstance(kind, Renamable)
        yield (decision.address,), kind.rename(temporary(decision.address), decision.object.key)


@frozen(slots=False)
class _Pieces:
    decisions: Decisions
    privileges: Privileges
    registry: Registry
    default: str
    problems: list[Problem] = field(factory=list[Problem], init=False)

    def of(self, node: Node) -> Iterator[Piece]:
        name, half = node
        match half:
            case "owners":
                owners = self.privileges.owners.items()
                here = {change: by for change, by in owners if (change.object.database or self.default) == name}
                yield from _owner_pieces(here, self.registry)
            case "first" | "edges":
                yield from _edge_pieces(self._due[name, half == "first"], self.registry)
            case _:
                yield from self._half(self.decisions[name], drops=half == "drop")

    @cached_property
    def _due(self) -> Mapping[tuple[str, bool], dict[EdgeChange, str]]:
        """The changes of privileges of each turn, by database and whether they come first."""
        due: dict[tuple[str, bool], dict[EdgeChange, str]] = {}
        for change, by in asked_by(self.decisions, self.privileges).items():
            turn = change.edge.object.database or self.default, self.privileges.is_first(by)
            due.setdefault(turn, {})[change] = by
        return due

    def _half(self, decision: Decision, *, drops: bool) -> Iterator[Piece]:
        try:
            yield (decision.address,), _drop(decision) if drops else _make(decision)
        except InvalidBlockError as error:
            self.problems.extend(Problem(message, decision.source, decision.address, hint) for _, message, hint in error.mistakes)


def _rename(one: Rename, registry: Registry) -> Sequence[Statement]:
    kind = registry.kinds[one.declared.kind]
    assert isinstance(kind, Renamable)
    return kind.rename(one.old, one.declared.key)


def _drop(decision: Decision) -> Sequence[Statement]:
    assert decision.found is not None
    return () if decision.goes_with else decision.kind.drop(decision.found)


def _make(decision: Decision) -> Sequence[Statement]:
    if decision.action == "update":
        assert decision.found is not None
        return decision.kind.alter(decision.found, decision.spec, decision.changed, decision.sent_slots())
    return decision.kind.create(decision.made_spec)


def asked_by(decisions: Decisions, privileges: Privileges) -> dict[EdgeChange, str]:
    """The first address that asks for each change of privileges."""
    asked: dict[EdgeChange, str] = {}
    for address, edge in privileges.decisions.items():
        for change in edge.changes:
            asked.setdefault(change, address)
    for address, decision in decisions.items():
        for change in privileges.again.get(decision.object, ()) if decision.creates or decision.drops else ():
            asked.setdefault(change, address)
    return asked


def _owner_pieces(asked: Mapping[OwnerChange, str], registry: Registry) -> Iterator[Piece]:
    for provider, changes in _by_provider(asked, lambda change: change.object.type, registry):
        for change, statement in provider.owner_statements(changes):
            yield (asked[change],), (statement,)


def _edge_pieces(asked: Mapping[EdgeChange, str], registry: Registry) -> Iterator[Piece]:
    for provider, changes in _by_provider(asked, lambda change: change.edge.object.type, registry):
        for done in provider.edge_statements(changes):
            yield tuple(sorted({asked[change] for change in done.changes})), (done.statement,)


def _by_provider(changes: Iterable[T], type_of: Callable[[T], str], registry: Registry) -> Iterator[tuple[Provider, list[T]]]:
    """The changes of each provider's types, in the order of the providers."""
    grouped: dict[int, list[T]] = {}
    for change in changes:
        grouped.setdefault(id(registry.providers[type_of(change)]), []).append(change)
    providers = {id(provider): provider for _, provider in sorted(registry.providers.items())}
    yield from ((provider, grouped[number]) for number, provider in providers.items() if number in grouped)
