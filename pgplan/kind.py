"""The contract between the engine and a provider: what a kind of object must say of itself.

The engine knows no kind of PostgreSQL object. A provider (entry point group ``pgplan.providers``) lists *kinds*, which stand in
the configuration and the state, and *readers*, which say what the catalogs hold. Kinds compose SQL; only the engine runs it.

Rules that hold for every spec class (an attrs class, frozen):

* one class serves declared, recorded and found; attrs converters normalise, so that ``==`` is the comparison;
* None means *not said* on the declared side (not managed) and *hidden by the server* on the found side. What the server shows
  as absent has a value of its own: ``""`` for no comment, ``{}`` for no options;
* no sets; mappings are dicts sorted by key; lists are tuples, sorted unless their order means something;
* every attribute is JSON after `pgplan.images.image`, where a `Secret` becomes a marker.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import field, frozen

from pgplan.secret import Secret

Spec = Any
"""An instance of a kind's spec class. The engine compares specs and asks their kind about them, nothing more."""

Lookup = Callable[[str, str], Spec | None]
"""Another object's spec by (type, key): as declared, else as found, else None."""

Row = Mapping[str, Any]
Scope = Literal["cluster", "database"]


@frozen(order=True)
class Reference:
    """A name in a spec: another object that must be there first. `type` is a kind's or a reader's name."""

    type: str
    key: str
    attribute: str = ""

    @property
    def target(self) -> tuple[str, str]:
        return self.type, self.key

    def __str__(self) -> str:
        return f"{self.type}.{self.key}"


@frozen(order=True)
class Privilege:
    """One item of an access list as found, built-in defaults included. `column` is "" for the whole object."""

    column: str
    grantee: str
    """A role, the keyword PUBLIC, or ``"PUBLIC"`` for a role called so (pgplan.address.grantee_part)."""
    privilege: str
    grantor: str
    grantable: bool = False


@frozen
class Found:
    """One object as the catalogs show it."""

    type: str
    key: str
    oid: int
    spec: Spec
    hidden: tuple[str, ...] = ()
    """Attributes of the spec that the server does not show to this role: hidden, never empty."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any])
    """JSON that is not an attribute but that SQL or staleness depends on, such as the rows behind a membership."""
    owner: str = ""
    """The owner's role name, for objects that have an access list."""
    acl: tuple[Privilege, ...] = ()
    secrets: Mapping[str, Secret] = field(factory=dict[str, Secret])
    """What the server shows of secrets, by slot: held in memory for comparison, never written anywhere."""
    extension: str = ""
    """The key of the extension that it is a member of, and goes with."""
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
    lsn: str = ""
    """pg_current_wal_insert_lsn(), such as ``0/1A2B3C4``; never part of a plan."""


@frozen
class Snapshot:
    """Everything read of one database in one read-only snapshot, by (type, key)."""

    facts: Facts
    found: Mapping[tuple[str, str], Found]

    def get(self, type_: str, key: str) -> Found | None:
        return self.found.get((type_, key))

    def of(self, type_: str) -> list[Found]:
        """All of one type, sorted by key."""
        return list(self._sorted.get(type_, ()))

    def within(self, type_: str, prefix: str) -> list[Found]:
        """Those of one type whose key begins with `prefix`, sorted by key: at the cost of the answer, not of the snapshot."""
        every = self._sorted.get(type_, [])
        start = bisect_left(every, prefix, key=lambda found: found.key)
        return every[start : bisect_right(every, prefix, lo=start, key=lambda found: found.key[: len(prefix)])]

    @cached_property
    def _sorted(self) -> Mapping[str, list[Found]]:
        by_type: dict[str, list[Found]] = {}
        for found in sorted(self.found.values(), key=lambda found: found.key):
            by_type.setdefault(found.type, []).append(found)
        return by_type


class Reader(Protocol):
    """Reads all objects of one type in one query."""

    @property
    def type(self) -> str: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def always(self) -> bool:
        """Whether it is read in every run; else only when the configuration or the state mentions the type."""
        ...

    def query(self, facts: Facts) -> str:
        """A whole SELECT that a DBA can paste into psql, and that uses nothing which ignores the snapshot."""
        ...

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]: ...


