"""What the plan says of each address of an edge kind, from what was decided of the classes that its claims are about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter

from attrs import define, evolve, field, frozen

from pgplan.address import Identity
from pgplan.errors import Problem
from pgplan.images import Image
from pgplan.kind import Edge, EdgeChange, OwnerChange
from pgplan.plan.adoption import folded
from pgplan.plan.claims import Holder, classes_of
from pgplan.plan.lists import changes_by_object, lists_after, shown, unheeded
from pgplan.plan.matches import match_notes
from pgplan.plan.model import Action, Options, Side, Undeclared
from pgplan.plan.objects import Need, depends_on
from pgplan.plan.outlook import Outlook
from pgplan.plan.owners import Owners
from pgplan.plan.privileges import Outcome, Verdict, decide
from pgplan.plan.sweep import Collected, Found, Sweeper, given_by
from pgplan.plan.sweeping import ItemChange, edge_change
from pgplan.plan.undeclared import Survey
from pgplan.registry import Registry
from pgplan.snapshot import AccessList
from pgplan.state.model import NOTHING_ADOPTED, Adopted

SHOWN = 3
"""How many objects, or addresses, a reason names."""


@frozen
class EdgeDecision:
    """What the plan says of one address of an edge kind."""

    holder: Holder
    needs: tuple[Need, ...]
    action: Action = "none"
    changes: tuple[EdgeChange, ...] = ()
    owners: tuple[OwnerChange, ...] = ()
    moved: Side = ""
    reason: str = ""
    grantors: tuple[str, ...] = ()
    adopted: Adopted = NOTHING_ADOPTED
    anew: bool = False
    """What it adopted is to be recorded anew, because some of it is granted now."""
    staying: int = 0
    """Edges that it no longer wants and that stay, because PostgreSQL itself gives them."""

    @property
    def address(self) -> str:
        return self.holder.address

    @property
    def after(self) -> Image | None:
        return self.holder.after

    @property
    def acts(self) -> bool:
        """Whether there are statements."""
        return bool(self.changes or self.owners)


@frozen
class Privileges:
    """All that is decided of access lists, and of owners that objects do not say themselves."""

    decisions: Mapping[str, EdgeDecision]
    """By address, in their order."""
    again: Mapping[Identity, tuple[EdgeChange, ...]]
    """By the object that a decision is about: what its list needs without anybody's claim, or the lists that go with it."""
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    """What patterns match or do not."""
    born: Mapping[Identity, AccessList] = field(factory=dict[Identity, AccessList])
    """What privileges on objects that are made, or made anew, change from."""
    undeclared: tuple[Undeclared, ...] = ()
    """What nothing is done about."""
    claimed: frozenset[Identity] = frozenset()
    """The objects that claims are about."""

    def is_first(self, address: str) -> bool:
        """Whether privileges that an address asks for change before what they say of is made."""
        return address in self.decisions and bool(self.decisions[address].holder.kind.right_after)

    @property
    def changes(self) -> list[EdgeChange]:
        of_holders = [change for decision in self.decisions.values() for change in decision.changes]
        return [*of_holders, *(change for changes in self.again.values() for change in changes)]

    @cached_property
    def granted(self) -> frozenset[Edge]:
        return frozenset(change.edge for change in self.changes if change.action == "grant")

    @property
    def owners(self) -> dict[OwnerChange, str]:
        """Each object that gets another owner, and the address that asks for it."""
        return {change: address for address, decision in self.decisions.items() for change in decision.owners}


@define
class _Gathered:
    """What the classes mean for one holder, taken together."""

    changes: list[EdgeChange] = field(factory=list[EdgeChange])
    went: list[Identity] = field(factory=list[Identity])
    replaced: list[Identity] = field(factory=list[Identity])
    outcomes: list[Outcome] = field(factory=list[Outcome])
    staying: int = 0


