"""From what is declared, recorded and found to a plan: every decision of pgplan, in one pure function.

docs/explanation/data-flow.md draws the whole way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, evolve, field

from pgplan.address import Address
from pgplan.configuration.model import Configuration, Declared, Policy
from pgplan.errors import Exit, PgplanError, Problem
from pgplan.kind import EdgeChange, InvalidBlockError, Snapshot, Spec
from pgplan.plan.access_lists import Live
from pgplan.plan.changes import depends_on, edge_change, object_change
from pgplan.plan.checks import check_references, check_rights, check_safety, dependents
from pgplan.plan.diff import Draft, draft_object, needs_record, refusals, removal
from pgplan.plan.edges import EdgeDraft, conclude, decide, edge_needs_record, expand, granted_here, references
from pgplan.plan.model import Change, Plan, PlanState, PlanTarget, Slot, Step
from pgplan.plan.order import Needs, order
from pgplan.plan.relied import relied_objects
from pgplan.plan.steps import steps_of
from pgplan.registry import Registry, is_edge_kind
from pgplan.state.model import Entry, State, Tombstone

SHOWN = 5
"""How many addresses a note names."""

Slots = Mapping[tuple[str, str], Slot]


@define
class _Work:
    """What is known while a plan is being made. `refused` collects problems with their exit codes."""

    registry: Registry
    policy: Policy
    snapshot: Snapshot
    destroy: bool
    include_adopted: bool
    objects: dict[str, Draft] = field(factory=dict[str, Draft])
    edges: dict[str, EdgeDraft] = field(factory=dict[str, EdgeDraft])
    needs: dict[str, Needs] = field(factory=dict[str, Needs])
    refused: list[tuple[Exit, Problem]] = field(factory=list[tuple[Exit, Problem]])


def build(
    configuration: Configuration,
    state: State,
    snapshot: Snapshot,
    registry: Registry,
    slots: Slots,
    *,
    state_hash: str,
    destroy: bool = False,
    include_adopted: bool = False,
    to_apply: bool = True,
) -> Plan:
    """Decide everything that `pgplan apply` will do.

    `slots` says for each (address, slot) what becomes of the secret; `state_hash` is the content hash of `state`. With `destroy`
    nothing counts as declared, and what was adopted is only forgotten unless `include_adopted`. A plan that is only to be looked
    at (`to_apply` false) is made whatever stands in the way.

    Raises PgplanError with every problem at once; its exit code is 5 when only policy or protection stand in the way.
    """
    work = _Work(registry, configuration.policy, snapshot, destroy, include_adopted)
    _draft_all(work, () if destroy else configuration.declared, state, slots)
    _spread_replacements(work)
    _find_companions(work)
    live = _live(work)
    changes = _decide_edges(work, live)
    if to_apply:
        _check(work)
    nodes = order(work.objects, work.needs, _edge_touched(work.edges.values(), changes), edges=bool(changes))
    steps = steps_of(nodes, work.objects, work.edges, registry)
    lines = _changes(work, steps)
    recording = frozenset(line.address for line in lines if line.action == "none")
    return Plan(
        name=configuration.name,
        mode="destroy" if destroy else "apply",
        state=PlanState(state.lineage, state.serial, state_hash),
        target=_target(snapshot),
        changes=lines,
        steps=steps,
        relied=relied_objects(work.objects, work.edges, work.needs, snapshot, changes, live, recording),
        notes=_notes(work),
        hidden=sum(1 for draft in work.objects.values() if _hidden(draft)),
    )


def _target(snapshot: Snapshot) -> PlanTarget:
    facts = snapshot.facts
    return PlanTarget(
        facts.system_identifier,
        facts.timeline,
        facts.database,
        facts.database_oid,
        facts.role,
        facts.session_role,
        facts.version,
    )


def _slots_by_address(slots: Slots) -> dict[str, dict[str, Slot]]:
    grouped: dict[str, dict[str, Slot]] = {}
    for (address, slot), status in slots.items():
        grouped.setdefault(address, {})[slot] = status
    return grouped


def _draft_all(work: _Work, declared: Iterable[Declared], state: State, slots: Slots) -> None:
    by_address = {one.address: one for one in _settled(work, declared)}
    entries = state.by_address()
    by_slot = _slots_by_address(slots)
    for address in sorted(by_address.keys() | entries.keys()):
        _draft_one(work, address, by_address.get(address), entries.get(address), by_slot.get(address, {}))
    for tombstone in state.tombstones:
        _draft_returned(work, tombstone)


def _settled(work: _Work, declared: Iterable[Declared]) -> Iterator[Declared]:
    """Specs with the defaults that depend on this server or on another object filled in."""
    declared = tuple(declared)
    specs = {(one.kind, one.key): one.spec for one in declared}

    def lookup(type_: str, key: str) -> Spec | None:
        found = work.snapshot.get(type_, key)
        return specs.get((type_, key)) or (found.spec if found else None)

    for one in declared:
        kind = work.registry.kinds[one.kind]
        if is_edge_kind(kind):
            yield one
            continue
        try:
            yield evolve(one, spec=work.registry.object_kind(one.kind).settle(one.spec, work.snapshot.facts, lookup))
        except InvalidBlockError as error:
            source = one.sources[0] if one.sources else None
            work.refused += [(Exit.ERROR, Problem(message, source, one.address, hint)) for _, message, hint in error.mistakes]


def _draft_one(work: _Work, address: str, declared: Declared | None, entry: Entry | None, slots: Mapping[str, Slot]) -> None:
    parsed = Address.parse(address)
    kind = work.registry.kinds.get(parsed.kind)
    if kind is None:
        problem = Problem(f"the state records the kind {parsed.kind!r}, which no installed provider knows", address=address)
        work.refused.append((Exit.ERROR, problem))
        return
    if is_edge_kind(kind):
        work.edges[address] = EdgeDraft(address, parsed.key, kind, declared, entry)
        return
    object_kind = work.registry.object_kind(parsed.kind)
    found = work.snapshot.get(parsed.kind, parsed.key)
    draft = draft_object(address, parsed.key, object_kind, declared, entry, found, slots)
    removal(draft, work.policy, destroy=work.destroy, include_adopted=work.include_adopted)
    work.objects[address] = draft
    work.needs[address] = Needs(
        tuple(object_kind.references(declared.spec)) if declared else (),
        tuple(object_kind.references(draft.found.spec)) if draft.found else (),
        tuple(object_kind.grounds(declared.spec, None)) if declared else (),
        tuple(object_kind.grounds(draft.found.spec, draft.found)) if draft.found else (),
    )


def _bringers(work: _Work) -> set[str]:
    """Kinds whose objects bring others, and take them along."""
    object_kinds = (work.registry.object_kind(name) for name, kind in work.registry.kinds.items() if not is_edge_kind(kind))
    return {name for kind in object_kinds for name in kind.after}


def _find_companions(work: _Work) -> None:
    """What is dropped together with what takes it along needs no statement of its own, nor the right to one."""
    bringers = _bringers(work)
    for address, draft in work.objects.items():
        if draft.action != "delete":
            continue
        if draft.kind.name in bringers:
            draft.members = tuple(found for found in work.snapshot.found.values() if found.extension == draft.key)
        for reference in work.needs[address].before:
            other = work.objects.get(str(reference))
            if reference.attribute in draft.kind.goes_with and other is not None and other.action == "delete":
                draft.goes_with = other.address


def _draft_returned(work: _Work, tombstone: Tombstone) -> None:
    """What was deleted and is found again with the same OID came back with a restored database: it is deleted again."""
    address = tombstone.address
    parsed = Address.parse(address)
    if address in work.objects or parsed.kind not in work.registry.kinds or is_edge_kind(work.registry.kinds[parsed.kind]):
        return
    kind = work.registry.object_kind(parsed.kind)
    found = work.snapshot.get(parsed.kind, parsed.key)
    if found is None or not tombstone.oid or found.oid != tombstone.oid:
        return
    reason = "was deleted by pgplan and came back with a restored database"
    work.objects[address] = Draft(address, parsed.key, kind, None, None, found, action="delete", reason=reason)
    work.needs[address] = Needs(before=tuple(kind.references(found.spec)))


def _spread_replacements(work: _Work) -> None:
    """What stands on an object that is replaced must be replaced with it."""
    standing: dict[str, list[Draft]] = {}
    for address, needs in work.needs.items():
        for reference in {*needs.before, *needs.after}:
            standing.setdefault(str(reference), []).append(work.objects[address])
    queue = [draft for draft in work.objects.values() if draft.action == "replace"]
    while queue:
        ground = queue.pop()
        for draft in standing.get(ground.address, ()):
            if draft.found is not None and draft.action in ("none", "adopt", "update"):
                draft.action = "replace"
                draft.reason = f"{ground.address} is replaced"
                draft.slots = {slot: _resent(status) for slot, status in draft.slots.items()}
                queue.append(draft)


def _resent(status: Slot) -> Slot:
    """What becomes of a secret whose object is made anew: it must be sent, so its value is required."""
    match status:
        case "same":
            return "new"
        case "unchecked":
            return "deferred"
        case _:
            return status


def _live(work: _Work) -> Live:
    drafts = [((draft.kind.name, draft.key), draft) for draft in work.objects.values()]
    bringers = _bringers(work)
    brings = any(draft.action == "create" and draft.kind.name in bringers for _, draft in drafts)
    members = ((found.type, found.key) for draft in work.objects.values() for found in draft.members)
    return Live(
        work.snapshot,
        fresh=frozenset(target for target, draft in drafts if draft.action in ("create", "replace")),
        gone=frozenset([*(target for target, draft in drafts if draft.action == "delete"), *members]),
        owners={t: d.after["owner"] for t, d in drafts if d.action == "update" and d.after and "owner" in d.changed},
        brought=frozenset(work.registry.readers.keys() - work.registry.kinds.keys()) if brings else frozenset(),
    )


def _decide_edges(work: _Work, live: Live) -> list[EdgeChange]:
    drafts = [work.edges[address] for address in sorted(work.edges)]
    work.refused += [(Exit.ERROR, problem) for problem in expand(drafts, live)]
    keep = frozenset(draft.address for draft in drafts if _kept(work, draft))
    changes, problems = decide(drafts, live, keep)
    work.refused += [(Exit.ERROR, problem) for problem in problems]
    ours = granted_here((draft for draft in drafts if not draft.kind.forbids), changes)
    for draft in drafts:
        conclude(draft, live, ours, destroy=work.destroy)
        if draft.address in keep and draft.declared is None:
            why = "was adopted, not created, by pgplan" if work.destroy else "no longer declared"
            draft.action, draft.reason = "forget", f"{why}; its privileges are left as they are"
    return changes


def _kept(work: _Work, draft: EdgeDraft) -> bool:
    if draft.entry is None or draft.declared is not None:
        return False
    if work.destroy:
        return draft.entry.origin == "adopted" and not work.include_adopted
    return work.policy.of(draft.kind.name).removed == "forget"


def _edge_touched(drafts: Iterable[EdgeDraft], changes: Iterable[EdgeChange]) -> list[tuple[str, str]]:
    """Objects and roles that must be made before privileges change, or dropped after."""
    touched = {change.edge.target for change in changes}
    for draft in drafts:
        if draft.changes:
            touched.update(reference.target for reference in references(draft))
    return sorted(touched)


def _check(work: _Work) -> None:
    """Raise every reason not to go on, with the one exit code that they share, or 1."""
    for draft in work.objects.values():
        work.refused += refusals(draft, work.policy, destroy=work.destroy)
    work.refused += check_references(work.objects, work.edges, work.needs, work.snapshot, work.registry)
    work.refused += dependents(work.objects, work.edges, work.snapshot, work.registry)
    work.refused += check_rights(work.objects, work.edges, work.needs, work.snapshot, work.registry)
    work.refused += check_safety(work.objects, work.edges, work.policy, work.snapshot.facts, destroy=work.destroy)
    if work.refused:
        codes = {code for code, _ in work.refused}
        problems = sorted({problem for _, problem in work.refused}, key=lambda p: (str(p.source or ""), p.address, p.message))
        raise PgplanError(*problems, exit_code=codes.pop() if len(codes) == 1 else Exit.ERROR)


def _changes(work: _Work, steps: tuple[Step, ...]) -> tuple[Change, ...]:
    """A line for each address that is touched or recorded anew, in the order of addresses."""
    numbers: dict[str, list[int]] = {}
    for step in steps:
        for address in step.addresses:
            numbers.setdefault(address, []).append(step.number)
    lines: list[Change] = []
    for address in sorted({*work.objects, *work.edges}):
        done = tuple(numbers.get(address, ()))
        draft = work.objects.get(address)
        if draft is not None:
            needs = work.needs[address].after
            if draft.action != "none" or needs_record(draft, depends_on(needs)):
                lines.append(object_change(draft, needs, done, work.snapshot))
            continue
        edge = work.edges[address]
        named = references(edge)
        if edge.action != "none" or edge_needs_record(edge, depends_on(named)):
            lines.append(edge_change(edge, named, done, work.snapshot))
    return tuple(lines)


def _hidden(draft: Draft) -> tuple[str, ...]:
    """Declared attributes that the server does not show, so that they are compared with what is recorded."""
    found, after = draft.shown, draft.after or {}
    return tuple(name for name in found.hidden if after.get(name) is not None) if found is not None else ()


def _notes(work: _Work) -> tuple[str, ...]:
    notes: list[str] = []
    hidden = [f"{draft.address} ({', '.join(_hidden(draft))})" for draft in work.objects.values() if _hidden(draft)]
    if hidden:
        more = f" and {len(hidden) - SHOWN} more" if len(hidden) > SHOWN else ""
        notes.append(f"hidden from this role, so compared with what is recorded: {', '.join(hidden[:SHOWN])}{more}")
    unchecked = sum(1 for d in work.objects.values() for slot in d.slots.values() if slot == "unchecked" and d.declared)
    if unchecked:
        notes.append(f"{unchecked} secret{'s' if unchecked > 1 else ''} not checked: no value here; what is recorded counts")
    return tuple(notes)
