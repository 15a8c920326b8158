"""What a plan must not do, whatever the configuration says: name what is not there, strand what it does not manage, harm its own
connection, or delete more than was allowed. Pure.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from pgplan.address import Address, Identity, role_grantee, unpart
from pgplan.configuration.model import Declared, Policy
from pgplan.errors import Exit, Problem
from pgplan.kind import MadeApart, ObjectKind
from pgplan.plan.consequences import Decisions, by_object, dropped_databases
from pgplan.plan.edges import EdgeDecision, Privileges
from pgplan.plan.foreseen import Foreseen, wanted
from pgplan.plan.lacking import lacking
from pgplan.plan.lists import lists_after
from pgplan.plan.objects import Decision, Need, source_of, still_recorded
from pgplan.plan.outlook import Outlook
from pgplan.plan.renames import Rename
from pgplan.plan.rights import Known
from pgplan.snapshot import Found

Refused = Iterator[tuple[Exit, Problem]]


@frozen
class Checked:
    """All that is decided, to be looked at as a whole."""

    decisions: Decisions
    privileges: Privileges
    outlook: Outlook
    renames: Sequence[Rename]
    policy: Policy
    destroy: bool
    left_out: Collection[str]
    """Addresses that the plan is not about."""
    meant: Mapping[Identity, list[Decision]]
    rights: Known
    dropped: Mapping[str, str]
    """The addresses of databases that are dropped, by their names."""


def check(
    decisions: Decisions,
    privileges: Privileges,
    rights: Known,
    renames: Sequence[Rename],
    policy: Policy,
    left_out: Collection[str],
    *,
    destroy: bool,
) -> Refused:
    """Every reason not to go on, each with its exit code."""
    plan = Checked(
        decisions,
        privileges,
        rights.outlook,
        renames,
        policy,
        destroy,
        left_out,
        by_object(decisions.values()),
        rights,
        dropped_databases(decisions.values()),
    )
    looks: tuple[Callable[[Checked], Refused], ...] = (
        *(_references, _in_what_goes, _in_the_way, _impossible, _dependents, _rights),
        *(_lock_outs, _edge_removals, _limit),
    )
    for look in looks:
        yield from look(plan)


def _references(plan: Checked) -> Refused:
    """Whatever a declaration names must be in the database or be made by this plan, and must not be deleted by it."""
    for decision in plan.decisions.values():
        if decision.declared is not None:
            for need in decision.needs.after:
                yield from _reference(need, decision.declared, plan)
    for edge in plan.privileges.decisions.values():
        if edge.holder.declared is not None:
            for need in edge.needs:
                # Objects that edges are on were checked when they were looked for.
                if need.attribute != "on":
                    yield from _reference(need, edge.holder.declared, plan)


def _reference(need: Need, declared: Declared, plan: Checked) -> Refused:
    own, source, address = plan.meant.get(need.object, []), source_of(declared), declared.address
    if any(decision.declared is not None for decision in own):
        return
    if plan.outlook.fate(need.object) == "gone":
        kept = need.object if own else "what it belongs to"
        hint = f"keep {kept} declared, or change {address} as well"
        yield Exit.ERROR, Problem(f"{need.attribute} names {need.object}, which this plan deletes", source, address, hint)
    elif plan.outlook.fate(need.object) == "missing":
        yield Exit.ERROR, _unknown(need, declared, plan)


def _unknown(need: Need, declared: Declared, plan: Checked) -> Problem:
    one = need.object
    known = {found.key for found in plan.outlook.snapshot.catalog(one.database).of(one.type)}
    known |= {
        meant.key for meant, decisions in plan.meant.items() if meant.type == one.type and any(d.declared for d in decisions)
    }
    close = difflib.get_close_matches(one.key, sorted(known), n=1)
    declare = f"declare [{one}]" if one.type in plan.outlook.registry.kinds else "create it"
    hint = f"did you mean {close[0]}?" if close else f"{declare}, or correct the name"
    renamed = next((each.declared for each in plan.renames if each.former_address == str(one)), None)
    hint = hint if renamed is None else f"this plan renames it: write {unpart(renamed.key)}"
    message = f"{need.attribute} names {one}, which is neither declared nor in the database"
    return Problem(message, source_of(declared), declared.address, hint)


def _in_what_goes(plan: Checked) -> Refused:
    """What is declared in a database that is dropped."""
    declared = [one.declared for one in plan.decisions.values()] + [
        one.holder.declared for one in plan.privileges.decisions.values()
    ]
    for one in declared if plan.dropped else ():
        if one is not None and one.database in plan.dropped:
            hint = f"remove this block too, or keep {plan.dropped[one.database]} declared"
            message = f"is in the database {one.database}, which this plan deletes"
            yield Exit.ERROR, Problem(message, source_of(one), one.address, hint)


def _in_the_way(plan: Checked) -> Refused:
    """What is to be made, and of whose name there is something that its kind does not know as its own."""
    for decision in plan.decisions.values():
        one = decision.object
        # Addresses of one type may each be about a part of an object.
        if decision.action != "create" or one.type == decision.found_as.type or plan.outlook.snapshot.get(one) is None:
            continue
        if not any(other.drops for other in plan.meant[one]):
            message = f"there is a {one.type.replace('_', ' ')} {one.key} already, which is not what is declared here"
            hint = "remove or rename it by hand (`pgplan psql`), or give this one another name"
            yield Exit.ERROR, Problem(message, decision.source, decision.address, hint)


def _impossible(plan: Checked) -> Refused:
    """What the server would refuse of what is made and altered, kind by kind."""
    facts = plan.outlook.snapshot.facts
    for database, decisions, all_of_it in wanted(plan.decisions.values()):
        kind = next(iter(decisions.values())).kind
        for key, message, hint in kind.impossible(all_of_it, Foreseen(plan.outlook, database or facts.database)):
            yield Exit.ERROR, Problem(message, decisions[key].source, decisions[key].address, hint)


def _dependents(plan: Checked) -> Refused:
    """What stands on an object that goes, and is not managed, would stop the DROP, or vanish with a replacement."""
    dropped = {decision.object: decision for decision in plan.decisions.values() if decision.drops}
    if not dropped:
        return
    gone = {*dropped, *(member for decision in dropped.values() for member in decision.members)}
    off, named = _taken_off(gone, plan), _still_named(plan)
    for holder in dropped.values():
        if not holder.goes_with:
            yield from _held(holder, off, named, plan)
    yield from _born_with(dropped, plan)
    registry = plan.outlook.registry
    kinds = {kind.name: kind for kind in registry.object_kinds()}
    for one, found in plan.outlook.snapshot.objects():
        kind = kinds.get(found.type)
        if kind is None or found.extension:
            continue
        known = plan.meant.get(registry.identity(*kind.object(one.key), one.database), [])
        if any(decision.drops or decision.makes for decision in known):
            continue
        if known and all(decision.found_as != one for decision in known):
            # It is told of under the address that it is managed as.
            continue
        managed = any(decision.found_as == one for decision in known)
        yield from _standing(one, found, kind, dropped, plan, managed=managed)


def _born_with(dropped: Mapping[Identity, Decision], plan: Checked) -> Refused:
    """What comes with something new is born with what the connected role's lists say before this plan changes them."""
    new = next((one.address for one in plan.decisions.values() if one.creates and one.kind.has_members), "")
    snapshot = plan.outlook.snapshot
    told: dict[Identity, str] = {}
    for one, found in snapshot.objects() if new else ():
        if one.type in snapshot.implied and found.owner == snapshot.facts.role:
            grantees = (plan.outlook.registry.grantee(one, row.grantee, one.database) for row in found.acl.privileges)
            told |= {each: str(one) for each in grantees if each is not None and each in dropped}
    for each, given in told.items():
        decision, message = dropped[each], f"cannot delete it: what {new} brings would be born with privileges for it, by {given}"
        hint = f"apply this without {new} first, and then with it"
        yield Exit.ERROR, Problem(message, decision.source, decision.address, hint)


