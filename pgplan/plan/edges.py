"""Privileges as sets: what is wanted, forbidden and recorded, against the access lists as found. Pure.

An edge is one privilege of one grantee on one object or column. Each address stands for a set of edges; an edge is granted once
however many addresses want it, and revoked only when no address wants it any more.

* to grant:  wanted - found
* to revoke: ((recorded - wanted) | forbidden) & found, each from the grantors that gave it
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import define, field

from pgplan.configuration.model import Declared
from pgplan.errors import Problem
from pgplan.images import Image, image, restore
from pgplan.kind import Edge, EdgeChange, EdgeKind, InvalidBlockError, Privilege, Reference, Spec, Wanted
from pgplan.plan.access_lists import Live, Target
from pgplan.plan.model import Action, Side
from pgplan.state.model import Entry


@define
class EdgeDraft:
    """What the plan will say of one address of an edge kind."""

    address: str
    key: str
    kind: EdgeKind
    declared: Declared | None
    entry: Entry | None
    wanted: tuple[Wanted, ...] = ()
    recorded: tuple[Wanted, ...] = ()
    changes: list[EdgeChange] = field(factory=list[EdgeChange])
    action: Action = "none"
    moved: Side = ""
    reason: str = ""
    grantors: set[str] = field(factory=set[str])
    """Roles other than the owner that had granted what this address wants."""

    after: Image | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.after = image(self.declared.spec) if self.declared else None


def expand(drafts: Iterable[EdgeDraft], live: Live) -> list[Problem]:
    """Fill `wanted` and `recorded` of every draft; return what cannot be expanded or names an object that is not there."""
    problems: list[Problem] = []
    for draft in drafts:
        if draft.declared is not None:
            problems += _expand_declared(draft, draft.declared, live)
        if draft.entry is not None:
            _expand_recorded(draft, draft.entry, live)
    return problems


def _expand_declared(draft: EdgeDraft, declared: Declared, live: Live) -> list[Problem]:
    source = declared.sources[0] if declared.sources else None
    try:
        draft.wanted = tuple(draft.kind.edges(declared.spec, live.snapshot))
    except InvalidBlockError as error:
        return [Problem(message, source, draft.address, hint) for _, message, hint in error.mistakes]
    missing = sorted({w.edge.target for w in draft.wanted if not live.exists(w.edge.target)})
    return [_missing(target, live, declared, draft.address) for target in missing]


def _expand_recorded(draft: EdgeDraft, entry: Entry, live: Live) -> None:
    expanded = draft.wanted
    if entry.spec != draft.after:
        recorded: Spec = restore(entry.spec, draft.kind.spec)
        try:
            expanded = tuple(draft.kind.edges(recorded, live.snapshot))
        except InvalidBlockError:
            draft.reason = "what is recorded no longer means anything on this server"
            return
    draft.recorded = tuple(wanted for wanted in expanded if wanted.edge.target in live.snapshot.found)


def _missing(target: Target, live: Live, declared: Declared, address: str) -> Problem:
    import difflib  # noqa: PLC0415 (only needed for messages)

    type_, key = target
    source = declared.sources[0] if declared.sources else None
    if target in live.gone:
        return Problem(f"{type_} {key} is deleted by this plan", source, address, "remove this block too, or keep the object")
    close = difflib.get_close_matches(key, [found.key for found in live.snapshot.of(type_)], n=1)
    hint = f"did you mean {close[0]}?" if close else f"create the {type_} first, or correct its name"
    return Problem(f"there is no {type_} {key} in the database, and nothing declares it", source, address, hint)


@define
class _Claims:
    """Who wants and who forbids each edge."""

    wanted: dict[Edge, list[tuple[EdgeDraft, Wanted]]] = field(factory=dict[Edge, "list[tuple[EdgeDraft, Wanted]]"])
    forbidden: dict[Edge, list[tuple[EdgeDraft, Wanted]]] = field(factory=dict[Edge, "list[tuple[EdgeDraft, Wanted]]"])


def _claims(drafts: Iterable[EdgeDraft]) -> tuple[_Claims, list[Problem]]:
    """Collect the claims; where both sides claim an edge, the one that names the object wins, else it is a contradiction."""
    claims = _Claims()
    for draft in drafts:
        side = claims.forbidden if draft.kind.forbids else claims.wanted
        for wanted in draft.wanted:
            side.setdefault(wanted.edge, []).append((draft, wanted))
    problems: list[Problem] = []
    for edge in [edge for edge in claims.wanted if edge in claims.forbidden]:
        named_grant = any(w.named for _, w in claims.wanted[edge])
        named_revoke = any(w.named for _, w in claims.forbidden[edge])
        if named_grant != named_revoke:
            del (claims.forbidden if named_grant else claims.wanted)[edge]
            continue
        grant, revoke = claims.wanted[edge][0][0], claims.forbidden[edge][0][0]
        problems += [
            Problem(
                f"{describe(edge)} is both granted and revoked",
                one.declared.sources[0] if one.declared and one.declared.sources else None,
                one.address,
                f"remove it here or from {other.address}",
            )
            for one, other in ((grant, revoke), (revoke, grant))
        ]
    return claims, problems


def _by_edge(claim: tuple[Edge, object]) -> tuple[str, ...]:
    """The order of `Edge` itself, which attrs compares ten times slower."""
    edge = claim[0]
    return edge.type, edge.key, edge.column, edge.grantee, edge.privilege


def references(draft: EdgeDraft) -> tuple[Reference, ...]:
    """What an address of an edge kind names: its grantee and, if it names one, its object."""
    spec = draft.declared.spec if draft.declared else None
    if spec is None and draft.entry is not None:
        spec = restore(draft.entry.spec, draft.kind.spec)
    return tuple(draft.kind.references(spec)) if spec is not None else ()


def describe(edge: Edge) -> str:
    """An edge in words: ``SELECT (a) on table s.t to r``."""
    column = f" ({edge.column})" if edge.column else ""
    return f"{edge.privilege}{column} on {edge.type} {edge.key} to {edge.grantee}"


def decide(drafts: list[EdgeDraft], live: Live, keep: frozenset[str]) -> tuple[list[EdgeChange], list[Problem]]:
    """Decide every edge once and give each change to the first address that asks for it.

    `keep` holds the addresses that policy forgets: what they recorded is not revoked.
    """
    claims, problems = _claims(drafts)
    for edge, claimants in sorted(claims.wanted.items(), key=_by_edge):
        grantable = any(w.grantable for _, w in claimants)
        draft = min((d for d, w in claimants if w.grantable == grantable), key=lambda d: d.address)
        draft.changes += _grant(edge, live, grantable=grantable)
        for claimant, _ in claimants:
            claimant.grantors.update(row.grantor for row in live.rows(edge) if row.grantor != live.owner(edge.target))
    for edge, claimants in sorted(claims.forbidden.items(), key=_by_edge):
        draft = min((d for d, _ in claimants), key=lambda d: d.address)
        draft.changes += _forbid(edge, live)
    revoked: set[Edge] = set(claims.forbidden)
    for draft in drafts:
        if draft.entry is None or draft.kind.forbids or draft.address in keep:
            continue
        for wanted in draft.recorded:
            if wanted.edge not in claims.wanted and wanted.edge not in revoked:
                revoked.add(wanted.edge)
                draft.changes += _withdraw(wanted.edge, live, draft.entry.grantors)
    lowered = frozenset(change.edge for draft in drafts for change in draft.changes if change.only_option)
    for draft in drafts:
        draft.changes += _restored_columns(draft.changes, live, revoked, lowered)
    return [change for draft in drafts for change in draft.changes], problems


def _revoke(edge: Edge, row: Privilege, live: Live, *, only_option: bool = False) -> EdgeChange:
    """A REVOKE takes only what its grantor gave: it runs as that role, unless the server picks the grantor by itself."""
    by_itself = row.grantor in (live.owner(edge.target), live.snapshot.facts.role)
    run_as = "" if by_itself else row.grantor
    return EdgeChange("revoke", edge, only_option=only_option, run_as=run_as, grantor=row.grantor)


def _grant(edge: Edge, live: Live, *, grantable: bool) -> list[EdgeChange]:
    rows = live.rows(edge)
    if not rows or (grantable and not any(row.grantable for row in rows)):
        owns = edge.grantee == live.owner(edge.target) and bool(rows)
        return [] if owns else [EdgeChange("grant", edge, grantable=grantable)]
    if grantable:
        return []
    return [_revoke(edge, row, live, only_option=True) for row in rows if row.grantable]


def _forbid(edge: Edge, live: Live) -> list[EdgeChange]:
    if live.made(edge.target):
        # What the new object is born with depends on default privileges; revoking what is not there is silent.
        return [EdgeChange("revoke", edge)]
    return [_revoke(edge, row, live) for row in live.rows(edge)]


def _withdraw(edge: Edge, live: Live, grantors: tuple[str, ...]) -> list[EdgeChange]:
    """Revoke what this configuration granted or adopted; what other grantors gave since stays. An owner keeps its own rights."""
    owner = live.owner(edge.target)
    if edge.grantee == owner:
        return []
    mine = (owner, live.snapshot.facts.role, *grantors)
    return [_revoke(edge, row, live) for row in live.rows(edge) if row.grantor in mine]


def _restored_columns(
    changes: list[EdgeChange], live: Live, revoked: Collection[Edge], lowered: Collection[Edge]
) -> list[EdgeChange]:
    """A REVOKE on a whole table also takes what its grantor gave on the columns: give back what should stay.

    `revoked` are edges that go, `lowered` those that only lose their grant option.
    https://www.postgresql.org/docs/current/sql-revoke.html#SQL-REVOKE-NOTES
    """
    restored: dict[Edge, EdgeChange] = {}
    for change in changes:
        edge = change.edge
        if change.action == "grant" or edge.column:
            continue
        for (column, grantee, privilege), rows in live.items(edge.target).items():
            column_edge = Edge(edge.type, edge.key, column, grantee, privilege)
            if not column or (grantee, privilege) != (edge.grantee, edge.privilege) or column_edge in revoked:
                continue
            taken = [row for row in rows if row.grantor == change.grantor and (row.grantable or not change.only_option)]
            grantable = any(row.grantable for row in taken) and column_edge not in lowered
            if taken and (grantable or not change.only_option):
                restored[column_edge] = EdgeChange("grant", column_edge, grantable=grantable)
    return list(restored.values())


def granted_here(drafts: Iterable[EdgeDraft], changes: Iterable[EdgeChange]) -> frozenset[Edge]:
    """Edges that this configuration itself grants or has granted: a further address that wants one does not adopt it."""
    before = (w.edge for d in drafts if d.entry is not None and d.entry.origin == "created" for w in d.recorded)
    return frozenset([*(change.edge for change in changes if change.action == "grant"), *before])


def conclude(draft: EdgeDraft, live: Live, ours: frozenset[Edge], *, destroy: bool) -> None:
    """Set action, side and reason of an address from its changes. With `destroy` it may well be declared still."""
    if draft.declared is None:
        went = sorted({f"{w.edge.type}.{w.edge.key}" for w in draft.recorded if w.edge.target in live.gone | live.fresh})
        draft.action = "delete" if draft.changes or went else "forget"
        why = [] if destroy else ["no longer declared"]
        if not draft.changes:
            left = "nothing is granted" if draft.kind.forbids else "nothing left to revoke"
            why = [f"goes with {', '.join(went)}"] if went else [*why, left]
        draft.reason = draft.reason or "; ".join(why)
        return
    if draft.entry is None:
        shared = not draft.kind.forbids and any(wanted.edge in ours for wanted in draft.wanted)
        draft.action = "create" if draft.changes or shared else "adopt"
        draft.reason = "" if draft.changes or not shared else "granted by another block too"
        return
    spec_moved = draft.entry.spec != draft.after
    if draft.changes:
        draft.action = "update"
        replaced = {change.edge.target for change in draft.changes} & live.fresh & live.snapshot.found.keys()
        if replaced and not spec_moved:
            draft.reason = f"{', '.join(sorted('.'.join(target) for target in replaced))} is replaced"
        else:
            draft.moved = _moved(draft, live, spec_moved=spec_moved)


def _moved(draft: EdgeDraft, live: Live, *, spec_moved: bool) -> Side:
    """The database moved when an edge that is recorded is not as recorded; what newly matches a pattern moved there too."""
    recorded = {wanted.edge: wanted for wanted in draft.recorded}

    def as_recorded(change: EdgeChange) -> bool:
        return change.action == "grant" and not live.rows(change.edge) and change.edge in recorded

    database = any(as_recorded(change) for change in draft.changes) or not spec_moved
    if database and spec_moved:
        return "both"
    return "database" if database else "configuration"


def edge_needs_record(draft: EdgeDraft, depends: tuple[str, ...]) -> bool:
    """Whether the state says something else than what holds, although the access lists need nothing."""
    entry, declared = draft.entry, draft.declared
    if entry is None or declared is None:
        return True
    return entry.spec != draft.after or entry.protected != declared.protect or entry.depends != depends
