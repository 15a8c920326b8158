"""What the types of a state do not say of its content: addresses, OIDs, WAL positions, and what belongs together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from pgplan.state.model import Digest, Entry, Fold, Pending, State, Target, Unfinished

_ADDRESS = re.compile(r"[a-z][a-z0-9_]*\..", re.DOTALL)
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_PLAN = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"([0-9a-f]{2})+")
MAX_OID = 2**32 - 1
MAX_NUMBER = 2**64 - 1
"""Of a system identifier and of an xid8."""


def mistakes(state: State) -> Iterator[str]:
    """What cannot be, in words that name the entry."""
    yield from _entries(state.entries, "entries")
    yield from _unsorted([one.address for one in state.tombstones], "tombstones")
    for tombstone in state.tombstones:
        yield from _address(tombstone.address, "tombstones")
        yield from _oid(tombstone.oid, tombstone.address)
    yield from _digest(state.secrets, "secrets")
    if state.target is not None:
        yield from _target(state.target)
    if state.pending is not None:
        yield from _pending(state.pending)
    for address in state.unnamed:
        yield from _address(address, "unnamed")
    yield from _unfinished(state.unfinished)


def _address(text: str, where: str) -> Iterator[str]:
    # Within quotes a double quote is doubled.
    if _ADDRESS.match(text) is None or text.count('"') % 2:
        yield f"{where}: {text!r} is not an address: expected kind.key, such as role.alice"


def _unsorted(names: Sequence[Any], where: str) -> Iterator[str]:
    if any(one >= other for one, other in pairwise(names)):
        yield f"its {where} are not sorted, or one stands twice"


def _oid(oid: int, where: str) -> Iterator[str]:
    if not 0 <= oid <= MAX_OID:
        yield f"{where}: {oid} is not an OID"


def _digest(digest: Digest | None, where: str) -> Iterator[str]:
    if digest is not None and not (_HEX.fullmatch(digest.salt) and _HEX.fullmatch(digest.digest)):
        yield f"{where}: its digest or salt is not hexadecimal"


def _entries(entries: Sequence[Entry], where: str) -> Iterator[str]:
    yield from _unsorted([entry.address for entry in entries], where)
    for entry in entries:
        yield from _entry(entry, where)


def _entry(entry: Entry, where: str) -> Iterator[str]:
    yield from _address(entry.address, where)
    for other in entry.depends:
        yield from _address(other, f"{entry.address}: depends")
    yield from _oid(entry.oid, entry.address)
    for slot, digest in entry.secrets.items():
        yield from _digest(digest, f"{entry.address}: {slot}")
    if entry.origin == "adopted" and (entry.adopted.all or entry.adopted.listed):
        yield f"{entry.address}: it cannot be adopted itself and list what was adopted"
    for fold in entry.adopted.listed:
        yield from _fold(fold, entry.address)


def _fold(fold: Fold, address: str) -> Iterator[str]:
    if not fold.items or not fold.keys:
        yield f"{address}: what it adopted has no items or no objects"
    yield from _unsorted(fold.items, f"adopted items of {address}")
    yield from _unsorted(fold.keys, f"adopted objects of {address}")


def _target(target: Target) -> Iterator[str]:
    yield from _place(target.system_identifier, target.timeline, target.databases, "target")
    if target.lsn and not _LSN.fullmatch(target.lsn):
        yield f"target: {target.lsn!r} is not a WAL position"
    yield from _oid(target.newest, "target: newest")


def _place(system_identifier: str, timeline: int, databases: Sequence[tuple[str, int]], where: str) -> Iterator[str]:
    if not _is_number(system_identifier):
        yield f"{where}: {system_identifier!r} is not a system identifier"
    if timeline < 1:
        yield f"{where}: {timeline} is not a timeline"
    if not databases or any(not name or not 0 < oid <= MAX_OID for name, oid in databases):
        yield f"{where}: a database has no name or no OID"
    if any(len({one[part] for one in databases}) < len(databases) for part in (0, 1)):
        yield f"{where}: a database stands twice"


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and int(text) <= MAX_NUMBER


def _pending(pending: Pending) -> Iterator[str]:
    place = pending.system_identifier, pending.timeline, [(pending.database, pending.database_oid)]
    yield from _place(*place, "pending")
    if not _LSN.fullmatch(pending.lsn):
        yield f"pending: {pending.lsn!r} is not a WAL position"
    if not _is_number(pending.xid) or pending.pid < 1:
        yield f"pending: {pending.xid!r} of process {pending.pid} is not a transaction"
    if [one.identity for one in pending.before] != [one.identity for one in pending.after]:
        yield "pending: before and after are not of the same objects"
    for one in (*pending.before, *pending.after):
        yield from _oid(one.oid or 0, f"pending: {one.identity}")
        if (one.oid is None) != (one.image is None):
            yield f"pending: {one.identity} has an OID or an image, but not both"
    for entry in pending.entries:
        yield from _entry(entry, "pending")
    yield from _addresses((*pending.removed, *(one.address for one in pending.tombstones)))
    yield from _digest(pending.secrets, "pending: secrets")
    yield from _unfinished(pending.unfinished)


def _unfinished(unfinished: Unfinished | None) -> Iterator[str]:
    if unfinished is not None:
        if not _PLAN.fullmatch(unfinished.digest):
            yield f"unfinished: {unfinished.digest!r} is not the digest of a plan"
        yield from _unsorted(unfinished.done, "finished phases")


def _addresses(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _address(text, "pending")