@define
class _Turn:
    """What is decided of some kinds together."""

    decisions: dict[str, EdgeDecision]
    again: dict[Identity, tuple[EdgeChange, ...]]
    problems: list[Problem]
    notes: list[str]
    undeclared: list[Undeclared]
    claimed: frozenset[Identity]


def decide_edges(
    holders: Sequence[Holder],
    owners: Owners,
    outlook: Outlook,
    asked: Options,
    survey: Survey | None = None,
    also: Sequence[Holder] = (),
) -> Privileges:
    """Decide every address of an edge kind, and what becomes of lists without anybody's claim. `outlook` has the `owners`.

    Those whose privileges say what others are born with are decided first: the others are decided as it will be then. What `also`
    claims is not undeclared, and nothing else comes of it.
    """
    first, others = _parted(holders)
    also_first, also_others = _parted(also)
    sweeper = Sweeper(survey, outlook) if survey is not None else None
    earlier = _decided(first, owners, outlook, asked, sorted(outlook.cleared), sweeper, also_first, is_first=True)
    lists = lists_after((change for one in earlier.decisions.values() for change in one.changes), outlook)
    changed_by = {one.holder: one.changes for one in earlier.decisions.values()}
    problems = [*earlier.problems, *owners.problems, *unheeded(changed_by, lists, outlook)]
    outlook = outlook.after(lists, (name for one in changed_by for name in one.kind.right_after))
    if survey is not None:
        sweeper = Sweeper(survey, outlook, given_by((*first, *also_first), outlook))
    made = [one.object for one in outlook.decisions if one.creates and _makes_up(one.object, outlook)]
    later = _decided(others, owners, outlook, asked, made, sweeper, also_others, is_first=False)
    again = {**earlier.again, **later.again}
    decisions = dict(sorted({**earlier.decisions, **later.decisions}.items()))
    changed = changes_by_object(
        change for changes in (*again.values(), *(one.changes for one in later.decisions.values())) for change in changes
    )
    born = {one: start for one in changed if outlook.fate(one) != "kept" and (start := outlook.start(one)) is not None}
    return Privileges(
        decisions,
        again,
        (*problems, *later.problems),
        (*earlier.notes, *later.notes),
        born,
        (*earlier.undeclared, *later.undeclared),
        earlier.claimed | later.claimed,
    )


def _parted(holders: Sequence[Holder]) -> tuple[list[Holder], list[Holder]]:
    """Those that are decided first, and the others."""
    first = [one for one in holders if one.kind.right_after]
    return first, [one for one in holders if not one.kind.right_after]


def _decided(
    holders: Sequence[Holder],
    owners: Owners,
    outlook: Outlook,
    asked: Options,
    unasked: Iterable[Identity],
    sweeper: Sweeper | None,
    also: Sequence[Holder],
    *,
    is_first: bool,
) -> _Turn:
    kinds = [kind for kind in outlook.registry.list_kinds() if bool(kind.right_after) is is_first]
    classes = classes_of(holders, outlook, unasked, sweeper.sweeps(kinds) if sweeper is not None else {}, also)
    problems = list(classes.problems)
    gathered: dict[Holder, _Gathered] = {one: _Gathered() for one in holders}
    again: dict[Identity, tuple[EdgeChange, ...]] = {}
    swept = Collected(sweeper.survey) if sweeper is not None else None
    for cls in classes.all:
        verdict = decide(cls, outlook, asked)
        problems += verdict.problems
        if swept is not None:
            swept.add(verdict)
        for one, outcome in verdict.outcomes.items():
            _gather(gathered[one], outcome, verdict)
        for on in cls.objects if verdict.again else ():
            # What goes with its owner is told with that.
            teller = outlook.cleared.get(on, on)
            again[teller] = (*again.get(teller, ()), *_edges(verdict.again, [on]))
    decisions = (
        _concluded(one, gathered[one], owners.changes.get(one.address, ()), outlook.registry, asked)
        for one in sorted(holders, key=attrgetter("address"))
        if not one.left_out
    )
    by_address = {one.address: one for one in decisions}
    turn = _Turn(by_address, again, problems, list(match_notes(classes)), [], classes.claimed)
    if swept is not None:
        for found in swept.by_address.values():
            first = outlook.snapshot.get(found.objects[0])
            _take(turn, found, swept.survey.reason(found.address, ", ".join(found.whys), first))
    return turn


