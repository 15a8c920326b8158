"""What is found: objects and access lists as the catalogs show them in one moment. Pure.

A snapshot has a part that the whole cluster shares and one for each database. A kind is only ever asked about a `Catalog`: one
database with the shared part behind it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple

from attrs import evolve, field, frozen

from pgplan.address import Identity, unpart
from pgplan.secret import Secret

Spec = Any
"""An instance of a kind's spec class. The engine compares specs and asks their kind about them, nothing more."""


class Item(NamedTuple):
    """What an access list says of a grantee, whoever granted it. `column` is "" for the whole object."""

    column: str
    grantee: str
    """A role, the keyword PUBLIC, or ``"PUBLIC"`` for a role called so (pgplan.address.grantee_part)."""
    privilege: str


@frozen(order=True)
class Privilege:
    """One row of an access list, built-in defaults included: an `Item`, and who granted it."""

    column: str
    grantee: str
    privilege: str
    grantor: str
    grantable: bool = False

    @property
    def item(self) -> Item:
        return Item(self.column, self.grantee, self.privilege)


@frozen(eq=False)
class AccessList:
    """A whole access list. Objects that have the same one share it, so that what it says is looked up once for all of them."""

    privileges: tuple[Privilege, ...]
    """Sorted."""

    @cached_property
    def rows(self) -> Mapping[Item, tuple[Privilege, ...]]:
        """Who granted each item."""
        rows: dict[Item, tuple[Privilege, ...]] = {}
        for one in self.privileges:
            rows[one.item] = (*rows.get(one.item, ()), one)
        return rows

    def held(self, grantee: str) -> dict[tuple[str, str], bool]:
        """What it gives a grantee, whoever granted it: by (column, privilege), whether with grant option."""
        rows = self._by_grantee.get(grantee, ())
        held: dict[tuple[str, str], bool] = {}
        for one in rows:
            held[one.column, one.privilege] = held.get((one.column, one.privilege), False) or one.grantable
        return held

    @cached_property
    def _by_grantee(self) -> Mapping[str, tuple[Privilege, ...]]:
        rows: dict[str, tuple[Privilege, ...]] = {}
        for one in self.privileges:
            rows[one.grantee] = (*rows.get(one.grantee, ()), one)
        return rows


NO_LIST = AccessList(())


class Dependent(NamedTuple):
    """Something that stands on an object and that may have no kind, so that it would stop a DROP."""

    type: str
    key: str
    """Ends with ``(`` where it may be any routine of that name."""
    how: Literal["within", "owned", "privilege", "elsewhere"] = "within"
    """It is in it, or its own; it has privileges on it; or it has one or the other in the database `key`."""


@frozen
class Found:
    """One object as the catalogs show it."""

    type: str
    key: str
    oid: int
    """0 for what has none that identifies it, such as a list of default privileges, whose row comes and goes."""
    spec: Spec
    hidden: tuple[str, ...] = ()
    """Attributes of the spec that the server does not show to this role: hidden, never empty."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any])
    """JSON that is not an attribute but that SQL or staleness depends on, such as the rows behind a membership."""
    owner: str = ""
    """The owner's role name, for objects that have an access list, and for those that only their owner may alter."""
    acl: AccessList = NO_LIST
    columns: frozenset[str] = frozenset()
    """Names of its columns, for privileges on them; no part of what a plan relies on."""
    secrets: Mapping[str, Secret] = field(factory=dict[str, Secret])
    """What the server shows of secrets, by slot: held in memory for comparison, never written anywhere."""
    extension: str = ""
    """The key of the extension that it is a member of, and goes with."""
    belongs_to: str = ""
    """The key of the object that it is a part of, such as the table of a sequence; of which type whoever asks knows."""
    follows: tuple[str, str] | None = None
    """(type, key) of what it always has the owner of, so that it gets another one with that and never alone."""
    holds: tuple[Dependent, ...] = ()
    """Some of what stands on it, with a kind or without, to tell that a DROP would fail; no part of what a plan relies on."""
    system: bool = False
    """Predefined by PostgreSQL (pg_* roles, pg_catalog): may be referred to, is never undeclared."""


