"""The books of a transaction: what the state notes before COMMIT, and how it ends up after. Pure but for the secrets' digests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from attrs import evolve, frozen

from pgplan.address import Address, Identity
from pgplan.database.transaction import Mark
from pgplan.database.verify import counted, rows_of
from pgplan.images import Image
from pgplan.plan.model import Change, Plan
from pgplan.plan.observed import found_image, relied_image
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Facts, Found, Item, Snapshot
from pgplan.state.model import Digest, Entry, Noted, Pending, State, Target, Tombstone, Unfinished

Digests = Mapping[str, Mapping[str, Digest]]
"""By address and slot."""


@frozen
class Books:
    """What a plan records if it is carried out."""

    entries: tuple[Entry, ...]
    removed: tuple[str, ...]
    tombstones: tuple[Tombstone, ...]
    secrets: Digest | None
    unfinished: Unfinished | None = None
    """What is left of the plan then."""


def books(plan: Plan, state: State, registry: Registry, digests: Digests, secrets: Digest | None) -> Books:
    """But for what only the database tells (`with_found`): all that can be known before the transaction."""
    recorded = state.by_address()
    goes = [change for change in plan.changes if change.action in ("delete", "forget")]
    stays = [change for change in plan.changes if change.action not in ("delete", "forget")]
    oids = {observed.identity: observed.oid or 0 for observed in plan.observed.objects}
    former = {check.identity: check.observed for check in plan.decided.checks}
    entries: list[Entry] = []
    for change in stays:
        before = recorded.get(change.previous_address or change.address)
        kept = {slot: digest for slot, digest in before.secrets.items() if slot in _slots(plan, change)} if before else {}
        entry = _entry(change, before, registry, {**kept, **digests.get(change.address, {})})
        # As it was found, until it is read again: what is only recorded, in another database, is not.
        entries.append(evolve(entry, oid=0 if is_edge_kind(registry.kinds[change.kind]) else oids.get(_identity(change), 0)))
    return Books(
        entries=tuple(entries),
        removed=tuple(c.previous_address or c.address for c in goes)
        + tuple(c.previous_address for c in stays if c.previous_address),
        tombstones=tuple(
            _tombstone(change, oids.get(former.get(_identity(change), _identity(change)), 0), state.serial + 1)
            for change in goes
            if change.action == "delete"
        ),
        secrets=secrets,
    )


def _slots(plan: Plan, change: Change) -> Collection[str]:
    return plan.secrecy.get(change.address, {})


def _identity(change: Change) -> Identity:
    """The object that a change of an object kind is about, as that kind's reader finds it."""
    return Identity(change.kind, Address.parse(change.address).key, change.database)


def with_found(done: Books, plan: Plan, after: Snapshot, registry: Registry) -> Books:
    """With OIDs, and with what the server keeps in words of its own. `after` is what is found after the steps."""
    identities = {change.address: _identity(change) for change in plan.changes if not is_edge_kind(registry.kinds[change.kind])}
    found = {address: one for address, identity in identities.items() if (one := after.get(identity)) is not None}
    return evolve(done, entries=tuple(_with_found(entry, found.get(entry.address), registry) for entry in done.entries))


def _with_found(entry: Entry, found: Found | None, registry: Registry) -> Entry:
    if found is None:
        return entry
    kept: Image = {}
    for name in registry.object_kind(found.type).rewritten:
        shown = found_image(getattr(found.spec, name))
        if None not in (shown, entry.spec.get(name)) and shown != entry.spec[name]:
            kept[name] = shown
    return evolve(entry, oid=found.oid, kept=kept)


def _entry(change: Change, recorded: Entry | None, registry: Registry, secrets: Mapping[str, Digest]) -> Entry:
    kind = registry.kinds[change.kind]
    return Entry(
        address=change.address,
        database=change.database,
        oid=0,
        spec=change.after or {},
        depends=change.depends,
        protected=change.protected,
        origin="created" if is_edge_kind(kind) else _origin(change, recorded),
        adopted=change.adopted,
        kind_version=kind.version,
        grantors=change.grantors,
        secrets=dict(sorted(secrets.items())),
    )


