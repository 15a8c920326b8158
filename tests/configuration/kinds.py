"""Three small kinds that follow the contract, enough to drive the loader: a table, an array, and a set of edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from attrs import evolve, field, frozen

from pgplan.cycle import find_cycle
from pgplan.kind import Claim, Declaration, Facts, InvalidBlockError, Kind, Reference, Scope
from pgplan.registry import Registry
from pgplan.secret import Secret


@frozen
class RoleBlock:
    login: bool = False
    limit: int = -1
    level: Literal["low", "high"] = "low"
    password: Secret | None = None
    comment: str | None = None
    config: Mapping[str, str | tuple[str, ...]] = field(factory=dict[str, "str | tuple[str, ...]"])
    member_of: tuple[str, ...] = ()


@frozen
class Role:
    name: str
    block: RoleBlock
    password: Secret | None = None
    comment: str | None = None


class Simple:
    """What the kinds here share."""

    scope: Scope = "cluster"
    version = 1

    name: str

    def object(self, key: str) -> tuple[str, str]:
        return self.name, key

    def references(self, spec: Any) -> Sequence[Reference]:
        return ()

    def secrets(self, spec: Any) -> Mapping[str, Secret]:
        return {}

    def together(self, specs: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
        return ()


class RoleKind(Simple):
    name = "role"
    form: Literal["table", "array"] = "table"
    block = RoleBlock
    spec = Role

    def declare(self, name: str, block: RoleBlock) -> Iterable[Declaration]:
        if name.startswith("pg_"):
            raise InvalidBlockError(((), f"{name!r} is reserved", "call it something else"))
        yield Declaration("role", name, Role(name, block, block.password, block.comment))
        for role in block.member_of:
            yield Declaration("membership", f"{role}/{name}", Membership(role, name))

    def secrets(self, spec: Role) -> Mapping[str, Secret]:
        return {"password": spec.password} if spec.password else {}


@frozen
class MembershipBlock:
    role: tuple[str, ...]
    member: tuple[str, ...]


@frozen
class Membership:
    role: str
    member: str


class MembershipKind(Simple):
    name = "membership"
    form: Literal["table", "array"] = "array"
    block = MembershipBlock
    spec = Membership

    def declare(self, name: str, block: MembershipBlock) -> Iterable[Declaration]:
        assert name == ""
        for role in block.role:
            for member in block.member:
                yield Declaration("membership", f"{role}/{member}", Membership(role, member))

    def together(self, specs: Mapping[str, Membership]) -> Iterable[tuple[str, str, str]]:
        keys = {(spec.member, spec.role): key for key, spec in specs.items()}
        path = find_cycle(keys)
        if path:
            yield keys[path[-2], path[-1]], f"dependency cycle: {' → '.join(path)} (member → role)", "break it"


@frozen
class On:
    schema: str | None = None
    table: str | None = None
    except_: tuple[str, ...] = ()


@frozen
class GrantBlock:
    to: tuple[str, ...]
    on: tuple[On, ...]
    privileges: tuple[str, ...]
    options: Mapping[str, str | Secret] = field(factory=dict[str, "str | Secret"])


@frozen
class Grant:
    to: str
    on: On
    privileges: tuple[str, ...]
    options: Mapping[str, str | Secret]


class GrantKind(Simple):
    """An edge kind; its options hold a secret called password, as a user mapping's do."""

    name = "grant"
    form: Literal["table", "array"] = "array"
    of_owners = False
    block = GrantBlock
    spec = Grant

    def declare(self, name: str, block: GrantBlock) -> Iterable[Declaration]:
        mistakes = [(("privileges", i), f"no privilege {p!r}", "") for i, p in enumerate(block.privileges) if not p.isupper()]
        if mistakes:
            raise InvalidBlockError(*mistakes)
        for to in block.to:
            for on in block.on:
                yield Declaration("grant", f"{to}/schema:{on.schema}", Grant(to, on, block.privileges, block.options))

    def secrets(self, spec: Grant) -> Mapping[str, Secret]:
        password = spec.options.get("password")
        if password is None:
            return {}
        return {"options.password": password if isinstance(password, Secret) else Secret(password)}

    def claims(self, spec: Grant, facts: Facts) -> Sequence[Claim]:
        return ()

    def merge(self, one: Grant, other: Grant) -> Grant:
        return evolve(one, privileges=tuple(sorted({*one.privileges, *other.privileges})))


def registry() -> Registry:
    kinds: list[Kind] = [RoleKind(), MembershipKind(), cast("Kind", GrantKind())]
    return Registry(cast("Any", {kind.name: kind for kind in kinds}), {}, {})
