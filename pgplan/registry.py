"""What is installed: providers with their kinds, and state backends, all by entry point."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeGuard, cast

from attrs import field, frozen

from pgplan.address import Address, Identity
from pgplan.errors import ConfigurationError, Problem
from pgplan.kind import (
    EdgeKind,
    Glossary,
    ImplyingReader,
    Kind,
    ListKind,
    ObjectKind,
    Provider,
    Reader,
    Reference,
    Scope,
    Surveyor,
)
from pgplan.snapshot import Implied
from pgplan.state.backend import Backend, BackendFactory


def is_edge_kind(kind: Kind) -> TypeGuard[EdgeKind]:
    return hasattr(kind, "claims")


@frozen
class Registry:
    """All kinds and readers by name. `providers` by the name of each kind and type that they bring."""

    kinds: Mapping[str, ObjectKind | EdgeKind]
    readers: Mapping[str, Reader]
    providers: Mapping[str, Provider]
    words: Mapping[str, str] = field(factory=dict[str, str])
    """By the name of a table that is no kind, what to write instead."""

    def object_kind(self, name: str) -> ObjectKind:
        kind = self.kinds[name]
        if is_edge_kind(kind):
            raise TypeError(f"{name} is an edge kind")
        return cast("ObjectKind", kind)

    def edge_kind(self, name: str) -> EdgeKind:
        kind = self.kinds[name]
        if not is_edge_kind(kind):
            raise TypeError(f"{name} is not an edge kind")
        return kind

    def object_kinds(self) -> list[ObjectKind]:
        return [self.object_kind(name) for name, kind in sorted(self.kinds.items()) if not is_edge_kind(kind)]

    def edge_kinds(self) -> list[EdgeKind]:
        return [self.edge_kind(name) for name, kind in sorted(self.kinds.items()) if is_edge_kind(kind)]

    def list_kinds(self) -> list[ListKind]:
        """The edge kinds that declare what access lists say."""
        return [kind for kind in self.edge_kinds() if isinstance(kind, ListKind)]

    def scope(self, type_: str) -> Scope:
        known = self.readers.get(type_) or self.kinds.get(type_)
        return known.scope if known is not None else "database"

    def place(self, address: Address, default: str) -> str:
        """The database that an address is in, "" for what the cluster shares; `default` is the one that goes without saying."""
        return "" if self.scope(address.kind) == "cluster" else address.database or default

    def found_as(self, address: Address, default: str) -> Identity:
        """As what the reader of an address's kind finds it."""
        return Identity(address.kind, address.key, self.place(address, default))

    def readers_of(self, type_: str, key: str) -> Sequence[str]:
        """The readers that find an object of this type and key, by their types."""
        provider = self.providers.get(type_)
        return (type_,) if provider is None else provider.readers_of(type_, key)

    def identity(self, type_: str, key: str, database: str) -> Identity:
        """The object of this type and key as it is seen from `database`."""
        return Identity(type_, key, "" if self.scope(type_) == "cluster" else database)

    def target(self, reference: Reference, database: str) -> Identity:
        """What a reference in a spec of `database` means."""
        return self.identity(reference.type, reference.key, database)

    def meant(self, kind: str, key: str, database: str) -> Identity:
        """The object in the catalogs that the address ``kind.key`` of an object kind means."""
        return self.identity(*self.object_kind(kind).object(key), database)

    def grantee(self, one: Identity, name: str, database: str) -> Identity | None:
        """The object that a grantee in the access list of `one` is, seen from `database`; None for PUBLIC."""
        reference = self.providers[one.type].grantee(name)
        return None if reference is None else self.target(reference, database)

    def may_be_undeclared(self, kind: str) -> bool:
        """Whether what nothing declares may be one of this kind."""
        known = self.kinds[kind]
        if not isinstance(self.providers.get(kind), Surveyor):
            return False
        return isinstance(known, ListKind) if is_edge_kind(known) else self.object_kind(kind).undeclared

    @cached_property
    def scoped(self) -> frozenset[str]:
        """The types of object that a ``[scope]`` may name."""
        kinds = [kind for name, kind in self.kinds.items() if self.may_be_undeclared(name)]
        return frozenset(type_ for kind in kinds for type_ in (kind.on if isinstance(kind, ListKind) else (kind.name,)))

    @cached_property
    def surveyors(self) -> list[Surveyor]:
        providers = {id(provider): provider for provider in self.providers.values()}
        return [provider for provider in providers.values() if isinstance(provider, Surveyor)]

    def tallies(self, types: Collection[str]) -> list[str]:
        """Queries that count the objects of these types, where there may be too many to read them for that."""
        queries = (one.tally([type_ for type_ in one.tallied if type_ in types]) for one in self.surveyors)
        return [query for query in queries if query]

    @cached_property
    def implied(self) -> dict[str, Implied]:
        return {name: reader.implied for name, reader in self.readers.items() if isinstance(reader, ImplyingReader)}


def registry_of(providers: Iterable[Provider]) -> Registry:
    """Raises ValueError when two providers bring the same kind, or readers of the same type."""
    kinds: dict[str, ObjectKind | EdgeKind] = {}
    readers: dict[str, Reader] = {}
    by_name: dict[str, Provider] = {}
    words: dict[str, str] = {}
    for provider in providers:
        for kind in provider.kinds:
            if kind.name in kinds or by_name.get(kind.name, provider) is not provider:
                raise ValueError(f"two installed providers bring the kind {kind.name!r}")
            kinds[kind.name] = kind
            by_name[kind.name] = provider
        for reader in provider.readers:
            if reader.type in readers or by_name.get(reader.type, provider) is not provider:
                raise ValueError(f"two installed providers read the type {reader.type!r}")
            readers[reader.type] = reader
            by_name[reader.type] = provider
        words |= provider.words if isinstance(provider, Glossary) else {}
    return Registry(kinds, readers, by_name, words)


@cache
def _providers() -> list[EntryPoint]:
    return sorted(entry_points(group="pgplan.providers"), key=lambda point: point.name)


@cache
def _backends() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="pgplan.state_backends")}


def installed() -> Registry:
    """The registry of every installed provider."""
    return registry_of(cast("Sequence[Provider]", [point.load() for point in _providers()]))


def backend_names() -> list[str]:
    """The state backends that are installed."""
    return sorted(_backends())


def backend(name: str, options: Mapping[str, Any], directory: Path) -> Backend:
    """The state backend called `name`, for a configuration in `directory`. Raises ConfigurationError when it is not installed."""
    point = _backends().get(name)
    if point is None:
        known = ", ".join(backend_names())
        raise ConfigurationError(Problem(f"no state backend {name!r} is installed", address="state", hint=f"installed: {known}"))
    factory = cast("BackendFactory", point.load())
    return factory(options, directory)
