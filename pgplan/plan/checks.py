"""What a plan must not do, whatever the configuration says: name what is not there, strand what it does not manage, harm its own
connection, or delete more than was allowed. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from pgplan.address import grantee_part, role_grantee
from pgplan.configuration.model import Declared, Policy
from pgplan.errors import Exit, Problem, Source
from pgplan.kind import Facts, Reference, Snapshot
from pgplan.plan.diff import Draft
from pgplan.plan.edges import EdgeDraft, references
from pgplan.plan.order import Needs
from pgplan.registry import Registry, is_edge_kind

Refused = Iterator[tuple[Exit, Problem]]


def _source(declared: Declared | None) -> Source | None:
    return declared.sources[0] if declared and declared.sources else None


def check_references(
    objects: Mapping[str, Draft],
    edges: Mapping[str, EdgeDraft],
    needs: Mapping[str, Needs],
    snapshot: Snapshot,
    registry: Registry,
) -> Refused:
    """Whatever a declaration names must be in the database or be made by this plan, and must not be deleted by it."""
    makers = {draft.kind.name for draft in objects.values() if draft.action == "create"}
    for address, draft in objects.items():
        if draft.declared is not None:
            brought = any(kind in makers for kind in draft.kind.after)
            for reference in needs[address].after:
                if reference.type in registry.kinds or not brought:
                    yield from _check(reference, draft.declared, objects, snapshot)
    for edge in edges.values():
        if edge.declared is not None:
            for reference in references(edge):
                # Objects that edges are on were checked when they were expanded.
                if reference.attribute != "on":
                    yield from _check(reference, edge.declared, objects, snapshot)


def _check(reference: Reference, declared: Declared, objects: Mapping[str, Draft], snapshot: Snapshot) -> Refused:
    draft = objects.get(str(reference))
    source, address = _source(declared), declared.address
    if draft is not None and draft.declared is not None:
        return
    if draft is not None and draft.action == "delete":
        hint = f"keep {reference} declared, or change {address} as well"
        yield Exit.ERROR, Problem(f"{reference.attribute} names {reference}, which this plan deletes", source, address, hint)
    elif snapshot.found.get(reference.target) is None:
        yield Exit.ERROR, _unknown(reference, source, address, objects, snapshot)


def _unknown(
    reference: Reference, source: Source | None, address: str, objects: Mapping[str, Draft], snapshot: Snapshot
) -> Problem:
    known = {found.key for found in snapshot.of(reference.type)}
    known |= {draft.key for draft in objects.values() if draft.kind.name == reference.type and draft.declared}
    close = difflib.get_close_matches(reference.key, sorted(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"declare [{reference.type}.{reference.key}], or correct the name"
    message = f"{reference.attribute} names {reference}, which is neither declared nor in the database"
    return Problem(message, source, address, hint)


def dependents(objects: Mapping[str, Draft], edges: Mapping[str, EdgeDraft], snapshot: Snapshot, registry: Registry) -> Refused:
    """What stands on an object that goes, and is not managed, would stop the DROP, or vanish with a replacement."""
    dropped = {(draft.kind.name, draft.key): draft for draft in objects.values() if draft.drops}
    if not dropped:
        return
    for found in sorted(snapshot.found.values(), key=lambda f: (f.type, f.key)):
        kind = registry.kinds.get(found.type)
        own = objects.get(f"{found.type}.{found.key}")
        if kind is None or is_edge_kind(kind) or found.extension:
            continue
        if registry.object_kind(found.type).adopts or (own is not None and (own.drops or own.makes)):
            continue
        for reference in kind.references(found.spec):
            draft = dropped.get(reference.target)
            if draft is not None:
                yield Exit.ERROR, _stranded(draft, f"{found.type}.{found.key}", managed=own is not None)
    yield from _lost_privileges(dropped.values(), edges.values())


def _stranded(draft: Draft, dependent: str, *, managed: bool) -> Problem:
    verb = "replace" if draft.action == "replace" else "delete"
    hint = f"change {dependent} first" if managed else f"import it first (pgplan import {dependent}), or remove it by hand"
    return Problem(f"cannot {verb} it: {dependent} stands on it", _source(draft.declared), draft.address, hint)


def _lost_privileges(dropped: Iterable[Draft], edges: Iterable[EdgeDraft]) -> Refused:
    # What is recorded and no longer declared goes in any case, unless policy says to leave it.
    claims = (claim for draft in edges for claim in (*draft.wanted, *(draft.recorded if draft.action != "forget" else ())))
    known = {(claim.edge.target, claim.edge.column, claim.edge.grantee, claim.edge.privilege) for claim in claims}
    for draft in dropped:
        if draft.action != "replace" or draft.found is None:
            continue
        for row in draft.found.acl:
            claim = ((draft.kind.name, draft.key), row.column, row.grantee, row.privilege)
            if row.grantee != draft.found.owner and claim not in known:
                message = f"replacing it would lose {row.privilege} granted to {row.grantee}, which is not declared"
                hint = "declare that grant, or revoke it first"
                yield Exit.ERROR, Problem(message, _source(draft.declared), draft.address, hint)


def check_safety(
    objects: Mapping[str, Draft], edges: Mapping[str, EdgeDraft], policy: Policy, facts: Facts, *, destroy: bool
) -> Refused:
    """Refuse to harm the connected role, to remove what is protected, and to delete more than `max_deletes`."""
    for draft in objects.values():
        if draft.found is not None and (draft.makes or draft.drops) and not draft.goes_with:
            loss = draft.kind.lock_out(draft.found, draft.spec, facts)
            if loss:
                hint = "run this with another role that may do it"
                message = f"would take {loss} from the role that pgplan is connected as"
                yield Exit.REFUSED, Problem(message, _source(draft.declared), draft.address, hint)
    for edge in edges.values():
        if edge.declared is None and edge.action == "delete":
            yield from _check_edge_removal(edge, policy, destroy=destroy)
    if policy.max_deletes is not None:
        yield from _check_limit(objects, edges, policy.max_deletes)


def check_rights(
    objects: Mapping[str, Draft],
    edges: Mapping[str, EdgeDraft],
    needs: Mapping[str, Needs],
    snapshot: Snapshot,
    registry: Registry,
) -> Refused:
    """Every right that the connected role lacks for this plan, all at once.

    Left to the server when the plan itself may give rights to the connected role.
    """
    facts = snapshot.facts
    me = grantee_part(role_grantee(facts.role))
    gains = any(draft.makes and reference.key == me for a, draft in objects.items() for reference in needs[a].after)
    gains |= any(change.edge.grantee == role_grantee(facts.role) for draft in edges.values() for change in draft.changes)
    if facts.superuser or gains:
        return
    by_kind = {name: provider.rights(snapshot) for name, provider in registry.providers.items()}
    for draft in objects.values():
        rights = by_kind[draft.kind.name]
        lacks: list[str | None] = []
        if (draft.drops and not draft.goes_with) or draft.action == "update":
            lacks.append(draft.kind.missing_right(draft.found, draft.spec if draft.action == "update" else None, rights))
        if draft.action in ("create", "replace"):
            lacks.append(draft.kind.missing_right(None, draft.spec, rights))
        yield from (_lacking(facts.role, one, draft.declared, draft.address) for one in lacks if one)
    for edge in edges.values():
        missing = {by_kind[edge.kind.name].missing_for(change) for change in edge.changes}
        yield from (_lacking(facts.role, one, edge.declared, edge.address) for one in sorted(missing - {None}, key=str) if one)


def _lacking(role: str, right: str, declared: Declared | None, address: str) -> tuple[Exit, Problem]:
    hint = f"give {role} that right, or connect as a role that has it"
    return Exit.ERROR, Problem(f"the connected role {role} lacks {right}", _source(declared), address, hint)


def _check_edge_removal(draft: EdgeDraft, policy: Policy, *, destroy: bool) -> Refused:
    if draft.entry is not None and draft.entry.protected:
        hint = "set protect = false in its block, apply that, and then remove it"
        yield Exit.REFUSED, Problem("is protected; this plan would revoke it", None, draft.address, hint)
    elif not destroy and policy.of(draft.kind.name).removed == "error":
        hint = f'declare it again, or say removed = "forget" or "delete" under [policy.{draft.kind.name}]'
        message = 'is recorded but no longer declared, and policy removed = "error"'
        yield Exit.REFUSED, Problem(message, None, draft.address, hint)


def _check_limit(objects: Mapping[str, Draft], edges: Mapping[str, EdgeDraft], limit: int) -> Refused:
    dropped = sum(1 for draft in objects.values() if draft.drops)
    revoked = sum(1 for d in edges.values() for c in d.changes if c.action == "revoke" and not c.only_option)
    if dropped + revoked > limit:
        message = f"this plan deletes {dropped} objects and revokes {revoked} privileges; max_deletes allows {limit}"
        yield Exit.REFUSED, Problem(message, address="policy", hint="raise max_deletes under [policy] if all of that is meant")
