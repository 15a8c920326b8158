"""From ordered halves to numbered steps with their final SQL. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from pgplan.errors import ConfigurationError, Problem, raise_all
from pgplan.kind import EdgeChange, InvalidBlockError, OwnerChange, Provider, Renamable, Statement
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import Privileges
from pgplan.plan.model import Step
from pgplan.plan.objects import Decision
from pgplan.plan.order import Node
from pgplan.plan.renames import Rename
from pgplan.registry import Registry

T = TypeVar("T")
Piece = tuple[tuple[str, ...], Sequence[Statement]]


def steps_of(
    nodes: Iterable[Node], decisions: Decisions, privileges: Privileges, renames: Iterable[Rename], registry: Registry
) -> tuple[Step, ...]:
    """One step for each rename, then one for each half, and one for each statement of owners and of privileges.

    Raises ConfigurationError where a kind says that this server cannot do what is declared.
    """
    pieces: list[Piece] = [((one.declared.address,), _rename(one, registry)) for one in renames]
    problems: list[Problem] = []
    asked = asked_by(decisions, privileges)
    for address, half in nodes:
        if half == "owners":
            pieces += _owner_pieces(privileges.owners, registry)
            continue
        if half in ("first", "edges"):
            due = {change: by for change, by in asked.items() if privileges.is_first(by) == (half == "first")}
            pieces += _edge_pieces(due, registry)
            continue
        decision = decisions[address]
        try:
            pieces.append(((address,), _drop(decision) if half == "drop" else _make(decision)))
        except InvalidBlockError as error:
            problems += [Problem(message, decision.source, address, hint) for _, message, hint in error.mistakes]
    raise_all(ConfigurationError, problems)
    filled = ((addresses, statements) for addresses, statements in pieces if statements)
    return tuple(Step(number, addresses, tuple(done)) for number, (addresses, done) in enumerate(filled, 1))


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
