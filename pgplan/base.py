"""Defaults of the contract for those who write kinds, and the checks of names that every block needs: part of `pgplan.sdk`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

import attrs

from pgplan.address import PUBLIC, SYSTEM_NAME, grantee_role, name_problem, role_grantee
from pgplan.kind import Facts, Found, InvalidBlockError, IsThere, Outcome, Reasons, Reference, Scope, Spec, SpecOf, Wanted
from pgplan.secret import Secret

T = TypeVar("T")
Path = tuple[str | int, ...]
Form = Literal["table", "array"]

PUBLIC_HINT = f"PUBLIC, in capitals, means every role; a role that is really called so is written '\"{PUBLIC}\"'"


class ObjectKindBase:
    """Defaults of the contract in `pgplan.kind.ObjectKind`: an object of its own, which waits for what it refers to."""

    name: str
    form: Form = "table"
    scope: Scope = "database"
    version: int = 1
    stands_on: Sequence[str] = ()
    reads: Sequence[str] = ()
    has_members: bool = False
    goes_with: Sequence[str] = ()
    private: Sequence[str] = ()
    adopted_silently: bool = False
    early: bool = False
    late: bool = False
    exclusive: bool = False
    undeclared: bool = True
    replace_when: Sequence[str] = ()
    replace_when_hidden: Sequence[str] = ()
    creation_only: Sequence[str] = ()
    grantees: Sequence[str] = ()
    rewritten: Sequence[str] = ()

    def object(self, key: str) -> tuple[str, str]:
        return self.name, key

    def owner(self, spec: Any) -> str | None:
        return None

    def columns(self, spec: Any) -> frozenset[str] | None:
        return None

    def brings(self, spec: Any, type_: str, key: str, is_there: IsThere) -> bool:
        return False

    def together(self, specs: Mapping[str, Spec]) -> Reasons:
        return ()

    def complete(self, spec: Any, facts: Facts, spec_of: SpecOf) -> Any:
        return spec

    def grounds(self, spec: Any, found: Found | None, spec_of: SpecOf) -> Sequence[Reference]:
        return ()

    def fixed(self, found: Found, spec: Any, changed: Sequence[str]) -> Sequence[str]:
        return [name for name in changed if name in self.replace_when]

    def meaning(self, spec: Any, spec_of: SpecOf) -> Mapping[str, str]:
        return {}

    def cautions(self, spec: Any) -> Sequence[str]:
        return ()

    def secrets(self, spec: Any) -> Mapping[str, Secret]:
        return {}

    def slot_matches(self, slot: str, declared: str, found: Secret) -> bool:
        return not found.withheld and found.reveal() == declared

    def excluded(self, going: Mapping[str, Any], others: Mapping[str, Any]) -> Iterable[str]:
        return ()

    def turns(self, wanted: Wanted, outcome: Outcome) -> Iterable[tuple[str, str]]:
        return ()

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        return ()

    def missing_rights(self, found: Found | None, spec: Any, rights: Any) -> Sequence[str]:
        return ()

    def lock_out(self, found: Found, spec: Any, facts: Facts) -> str | None:
        return None


class ReaderBase:
    """Defaults of the contract in `pgplan.kind.Reader`."""

    scope: Scope = "database"
    always: bool = False


class Mistakes:
    """Collects what is wrong with one block."""

    def __init__(self) -> None:
        self.found: list[tuple[Path, str, str]] = []

    def add(self, path: Path, message: str, hint: str = "") -> None:
        self.found.append((path, message, hint))

    def name(self, path: Path, value: str) -> str:
        """`value`, once it is known that PostgreSQL keeps it as it is."""
        problem = name_problem(value)
        if problem:
            self.add(path, problem)
        return value

    def names(self, *pairs: tuple[str, str | None]) -> None:
        for attribute, value in pairs:
            if value is not None:
                self.name((attribute,), value)

    def new_name(self, kind: str, value: str) -> str:
        """The name of something to create: names that begin with pg_ are the server's own."""
        if SYSTEM_NAME.match(value):
            self.add((), f"a {kind} cannot be called {value!r}: names that begin with pg_ are reserved by PostgreSQL")
        return self.name((), value)

    def grantee(self, path: Path, value: str) -> str:
        """A role, or PUBLIC, in the form that specs hold (see `pgplan.address.grantee_role`)."""
        role = grantee_role(value)
        if role is None:
            return PUBLIC
        self._role(path, role)
        return role_grantee(role)

    def role(self, path: Path, value: str) -> str:
        """The name of one role. PUBLIC is none."""
        role = grantee_role(value)
        if role is None:
            self.add(path, f"{PUBLIC} is not a role", PUBLIC_HINT)
            return value
        return self._role(path, role)

    def optional_role(self, attribute: str, value: str | None) -> str | None:
        return None if value is None else self.role((attribute,), value)

    def _role(self, path: Path, role: str) -> str:
        if role == "public":
            self.add(path, f"no role is called {role!r}: PostgreSQL reserves the name", PUBLIC_HINT)
        elif role == "none":
            self.add(path, "no role is called 'none': PostgreSQL reserves the name")
        return self.name(path, role)

    def some(self, path: Path, values: Sequence[Any] | None) -> None:
        """A list that says nothing would be passed over in silence."""
        if values is not None and not values:
            self.add(path, f"{path[-1]} is empty", "name something in it, or remove the block")

    def done(self) -> None:
        """Raise InvalidBlockError if anything is wrong."""
        if self.found:
            raise InvalidBlockError(*self.found)


def named(cls: Callable[..., T], block: Any, name: str, **normal: Any) -> T:
    """The spec of a block whose attributes are the spec's own, but for the name and what is `normal`."""
    return cls(name=name, **attrs.asdict(block, recurse=False) | normal)


@overload
def sorted_dict(value: None) -> None: ...
@overload
def sorted_dict(value: Mapping[str, Any]) -> dict[str, Any]: ...
def sorted_dict(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(sorted(value.items()))
