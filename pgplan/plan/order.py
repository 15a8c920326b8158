"""The order of the steps: halves (make, drop) of objects, and the edges between them. Pure; the one module that uses networkx.

* what is referred to is made before what refers to it, and so is what may bring it; what people make is there before all of it,
  so that a database may belong to a role which has settings in it;
* whatever needs X *as it stands now* leaves (is altered away, or dropped) before X is dropped: so an owner can move from a role
  that goes to a role that comes;
* a replacement is dropped before it is made;
* what comes late is made after all else that need not wait for it;
* objects are given to other owners after everything is made, which may take the rights of the owner, and before what names the
  owner is dropped;
* privileges change after that, and before what they name is dropped; those that say what others are born with change as soon as
  what they name, and what must not be born with it, is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Literal

from pgplan.address import Identity, role_grantee
from pgplan.cycle import find_cycle
from pgplan.errors import ConfigurationError, Problem
from pgplan.plan.consequences import Decisions, by_object, is_ground_lost
from pgplan.plan.edges import EdgeDecision, Privileges
from pgplan.plan.foreseen import Foreseen, wanted
from pgplan.plan.objects import Decision, Need
from pgplan.plan.outlook import Outlook

Half = Literal["make", "drop", "first", "owners", "edges", "barrier"]
Node = tuple[str, Half]
Arc = tuple[Node, Node]
"""(first, then)."""
FIRST: Node = ("", "first")
OWNERS: Node = ("", "owners")
EDGES: Node = ("", "edges")
Meant = Mapping[Identity, list[Decision]]


def order(decisions: Decisions, privileges: Privileges, outlook: Outlook) -> list[Node]:
    """All halves in the order in which they run; the same input gives the same order in every process.

    Raises ConfigurationError with the path of a cycle.
    """
    nodes: list[Node] = []
    for address, decision in decisions.items():
        if decision.makes:
            nodes.append(_make(address))
        if decision.drops:
            nodes.append(_drop(address))
    first = [one for address, one in privileges.decisions.items() if one.changes and privileges.is_first(address)]
    then = [one for address, one in privileges.decisions.items() if one.changes and not privileges.is_first(address)]
    turns = [*([OWNERS] if privileges.owners else []), *([EDGES] if then or privileges.again else [])]
    nodes += [*([FIRST] if first else []), *turns]
    if len(nodes) <= 1:
        return nodes
    meant = by_object(decisions.values())
    arcs = [
        *_makes(decisions, meant, outlook),
        *_drops(decisions, meant, outlook),
        *_kinds(decisions),
        *_turns(decisions, outlook),
    ]
    if first:
        kinds = {name for one in first for name in one.holder.kind.right_after}
        arcs += ((_make(each.address), FIRST) for each in decisions.values() if each.makes and each.kind.name in kinds)
        arcs += _named_by(first, FIRST, meant)
    arcs += ((_make(each.address), turn) for each in decisions.values() if each.makes for turn in turns)
    arcs += [*pairwise(turns), *_old_owners(privileges, meant, outlook)]
    if EDGES in nodes:
        arcs += [*_named_by(then, EDGES, meant), *_made_up(privileges, meant, outlook)]
    early = {address for address, decision in decisions.items() if decision.kind.early}
    # What must be gone before something early is made must go as early.
    made = {decisions[address].kind.name for address in early if decisions[address].makes}
    soon = {_drop(address) for address in early if (kind := decisions[address].kind).exclusive and kind.name in made}
    late = {_make(address) for address, decision in decisions.items() if decision.kind.late}
    return [node for node in _sorted(nodes, arcs, early, late, soon) if node[1] != "barrier"]


def _make(address: str) -> Node:
    return address, "make"


def _drop(address: str) -> Node:
    return address, "drop"


def _others(decision: Decision, need: Need, meant: Meant) -> Iterator[Decision]:
    return (other for other in meant.get(need.object, ()) if other.address != decision.address)


def _makes(decisions: Decisions, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    for address, decision in decisions.items():
        if not decision.makes:
            continue
        for need in (*decision.needs.after, *decision.needs.grounds_after):
            makers = (one for one in _others(decision, need, meant) if one.makes and not one.kind.made_by_hand)
            yield from ((_make(one.address), _make(address)) for one in makers)
            if need.object not in meant and outlook.snapshot.get(need.object) is None:
                yield from ((_make(one.address), _make(address)) for one in outlook.bringers(need.object))


def _drops(decisions: Decisions, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    takers = {member: decision for decision in decisions.values() for member in decision.members}
    for address, decision in decisions.items():
        leave = _drop(address) if decision.drops else _make(address)
        if decision.makes or decision.drops:
            for need in (*decision.needs.before, *_list_roles(decision, outlook)):
                if decision.goes_with and need.attribute in decision.kind.goes_with:
                    continue
                yield from ((leave, _drop(one.address)) for one in _others(decision, need, meant) if one.drops)
                taker = takers.get(need.object)
                if taker is not None and taker is not decision:
                    yield leave, _drop(taker.address)
        for need in decision.needs.grounds_before if decision.drops else ():
            for one in _others(decision, need, meant):
                if one.drops or is_ground_lost(one, decision):
                    yield leave, _drop(one.address) if one.drops else _make(one.address)
        if decision.goes_with:
            yield _drop(decision.goes_with), leave
    yield from _held(decisions)


def _held(decisions: Decisions) -> Iterator[Arc]:
    """What stands on an object without naming it in its spec, as a function in the default of another's argument."""
    dropped = [one for one in decisions.values() if one.drops and one.found is not None]
    known: dict[tuple[str, str], list[str]] = {}
    for one in dropped:
        for key in dict.fromkeys((one.object.key, "".join(one.object.key.partition("(")[:2]))):
            known.setdefault((one.object.type, key), []).append(one.address)
    for one in dropped:
        for other in one.found.holds if one.found is not None else ():
            standing = [address for address in known.get((other.type, other.key), ()) if address != one.address]
            # Of several routines of a name nobody knows which it is.
            if other.how == "within" and len(standing) == 1:
                yield _drop(standing[0]), _drop(one.address)