def _standing(
    one: Identity, found: Found, kind: ObjectKind, dropped: Mapping[Identity, Decision], plan: Checked, *, managed: bool
) -> Refused:
    """That an object stands on one that goes, and stays."""
    registry = plan.outlook.registry
    for reference in kind.references(found.spec):
        decision = dropped.get(registry.target(reference, one.database))
        if decision is not None and isinstance(decision.kind, MadeApart):
            continue  # what the cluster keeps of a database goes with it
        if decision is not None and reference.attribute not in kind.goes_with:
            owner = kind.owner(found.spec)
            owned = owner is not None and registry.grantee(one, role_grantee(owner), one.database) == decision.object
            if not (owned and plan.outlook.is_given_away(registry.identity(*kind.object(one.key), one.database))):
                elsewhere = "" if one.database == plan.outlook.snapshot.facts.database else one.database
                dependent = str(Address(found.type, found.key, elsewhere))
                yield Exit.ERROR, _stranded(decision, dependent, plan, managed=managed, owned=owned)


def _held(
    decision: Decision, off: Mapping[str, Collection[Identity]], named: Mapping[Identity, Collection[Identity]], plan: Checked
) -> Refused:
    """What an object holds that has no kind, or none that this plan takes off it."""
    registry, default = plan.outlook.registry, plan.outlook.snapshot.facts.database
    for database, one in plan.outlook.snapshot.held(decision.found_as):
        if database in plan.dropped:
            continue
        held = registry.identity(one.type, one.key, database)
        if held not in off[one.how] or (one.how == "privilege" and decision.object in named.get(held, ())):
            what = f"{one.type.replace('_', ' ')} {one.key.removesuffix('(')}"
            what += f" in the database {database}" if database != default else ""
            why, hint = _HOLDS[one.how]
            verb = "replace" if decision.action == "replace" else "delete"
            hint = f"{hint.format(what)} (`pgplan psql`); or {_keep(decision)}"
            yield Exit.ERROR, Problem(f"cannot {verb} it: {why.format(what)}", decision.source, decision.address, hint)
            return


