"""What is installed: providers with their kinds, and state backends, all by entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeGuard, cast

from attrs import frozen

from pgplan.errors import ConfigurationError, Problem
from pgplan.kind import EdgeKind, Kind, ObjectKind, Provider, Reader
from pgplan.state.backend import Backend, BackendFactory


def is_edge_kind(kind: Kind) -> TypeGuard[EdgeKind]:
    return hasattr(kind, "forbids")


@frozen
class Registry:
    """All kinds and readers by name. `providers` by the name of each kind that they bring."""

    kinds: Mapping[str, ObjectKind | EdgeKind]
    readers: Mapping[str, Reader]
    providers: Mapping[str, Provider]

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


def registry_of(providers: Iterable[Provider]) -> Registry:
    kinds: dict[str, ObjectKind | EdgeKind] = {}
    readers: dict[str, Reader] = {}
    by_kind: dict[str, Provider] = {}
    for provider in providers:
        for kind in provider.kinds:
            if kind.name in kinds:
                raise ValueError(f"two installed providers bring the kind {kind.name!r}")
            kinds[kind.name] = kind
            by_kind[kind.name] = provider
        readers.update((reader.type, reader) for reader in provider.readers)
    return Registry(kinds, readers, by_kind)


def installed() -> Registry:
    """The registry of every installed provider."""
    found = sorted(entry_points(group="pgplan.providers"), key=lambda point: point.name)
    return registry_of(cast("Sequence[Provider]", [point.load() for point in found]))


def backend_names() -> list[str]:
    """The state backends that are installed."""
    return sorted(point.name for point in entry_points(group="pgplan.state_backends"))


def backend(name: str, options: Mapping[str, Any], directory: Path) -> Backend:
    """The state backend called `name`, for a configuration in `directory`. Raises ConfigurationError when it is not installed."""
    points = {point.name: point for point in entry_points(group="pgplan.state_backends")}
    if name not in points:
        known = ", ".join(sorted(points))
        raise ConfigurationError(Problem(f"no state backend {name!r} is installed", address="state", hint=f"installed: {known}"))
    factory = cast("BackendFactory", points[name].load())
    return factory(options, directory)