def _take(turn: _Turn, found: Found, reason: str) -> None:
    """Delete what is undeclared under one address, or tell it."""
    if found.sweep.deletes:
        before = turn.decisions.get(found.address)
        turn.decisions[found.address] = _swept(found, reason) if before is None else _beside(before, found, reason)
    else:
        told = Undeclared(found.address, found.sweep.kind.name, found.database, reason, edges=shown(found.changes))
        turn.undeclared.append(told)


def _swept(found: Found, reason: str) -> EdgeDecision:
    """What nothing declares under the address."""
    holder = Holder(found.address, found.sweep.kind, found.database, None, None, None)
    return EdgeDecision(holder, tuple(map(Need, found.roles)), "delete", tuple(found.changes), reason=reason)


def _beside(decision: EdgeDecision, found: Found, reason: str) -> EdgeDecision:
    """What the same address does not declare."""
    action: Action = "delete" if decision.action == "forget" else decision.action
    moved: Side = decision.moved
    if decision.action in ("none", "adopt"):
        action, moved = "update", "" if decision.action == "adopt" else "database"
    changed = evolve(decision, action=action, moved=moved, changes=(*decision.changes, *found.changes))
    return _with_reasons(changed, f"what it does not declare is {reason}")


def _makes_up(one: Identity, outlook: Outlook) -> bool:
    start, due = outlook.start(one), outlook.due(one)
    return start is not None and due is not None and start.privileges != due.privileges


def _gather(into: _Gathered, outcome: Outcome, verdict: Verdict) -> None:
    objects = verdict.cls.objects
    into.outcomes.append(outcome)
    into.changes += _edges(outcome.changes, objects)
    if outcome.went:
        into.went += objects
    if outcome.changes and verdict.cls.fate == "replaced":
        into.replaced += objects
    into.staying += len(outcome.staying) * len(objects)


def _edges(changes: Iterable[ItemChange], objects: Iterable[Identity]) -> list[EdgeChange]:
    changes = tuple(changes)
    return [edge_change(c, one) for one in objects for c in changes]


def _concluded(
    one: Holder, gathered: _Gathered, owners: tuple[OwnerChange, ...], registry: Registry, asked: Options
) -> EdgeDecision:
    decision = EdgeDecision(
        one,
        needs=tuple(Need(registry.target(reference, one.database), reference.attribute) for reference in one.references),
        changes=tuple(gathered.changes),
        owners=owners,
        grantors=tuple(sorted({grantor for outcome in gathered.outcomes for grantor in outcome.grantors})),
        adopted=_adopted(one, gathered),
        anew=any(outcome.unlisted for outcome in gathered.outcomes),
        staying=gathered.staying,
    )
    if one.declared is None:
        return _removed(decision, gathered, asked)
    if one.entry is None:
        shared = any(outcome.shared for outcome in gathered.outcomes)
        adopting = not decision.acts and (decision.adopted != NOTHING_ADOPTED or one.kind.of_owners)
        reason = "" if adopting or decision.acts else _without_changes(one, shared=shared)
        # What only takes away, or gives away what is there, is no addition, although the block is new.
        takes = decision.acts and all(change.action == "revoke" for change in decision.changes)
        action: Action = "adopt" if adopting else "update" if takes else "create"
        return _with_reasons(evolve(decision, action=action), reason, _overruled(gathered), _losers(gathered))
    return _with_reasons(_updated(decision, gathered), _overruled(gathered), _losers(gathered)) if decision.acts else decision


