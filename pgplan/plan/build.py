"""From what is declared, recorded and found to a plan: every decision of pgplan, in one pure function.

docs/explanation/data-flow.md draws the whole way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from operator import attrgetter

from attrs import evolve, frozen

from pgplan.address import Address, Identity
from pgplan.configuration.model import Configuration, Declared, Policy
from pgplan.errors import Exit, PgplanError, Problem
from pgplan.kind import InvalidBlockError
from pgplan.plan import anew
from pgplan.plan.alike import alike_in_plan
from pgplan.plan.changes import changes_of, secrecy_of
from pgplan.plan.checks import check, sorted_problems
from pgplan.plan.claims import Holder, holder
from pgplan.plan.consequences import Decisions, with_companions, with_contents, with_heirs, with_replacements
from pgplan.plan.edges import Privileges, decide_edges
from pgplan.plan.lacking import lost_on_the_way
from pgplan.plan.model import NO_OPTIONS, Decided, Observations, Options, Plan, PlanState, Remarks, Slot, Step, Undeclared
from pgplan.plan.moves import moved
from pgplan.plan.objects import Decision, Needs, decide_object, estranged, needs_of, refusals, removed, source_of
from pgplan.plan.order import order
from pgplan.plan.outlook import outlook_of
from pgplan.plan.owners import decide_owners
from pgplan.plan.partial import select
from pgplan.plan.parts import temporary_key, with_phases
from pgplan.plan.relied import relied_upon
from pgplan.plan.renames import World, renamed_world
from pgplan.plan.rights import Known, leading, with_runners
from pgplan.plan.specs import SpecsOf, specs
from pgplan.plan.steps import phases_of
from pgplan.plan.undeclared import Survey, coverage, survey_of, undeclared_objects
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Snapshot
from pgplan.state.model import Entry, State, Tombstone

SHOWN = 5
"""How many addresses a note names."""

Slots = Mapping[tuple[str, str], Slot]


@frozen
class _Given:
    """What a plan is made of."""

    declared: Mapping[str, Declared]
    """By address; definite for this server."""
    entries: Mapping[str, Entry]
    tombstones: tuple[Tombstone, ...]
    snapshot: Snapshot
    registry: Registry
    policy: Policy
    slots: Mapping[str, Mapping[str, Slot]]
    options: Options
    spec_of: SpecsOf
    found_of: SpecsOf
    left_out: frozenset[str]
    survey: Survey | None

    @property
    def default(self) -> str:
        """The database that goes without saying."""
        return self.snapshot.facts.database

    def found_as(self, address: str) -> Identity:
        return self.registry.found_as(Address.parse(address), self.default)


def build(
    configuration: Configuration,
    state: State,
    snapshot: Snapshot,
    registry: Registry,
    slots: Slots,
    *,
    state_hash: str,
    options: Options = NO_OPTIONS,
    to_apply: bool = True,
    also: Iterable[Declared] = (),
) -> tuple[Plan, Remarks]:
    """Decide everything that `pgplan apply` will do.

    `slots` says for each (address, slot) what becomes of the secret; `state_hash` is the content hash of `state`. To destroy,
    nothing counts as declared, and what was adopted is only forgotten unless the options include it. A plan that is only to be
    looked at (`to_apply` false) is made whatever stands in the way, and what is undeclared is only told. `also` is declared
    elsewhere, so that it is not undeclared.

    Raises PgplanError with every problem at once; its exit code is 5 when only policy or protection stand in the way.
    """
    destroy, said = options.destroy, () if options.destroy else configuration.declared
    moves = moved(configuration.moves, state, snapshot.facts.database)
    state = moves.state
    selection = select(said, state, snapshot, registry, options)
    said = selection.to_rename(said)
    world = renamed_world(said, state, snapshot, registry, moves.addresses)
    state, snapshot = world.state, world.snapshot
    spec_of = specs(said, snapshot, registry)
    declared, problems = _completed(said, snapshot, registry, spec_of)
    problems += [*world.problems, *moves.problems]
    # A part of a plan leaves out what nobody declares: it is about what is named.
    whole = not destroy and not options.partial
    survey = survey_of(configuration, state, snapshot, registry, reports=not to_apply, also=also) if whole else None
    given = _Given(
        declared,
        state.by_address(),
        state.tombstones,
        snapshot,
        registry,
        configuration.policy,
        _by_address(slots),
        options,
        spec_of,
        specs((), snapshot, registry),
        selection.left_out,
        survey,
    )
    found, undeclared = _objects(given, problems)
    # Who manages an object besides, part of the plan or not, is known before any of them is left out.
    objects = with_heirs({address: _called(one, world) for address, one in found.items()})
    objects, wrong = selection.within(objects)
    decisions = with_contents(with_companions(with_replacements(objects), snapshot))
    outlook = outlook_of(decisions.values(), snapshot, registry)
    holders = _holders(given, problems)
    owners = decide_owners(holders, outlook)
    outlook = owners.outlook(outlook)
    privileges = decide_edges(holders, owners, outlook, options, survey, _also(given))
    rights = Known(outlook)
    privileges = with_runners(privileges, rights)
    if to_apply:
        about = (one for one in (*problems, *privileges.problems) if one.address not in selection.left_out)
        refused = _refused(given, decisions, (*wrong, *selection.torn(world), *about), moves.addresses)
        _raise([*refused, *check(decisions, privileges, rights, world.renames, given.policy, given.left_out, destroy=destroy)])
    leads = leading(decisions, rights)
    ordered = order(decisions, privileges, outlook, leads)
    if to_apply:
        _raise([*lost_on_the_way(ordered, leads, decisions, privileges, rights)])
    temporary = partial(temporary_key, configuration.name, state.serial)
    phases = phases_of(ordered, decisions, privileges, world.renames, outlook, temporary)
    steps = tuple(step for phase in phases for step in phase.steps)
    changes = changes_of(decisions, privileges, world, steps)
    recording = frozenset(change.address for change in changes if change.action == "none" or change.renamed)
    observed, checks = world.as_found(*relied_upon(decisions, privileges, outlook, recording), registry)
    decided = Decided(
        name=configuration.name,
        options=options,
        state=PlanState(state.lineage, state.serial, state_hash),
        changes=changes,
        phases=phases,
        checks=with_phases(checks, phases, decisions, privileges, temporary),
        slots=secrecy_of(decisions, changes),
        origins=configuration.origins if _sends_secrets(steps) else {},
    )
    facts = snapshot.facts
    databases = tuple((one.database, one.database_oid) for one in (facts, *snapshot.others.values()))
    observations = Observations(facts.system_identifier, facts.version // 10000, facts.role, databases, observed)
    cautions = (*selection.notes(), *moves.notes, *world.notes, *_cautions(decisions))
    more = (
        (*cautions, *privileges.notes, *alike_in_plan(configuration.declared, given.entries, snapshot, registry))
        if to_apply
        else ()
    )
    remarks = _with_survey(
        _remarks(decisions, privileges, snapshot, more, to_apply=to_apply), survey, undeclared, decisions, privileges
    )
    return Plan(decided, observations), remarks


def _with_survey(
    remarks: Remarks, survey: Survey | None, objects: Iterable[Undeclared], decisions: Decisions, privileges: Privileges
) -> Remarks:
    """With what nobody declares, and how much was looked at."""
    if survey is None:
        return remarks
    told = sorted((*objects, *privileges.undeclared), key=attrgetter("address"))
    covered = coverage(decisions.values(), privileges.claimed, survey)
    return evolve(remarks, undeclared=tuple(told), coverage=covered)


def _refused(
    given: _Given, decisions: Decisions, problems: Iterable[Problem], moves: Mapping[str, str]
) -> list[tuple[Exit, Problem]]:
    refused = [(Exit.ERROR, problem) for problem in problems]
    for decision in decisions.values():
        refused += refusals(decision, given.policy, destroy=given.options.destroy)
    return refused + anew.refusals(decisions.values(), given.policy, moves)


def _called(decision: Decision, world: World) -> Decision:
    rename = world.by_address.get(decision.address)
    return decision if rename is None else evolve(decision, former=rename.former_address)


def _by_address(slots: Slots) -> dict[str, dict[str, Slot]]:
    grouped: dict[str, dict[str, Slot]] = {}
    for (address, slot), status in slots.items():
        grouped.setdefault(address, {})[slot] = status
    return grouped


def _completed(
    declared: Iterable[Declared], snapshot: Snapshot, registry: Registry, specs_of: SpecsOf
) -> tuple[dict[str, Declared], list[Problem]]:
    """Specs with the defaults that depend on this server or on another object filled in; and what this server cannot do."""
    completed: dict[str, Declared] = {}
    problems: list[Problem] = []
    for one in declared:
        completed[one.address] = one
        if is_edge_kind(registry.kinds[one.kind]):
            continue
        try:
            facts = snapshot.facts_of(one.database)
            spec = registry.object_kind(one.kind).complete(one.spec, facts, specs_of(one.database))
            if spec is not one.spec:
                completed[one.address] = evolve(one, spec=spec)
        except InvalidBlockError as error:
            del completed[one.address]
            problems += [Problem(message, source_of(one), one.address, hint) for _, message, hint in error.mistakes]
    return completed, problems


def _also(given: _Given) -> list[Holder]:
    """Who claims what is declared elsewhere."""
    also = given.survey.also if given.survey is not None else ()
    edges = ((one, given.found_as(one.address).database) for one in also if is_edge_kind(given.registry.kinds[one.kind]))
    facts = given.snapshot.facts
    return [holder(given.registry.edge_kind(one.kind), one, None, facts, database, kept=False)[0] for one, database in edges]


def _objects(given: _Given, problems: list[Problem]) -> tuple[Decisions, list[Undeclared]]:
    """The decision table, address by address, and what is undeclared and only told."""
    decisions: dict[str, Decision] = {}
    for address in sorted(given.declared.keys() | given.entries.keys()):
        parsed = Address.parse(address)
        kind = given.registry.kinds.get(parsed.kind)
        if kind is None:
            message = f"the state records the kind {parsed.kind!r}, which no installed provider knows"
            problems.append(Problem(message, address=address))
        elif not is_edge_kind(kind):
            decisions[address] = _object(address, parsed, given)
    for tombstone in given.tombstones:
        returned = _returned(tombstone, given) if tombstone.address not in decisions else None
        if returned is not None:
            decisions[tombstone.address] = returned
    told: list[Undeclared] = []
    if given.survey is not None:
        dropped, told = undeclared_objects(decisions.values(), given.survey, given.spec_of)
        decisions |= dropped
    return {address: decisions[address] for address in sorted(decisions)}, told


def _object(address: str, parsed: Address, given: _Given) -> Decision:
    kind, one = given.registry.object_kind(parsed.kind), given.found_as(address)
    declared, entry = given.declared.get(address), given.entries.get(address)
    database = one.database or given.default
    meant = given.registry.meant(kind.name, parsed.key, database)
    found, slots = given.snapshot.get(one), given.slots.get(address, {})
    other = anew.another(kind, one, entry, given.snapshot, slots)
    renamed = other.renamed if other else anew.renamed_to(entry, one, given.snapshot) if entry and not found else ""
    if other is not None and declared is not None:
        entry = None
    needs = needs_of(kind, declared, found, given.spec_of(database), given.registry, database)
    equal = other.entry if other is not None and other.equal else None
    decision = decide_object(address, kind, one, meant, declared, entry, found, slots, needs, equal)
    decision = evolve(decision, estranged=estranged(kind, declared, found, given.spec_of(database), given.found_of(database)))
    decision = removed(decision, given.policy, destroy=given.options.destroy, include_adopted=given.options.include_adopted)
    return anew.told(decision, other, renamed)


def _returned(tombstone: Tombstone, given: _Given) -> Decision | None:
    """What was deleted and is found again with the same OID came back with a restored database: it is deleted again."""
    parsed = Address.parse(tombstone.address)
    if parsed.kind not in given.registry.kinds or is_edge_kind(given.registry.kinds[parsed.kind]):
        return None
    kind, one = given.registry.object_kind(parsed.kind), given.found_as(tombstone.address)
    database = one.database or given.default
    found = given.snapshot.get(one)
    if found is None or not tombstone.oid or found.oid != tombstone.oid:
        return None
    meant = given.registry.meant(kind.name, parsed.key, database)
    decision = decide_object(tombstone.address, kind, one, meant, None, None, found, {})
    needs = needs_of(kind, None, found, given.spec_of(database), given.registry, database)
    reason = "was deleted by pgplan and came back with a restored database"
    return evolve(decision, reason=reason, needs=Needs(before=needs.before))


def _holders(given: _Given, problems: list[Problem]) -> list[Holder]:
    holders: list[Holder] = []
    for address in sorted(given.declared.keys() | given.entries.keys()):
        name = Address.parse(address).kind
        if name not in given.registry.kinds or not is_edge_kind(given.registry.kinds[name]):
            continue
        declared, entry = given.declared.get(address), given.entries.get(address)
        forgets = not given.options.destroy and given.policy.of(name).removed == "forget"
        one, wrong = holder(
            given.registry.edge_kind(name),
            declared,
            entry,
            given.snapshot.facts,
            given.found_as(address).database,
            kept=forgets and declared is None,
            left_out=address in given.left_out,
        )
        holders.append(one)
        problems += wrong
    return holders


def _raise(refused: list[tuple[Exit, Problem]]) -> None:
    """Raise every reason not to go on, with the one exit code that they share, or 1."""
    if refused:
        codes = {code for code, _ in refused}
        problems = sorted_problems(problem for _, problem in refused)
        raise PgplanError(*problems, exit_code=codes.pop() if len(codes) == 1 else Exit.ERROR)


def _sends_secrets(steps: Iterable[Step]) -> bool:
    return any(statement.secret is not None for step in steps for statement in step.statements)


def _hidden(decision: Decision) -> tuple[str, ...]:
    """Declared attributes that the server does not show, so that they are compared with what is recorded."""
    found, after = decision.shown, decision.after or {}
    return tuple(name for name in found.hidden if after.get(name) is not None) if found is not None else ()


def _remarks(decisions: Decisions, privileges: Privileges, snapshot: Snapshot, more: Iterable[str], *, to_apply: bool) -> Remarks:
    facts = snapshot.facts
    hidden = [f"{one.address} ({', '.join(_hidden(one))})" for one in decisions.values() if _hidden(one)]
    return Remarks(
        notes=(*_notes(hidden, decisions if to_apply else {}, privileges), *more),
        hidden=len(hidden),
        timeline=facts.timeline,
        lsn=facts.lsn,
        server_version=facts.version,
        session_role=facts.session_role,
    )


def _cautions(decisions: Decisions) -> Iterator[str]:
    """What to think of, once for all that it is said of."""
    said: dict[str, list[str]] = {}
    for decision in decisions.values():
        if decision.makes or decision.action == "adopt":
            for caution in decision.kind.cautions(decision.made_spec):
                said.setdefault(caution, []).append(decision.address)
    for caution, addresses in said.items():
        more = f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else ""
        yield f"{', '.join(addresses[:SHOWN])}{more}: {caution}"


def _notes(hidden: list[str], decisions: Decisions, privileges: Privileges) -> Iterable[str]:
    if hidden:
        more = f" and {len(hidden) - SHOWN} more" if len(hidden) > SHOWN else ""
        yield f"hidden from this role, so compared with what is recorded: {', '.join(hidden[:SHOWN])}{more}"
    unchecked = sum(1 for one in decisions.values() for slot in one.slots.values() if slot == "unchecked" and one.declared)
    if unchecked:
        yield f"{unchecked} secret{'s' if unchecked > 1 else ''} not checked: no value here; what is recorded counts"
    for edge in privileges.decisions.values():
        if edge.staying and edge.action != "forget":
            why = "PostgreSQL gives them by default, and they were there before pgplan"
            yield f"{edge.address}: {edge.staying} of its privileges stay: {why}"
