"""What was changed in the database since the last apply: what is found against what is recorded, whatever is declared. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from pgplan.address import Address, Identity
from pgplan.configuration.model import Configuration, Declared
from pgplan.images import restore
from pgplan.kind import InvalidBlockError
from pgplan.plan.build import Slots, build
from pgplan.plan.model import Change, Plan, Remarks, Slot
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Snapshot
from pgplan.state.digests import declared_secrets, matches, slots
from pgplan.state.model import State


@frozen
class Drift:
    """The plan that would put everything back to what is recorded: what was found differs where it has changes."""

    plan: Plan
    remarks: Remarks
    compared: int
    """How many recorded addresses were compared."""
    lost: str = ""
    """How the database went back in time since the last apply, in words; "" where it did not."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Those that say that something is not as it is recorded."""
        restored = ("create", "update", "replace", "delete")
        return tuple(change for change in self.plan.changes if change.anew or change.action in restored)


def compare(configuration: Configuration, state: State, snapshot: Snapshot, registry: Registry) -> Drift:
    """Compare what is found with what is recorded. Of the configuration only what it ignores and its secrets count."""
    recorded = evolve(configuration, declared=_recorded(configuration, state, registry), moves=())
    known = _slots(configuration, recorded.declared, state, snapshot, registry)
    plan, remarks = build(recorded, state, snapshot, registry, known, state_hash="", to_apply=False, also=configuration.declared)
    unchecked = sum(one.status == "unchecked" for one in plan.decided.slots)
    if unchecked:
        note = f"{unchecked} secret{'s' if unchecked > 1 else ''} not compared: nothing here has the value that was applied"
        remarks = evolve(remarks, notes=(*remarks.notes, note))
    plan, uncovered = without_new(plan, state, snapshot, registry)
    if uncovered:
        remarks = evolve(remarks, notes=(*remarks.notes, _uncovered(uncovered)))
    return Drift(plan, remarks, len(recorded.declared))


def without_new(plan: Plan, state: State, snapshot: Snapshot, registry: Registry) -> tuple[Plan, frozenset[Identity]]:
    """`plan` but for objects that came since the last apply and that patterns newly match: nobody changed these. And which.

    OIDs grow until the server's counter starts over; what is new after that is told as if it had been changed.
    """
    newest = state.target.newest if state.target is not None else 0
    patterns = _patterns(state, snapshot, registry) if newest else frozenset[str]()
    changes: list[Change] = []
    new: set[Identity] = set()

    def old(lines: tuple[Mapping[str, Any], ...], database: str) -> tuple[Mapping[str, Any], ...]:
        on = [registry.identity(line["type"], line["key"], database) for line in lines]
        came = {one for one in on if (found := snapshot.get(one)) is not None and found.oid > newest}
        new.update(came)
        return tuple(line for one, line in zip(on, lines, strict=True) if one not in came)

    for change in plan.changes:
        kept = change
        if change.address in patterns:
            kept = evolve(change, edges=old(change.edges, change.database), owners=old(change.owners, change.database))
        if kept.edges or kept.owners or not (change.edges or change.owners):
            changes.append(kept)
    return evolve(plan, decided=evolve(plan.decided, changes=tuple(changes))), frozenset(new)


def _patterns(state: State, snapshot: Snapshot, registry: Registry) -> frozenset[str]:
    """The recorded addresses that name no object but match some."""
    found: set[str] = set()
    for entry in state.entries:
        name = Address.parse(entry.address).kind
        if name not in registry.kinds or not is_edge_kind(registry.kinds[name]):
            continue
        kind = registry.edge_kind(name)
        try:
            claims = kind.claims(restore(entry.spec, kind.spec), snapshot.facts)
        except InvalidBlockError:
            # What means nothing on this server makes no change either.
            continue
        if not any(claim.selector.named for claim in claims):
            found.add(entry.address)
    return frozenset(found)


def _uncovered(new: frozenset[Identity]) -> str:
    counted = sorted(Counter(one.type for one in new).items())
    words = " and ".join(f"{count} new {type_.replace('_', ' ')}{'s' if count > 1 else ''}" for type_, count in counted)
    return f"{words} {'are' if len(new) > 1 else 'is'} not covered yet: run plan"


def _recorded(configuration: Configuration, state: State, registry: Registry) -> tuple[Declared, ...]:
    """What the state records as if it were declared; attributes that the configuration ignores stay ignored."""
    ignored = {one.address: one.ignore for one in configuration.declared}
    declared: list[Declared] = []
    for entry in state.entries:
        address = Address.parse(entry.address)
        if address.kind in registry.kinds:
            spec = restore(entry.spec, registry.kinds[address.kind].spec)
            ignore = ignored.get(entry.address, ())
            declared.append(
                Declared(
                    entry.address,
                    address.kind,
                    address.key,
                    spec,
                    protect=entry.protected,
                    ignore=ignore,
                    database=address.database,
                )
            )
    return tuple(declared)


def _slots(
    configuration: Configuration, recorded: tuple[Declared, ...], state: State, snapshot: Snapshot, registry: Registry
) -> Slots:
    """Of a recorded secret only the digest is known. Where the configuration still declares that very value, what the server
    shows can be compared with it; else it is not checked."""
    now = slots(configuration.declared, state, snapshot, registry)
    entries = state.by_address()
    secret_of = declared_secrets(configuration.declared, registry)
    decided: dict[tuple[str, str], Slot] = {}
    for (address, slot), unknown in slots(recorded, state, snapshot, registry).items():
        digest = entries[address].secrets.get(slot)
        status = now.get((address, slot), "unchecked")
        secret = secret_of(address, slot)
        same_value = status == "changed" and digest is not None and not secret.withheld and matches(digest, secret.reveal())
        decided[address, slot] = status if status == "same" or same_value else "unchecked" if unknown == "deferred" else unknown
    return decided
