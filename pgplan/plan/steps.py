"""From ordered halves to numbered steps with their final SQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pgplan.errors import ConfigurationError, Problem, raise_all
from pgplan.kind import EdgeChange, InvalidBlockError, Statement
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import Privileges
from pgplan.plan.model import Step
from pgplan.plan.objects import Decision
from pgplan.plan.order import Node
from pgplan.registry import Registry

Piece = tuple[tuple[str, ...], Sequence[Statement]]


def steps_of(nodes: Iterable[Node], decisions: Decisions, privileges: Privileges, registry: Registry) -> tuple[Step, ...]:
    """One step for each half, and one for each statement of privileges.

    Raises ConfigurationError where a kind says that this server cannot do what is declared.
    """
    pieces: list[Piece] = []
    problems: list[Problem] = []
    asked = asked_by(decisions, privileges)
    for address, half in nodes:
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


def _edge_pieces(asked: Mapping[EdgeChange, str], registry: Registry) -> Iterator[Piece]:
    by_provider: dict[int, list[EdgeChange]] = {}
    for change in asked:
        by_provider.setdefault(id(registry.providers[change.edge.object.type]), []).append(change)
    for provider in {id(p): p for _, p in sorted(registry.providers.items())}.values():
        for done in provider.edge_statements(by_provider.get(id(provider), [])):
            yield tuple(sorted({asked[change] for change in done.changes})), (done.statement,)