@frozen
class SecretUse:
    """A place in a statement, written ``:'slot'`` as psql would, that takes a secret when the plan is applied.

    `transport` is "verifier" (a SCRAM verifier made on the client for role `role`) or "private" (the statement is run inside the
    server with the value taken from a temporary table, so that no log shows it).
    """

    slot: str
    transport: Literal["verifier", "private"]
    role: str = ""


@frozen
class Statement:
    """One SQL statement, final but for its secrets. `run_as` is a role to SET LOCAL ROLE to around it."""

    sql: str
    secret: SecretUse | None = None
    run_as: str = ""


class InvalidBlockError(Exception):
    """A block that decodes but makes no sense. Each mistake is (path within the block, message, hint)."""

    def __init__(self, *mistakes: tuple[tuple[str | int, ...], str, str]) -> None:
        super().__init__("; ".join(message for _, message, _ in mistakes))
        self.mistakes = mistakes


@frozen
class Declaration:
    """One spec that a block declares, by kind and key. A role's `member_of` declares memberships, for instance."""

    kind: str
    key: str
    spec: Spec


class Kind(Protocol):
    """What object kinds and edge kinds have in common."""

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> Literal["table", "array"]:
        """``[kind.NAME]`` or ``[[kind]]``."""
        ...

    @property
    def scope(self) -> Scope: ...
    @property
    def version(self) -> int:
        """The version of the spec's recorded form: raise it when the spec class changes incompatibly."""
        ...

    @property
    def block(self) -> type[Any]:
        """The attrs class that one TOML block is decoded into, strictly. Attributes that products allow are lists there."""
        ...

    @property
    def spec(self) -> type[Any]: ...

    def declare(self, name: str, block: Any) -> Iterable[Declaration]:
        """What one block declares, products multiplied out. `name` is the block's object name, "" for the array form.

        Raises InvalidBlockError with every mistake of the block.
        """
        ...

    def references(self, spec: Spec) -> Sequence[Reference]: ...

    def secrets(self, spec: Spec) -> Mapping[str, Secret]:
        """The spec's secrets by slot ("password", "options.password")."""
        ...


@runtime_checkable
class BlockWriter(Protocol):
    """A kind whose blocks are not spelled like its specs says itself how a spec is declared."""

    def blocks(self, spec: Spec) -> Sequence[Mapping[str, Any]]:
        """The keys and values of each block, as TOML has them."""
        ...


