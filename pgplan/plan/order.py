"""The order of the steps: halves (make, drop) of objects, and the edges between them. Pure; the one module that uses networkx.

* what is referred to is made before what refers to it;
* whatever needs X *as it stands now* leaves (is altered away, or dropped) before X is dropped: so an owner can move from a role
  that goes to a role that comes;
* a replacement is dropped before it is made;
* privileges change after what they name is made, and before what they name is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from attrs import frozen

from pgplan.errors import ConfigurationError, Problem
from pgplan.kind import Reference
from pgplan.plan.diff import Draft

Half = Literal["make", "drop", "edges"]
Node = tuple[str, Half]
EDGES: Node = ("", "edges")


@frozen
class Needs:
    """References of one object: what its new spec and what its found spec refer to."""

    after: tuple[Reference, ...]
    before: tuple[Reference, ...]


def _constraints(
    drafts: Mapping[str, Draft], needs: Mapping[str, Needs], edge_targets: Iterable[tuple[str, str]]
) -> Iterable[tuple[Node, Node]]:
    """Pairs (first, then)."""
    makers: dict[str, list[str]] = {}
    for address, draft in drafts.items():
        if draft.makes:
            makers.setdefault(draft.kind.name, []).append(address)
    for address, draft in drafts.items():
        if draft.action == "replace":
            yield (address, "drop"), (address, "make")
        if draft.makes:
            yield from _makes(address, draft, drafts, needs[address], makers)
        if draft.makes or draft.drops:
            leave: Node = (address, "drop" if draft.drops else "make")
            for reference in needs[address].before:
                other = drafts.get(str(reference))
                if other is not None and other.drops and str(reference) != address:
                    yield leave, (str(reference), "drop")
        if draft.kind.adopts and draft.action == "delete":
            # What replaces an edge of the same kind may only stand when the old one is gone (a membership turned round).
            yield from (((address, "drop"), (other, "make")) for other in makers.get(draft.kind.name, ()))
        if draft.drops and not draft.makes and draft.kind.after:
            yield from _late_drops(address, draft, drafts)
    for target in edge_targets:
        draft = drafts.get(f"{target[0]}.{target[1]}")
        if draft is not None and draft.makes:
            yield (draft.address, "make"), EDGES
        if draft is not None and draft.action == "delete":
            yield EDGES, (draft.address, "drop")


def _makes(
    address: str, draft: Draft, drafts: Mapping[str, Draft], needs: Needs, makers: Mapping[str, list[str]]
) -> Iterable[tuple[Node, Node]]:
    for reference in needs.after:
        other = drafts.get(str(reference))
        if other is not None and other.makes and str(reference) != address:
            yield (str(reference), "make"), (address, "make")
    for kind in draft.kind.after:
        yield from (((other, "make"), (address, "make")) for other in makers.get(kind, ()))


def _late_drops(address: str, draft: Draft, drafts: Mapping[str, Draft]) -> Iterable[tuple[Node, Node]]:
    """What may have brought something this object stands on goes after it."""
    for other, candidate in drafts.items():
        if candidate.kind.name in draft.kind.after and candidate.drops:
            yield (address, "drop"), (other, "drop")


def order(
    drafts: Mapping[str, Draft], needs: Mapping[str, Needs], edge_targets: Iterable[tuple[str, str]], *, edges: bool
) -> list[Node]:
    """All halves in the order in which they run; the same input gives the same order in every process.

    Raises ConfigurationError with the path of a cycle.
    """
    nodes: list[Node] = [(address, "make") for address, draft in drafts.items() if draft.makes]
    nodes += [(address, "drop") for address, draft in drafts.items() if draft.drops]
    nodes += [EDGES] if edges else []
    if len(nodes) <= 1:
        return nodes
    import networkx  # noqa: PLC0415 (takes a tenth of a second, which a plan without changes need not pay)

    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(_constraints(drafts, needs, edge_targets))
    rank = {"drop": 2, "edges": 1, "make": 0}
    try:
        return list(networkx.lexicographical_topological_sort(graph, key=lambda node: (rank[node[1]], node[0])))
    except networkx.NetworkXUnfeasible as error:
        cycle = networkx.find_cycle(graph)
        path = " → ".join([node[0] or "grants" for node, _ in cycle] + [cycle[0][0][0]])
        raise ConfigurationError(Problem(f"dependency cycle: {path}", hint="break it by removing one reference")) from error


def membership_cycle(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The first cycle among (from, to) pairs as a path that ends where it begins, or an empty list."""
    import networkx  # noqa: PLC0415 (as above)

    graph = networkx.DiGraph(sorted(pairs))
    try:
        cycle = networkx.find_cycle(graph)
    except networkx.NetworkXNoCycle:
        return []
    return [edge[0] for edge in cycle] + [cycle[0][0]]