def _overruled(gathered: _Gathered) -> str:
    winners = {address for outcome in gathered.outcomes for address in outcome.overruled}
    return f"{_listed(winners)} {'takes' if len(winners) == 1 else 'take'} precedence" if winners else ""


def _losers(gathered: _Gathered) -> str:
    """Who may no longer grant what it wants, so that its owner does."""
    losers = {role for outcome in gathered.outcomes for role in outcome.losers}
    return f"{_listed(losers)}, who granted it, may grant it no longer" if losers else ""


def _with_reasons(decision: EdgeDecision, *more: str) -> EdgeDecision:
    return evolve(decision, reason="; ".join(reason for reason in (decision.reason, *more) if reason))


def _without_changes(one: Holder, *, shared: bool) -> str:
    if any(not claim.forbids for claim in one.claims):
        return "granted by another block too" if shared else ""
    return "nothing to revoke"


def _adopted(one: Holder, gathered: _Gathered) -> Adopted:
    """What is recorded stays so, until something of it is asked for or given anew."""
    moved = gathered.changes or any(outcome.unlisted for outcome in gathered.outcomes)
    if one.entry is not None and not one.spec_moved and not moved:
        return one.entry.adopted
    return folded(outcome.split for outcome in gathered.outcomes if outcome.split is not None)


def _removed(decision: EdgeDecision, gathered: _Gathered, asked: Options) -> EdgeDecision:
    """With destroy it may well be declared still, so that nothing is said of that."""
    why = [] if asked.destroy else ["no longer declared"]
    if decision.holder.kind.of_owners:
        return evolve(decision, action="forget", reason="; ".join([*why, "whoever owns its objects keeps them"]))
    if decision.holder.kept:
        return evolve(decision, action="forget", reason="no longer declared; its privileges are left as they are", changes=())
    if decision.changes:
        return evolve(decision, action="delete", reason="; ".join(why))
    if gathered.went:
        return evolve(decision, action="delete", reason=f"goes with {_named(gathered.went)}")
    if any(outcome.left for outcome in gathered.outcomes):
        why = ["was adopted, not created, by pgplan; its privileges are left as they are"]
    elif gathered.staying:
        why.append("was there before pgplan, and PostgreSQL gives it by default: it stays")
    elif decision.holder.obsolete:
        why = ["what is recorded no longer means anything on this server"]
    else:
        forbids = any(claim.forbids for claim in decision.holder.recorded)
        why.append("nothing is granted" if forbids else "nothing left to revoke")
    return evolve(decision, action="forget", reason="; ".join(why))


def _updated(decision: EdgeDecision, gathered: _Gathered) -> EdgeDecision:
    if gathered.replaced and not decision.holder.spec_moved:
        return evolve(decision, action="update", reason=f"{_named(gathered.replaced)} is replaced")
    had = {claim.owner for claim in decision.holder.recorded if claim.owner}
    lost = any(outcome.lost for outcome in gathered.outcomes) or (
        bool(had) and any(change.before not in had for change in decision.owners)
    )
    moved: Side = "configuration"
    if lost or not decision.holder.spec_moved:
        # What newly matches a pattern moved in the database too.
        moved = "both" if decision.holder.spec_moved else "database"
    return evolve(decision, action="update", moved=moved)


def _named(objects: Iterable[Identity]) -> str:
    return _listed({str(one) for one in objects})


def _listed(names: set[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(sorted(names)[:SHOWN]) + more


def edge_needs_record(decision: EdgeDecision) -> bool:
    """Whether the state says something else than what holds, although the access lists need nothing."""
    entry, declared = decision.holder.entry, decision.holder.declared
    if entry is None or declared is None:
        return True
    return (
        decision.anew
        or entry.spec != decision.after
        or entry.protected != declared.protect
        or entry.depends != depends_on(decision.address, decision.needs)
    )
