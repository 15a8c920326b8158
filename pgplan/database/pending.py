"""The books of a transaction: what the state notes before COMMIT, and how it ends up after. Pure but for the secrets' digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from pgplan.address import Address
from pgplan.database.transaction import Identity
from pgplan.images import Image
from pgplan.kind import Facts, Found, Snapshot
from pgplan.plan.model import Change, Plan, Relied
from pgplan.plan.observed import relied_acl, relied_image
from pgplan.registry import Registry, is_edge_kind
from pgplan.state.model import Digest, Entry, Pending, State, Target, Tombstone

Digests = Mapping[str, Mapping[str, Digest]]
"""By address and slot."""


@frozen
class Books:
    """What a plan records if it is carried out."""

    entries: tuple[Entry, ...]
    removed: tuple[str, ...]
    tombstones: tuple[Tombstone, ...]
    secrets: Digest | None


def books(plan: Plan, state: State, after: Snapshot, registry: Registry, digests: Digests, secrets: Digest | None) -> Books:
    """`after` is what is found after the steps: what was created has its OID from there."""
    recorded = state.by_address()
    goes = [change for change in plan.changes if change.action in ("delete", "forget")]
    stays = [change for change in plan.changes if change.action not in ("delete", "forget")]
    oids = {(relied.type, relied.key): relied.oid or 0 for relied in plan.relied}
    return Books(
        entries=tuple(
            _entry(change, recorded.get(change.address), after, registry, digests.get(change.address, {})) for change in stays
        ),
        removed=tuple(change.address for change in goes),
        tombstones=tuple(_tombstone(change, oids, state.serial + 1) for change in goes if change.action == "delete"),
        secrets=secrets,
    )


def _entry(change: Change, recorded: Entry | None, after: Snapshot, registry: Registry, digests: Mapping[str, Digest]) -> Entry:
    kind = registry.kinds[change.kind]
    found = None if is_edge_kind(kind) else after.get(change.kind, Address.parse(change.address).key)
    kept = dict(recorded.secrets) if recorded is not None else {}
    secrets = {slot: kept[slot] for slot in change.slots if slot in kept} | dict(digests)
    return Entry(
        address=change.address,
        database=change.database,
        oid=found.oid if found is not None else 0,
        spec=change.after or {},
        depends=change.depends,
        protected=change.protected,
        origin=_origin(change, recorded),
        kind_version=kind.version,
        grantors=change.grantors,
        secrets=dict(sorted(secrets.items())),
    )


def _origin(change: Change, recorded: Entry | None) -> Any:
    """What was adopted stays so for `destroy`, even if it is replaced; what had disappeared and is made anew does not."""
    if change.action == "create":
        return "created"
    if change.adopting or change.action == "adopt":
        return "adopted"
    return recorded.origin if recorded is not None else "created"


def _tombstone(change: Change, oids: Mapping[tuple[str, str], int], serial: int) -> Tombstone:
    oid = oids.get((change.kind, Address.parse(change.address).key), 0)
    return Tombstone(change.address, change.database, oid, serial, dict(change.before or {}))


def pending(run: str, plan: Plan, identity: Identity, before: Snapshot, after: Snapshot, done: Books) -> Pending:
    """What the state holds while COMMIT is on its way. Only objects that differ after the steps can tell how it ended."""
    facts = before.facts
    pairs = [(_noted(one, before), _noted(one, after)) for one in plan.relied]
    differing = [(was, becomes) for was, becomes in pairs if was != becomes]
    return Pending(
        id=run,
        system_identifier=facts.system_identifier,
        timeline=facts.timeline,
        lsn=identity.lsn,
        database=facts.database,
        database_oid=facts.database_oid,
        xid=identity.xid,
        pid=identity.pid,
        before=tuple(was for was, _ in differing),
        after=tuple(becomes for _, becomes in differing),
        entries=done.entries,
        removed=done.removed,
        tombstones=done.tombstones,
        secrets=done.secrets,
    )


def _noted(relied: Relied, snapshot: Snapshot) -> Image:
    found = snapshot.get(relied.type, relied.key)
    return noted(relied.type, relied.key, found, relied.image, relied.expected)


def noted(type_: str, key: str, found: Found | None, *said: Image | None) -> Image:
    """One object as `pending` notes it. `said` is as for `pgplan.plan.observed.found_image`."""
    if found is None:
        return {"type": type_, "key": key, "oid": None, "image": None, "acl": []}
    image = relied_image(found, *said)
    return {"type": type_, "key": key, "oid": found.oid, "image": image, "acl": list(relied_acl(found))}


def settled(state: State, facts: Facts, lsn: str, *, committed: bool) -> State:
    """The state without `pending`: with what it was to record if the transaction committed, as it was before if not."""
    noted_down = state.pending
    assert noted_down is not None
    if not committed:
        return evolve(state, pending=None)
    done = Books(noted_down.entries, noted_down.removed, noted_down.tombstones, noted_down.secrets)
    return recorded(evolve(state, pending=None), done, facts, lsn)


def recorded(state: State, done: Books, facts: Facts, lsn: str) -> State:
    """The next serial of the state."""
    made = {entry.address for entry in done.entries}
    buried = {tombstone.address: tombstone for tombstone in (*state.tombstones, *done.tombstones)}
    tombstones = tuple(buried[address] for address in sorted(buried.keys() - made))
    target = Target(facts.system_identifier, facts.timeline, facts.database, facts.database_oid, lsn)
    return state.with_changes(done.entries, done.removed, target=target, secrets=done.secrets, tombstones=tombstones)
