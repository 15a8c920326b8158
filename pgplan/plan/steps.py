"""From ordered halves to numbered steps with their final SQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pgplan.errors import ConfigurationError, Problem, raise_all
from pgplan.kind import EdgeChange, InvalidBlockError, Statement
from pgplan.plan.diff import Draft
from pgplan.plan.edges import EdgeDraft
from pgplan.plan.model import Step
from pgplan.plan.order import Node
from pgplan.registry import Registry

Pieces = Iterable[tuple[tuple[str, ...], Sequence[Statement]]]


def steps_of(
    nodes: Iterable[Node], objects: Mapping[str, Draft], edges: Mapping[str, EdgeDraft], registry: Registry
) -> tuple[Step, ...]:
    """One step for each half, and one for each statement of privileges.

    Raises ConfigurationError where a kind says that this server cannot do what is declared.
    """
    pieces: list[tuple[tuple[str, ...], Sequence[Statement]]] = []
    problems: list[Problem] = []
    for address, half in nodes:
        if half == "edges":
            pieces += _edge_pieces(edges, registry)
            continue
        draft = objects[address]
        try:
            pieces.append(((address,), _drop(draft) if half == "drop" else _make(draft)))
        except InvalidBlockError as error:
            source = draft.declared.sources[0] if draft.declared and draft.declared.sources else None
            problems += [Problem(message, source, address, hint) for _, message, hint in error.mistakes]
    raise_all(ConfigurationError, problems)
    filled = ((addresses, statements) for addresses, statements in pieces if statements)
    return tuple(Step(number, addresses, tuple(done)) for number, (addresses, done) in enumerate(filled, 1))


def _drop(draft: Draft) -> Sequence[Statement]:
    assert draft.found is not None
    return () if draft.goes_with else draft.kind.drop(draft.found)


def _make(draft: Draft) -> Sequence[Statement]:
    if draft.action == "update":
        assert draft.found is not None
        return draft.kind.alter(draft.found, draft.spec, draft.changed, draft.sent_slots())
    return draft.kind.create(draft.spec)


def _edge_pieces(edges: Mapping[str, EdgeDraft], registry: Registry) -> Pieces:
    asked_by: dict[EdgeChange, str] = {}
    by_provider: dict[int, list[EdgeChange]] = {}
    for address in sorted(edges):
        for change in edges[address].changes:
            if change not in asked_by:
                asked_by[change] = address
                by_provider.setdefault(id(registry.providers[edges[address].kind.name]), []).append(change)
    for provider in {id(p): p for _, p in sorted(registry.providers.items())}.values():
        for done in provider.edge_statements(by_provider.get(id(provider), [])):
            yield tuple(sorted({asked_by[change] for change in done.changes})), (done.statement,)
