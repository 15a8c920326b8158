"""The state as data. Pure: storing it is `pgplan.state.store`, keeping it is a backend.

docs/reference/state.md describes the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import evolve, field, frozen

from pgplan.address import Identity
from pgplan.images import Image
from pgplan.snapshot import Privilege

FORMAT = 2


@frozen
class Digest:
    """A salted scrypt digest, hex."""

    salt: str
    digest: str


@frozen
class Fold:
    """Edges of one address that have the same items, folded."""

    items: tuple[tuple[str, str], ...]
    """(column, privilege), sorted; the grantee is the address's."""
    keys: tuple[str, ...]
    """The objects, of the address's type, sorted."""


@frozen
class Adopted:
    """Which edges of an address were there before pgplan came: those that are listed or, with `all`, all but those."""

    all: bool = False
    listed: tuple[Fold, ...] = ()


NOTHING_ADOPTED = Adopted()


@frozen
class Entry:
    """One thing that pgplan manages, by address."""

    address: str
    database: str
    """The database it lives in, "" for what the whole cluster shares."""
    oid: int
    """0 for what has no OID of its own (grants)."""
    spec: Image
    """What was declared when it was last applied: None where nothing was said."""
    depends: tuple[str, ...] = ()
    """Addresses or references that it stands on."""
    protected: bool = False
    origin: Literal["created", "adopted"] = "created"
    """Of an object; what was there before of an address that stands for edges is in `adopted`."""
    adopted: Adopted = NOTHING_ADOPTED
    kind_version: int = 1
    grantors: tuple[str, ...] = ()
    """Edges only: roles other than the owner that had granted a recorded privilege."""
    secrets: Mapping[str, Digest] = field(factory=dict[str, Digest])
    """By slot."""
    kept: Image = field(factory=dict[str, Any])
    """Attributes as the server kept them when they were applied, where those are not its own words (`ObjectKind.rewritten`)."""

    def is_of(self, oid: int) -> bool:
        """Whether an object with this OID is the one recorded; 0 on either side says nothing against it."""
        return 0 in (self.oid, oid) or self.oid == oid


@frozen
class Target:
    """The cluster that the state belongs to and its databases, as of the last commit."""

    system_identifier: str
    timeline: int
    databases: tuple[tuple[str, int], ...]
    """Names and OIDs; the default one, to which blocks belong that name none, first."""
    lsn: str = ""
    """WAL position after the last commit, such as ``0/1A2B3C4``; "" before the first."""
    newest: int = 0
    """The greatest OID that there was: what has a greater one came since. 0: not known."""


@frozen
class Tombstone:
    """Something that was deleted or revoked: found again, it came back with a restored database."""

    address: str
    database: str
    oid: int
    serial: int
    spec: Image = field(factory=dict[str, Any])


@frozen
class Noted:
    """One object, as it was before a transaction or as it will be after it."""

    type: str
    key: str
    database: str
    oid: int | None
    """None: it is not there."""
    image: Image | None
    acl: tuple[Privilege, ...] = ()
    """The rows of its access list that the plan changes or needs, sorted."""

    @property
    def identity(self) -> Identity:
        return Identity(self.type, self.key, self.database)


@frozen
class Unfinished:
    """A plan of which some phases are committed, and others are not."""

    digest: str
    done: tuple[int, ...]
    """Numbers of the phases that are, counted from 0."""


@frozen
class Pending:
    """A transaction whose COMMIT was about to be sent, with all that is needed to find out and to finish the books."""

    id: str
    """Nonce of this apply."""
    system_identifier: str
    timeline: int
    lsn: str
    database: str
    database_oid: int
    xid: str
    """xid8 as text."""
    pid: int
    """Backend process that runs the transaction."""
    before: tuple[Noted, ...]
    """Every object that the transaction changes visibly, as it was."""
    after: tuple[Noted, ...]
    """The same objects, in the same order."""
    entries: tuple[Entry, ...]
    """Entries to record if it committed."""
    removed: tuple[str, ...]
    """Addresses to forget if it committed."""
    tombstones: tuple[Tombstone, ...] = ()
    secrets: Digest | None = None
    unfinished: Unfinished | None = None
    """What is left of its plan if it committed."""


@frozen
class State:
    name: str
    lineage: str
    serial: int
    nonce: str = ""
    """Fresh with every write, so that no two writes have the same bytes."""
    target: Target | None = None
    entries: tuple[Entry, ...] = ()
    """Sorted by address."""
    secrets: Digest | None = None
    """One digest over every recorded secret."""
    tombstones: tuple[Tombstone, ...] = ()
    pending: Pending | None = None
    unnamed: tuple[str, ...] = ()
    """Addresses of what a run is making apart, under names that nothing declares: databases. What is left of it is dropped."""
    unfinished: Unfinished | None = None
    """The last plan, if not all of its phases are committed."""
    format: int = FORMAT

    def by_address(self) -> dict[str, Entry]:
        return {entry.address: entry for entry in self.entries}

    def with_changes(self, upserts: tuple[Entry, ...], removed: tuple[str, ...], **changes: Any) -> State:
        """The next serial of the state, with entries put in or taken out."""
        entries = self.by_address()
        for address in removed:
            entries.pop(address, None)
        entries.update((entry.address, entry) for entry in upserts)
        ordered = tuple(entries[address] for address in sorted(entries))
        return evolve(self, entries=ordered, serial=self.serial + 1, **changes)