@frozen
class Facts:
    """What is read of the server once a run. `version` is server_version_num, such as 160014."""

    version: int
    system_identifier: str
    timeline: int
    database: str
    database_oid: int
    role: str
    """current_user: the role whose rights count."""
    session_role: str
    superuser: bool
    reads_secrets: bool = False
    """Whether the role may read the catalogs that hold passwords and the options of user mappings: superusers may, and whoever
    may read all data."""
    lsn: str = ""
    """pg_current_wal_insert_lsn(), such as ``0/1A2B3C4``; never part of a plan."""
    newest: int = 0
    """The greatest OID that an object in the database has; never part of a plan either."""


Implied = Callable[[str, Facts], Found | None]
"""What it means that no row is found for a key: an object with a known access list, or None: there is no such object."""


@frozen
class Part:
    """The objects of one database, or those that the cluster shares, by type and key."""

    found: Mapping[str, Mapping[str, Found]] = field(factory=dict[str, Mapping[str, Found]])

    @cached_property
    def ordered(self) -> Mapping[str, list[Found]]:
        """All of each type, sorted by key."""
        return {type_: [found[key] for key in sorted(found)] for type_, found in self.found.items()}

    @cached_property
    def keys(self) -> Mapping[tuple[str, int], str]:
        """The key of each object that has an OID, by type and OID."""
        return {(type_, one.oid): one.key for type_, found in self.found.items() for one in found.values() if one.oid}

    @cached_property
    def belonging(self) -> Mapping[tuple[str, str], list[Found]]:
        """What is a part of something else, by its type and the key of that; sorted by key."""
        parts: dict[tuple[str, str], list[Found]] = {}
        for type_, found in self.ordered.items():
            for one in found:
                if one.belongs_to:
                    parts.setdefault((type_, one.belongs_to), []).append(one)
        return parts

    def of_initdb(self) -> Part:
        """What of it every database holds."""
        found = (one for of_type in self.found.values() for one in of_type.values())
        return part_of(one for one in found if one.oid < FIRST_NORMAL_OID)

    def having(self, more: Iterable[Found]) -> Part:
        """This part, with other or more objects."""
        by_type: dict[str, dict[str, Found]] = {}
        for one in more:
            by_type.setdefault(one.type, dict(self.found.get(one.type, {})))[one.key] = one
        return Part({**self.found, **by_type})


FIRST_NORMAL_OID = 16384
"""Objects with smaller OIDs were made by initdb, and are in every database (src/include/access/transam.h)."""


def part_of(found: Iterable[Found]) -> Part:
    by_type: dict[str, dict[str, Found]] = {}
    for one in found:
        if by_type.setdefault(one.type, {}).setdefault(one.key, one) is not one:
            raise RuntimeError(f"the reader of {one.type} gives the key {one.key!r} to two objects")
    return Part(by_type)


class Tally(NamedTuple):
    """How many objects of a type there are in a schema, "" for those that are in none."""

    database: str
    type: str
    schema: str
    number: int


@frozen
class Refusal:
    """What the server said to something that was tried."""

    state: str
    """SQLSTATE."""
    message: str


