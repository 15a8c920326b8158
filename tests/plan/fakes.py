"""A small world for the deciding part: two object kinds and two edge kinds, without a server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen

from pgplan.configuration.model import Configuration, Connection, Declared, Move, Policy, StateSettings
from pgplan.errors import Source
from pgplan.images import image
from pgplan.kind import (
    Claim,
    Declaration,
    Edge,
    EdgeChange,
    EdgeKind,
    EdgeStatement,
    IsThere,
    ObjectKind,
    Outcome,
    OwnerChange,
    Reader,
    Reasons,
    Reference,
    Scope,
    SpecOf,
    Statement,
    Wanted,
)
from pgplan.plan.build import build
from pgplan.plan.model import Check, Observed, Options, Plan, Remarks, Slot
from pgplan.registry import Registry, registry_of
from pgplan.secret import Secret
from pgplan.snapshot import NO_LIST, AccessList, Catalog, Facts, Found, Item, Privilege, Snapshot, part_of
from pgplan.state.model import Adopted, Entry, Fold, State

FACTS = Facts(180000, "42", 1, "db", 5, "admin", "admin", superuser=True)
DEFAULTS = Policy()
EMPTY = State("test", "lineage", 1)
COLUMNS = frozenset(("c", "d"))
"""Every thing has them."""
ALL = Adopted(all=True)


@frozen
class Thing:
    """`base` cannot be altered; `owner` and `base` name other things."""

    name: str
    owner: str | None = None
    base: str | None = None
    color: str | None = None
    password: Secret | None = None


@frozen
class FakeRights:
    gaining: bool

    def leading(self, dropped: Collection[tuple[str, str]], altered: Collection[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        return []

    def without(self, dropped: Collection[tuple[str, str]], altered: Collection[tuple[str, str]]) -> FakeRights:
        return self

    def runs_as(self, change: EdgeChange) -> str:
        return ""

    def missing_for(self, change: EdgeChange, granted: Collection[Edge]) -> str | None:
        return "the key" if change.edge.item.privilege == "LOCKED" and not self.gaining else None

    def hindered(self, change: EdgeChange, granted: Collection[Edge]) -> str:
        return ""

    def missing_to_give(self, change: OwnerChange) -> Sequence[str]:
        return []

    def lock_out(self, change: OwnerChange) -> str | None:
        return None


@frozen
class ThingKind:
    name: str = "thing"
    form: Literal["table", "array"] = "table"
    scope: Scope = "database"
    version: int = 1
    block: type[Any] = Thing
    spec: type[Any] = Thing
    stands_on: Sequence[str] = ("thing",)
    reads: Sequence[str] = ()
    has_members: bool = False
    adopted_silently: bool = False
    early: bool = False
    late: bool = False
    exclusive: bool = False
    undeclared: bool = True
    replace_when: Sequence[str] = ("base",)
    replace_when_hidden: Sequence[str] = ("color",)
    goes_with: Sequence[str] = ()
    private: Sequence[str] = ()
    creation_only: Sequence[str] = ()
    rewritten: Sequence[str] = ()

    def object(self, key: str) -> tuple[str, str]:
        return self.name, key

    def owner(self, spec: Thing) -> str | None:
        return spec.owner

    def columns(self, spec: Thing) -> frozenset[str] | None:
        """A coloured thing has just the column of its colour."""
        return frozenset((spec.color,)) if spec.color else None

    def brings(self, spec: Thing, type_: str, key: str, is_there: IsThere) -> bool:
        return False

    def together(self, specs: Mapping[str, Thing]) -> Iterable[tuple[str, str, str]]:
        return ()

    def complete(self, spec: Thing, facts: Facts, spec_of: SpecOf) -> Thing:
        return spec

    def declare(self, name: str, block: Thing) -> Iterable[Declaration]:
        yield Declaration(self.name, name, block)

    def references(self, spec: Thing) -> Sequence[Reference]:
        named = (("owner", spec.owner), ("base", spec.base))
        return [Reference("thing", value, attribute) for attribute, value in named if value]

    def grounds(self, spec: Thing, found: Found | None, spec_of: SpecOf) -> Sequence[Reference]:
        return ()

    def fixed(self, found: Found, spec: Thing, changed: Sequence[str]) -> Sequence[str]:
        return [name for name in changed if name in self.replace_when]

    def meaning(self, spec: Thing, spec_of: SpecOf) -> Mapping[str, str]:
        return {}

    def cautions(self, spec: Thing) -> Sequence[str]:
        return ["It is red."] if spec.color == "red" else []

    def secrets(self, spec: Thing) -> Mapping[str, Secret]:
        return {"password": spec.password} if spec.password else {}

    def slot_matches(self, slot: str, declared: str, found: Secret) -> bool:
        return declared == found.reveal()

    def create(self, spec: Thing) -> Sequence[Statement]:
        return [Statement(f"MAKE {spec.name}")]

    def alter(self, found: Found, spec: Thing, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return [Statement(f"ALTER {spec.name} {' '.join((*changed, *slots))}")]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [Statement(f"DROP {found.spec.name}")]

    def excluded(self, going: Mapping[str, Thing], others: Mapping[str, Thing]) -> Iterable[str]:
        return ()

    def turns(self, wanted: Wanted, outcome: Outcome) -> Iterable[tuple[str, str]]:
        return ()

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        return ()

    def missing_rights(self, found: Found | None, spec: Thing | None, rights: FakeRights) -> Sequence[str]:
        return ["the colour black"] if spec is not None and spec.color == "black" and not rights.gaining else []

    def lock_out(self, found: Found, spec: Thing | None, facts: Facts) -> str | None:
        return "its very self" if found.spec.name == facts.role and spec is None else None


@frozen
class Permit:
    grantee: str
    target: str
    rights: tuple[str, ...]
    pattern: bool = False
    grantable: bool = False
    out: tuple[str, ...] = ()


@frozen
class Things:
    """One thing by name, or all whose names begin with it, but for some."""

    key: str
    named: bool = True
    out: tuple[str, ...] = ()
    type: str = "thing"

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        keys = [self.key] if self.named else [found.key for found in catalog.within("thing", self.key)]
        return [("thing", key) for key in keys if key not in self.out]

    def exceptions(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        return [("thing", key) for key in self.out]


@frozen
class PermitKind:
    name: str = "permit"
    forbids: bool = False
    form: Literal["table", "array"] = "array"
    scope: Scope = "database"
    version: int = 1
    right_after: Sequence[str] = ()
    of_owners: bool = False
    block: type[Any] = Permit
    spec: type[Any] = Permit

    def declare(self, name: str, block: Permit) -> Iterable[Declaration]:
        yield Declaration(self.name, f"{block.grantee}/{block.target}", block)

    def merge(self, one: Permit, other: Permit) -> Permit:
        return Permit(one.grantee, one.target, tuple(sorted({*one.rights, *other.rights})))

    def references(self, spec: Permit) -> Sequence[Reference]:
        target = [] if spec.pattern else [Reference("thing", spec.target, "on")]
        grantee = [] if spec.grantee == "PUBLIC" else [Reference("thing", spec.grantee, "to")]
        return [*grantee, *target]

    def secrets(self, spec: Permit) -> Mapping[str, Secret]:
        return {}

    def reads(self, spec: Permit) -> Sequence[str]:
        return ["thing"]

    def claims(self, spec: Permit, facts: Facts) -> Sequence[Claim]:
        parts = (right.rpartition(":") for right in spec.rights)
        items = tuple(Item(column, spec.grantee, privilege) for column, _, privilege in parts)
        return [Claim(Things(spec.target, not spec.pattern, spec.out), items, self.forbids, spec.grantable)]

    def adoptable(self, key: str, catalog: Catalog) -> Permit | None:
        return None

    def declarations(self, found: Found) -> Iterable[Declaration]:
        return ()


@frozen
class FakeProvider:
    kinds: Sequence[ObjectKind | EdgeKind] = field(
        factory=lambda: [ThingKind(), PermitKind(), PermitKind("forbid", forbids=True)]
    )
    readers: Sequence[Reader] = ()

    def readers_of(self, type_: str, key: str) -> Sequence[str]:
        return (type_,)

    def grantee(self, name: str) -> Reference | None:
        return None if name == "PUBLIC" else Reference("thing", name)

    def built_in(self, type_: str, key: str, owner: str, facts: Facts) -> AccessList:
        """PUBLIC may LOOK at what `own` owns."""
        return AccessList((Privilege("", "PUBLIC", "LOOK", owner),)) if owner == "own" else NO_LIST

    def born(self, type_: str, key: str, owner: str, catalog: Catalog) -> AccessList:
        """PUBLIC may LOOK at a new n."""
        return AccessList((Privilege("", "PUBLIC", "LOOK", owner),)) if key == "n" else NO_LIST

    def born_by(self, type_: str, key: str, owner: str) -> Sequence[Reference]:
        return ()

    def rights(self, catalog: Catalog, later: Catalog) -> FakeRights:
        return FakeRights(any(one.spec is not None and one.spec.owner == later.facts.role for one in later.of("thing")))

    def edge_statements(self, changes: Sequence[EdgeChange]) -> Sequence[EdgeStatement]:
        return [EdgeStatement(Statement(show(change), run_as=change.run_as), (change,)) for change in sorted(changes, key=show)]

    def owner_statements(self, changes: Sequence[OwnerChange]) -> Sequence[tuple[OwnerChange, Statement]]:
        return [(change, Statement(f"GIVE {change.object.key} TO {change.after}")) for change in sorted(changes)]


def show(change: EdgeChange) -> str:
    item = change.edge.item
    option = "OPTION " if change.only_option else ""
    tail = " WITH OPTION" if change.grantable else ""
    column = f"({item.column})" if item.column else ""
    verb = "1 REVOKE" if change.action == "revoke" else "2 GRANT"
    return f"{verb} {option}{item.privilege}{column} ON {change.edge.object.key} {item.grantee}{tail}"


REGISTRY: Registry = registry_of([FakeProvider()])


@frozen
class World:
    """What is declared, recorded and found; `plan()` decides."""

    declared: tuple[Declared, ...] = ()
    entries: tuple[Entry, ...] = ()
    found: tuple[Found, ...] = ()
    slots: Mapping[tuple[str, str], Slot] = field(factory=dict[tuple[str, str], Slot])
    policy: Policy = DEFAULTS
    facts: Facts = FACTS
    state: State = EMPTY
    moves: tuple[Move, ...] = ()

    def plan(self, **options: Any) -> Plan:
        return self.both(**options)[0]

    def both(self, **options: Any) -> tuple[Plan, Remarks]:
        configuration = Configuration(Path(), "test", (), Connection(), StateSettings(), self.policy, self.declared, self.moves)
        state = self.state.with_changes(self.entries, ())
        snapshot = Snapshot(self.facts, databases={self.facts.database: part_of(self.found)})
        return build(
            configuration,
            state,
            snapshot,
            REGISTRY,
            self.slots,
            state_hash="hash",
            options=Options(**options),
        )


def declared(spec: Thing | Permit, *, kind: str = "", protect: bool = False) -> Declared:
    name, key = (kind or "thing", spec.name) if isinstance(spec, Thing) else (kind or "permit", f"{spec.grantee}/{spec.target}")
    return Declared(f"{name}.{key}", name, key, spec, (Source("pgplan.toml", 1),), protect=protect)


def entry(spec: Thing | Permit, *, kind: str = "", oid: int = 7, **more: Any) -> Entry:
    one = declared(spec, kind=kind)
    depends = tuple(sorted({str(r) for r in REGISTRY.kinds[one.kind].references(spec)}))
    return Entry(one.address, "db", 0 if isinstance(spec, Permit) else oid, image(spec), depends, **more)


def found(spec: Thing, *, oid: int = 7, owner: str = "own", acl: Iterable[Privilege] = (), hidden: tuple[str, ...] = ()) -> Found:
    """As the server would show it: nothing is None but what is hidden."""
    shown = Thing(
        spec.name,
        spec.owner or "",
        spec.base or "",
        None if "color" in hidden else spec.color or "",
        spec.password,
    )
    return Found(
        "thing",
        spec.name,
        oid,
        shown,
        owner=owner,
        acl=AccessList(tuple(sorted(acl))) if acl else NO_LIST,
        hidden=hidden,
        columns=COLUMNS,
    )


def right(privilege: str, grantee: str = "bob", *, grantor: str = "own", column: str = "", grantable: bool = False) -> Privilege:
    return Privilege(column, grantee, privilege, grantor, grantable)


def lines(plan: Plan) -> list[str]:
    return [f"{change.address} {change.action}" for change in plan.changes]


def sql(plan: Plan) -> list[str]:
    return [statement.sql for step in plan.steps for statement in step.statements]


def relied(plan: Plan, key: str) -> tuple[Observed, Check]:
    """What a plan says of one thing: as found, and as it must be."""
    observed = next(one for one in plan.observed.objects if one.key == key)
    return observed, next(one for one in plan.decided.checks if one.key == key)


def items(check: Check, *, present: bool) -> list[Item]:
    return [Item(one.column, one.grantee, one.privilege) for one in check.items if one.present == present]


def listed(*pairs: str, keys: tuple[str, ...] = ("t",)) -> Adopted:
    """An `Adopted` that lists privileges on things."""
    return Adopted(listed=(Fold(tuple(("", pair) for pair in pairs), keys),))