class ObjectKind(Kind, Protocol):
    """A kind whose address names one object. A reader of the same type finds it."""

    @property
    def after(self) -> Sequence[str]:
        """Kinds whose creations come first in any case, because they may bring what this kind refers to."""
        ...

    @property
    def adopts(self) -> bool:
        """Whether what exists is adopted and completed without asking (edges)."""
        ...

    @property
    def no_loops(self) -> tuple[str, str] | None:
        """Two attributes, each a name, whose pairs must not form a loop over all declared specs of the kind."""
        ...

    @property
    def replace_when(self) -> Sequence[str]:
        """Attributes that PostgreSQL cannot alter: a difference means drop and create."""
        ...

    @property
    def replace_when_hidden(self) -> Sequence[str]:
        """Attributes that cannot be altered blind: hidden by the server and not recorded, they mean drop and create too."""
        ...

    @property
    def goes_with(self) -> Sequence[str]:
        """Attributes that name objects whose own DROP takes this one along: then there is no statement for it."""
        ...

    @property
    def creation_only(self) -> Sequence[str]:
        """Attributes that only `create` uses and the catalogs do not keep: never compared, None in every found spec."""
        ...

    def settle(self, spec: Spec, facts: Facts, lookup: Lookup) -> Spec:
        """A declared spec made definite for this server, before anything is compared: defaults that depend on its version or
        on another object are filled in. The engine calls it once for each declared object when planning.

        Raises InvalidBlockError with what a server of this version cannot do.
        """
        ...

    def grounds(self, spec: Spec, found: Found | None) -> Sequence[Reference]:
        """What `spec`, or what was found, also stands on: to be made before it, and dropped after it, where this plan does so."""
        ...

    def slot_matches(self, slot: str, declared: str, found: Secret) -> bool:
        """Whether what the server stores for a slot is the declared value."""
        ...

    def create(self, spec: Spec) -> Sequence[Statement]: ...

    def alter(self, found: Found, spec: Spec, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        """From what was found to `spec`: `changed` names attributes that differ, `slots` secrets whose value must be sent."""
        ...

    def drop(self, found: Found) -> Sequence[Statement]: ...

    def missing_right(self, found: Found | None, spec: Spec | None, rights: Any) -> str | None:
        """The right that the connected role certainly lacks to go from `found` (None: create) to `spec` (None: drop), in words;
        None if it lacks nothing, or if only the server can tell. `rights` is what the provider's `rights` gave."""
        ...

    def lock_out(self, found: Found, spec: Spec | None, facts: Facts) -> str | None:
        """What the connected role would lose by going from `found` to `spec` (None: dropped), in words; None if nothing."""
        ...


@frozen(order=True)
class Edge:
    """One privilege that must be there (grant) or must not (revoke), on the object (type, key)."""

    type: str
    key: str
    column: str
    grantee: str
    privilege: str

    @property
    def target(self) -> tuple[str, str]:
        return self.type, self.key


@frozen
class Wanted:
    """What one address says of one edge. A block that names the object (`named`) beats one with ``*_in``."""

    edge: Edge
    grantable: bool = False
    named: bool = True


class EdgeKind(Kind, Protocol):
    """A kind whose address stands for a set of edges."""

    @property
    def forbids(self) -> bool:
        """False: the edges must be there (grant). True: they must not (revoke)."""
        ...

    def merge(self, one: Spec, other: Spec) -> Spec:
        """Two specs of the same address, added up."""
        ...

    def reads(self, spec: Spec) -> Sequence[str]:
        """Types that must be read to expand the spec."""
        ...

    def edges(self, spec: Spec, snapshot: Snapshot) -> Iterable[Wanted]:
        """The spec, expanded for what the snapshot holds. An explicitly named object is expanded even if it is not found.

        Raises InvalidBlockError when the server's version does not have a privilege.
        """
        ...

    def adoptable(self, key: str, snapshot: Snapshot) -> Spec | None:
        """The spec that describes what is found for an address, for `pgplan import`. None: nothing is found.

        Raises InvalidBlockError when the key is not one of this kind.
        """
        ...


@frozen
class EdgeChange:
    """Edges to be granted or revoked, in the plan's terms. A revoke with `only_option` keeps the privilege itself."""

    action: Literal["grant", "revoke"]
    edge: Edge
    grantable: bool = False
    only_option: bool = False
    run_as: str = ""
    grantor: str = ""
    """Whose grant a revoke takes away; for the engine's own books, SQL does not name it."""


@frozen
class EdgeStatement:
    """One statement and the changes it makes."""

    statement: Statement
    changes: tuple[EdgeChange, ...]


class Rights(Protocol):
    """What the connected role may do; opaque to the engine but for privileges."""

    def missing_for(self, change: EdgeChange) -> str | None:
        """The right that it certainly lacks for a change of privileges, in words."""
        ...


class Provider(Protocol):
    """The entry point's object."""

    @property
    def kinds(self) -> Sequence[ObjectKind | EdgeKind]: ...
    @property
    def readers(self) -> Sequence[Reader]: ...

    def rights(self, snapshot: Snapshot) -> Rights:
        """What the connected role may do. Asked for only when it is no superuser."""
        ...

    def edge_statements(self, changes: Sequence[EdgeChange]) -> Sequence[EdgeStatement]:
        """The fewest statements for all the changes, revokes first. Changes that differ only in object, grantee, privilege or
        column share one. Sorted input gives the same output in every process."""
        ...
