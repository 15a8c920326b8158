"""The order of the steps: halves (make, drop) of objects, and the edges between them. Pure; the one module that uses networkx.

* what is referred to is made before what refers to it, and so is what may bring it; what is made apart, a database, is there
  before all of it, so that it may belong to a role which has settings in it;
* whatever needs X *as it stands now* leaves (is altered away, or dropped) before X is dropped: so an owner can move from a role
  that goes to a role that comes;
* a replacement is dropped before it is made;
* what leads the connected role to rights that it loses with it goes, or is altered, last of all, unless something new cannot be
  there beside it;
* what comes late is made after all else that need not wait for it;
* objects are given to other owners after everything is made, which may take the rights of the owner, and before what names the
  owner is dropped;
* in each database, privileges change after that, and before what they name is dropped; those that say what others are born with
  change as soon as what they name, and what must not be born with it, is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from attrs import evolve, frozen

from pgplan.address import Identity, role_grantee
from pgplan.cycle import find_cycle
from pgplan.errors import ConfigurationError, Problem
from pgplan.kind import MadeApart, OwnerChange
from pgplan.plan.consequences import Decisions, by_object, dropped_databases, in_the_way, is_ground_lost
from pgplan.plan.edges import EdgeDecision, Privileges
from pgplan.plan.foreseen import Foreseen, wanted
from pgplan.plan.objects import Decision, Need
from pgplan.plan.outlook import Outlook
from pgplan.plan.phases import Arc, Leg, Node, Places, legs

Meant = Mapping[Identity, list[Decision]]


def order(decisions: Decisions, privileges: Privileges, outlook: Outlook, leading: Sequence[str] = ()) -> list[Leg]:
    """All halves in the order in which they run; the same input gives the same order in every process.

    `leading` are the addresses of what leads the connected role to rights, in the order in which it may go.

    Raises ConfigurationError with the path of a cycle.
    """
    default = outlook.snapshot.facts.database
    databases: dict[Node, str] = {}
    dropped = dropped_databases(decisions.values())
    for address, decision in decisions.items():
        if decision.object.database in dropped:
            continue  # it goes with it, and needs no turn
        if decision.makes:
            databases[_make(address)] = decision.object.database
        if decision.drops:
            databases[_drop(address)] = decision.object.database
    turns = _turns_of(privileges, default)
    for turn in turns.all:
        databases[turn] = turn[0]
    apart = {_drop(address) for address, one in decisions.items() if one.drops and isinstance(one.kind, MadeApart)}
    places = Places(default, databases, apart)
    if len(databases) <= 1:
        return legs(list(databases), (), places, {})
    meant = by_object(decisions.values())
    last = {_drop(one) if decisions[one].drops else _make(one): at for at, one in enumerate(leading)}
    at_once = {_drop(one.address) for one in in_the_way(decisions, outlook.snapshot, leading)}
    arcs = [
        *_makes(decisions, meant, outlook),
        *_drops(decisions, meant, outlook),
        *_kinds(decisions, last.keys() - at_once),
        *_rights(decisions, outlook),
        *_around(turns, decisions, last, meant, outlook),
    ]
    databases |= {_gone(one): one.object.database for one in decisions.values() if one.kind.exclusive}
    early = {address for address, decision in decisions.items() if decision.kind.early}
    # What must be gone before something early is made must go as early.
    made = {decisions[address].kind.name for address in early if decisions[address].makes}
    soon = {_drop(address) for address in early if (kind := decisions[address].kind).exclusive and kind.name in made}
    late = {_make(address) for address, decision in decisions.items() if decision.kind.late}
    ordered = _sorted(databases, arcs, early, late, soon, turns, last)
    put_off = {node for node in ordered if node[1] == "drop" and not databases[node]} - soon
    places = evolve(places, put_off=put_off | (last.keys() - at_once))
    ranks = {name: rank for rank, name in enumerate(outlook.snapshot.databases)}
    return _without_barriers(legs(ordered, arcs, places, ranks))


def _without_barriers(ordered: Iterable[Leg]) -> list[Leg]:
    kept = (evolve(leg, nodes=tuple(node for node in leg.nodes if node[1] != "barrier")) for leg in ordered)
    return [leg for leg in kept if leg.nodes]


@frozen(slots=False)
class _Turns:
    """When owners and privileges change, by database: of privileges, those that others are born with apart."""

    privileges: Privileges
    first: Mapping[str, list[EdgeDecision]]
    owners: Mapping[str, list[OwnerChange]]
    then: Mapping[str, list[EdgeDecision]]
    again: Mapping[str, list[Identity]]

    @cached_property
    def after(self) -> Mapping[str, list[Node]]:
        """What has its turn once all is made, by database."""
        by_database: dict[str, list[Node]] = {}
        for name in self.owners:
            by_database.setdefault(name, []).append(_owners(name))
        for name in dict.fromkeys((*self.then, *self.again)):
            by_database.setdefault(name, []).append(_edges(name))
        return by_database

    @property
    def all(self) -> Iterator[Node]:
        yield from map(_first, self.first)
        yield from (turn for turns in self.after.values() for turn in turns)


def _turns_of(privileges: Privileges, default: str) -> _Turns:
    first: dict[str, list[EdgeDecision]] = {}
    then: dict[str, list[EdgeDecision]] = {}
    for address, one in privileges.decisions.items():
        into = first if privileges.is_first(address) else then
        for name in dict.fromkeys(change.edge.object.database or default for change in one.changes):
            into.setdefault(name, []).append(one)
    owners: dict[str, list[OwnerChange]] = {}
    for change in privileges.owners:
        owners.setdefault(change.object.database or default, []).append(change)
    again: dict[str, list[Identity]] = {}
    for each in privileges.again:
        again.setdefault(each.database or default, []).append(each)
    return _Turns(privileges, first, owners, then, again)


def _around(turns: _Turns, decisions: Decisions, last: Collection[Node], meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    """What turns wait for, and what waits for them."""
    made = [each for each in decisions.values() if each.makes and _make(each.address) not in last]
    for name, edges in turns.first.items():
        kinds = {kind for one in edges for kind in one.holder.kind.right_after}
        here = (each for each in made if each.object.database in ("", name) and each.kind.name in kinds)
        yield from ((_make(each.address), _first(name)) for each in here)
        yield from _named_by(edges, _first(name), meant)
    for name, after in turns.after.items():
        here = (each for each in made if each.object.database in ("", name))
        yield from ((_make(each.address), turn) for each in here for turn in after)
        yield from pairwise(after)
    yield from _old_owners(turns, meant, outlook)
    for name, edges in turns.then.items():
        yield from _named_by(edges, _edges(name), meant)
    for name, objects in turns.again.items():
        yield from _made_up(objects, _edges(name), turns.privileges, meant, outlook)


def _make(address: str) -> Node:
    return address, "make"


def _drop(address: str) -> Node:
    return address, "drop"


def _first(database: str) -> Node:
    return database, "first"


def _owners(database: str) -> Node:
    return database, "owners"


def _edges(database: str) -> Node:
    return database, "edges"


def _others(decision: Decision, need: Need, meant: Meant) -> Iterator[Decision]:
    return (other for other in meant.get(need.object, ()) if other.address != decision.address)


def _makes(decisions: Decisions, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    for address, decision in decisions.items():
        if not decision.makes:
            continue
        for need in (*decision.needs.after, *decision.needs.grounds_after):
            # What is made apart is there, and has its name, before all of it.
            makers = (one for one in _others(decision, need, meant) if one.makes and not isinstance(one.kind, MadeApart))
            yield from ((_make(one.address), _make(address)) for one in makers)
            if need.object not in meant and outlook.snapshot.get(need.object) is None:
                yield from ((_make(one.address), _make(address)) for one in outlook.bringers(need.object))


def _drops(decisions: Decisions, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    takers = {member: decision for decision in decisions.values() for member in decision.members}
    dropped = dropped_databases(decisions.values())
    for address, decision in decisions.items():
        taken = dropped.get(decision.object.database, "")
        leave = _drop(taken or address) if decision.drops else _make(address)
        if decision.makes or decision.drops:
            for need in (*decision.needs.before, *_list_roles(decision, outlook)):
                if decision.goes_with and need.attribute in decision.kind.goes_with:
                    continue
                # What the cluster keeps of a database goes with it, such as settings that roles have there.
                ends = (one for one in _others(decision, need, meant) if one.drops and not isinstance(one.kind, MadeApart))
                yield from ((leave, _drop(one.address)) for one in ends)
                taker = takers.get(need.object)
                if taker is not None and taker is not decision:
                    yield leave, _drop(taker.address)
        for need in decision.needs.grounds_before if decision.drops else ():
            for one in _others(decision, need, meant):
                if one.drops or is_ground_lost(one, decision):
                    yield leave, _drop(one.address) if one.drops else _make(one.address)
        if decision.goes_with and not taken:
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
            if other.how in ("within", "elsewhere") and len(standing) == 1:
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


def _kinds(decisions: Decisions, last: Collection[Node]) -> Iterator[Arc]:
    """What holds between all of one kind goes through a barrier: one arc an object, not one a pair."""
    for address, decision in decisions.items():
        if decision.action == "replace":
            yield _drop(address), _make(address)
        if decision.kind.exclusive:
            if decision.makes:
                yield _gone(decision), _make(address)
            elif decision.drops and not decision.goes_with and _drop(address) not in last:
                yield _drop(address), _gone(decision)


def _gone(decision: Decision) -> Node:
    """When all that goes of its kind in its database is gone."""
    return f"{decision.kind.name} gone from {decision.object.database}", "barrier"


def _rights(decisions: Decisions, outlook: Outlook) -> Iterator[Arc]:
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


def _made_up(objects: Iterable[Identity], turn: Node, privileges: Privileges, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    """What goes with an object goes before it, and before the roles that stand in its lists."""
    for one in objects:
        changes = privileges.again[one]
        named = (outlook.registry.grantee(each.edge.object, each.edge.item.grantee, one.database) for each in changes)
        for other in sorted({one, *filter(None, named)}):
            yield from ((turn, _drop(each.address)) for each in meant.get(other, ()) if each.drops and not each.makes)


def _old_owners(turns: _Turns, meant: Meant, outlook: Outlook) -> Iterator[Arc]:
    for name, changes in turns.owners.items():
        for change in changes:
            owner = outlook.registry.grantee(change.object, role_grantee(change.before), change.object.database)
            if owner is not None:
                yield from ((_owners(name), _drop(each.address)) for each in meant.get(owner, ()) if each.drops)


def _networkx() -> Any:
    """The untyped module. Importing it takes a tenth of a second, which a plan without changes need not pay."""
    import networkx  # noqa: ICN001, PLC0415 (late, and returned under no other name)

    return networkx


def _sorted(
    nodes: Iterable[Node],
    arcs: Iterable[Arc],
    early: Collection[str],
    late: Collection[Node],
    soon: Collection[Node],
    turns: _Turns,
    last: Mapping[Node, int],
) -> list[Node]:
    nx = _networkx()
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(arcs)
    rank = {"barrier": 0, "make": 1, "first": 2, "owners": 3, "edges": 4, "drop": 5}
    # What privileges are waited for with does not wait for anything else.
    urgent: set[Node] = set()
    for turn in map(_first, turns.first):
        urgent |= {turn, *nx.ancestors(graph, turn)}

    def by_rank(node: Node) -> tuple[int, bool, bool, int, bool, str]:
        how = rank["make" if node in soon else node[1]]
        return last.get(node, -1), node not in urgent, node in late, how, node[0] not in early, node[0]

    try:
        return list(nx.lexicographical_topological_sort(graph, key=by_rank))
    except nx.NetworkXUnfeasible as error:
        names = {node: "privileges" if node[1] == "edges" else node[0] for node in graph}
        between = ((names[one], names[other]) for one, other in graph.edges if one[0] != other[0])
        path = " → ".join(find_cycle(between)) or "a replacement that needs itself"
        raise ConfigurationError(Problem(f"dependency cycle: {path}", hint="break it by removing one reference")) from error
