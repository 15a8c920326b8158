"""The order of the steps: halves (make, drop) of objects, and the edges between them. Pure; the one module that uses networkx.

* what is referred to is made before what refers to it;
* whatever needs X *as it stands now* leaves (is altered away, or dropped) before X is dropped: so an owner can move from a role
  that goes to a role that comes;
* a replacement is dropped before it is made;
* privileges change after everything is made, and before what they name is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from pgplan.address import PUBLIC, grantee_part
from pgplan.cycle import find_cycle
from pgplan.errors import ConfigurationError, Problem
from pgplan.kind import Reference
from pgplan.plan.diff import Draft

Half = Literal["make", "drop", "edges", "barrier"]
Node = tuple[str, Half]
Arc = tuple[Node, Node]
"""(first, then)."""
EDGES: Node = ("", "edges")


@frozen
class Needs:
    """References of one object: what its new spec and what its found spec refer to, and what else they stand on."""

    after: tuple[Reference, ...] = ()
    before: tuple[Reference, ...] = ()
    grounds_after: tuple[Reference, ...] = ()
    grounds_before: tuple[Reference, ...] = ()


def order(
    drafts: Mapping[str, Draft], needs: Mapping[str, Needs], edge_targets: Iterable[tuple[str, str]], *, edges: bool
) -> list[Node]:
    """All halves in the order in which they run; the same input gives the same order in every process.

    Raises ConfigurationError with the path of a cycle.
    """
    nodes: list[Node] = []
    for address, draft in drafts.items():
        if draft.makes:
            nodes.append((address, "make"))
        if draft.drops:
            nodes.append((address, "drop"))
    if edges:
        nodes.append(EDGES)
    if len(nodes) <= 1:
        return nodes
    arcs = [*_reference_arcs(drafts, needs), *_kind_arcs(drafts), *(_edge_arcs(drafts, edge_targets) if edges else ())]
    # Memberships as early as they can be: what follows may need the rights that they give.
    first = {address for address, draft in drafts.items() if draft.kind.adopts}
    return [node for node in _sorted(nodes, arcs, first) if node[1] != "barrier"]


def _reference_arcs(drafts: Mapping[str, Draft], needs: Mapping[str, Needs]) -> Iterator[Arc]:
    for address, draft in drafts.items():
        for reference in (*needs[address].after, *needs[address].grounds_after) if draft.makes else ():
            other = drafts.get(str(reference))
            if other is not None and other.makes and other is not draft:
                yield (other.address, "make"), (address, "make")
        leave: Node = (address, "drop" if draft.drops else "make")
        for reference in (*needs[address].before, *_list_roles(draft)) if draft.makes or draft.drops else ():
            other = drafts.get(str(reference))
            if other is not None and other.drops and other is not draft and reference.attribute not in _taking(draft):
                yield leave, (other.address, "drop")
        for reference in needs[address].grounds_before if draft.drops else ():
            other = drafts.get(str(reference))
            if other is not None and (other.makes or other.drops) and other is not draft:
                yield leave, (other.address, "drop" if other.drops else "make")
        if draft.goes_with:
            yield (draft.goes_with, "drop"), leave


def _taking(draft: Draft) -> Sequence[str]:
    """Attributes that name what takes it along: that is dropped first."""
    return draft.kind.goes_with if draft.goes_with else ()


def _list_roles(draft: Draft) -> Iterator[Reference]:
    """Roles in the access lists of what is dropped: a list goes with its object, so the object must go before they can."""
    dropped = (draft.found, *draft.members) if draft.drops and draft.found else ()
    for name in sorted({name for one in dropped for row in one.acl for name in (row.grantee, row.grantor)} - {PUBLIC}):
        yield Reference("role", grantee_part(name))


def _kind_arcs(drafts: Mapping[str, Draft]) -> Iterator[Arc]:
    """What holds between all of one kind and all of another goes through a barrier: one arc an object, not one a pair."""
    for address, draft in drafts.items():
        kind = draft.kind
        if draft.action == "replace":
            yield (address, "drop"), (address, "make")
        if draft.makes:
            yield (address, "make"), (f"{kind.name} made", "barrier")
            yield (f"{kind.name} gone", "barrier"), (address, "make")
            for before in kind.after:
                yield (f"{before} made", "barrier"), (address, "make")
        elif draft.drops:
            for before in kind.after:
                yield (address, "drop"), (f"{before} free", "barrier")
            yield (f"{kind.name} free", "barrier"), (address, "drop")
            if kind.adopts and not draft.goes_with:
                # Of two edges that exclude each other (a membership turned round) the old one goes first.
                yield (address, "drop"), (f"{kind.name} gone", "barrier")


def _edge_arcs(drafts: Mapping[str, Draft], edge_targets: Iterable[tuple[str, str]]) -> Iterator[Arc]:
    for address, draft in drafts.items():
        if draft.makes:
            yield (address, "make"), EDGES
    for type_, key in edge_targets:
        touched = drafts.get(f"{type_}.{key}")
        if touched is not None and touched.drops and not touched.makes:
            yield EDGES, (touched.address, "drop")


def _networkx() -> Any:
    """The untyped module. Importing it takes a tenth of a second, which a plan without changes need not pay."""
    import networkx  # noqa: ICN001, PLC0415 (late, and returned under no other name)

    return networkx


def _sorted(nodes: list[Node], arcs: Iterable[Arc], first: Collection[str]) -> list[Node]:
    nx = _networkx()
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(arcs)
    rank = {"make": 0, "barrier": 1, "edges": 2, "drop": 3}

    def by_rank(node: Node) -> tuple[int, bool, str]:
        return rank[node[1]], node[0] not in first, node[0]

    try:
        return list(nx.lexicographical_topological_sort(graph, key=by_rank))
    except nx.NetworkXUnfeasible as error:
        path = " → ".join(find_cycle((one[0], other[0]) for one, other in graph.edges))
        raise ConfigurationError(Problem(f"dependency cycle: {path}", hint="break it by removing one reference")) from error
