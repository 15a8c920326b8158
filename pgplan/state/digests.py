"""What becomes of each secret, by comparing declared values with what the server shows and with recorded digests.

The state holds salted scrypt digests, one for each secret and one over all of them. A computation takes about 28 ms, on purpose,
so the one over all answers "nothing has changed", and single ones are looked at only when it says otherwise.

https://www.rfc-editor.org/rfc/rfc7914
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from attrs import frozen

from pgplan.address import Address, Identity
from pgplan.configuration.model import Declared
from pgplan.kind import ObjectKind
from pgplan.plan.model import Plan, Slot
from pgplan.registry import Registry, is_edge_kind
from pgplan.secret import Secret
from pgplan.snapshot import Found, Snapshot
from pgplan.state.model import Digest, Entry, State

R = TypeVar("R")
Key = tuple[str, str]
"""Address and slot."""

SENT = ("new", "changed", "deferred")
"""Slots whose value goes to the server."""


@cache
def _scrypt(text: str, salt: str) -> str:
    """Cached, because planning and recording of one run ask the same."""
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt.encode(), n=2**14, r=8, p=1, dklen=32).hex()


def forget_computed() -> None:
    """Forget what was computed: it is kept by the secrets themselves."""
    _scrypt.cache_clear()


def digest(value: str) -> Digest:
    """A digest of `value` under a fresh salt."""
    salt = secrets.token_hex(16)
    return Digest(salt, _scrypt(value, salt))


def matches(recorded: Digest, value: str) -> bool:
    return hmac.compare_digest(_scrypt(value, recorded.salt).encode(), recorded.digest.encode())


def digest_all(values: Mapping[Key, str]) -> Digest:
    """One digest over many secrets and where they belong."""
    return digest(_together(values))


def matches_all(recorded: Digest, values: Mapping[Key, str]) -> bool:
    return matches(recorded, _together(values))


def _together(values: Mapping[Key, str]) -> str:
    return json.dumps([[address, slot, values[address, slot]] for address, slot in sorted(values)])


def declared_secrets(declared: Iterable[Declared], registry: Registry) -> Callable[[str, str], Secret]:
    """The declared secret of an (address, slot): withheld when its variable cannot be resolved, or nothing declares it."""
    by_address = {one.address: one for one in declared}

    def secret_of(address: str, slot: str) -> Secret:
        one = by_address.get(address)
        return Secret() if one is None else registry.kinds[one.kind].secrets(one.spec).get(slot, Secret())

    return secret_of


def slots(declared: Iterable[Declared], state: State, snapshot: Snapshot, registry: Registry) -> dict[Key, Slot]:
    """What becomes of every declared secret (pgplan.plan.model.Slot).

    What the server shows decides, where it shows something. Where it hides the value, the recorded digest does, unless the object
    is not the one that was recorded. An attribute that the configuration ignores is "same" as long as its object is there.
    """
    recorded = _recorded(state)
    entries = state.by_address()
    decided: dict[Key, Slot] = {}
    values: dict[Key, str] = {}
    asked: set[Key] = set()
    for one in declared:
        kind = registry.kinds[one.kind]
        if is_edge_kind(kind):
            continue
        object_kind = registry.object_kind(one.kind)
        found = snapshot.get(registry.identity(one.kind, one.key, one.database or snapshot.facts.database))
        for name, secret in object_kind.secrets(one.spec).items():
            key = one.address, name
            if not secret.withheld:
                values[key] = secret.reveal()
            is_recorded = key in recorded and _is_recorded_one(entries[one.address], found)
            status = _without_digest(_Case(object_kind, one, name, secret, found, is_recorded))
            if status is None:
                asked.add(key)
            else:
                decided[key] = status
    changed = _changed(asked, values, recorded, state.secrets)
    decided.update((key, "changed" if key in changed else "same") for key in asked)
    return dict(sorted(decided.items()))


@frozen
class _Case:
    """One declared secret and what is known of it."""

    kind: ObjectKind
    declared: Declared
    slot: str
    secret: Secret
    found: Found | None
    recorded: bool


def _without_digest(case: _Case) -> Slot | None:
    """What becomes of a secret, None if only the recorded digest can tell."""
    found, attribute = case.found, case.slot.partition(".")[0]
    if found is None:
        return "deferred" if case.secret.withheld else "new"
    if {case.slot, attribute} & set(case.declared.ignore):
        return "same"
    shown = found.secrets.get(case.slot)
    hidden = shown.withheld if shown else bool({case.slot, attribute} & set(found.hidden))
    if case.secret.withheld:
        return "unchecked" if case.recorded and (shown or hidden) else "deferred"
    if hidden:
        return None if case.recorded else "new"
    if shown is None:
        return "changed" if case.recorded else "new"
    return "same" if case.kind.slot_matches(case.slot, case.secret.reveal(), shown) else "changed"


def _is_recorded_one(entry: Entry, found: Found | None) -> bool:
    """Dropped and made again by hand, an object does not hold the secret that was recorded for its predecessor."""
    return found is not None and entry.is_of(found.oid)


def _recorded(state: State) -> dict[Key, Digest]:
    return {(entry.address, slot): found for entry in state.entries for slot, found in entry.secrets.items()}


def _changed(asked: set[Key], values: Mapping[Key, str], recorded: Mapping[Key, Digest], overall: Digest | None) -> set[Key]:
    """Which of the keys `asked`, all recorded and all with a value, have another value than recorded."""
    if not asked:
        return set()
    if overall is not None and recorded.keys() <= values.keys() and matches_all(overall, {key: values[key] for key in recorded}):
        return set()
    return {key for key, same in _each(lambda key: matches(recorded[key], values[key]), asked).items() if not same}


def record(
    plan: Plan, state: State, snapshot: Snapshot, registry: Registry, secret_of: Callable[[str, str], Secret]
) -> tuple[dict[str, dict[str, Digest]], Digest | None]:
    """What to record of secrets once `plan` is carried out: new digests by address and slot, and the one over all.

    `snapshot` is what was found before it. Recorded digests that are not among the new ones stay for the slots that the plan
    lists. There is one over all only if every recorded secret has a value in this run that is known to be in the database. Call
    it outside the transaction: it takes about 28 ms for each secret.

    Raises ValueError when a value that the plan sends is withheld.
    """
    moved = {change.previous_address: change.address for change in plan.changes if change.previous_address}
    recorded = {(moved.get(address, address), slot): old for (address, slot), old in _recorded(state).items()}
    databases = {change.address: change.database for change in plan.changes}
    goes = {change.address for change in plan.changes if change.action in ("delete", "forget")}
    listed = {
        (one.address, one.slot): one.status for one in plan.decided.slots if one.address in databases and one.address not in goes
    }
    sent = {key for key, status in listed.items() if status in SENT}
    shown: set[Key] = set()
    for key in listed.keys() - sent:
        parsed = Address.parse(key[0])
        found = snapshot.get(Identity(parsed.kind, parsed.key, databases[key[0]]))
        if found is not None and _is_shown(key[1], secret_of(*key), found, registry.object_kind(parsed.kind)):
            shown.add(key)
    new = _each(lambda key: digest(secret_of(*key).reveal()), sent | shown)
    by_address: dict[str, dict[str, Digest]] = {}
    for (address, slot), made in new.items():
        by_address.setdefault(address, {})[slot] = made
    kept = {key: old for key, old in recorded.items() if key not in new and (key in listed or key[0] not in databases)}
    if not new and not moved and kept == recorded:
        return {}, state.secrets
    return by_address, _overall(new.keys(), kept, secret_of)


def _is_shown(slot: str, secret: Secret, found: Found, kind: ObjectKind) -> bool:
    """Whether the server shows that it holds this very value."""
    shown = found.secrets.get(slot)
    if shown is None or shown.withheld or secret.withheld:
        return False
    return kind.slot_matches(slot, secret.reveal(), shown)


def _overall(sure: Iterable[Key], kept: Mapping[Key, Digest], secret_of: Callable[[str, str], Secret]) -> Digest | None:
    values = {key: secret_of(*key) for key in (*sure, *kept)}
    if not values or any(secret.withheld for secret in values.values()):
        return None
    if not all(_each(lambda key: matches(kept[key], values[key].reveal()), kept).values()):
        return None
    return digest_all({key: secret.reveal() for key, secret in values.items()})


def _each(compute: Callable[[Key], R], keys: Iterable[Key]) -> dict[Key, R]:
    """`compute` of every key, in threads: scrypt lets go of the interpreter."""
    ordered = sorted(keys)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(ordered, pool.map(compute, ordered), strict=True))