def _origin(change: Change, recorded: Entry | None) -> Literal["created", "adopted"]:
    """What was adopted stays so for `destroy`, even if it is replaced; what had disappeared and is made anew does not."""
    if change.action == "create":
        return "created"
    if change.adopting or change.action == "adopt":
        return "adopted"
    return recorded.origin if recorded is not None else "created"


def _tombstone(change: Change, oid: int, serial: int) -> Tombstone:
    return Tombstone(change.address, change.database, oid, serial, dict(change.before or {}))


def pending(run: str, plan: Plan, mark: Mark, before: Snapshot, after: Snapshot, done: Books) -> Pending:
    """What the state holds while COMMIT is on its way. Only objects that differ after the steps can tell how it ended."""
    facts = before.facts
    pairs = _pairs(plan, before, after)
    return Pending(
        id=run,
        system_identifier=facts.system_identifier,
        timeline=facts.timeline,
        lsn=mark.lsn,
        database=facts.database,
        database_oid=facts.database_oid,
        xid=mark.xid,
        pid=mark.pid,
        before=tuple(was for was, _ in pairs),
        after=tuple(becomes for _, becomes in pairs),
        entries=done.entries,
        removed=done.removed,
        tombstones=done.tombstones,
        secrets=done.secrets,
        unfinished=done.unfinished,
    )


def _pairs(plan: Plan, before: Snapshot, after: Snapshot) -> list[tuple[Noted, Noted]]:
    said: dict[Identity, list[Image | None]] = {}
    for observed in plan.observed.objects:
        said.setdefault(observed.identity, []).append(observed.image)
    for check in plan.decided.checks:
        said.setdefault(check.identity, []).append(check.image)
    whole = {observed.identity for observed in plan.observed.objects if observed.whole}
    pairs: list[tuple[Noted, Noted]] = []
    for identity, items in sorted(counted(plan).items()):
        of = None if identity in whole else items
        was, becomes = (noted(identity, snapshot.get(identity), of, *said[identity]) for snapshot in (before, after))
        if was != becomes:
            pairs.append((was, becomes))
    return pairs


def noted(identity: Identity, found: Found | None, items: Collection[Item] | None, *said: Image | None) -> Noted:
    """One object as `pending` notes it, with the rows of `items` (None: all) of its access list.

    `said` is as for `pgplan.plan.observed.found_image`.
    """
    if found is None:
        return Noted(*identity, oid=None, image=None)
    rows = found.acl.privileges if items is None else rows_of(found.acl, items)
    return Noted(*identity, oid=found.oid, image=relied_image(found, *said), acl=rows)


def settled(state: State, facts: Facts, lsn: str, *, committed: bool) -> State:
    """The state without `pending`: with what it was to record if the transaction committed, as it was before if not."""
    noted_down = state.pending
    assert noted_down is not None
    if not committed:
        return evolve(state, pending=None)
    done = Books(noted_down.entries, noted_down.removed, noted_down.tombstones, noted_down.secrets, noted_down.unfinished)
    return recorded(evolve(state, pending=None), done, facts, lsn)


def recorded(state: State, done: Books, facts: Facts, lsn: str) -> State:
    """The next serial of the state."""
    made = {entry.address for entry in done.entries}
    buried = {tombstone.address: tombstone for tombstone in (*state.tombstones, *done.tombstones)}
    tombstones = tuple(buried[address] for address in sorted(buried.keys() - made))
    # What this transaction made is not newer than itself.
    newest = max((facts.newest, *(entry.oid for entry in done.entries)))
    target = reached(state.target, evolve(facts, newest=newest), lsn)
    return state.with_changes(
        done.entries,
        done.removed,
        target=target,
        secrets=done.secrets,
        tombstones=tombstones,
        unnamed=(),
        unfinished=done.unfinished,
    )


def reached(target: Target | None, facts: Facts, lsn: str) -> Target:
    """Where the state belongs after a commit at `lsn`: the databases that it knew, the default one first, and this one."""
    here = facts.database, facts.database_oid
    known = target.databases if target is not None else ()
    # One that was made anew, or renamed, takes the place of the one that there was.
    same = [one for one in known if here[0] == one[0] or here[1] == one[1]]
    databases = tuple(here if one in same[:1] else one for one in known if one not in same[1:])
    databases = databases if same else (*databases, here)
    return Target(facts.system_identifier, facts.timeline, databases, lsn, facts.newest)