def _taken_off(gone: Collection[Identity], plan: Checked) -> dict[str, set[Identity]]:
    """By `Dependent.how`: what this plan takes off its objects, looked up once for all that it drops."""
    made = (meant for meant, decisions in plan.meant.items() if any(each.makes for each in decisions))
    revoked = (change.edge.object for change in plan.privileges.changes)
    goes = _as_held(gone)
    owned = goes | _as_held((*made, *plan.outlook.given_away))
    return {"within": goes, "elsewhere": goes, "owned": owned, "privilege": goes | _as_held(revoked)}


def _still_named(plan: Checked) -> dict[Identity, set[Identity]]:
    """Who stands in lists that this plan changes once it has done so."""
    named: dict[Identity, set[Identity]] = {}
    for one, acl in lists_after(plan.privileges.changes, plan.outlook).items():
        names = {name for row in acl.privileges for name in (row.grantee, role_grantee(row.grantor))}
        roles = {plan.outlook.registry.grantee(one, name, one.database) for name in names}
        for held in _as_held([one]):
            named.setdefault(held, set()).update(filter(None, roles))
    return named


def _as_held(objects: Iterable[Identity]) -> set[Identity]:
    """Also by what each key begins with up to a parenthesis: that is how a `Dependent` names a routine."""
    known = set(objects)
    shorter = (one._replace(key=one.key[: at + 1]) for one in known for at, character in enumerate(one.key) if character == "(")
    return known | set(shorter)