def _list_roles(decision: Decision, outlook: Outlook) -> Iterator[Need]:
    """Grantees and grantors of what is dropped: a list goes with its object, so the object must go before they can."""
    if not decision.drops:
        return
    for one in (decision.object, *decision.members):
        found = outlook.snapshot.get(one)
        rows = found.acl.privileges if found is not None else ()
        names = {name for row in rows for name in (row.grantee, role_grantee(row.grantor))}
        for name in sorted(names):
            grantee = outlook.registry.grantee(one, name, one.database)
            if grantee is not None:
                yield Need(grantee)


def _kinds(decisions: Decisions) -> Iterator[Arc]:
    """What holds between all of one kind goes through a barrier: one arc an object, not one a pair."""
    for address, decision in decisions.items():
        if decision.action == "replace":
            yield _drop(address), _make(address)
        if decision.kind.exclusive:
            gone: Node = (f"{decision.kind.name} gone", "barrier")
            if decision.makes:
                yield gone, _make(address)
            elif decision.drops and not decision.goes_with:
                yield _drop(address), gone


def _turns(decisions: Decisions, outlook: Outlook) -> Iterator[Arc]:
    """What gives the connected role a right is made before what takes it."""
    for database, of_kind, all_of_it in wanted(decisions.values()):
        outcome = Foreseen(outlook, database or outlook.snapshot.facts.database)
        for first, then in next(iter(of_kind.values())).kind.turns(all_of_it, outcome):
            yield _make(of_kind[first].address), _make(of_kind[then].address)


def _named_by(edges: Iterable[EdgeDecision], node: Node, meant: Meant) -> Iterator[Arc]:
    """What privileges name is made before they change, and dropped after."""
    touched = {change.edge.object for one in edges for change in one.changes}
    touched.update(need.object for one in edges for need in one.needs)
    for each in (each for one in sorted(touched) for each in meant.get(one, ())):
        if each.makes:
            yield _make(each.address), node
        elif each.drops:
            yield node, _drop(each.address)


def _made_up(privileges: Privileges, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    """What goes with an object goes before it, and before the roles that stand in its lists."""
    for one, changes in privileges.again.items():
        named = (outlook.registry.grantee(each.edge.object, each.edge.item.grantee, one.database) for each in changes)
        for other in sorted({one, *filter(None, named)}):
            yield from ((EDGES, _drop(each.address)) for each in meant.get(other, ()) if each.drops and not each.makes)


def _old_owners(privileges: Privileges, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    for change in privileges.owners:
        owner = outlook.registry.grantee(change.object, role_grantee(change.before), change.object.database)
        if owner is not None:
            yield from ((OWNERS, _drop(each.address)) for each in meant.get(owner, ()) if each.drops)


def _networkx() -> Any:
    """The untyped module. Importing it takes a tenth of a second, which a plan without changes need not pay."""
    import networkx  # noqa: ICN001, PLC0415 (late, and returned under no other name)

    return networkx


def _sorted(
    nodes: list[Node], arcs: Iterable[Arc], early: Collection[str], late: Collection[Node], soon: Collection[Node]
) -> list[Node]:
    nx = _networkx()
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(arcs)
    rank = {"barrier": 0, "make": 1, "first": 2, "owners": 3, "edges": 4, "drop": 5}
    # What privileges are waited for with does not wait for anything else.
    urgent: Collection[Node] = {FIRST, *nx.ancestors(graph, FIRST)} if FIRST in nodes else ()

    def by_rank(node: Node) -> tuple[bool, bool, int, bool, str]:
        how = rank["make" if node in soon else node[1]]
        return node not in urgent, node in late, how, node[0] not in early, node[0]

    try:
        return list(nx.lexicographical_topological_sort(graph, key=by_rank))
    except nx.NetworkXUnfeasible as error:
        names = {node: "privileges" if node == EDGES else node[0] for node in graph}
        between = ((names[one], names[other]) for one, other in graph.edges if one[0] != other[0])
        path = " → ".join(find_cycle(between)) or "a replacement that needs itself"
        raise ConfigurationError(Problem(f"dependency cycle: {path}", hint="break it by removing one reference")) from error