@frozen
class Snapshot:
    """Everything read in one moment of each database."""

    facts: Facts
    shared: Part = field(factory=Part)
    databases: Mapping[str, Part] = field(factory=dict[str, Part])
    implied: Mapping[str, Implied] = field(factory=dict[str, Implied])
    """By type, for lists that need no row in the catalogs."""
    tallies: tuple[Tally, ...] = ()
    """What was only counted."""
    others: Mapping[str, Facts] = field(factory=dict[str, Facts])
    """What was read of the server in databases other than the default one."""
    from_others: Mapping[str, Part] = field(factory=dict[str, Part])
    """What the cluster shares as it is seen from there, where that was read: what it holds there."""
    tried: Mapping[str, Refusal | None] = field(factory=dict[str, Refusal | None])
    """By query, what came of it (`pgplan.kind.Trying`); None: the server takes it."""

    def facts_of(self, database: str) -> Facts:
        """As seen from a database."""
        return self.others.get(database, self.facts)

    def with_database(self, facts: Facts, part: Part, shared: Part) -> Snapshot:
        """With another database, and what the cluster shares as it is seen from there."""
        name = facts.database
        return evolve(
            self,
            databases={**self.databases, name: part},
            others={**self.others, name: facts},
            from_others={**self.from_others, name: shared},
        )

    def held(self, one: Identity) -> Iterator[tuple[str, Dependent]]:
        """What stands on an object, and in which database; what another database holds of it only where that was read."""
        found = self.get(one)
        for each in found.holds if found is not None else ():
            elsewhere = self.from_others.get(unpart(each.key)) if each.how == "elsewhere" else None
            there = elsewhere.found.get(one.type, {}).get(one.key) if elsewhere is not None else None
            if there is None:
                yield one.database or self.facts.database, each
            else:
                yield from ((unpart(each.key), other) for other in there.holds if other.how != "elsewhere")

    def get(self, one: Identity) -> Found | None:
        found = self._row(one)
        return self._without_row(one) if found is None else found

    def _row(self, one: Identity) -> Found | None:
        part = self.databases.get(one.database) if one.database else self.shared
        return part.found.get(one.type, {}).get(one.key) if part is not None else None

    def _without_row(self, one: Identity) -> Found | None:
        return self.implied[one.type](one.key, self.facts_of(one.database)) if one.type in self.implied else None

    def seen_from(self, database: str, type_: str, key: str) -> Found | None:
        """The object as a kind names it: of that database, or of the cluster."""
        own = Identity(type_, key, database)
        found = self._row(own) or self._row(Identity(type_, key))
        return self._without_row(own) if found is None else found

    def catalog(self, database: str) -> Catalog:
        return Catalog(self, database)

    def having(self, more: Mapping[str, Iterable[Found]]) -> Snapshot:
        """This one, with other or more objects, by database ("" for what the cluster shares)."""
        databases = {name: part.having(more.get(name, ())) for name, part in self.databases.items()}
        return evolve(self, shared=self.shared.having(more.get("", ())), databases=databases)

    def objects(self) -> Iterator[tuple[Identity, Found]]:
        """Every object, in a defined order."""
        for database, part in (("", self.shared), *sorted(self.databases.items())):
            for type_, found in sorted(part.ordered.items()):
                yield from ((Identity(type_, one.key, database), one) for one in found)


@frozen
class Catalog:
    """What one database shows: its own objects, and those that the cluster shares."""

    snapshot: Snapshot
    database: str

    @property
    def facts(self) -> Facts:
        return self.snapshot.facts_of(self.database)

    def refusal(self, query: str) -> Refusal | None:
        """What the server said to a query that was tried; None where it took it, or was not asked."""
        return self.snapshot.tried.get(query) if self.was_tried(query) else None

    def was_tried(self, query: str) -> bool:
        """Only the default database is asked."""
        return query in self.snapshot.tried and self.database == self.snapshot.facts.database

    def get(self, type_: str, key: str) -> Found | None:
        return self.snapshot.seen_from(self.database, type_, key)

    def of(self, type_: str) -> list[Found]:
        """All of one type, sorted by key."""
        return list(self._ordered(type_))

    def within(self, type_: str, prefix: str) -> list[Found]:
        """Those of one type whose key begins with `prefix`, sorted by key: at the cost of the answer, not of the snapshot."""
        every = self._ordered(type_)
        start = bisect_left(every, prefix, key=lambda found: found.key)
        return every[start : bisect_right(every, prefix, lo=start, key=lambda found: found.key[: len(prefix)])]

    def belonging(self, type_: str, to: str) -> list[Found]:
        """Those of one type that belong to the object with the key `to`, sorted by key."""
        own = self.snapshot.databases.get(self.database)
        return own.belonging.get((type_, to), []) if own is not None else []

    def _ordered(self, type_: str) -> list[Found]:
        own = self.snapshot.databases.get(self.database)
        return (own.ordered.get(type_) if own is not None else None) or self.snapshot.shared.ordered.get(type_, [])