_HOLDS = {
    "within": ("{} stands on it", "remove it by hand"),
    "owned": ("it owns {}", "give {} another owner by hand"),
    "privilege": ("it has privileges on {}", "revoke them by hand"),
    "elsewhere": ("it owns something, or has privileges, in the {}", "take them from it there by hand"),
}
"""By `Dependent.how`: why not, and what to do."""


def _keep(decision: Decision) -> str:
    """What to do so that an object is not dropped."""
    if decision.undeclared:
        return f"declare it (`pgplan import {shlex.quote(decision.address)}` prints its block)"
    return f"keep {decision.address} {'as it is' if decision.action == 'replace' else 'declared'}"


def _stranded(decision: Decision, dependent: str, plan: Checked, *, managed: bool, owned: bool) -> Problem:
    verb = "replace" if decision.action == "replace" else "delete"
    if dependent in plan.left_out:
        hint = f"this plan leaves that out: add --target {shlex.quote(dependent)}, or leave {decision.address} out too"
    elif managed:
        hint = f"change {dependent} first"
    elif owned:
        hint = f"give {dependent} another owner, or remove it, by hand (`pgplan psql`); or {_keep(decision)}"
    else:
        hint = f"import it first (`pgplan import {dependent}`), or remove it by hand"
    return Problem(f"cannot {verb} it: {dependent} stands on it", decision.source, decision.address, hint)


def _rights(plan: Checked) -> Refused:
    return lacking(plan.decisions, plan.privileges, plan.rights, plan.renames)


def _lock_outs(plan: Checked) -> Refused:
    """Refuse to harm the connected role, by what is done to objects or by giving them away."""
    for edge in plan.privileges.decisions.values():
        for change in edge.owners:
            held = plan.rights.of(change.object.type, change.object.database)
            yield from _lock_out(held.lock_out(change), edge.holder.declared, edge.address)
    for decision in plan.decisions.values():
        if decision.found is None or decision.goes_with or not (decision.makes or decision.drops):
            continue
        spec = decision.made_spec if decision.makes else None
        loss = decision.kind.lock_out(decision.found, spec, plan.outlook.snapshot.facts)
        yield from _lock_out(loss, decision.declared, decision.address)


def _lock_out(loss: str | None, declared: Declared | None, address: str) -> Refused:
    if loss:
        message = f"would take {loss} from the role that pgplan is connected as"
        hint = "run this with another role that may do it"
        yield Exit.REFUSED, Problem(message, source_of(declared), address, hint)


def _edge_removals(plan: Checked) -> Refused:
    """Refuse to revoke what is protected, or what policy does not let go."""
    for edge in plan.privileges.decisions.values():
        if edge.holder.declared is None and edge.action == "delete":
            yield from _edge_removal(edge, plan)


def _edge_removal(edge: EdgeDecision, plan: Checked) -> Refused:
    entry, kind = edge.holder.entry, edge.holder.kind.name
    if entry is None:
        return
    if entry.protected:
        hint = "set protect = false in its block, apply that, and then remove it"
        yield Exit.REFUSED, Problem("is protected; this plan would revoke it", None, edge.address, hint)
    elif not plan.destroy and plan.policy.of(kind).removed == "error":
        yield Exit.REFUSED, still_recorded(kind, edge.address, None)


def _limit(plan: Checked) -> Refused:
    """Refuse to delete more than `max_deletes`."""
    limit = plan.policy.max_deletes
    if limit is None:
        return
    dropped = sum(1 for decision in plan.decisions.values() if decision.drops)
    revoked = sum(1 for change in plan.privileges.changes if change.action == "revoke" and not change.only_option)
    if dropped + revoked > limit:
        message = f"this plan deletes {dropped} objects and revokes {revoked} privileges; max_deletes allows {limit}"
        yield Exit.REFUSED, Problem(message, address="policy", hint="raise max_deletes under [policy] if all of that is meant")


def sorted_problems(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(set(problems), key=lambda problem: (str(problem.source or ""), problem.address, problem.message))
