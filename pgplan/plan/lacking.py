"""Which rights the connected role lacks for a plan: from the beginning, or because the plan itself takes them away. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from attrs import evolve

from pgplan.address import Address
from pgplan.configuration.model import Declared
from pgplan.errors import Exit, Problem
from pgplan.kind import EdgeChange, OwnerChange, Renamable
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import EdgeDecision, Privileges
from pgplan.plan.objects import Decision, source_of
from pgplan.plan.phases import Leg
from pgplan.plan.renames import Rename
from pgplan.plan.rights import Key, Known

Refused = Iterator[tuple[Exit, Problem]]
_Lack = tuple[str, Declared | None, str]
"""A right, in words, and the declaration and the address that it is for."""


def lacking(decisions: Decisions, privileges: Privileges, rights: Known, renames: Sequence[Rename]) -> Refused:
    """Every right that the connected role lacks for this plan, all at once."""
    facts = rights.outlook.snapshot.facts
    hint = f"give {facts.role} that right, or connect as a role that has it"
    if facts.superuser:
        yield from ((Exit.ERROR, problem) for problem in _hindered(privileges, rights))
        return
    for right, declared, address in _lacks(decisions, privileges, rights, renames):
        yield Exit.ERROR, Problem(f"the connected role {facts.role} lacks {right}", source_of(declared), address, hint)


def _hindered(privileges: Privileges, rights: Known) -> Iterator[Problem]:
    """Revokes that only a role can make that cannot get at the object."""
    runs = ((edge, change) for edge in privileges.decisions.values() for change in edge.changes if change.run_as)
    for edge, change in runs:
        one = change.edge.object
        why = rights.of(one.type, one.database, later=True).hindered(change, privileges.granted)
        if why:
            message = f"cannot take away what {change.run_as} granted on {one.type} {one.key}: {why}"
            hint = f"give {change.run_as} that right until it is done, or take away what it granted, by hand (`pgplan psql`)"
            yield Problem(message, source_of(edge.holder.declared), edge.address, hint)


def _lacks(decisions: Decisions, privileges: Privileges, rights: Known, renames: Sequence[Rename]) -> Iterator[_Lack]:
    for decision in decisions.values():
        yield from _to_decide(decision, rights)
        if decision.creates or decision.drops:
            changes = privileges.again.get(decision.object, ())
            yield from ((right, decision.declared, decision.address) for right in _to_change(changes, privileges, rights))
    for rename in renames:
        yield from ((right, rename.declared, rename.declared.address) for right in _to_rename(rename, rights))
    for edge in privileges.decisions.values():
        yield from _of_edges(edge, privileges, rights)


def lost_on_the_way(
    legs: Iterable[Leg], leading: Collection[str], decisions: Decisions, privileges: Privileges, rights: Known
) -> Refused:
    """What comes after something that leads the connected role to a right, and needs that right.

    `legs` are in the order in which they run, `leading` the addresses of what leads to rights.
    """
    dropped, altered, gone, left = set[Key](), set[Key](), list[str](), rights
    for address, half in (node for leg in legs for node in leg.nodes) if leading else ():
        for right, declared, about in _at(address, half, decisions, privileges, left) if gone else ():
            yield Exit.ERROR, _lost(right, declared, about, gone, rights)
        if address in leading and half in ("drop", "make"):
            gone.append(address)
            one = decisions[address].found_as
            (dropped if half == "drop" else altered).add((one.type, one.key))
            left = rights.without(dropped, altered)


def _at(address: str, half: str, decisions: Decisions, privileges: Privileges, rights: Known) -> Iterator[_Lack]:
    """`address` is the database of a turn that owners or privileges have."""
    if half in ("make", "drop"):
        yield from _to_decide(decisions[address], rights)
        return
    default = rights.outlook.snapshot.facts.database

    def is_here(one: EdgeChange | OwnerChange) -> bool:
        return ((one.edge.object if isinstance(one, EdgeChange) else one.object).database or default) == address

    for edge in privileges.decisions.values():
        has_turn = half != "owners" and privileges.is_first(edge.address) == (half == "first")
        changes = tuple(filter(is_here, edge.changes)) if has_turn else ()
        owners = tuple(filter(is_here, edge.owners)) if half == "owners" else ()
        yield from _of_edges(evolve(edge, changes=changes, owners=owners), privileges, rights)
    for one, changes in privileges.again.items() if half == "edges" else ():
        about = next((each for each in decisions.values() if each.object == one), None)
        if about is not None and (one.database or default) == address:
            yield from ((right, about.declared, about.address) for right in _to_change(changes, privileges, rights))


def _lost(right: str, declared: Declared | None, address: str, gone: Sequence[str], rights: Known) -> Problem:
    more = f" (or {', '.join(gone[:-1])})" if len(gone) > 1 else ""
    message = f"once this plan has taken away {gone[-1]}{more}, which must come before, the connected role "
    message += f"{rights.outlook.snapshot.facts.role} lacks {right}"
    hint = f"leave {gone[-1]} as it is, apply that, and change it in a plan of its own; or connect as a role that has the right"
    return Problem(message, source_of(declared), address, hint)


def _of_edges(edge: EdgeDecision, privileges: Privileges, rights: Known) -> Iterator[_Lack]:
    missing = {*_to_change(edge.changes, privileges, rights), *_to_give(edge.owners, rights)}
    yield from ((right, edge.holder.declared, edge.address) for right in sorted(missing))


def _to_rename(rename: Rename, rights: Known) -> Sequence[str]:
    registry, snapshot = rights.outlook.registry, rights.outlook.snapshot
    kind = registry.kinds[rename.declared.kind]
    found = snapshot.get(registry.found_as(Address.parse(rename.declared.address), snapshot.facts.database))
    if found is None or not isinstance(kind, Renamable):
        return ()
    return kind.missing_to_rename(found, rights.of(kind.name, rename.declared.database))


def _to_change(changes: Iterable[EdgeChange], privileges: Privileges, rights: Known) -> list[str]:
    """Privileges change after owners do."""
    objects = ((change, change.edge.object) for change in changes)
    held = ((change, rights.of(one.type, one.database, later=True)) for change, one in objects)
    missing = {each.missing_for(change, privileges.granted) for change, each in held}
    return sorted(missing - {None}, key=str)


def _to_give(owners: Iterable[OwnerChange], rights: Known) -> Iterator[str]:
    """What the new owner is to have counts as it is then."""
    for change in owners:
        yield from rights.of(change.object.type, change.object.database, later=True).missing_to_give(change)


def _to_decide(decision: Decision, rights: Known) -> Iterator[_Lack]:
    """What goes does so when others own what they get; all else is made before."""
    turns = (False, True) if decision.action == "delete" else (False,)
    held = (rights.of(decision.kind.name, decision.object.database, later=later) for later in turns)
    missing = dict.fromkeys(right for each in held for right in _missing(decision, each))
    yield from ((right, decision.declared, decision.address) for right in missing)


def _missing(decision: Decision, rights: Any) -> Iterator[str]:
    if (decision.drops and not decision.goes_with) or decision.action == "update":
        spec = decision.spec if decision.action == "update" else None
        yield from decision.kind.missing_rights(decision.found, spec, rights)
    if decision.creates:
        yield from decision.kind.missing_rights(None, decision.made_spec, rights)
