"""What needs no server: a configuration, and the state that is recorded. No driver is imported here."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from pgplan import registry as registries
from pgplan.configuration.load import load, load_state
from pgplan.configuration.model import Configuration, Inputs, StateSettings
from pgplan.registry import Registry
from pgplan.state.model import State
from pgplan.state.store import StateStore


@frozen
class Request:
    """What a caller asks for, whatever the command."""

    directory: Path
    inputs: Inputs = field(factory=Inputs)
    url: str | None = None
    """Stands above [connection].url."""
    lock_timeout: float = 0.0


def load_offline(request: Request) -> tuple[Configuration, Registry]:
    """The configuration without connection, state or secrets. Raises ConfigurationError with every mistake."""
    registry = registries.installed()
    return load(request.directory, registry, request.inputs, resolve_secrets=False), registry


def state_store(configuration: Configuration) -> StateStore:
    return _store(configuration.directory, configuration.name, configuration.state)


def load_store(request: Request) -> StateStore:
    """The state alone, whatever else is in the configuration."""
    return _store(request.directory, *load_state(request.directory, request.inputs))


def _store(directory: Path, name: str, settings: StateSettings) -> StateStore:
    return StateStore(registries.backend(settings.backend, settings.options, directory), name)


def stored_state(store: StateStore, name: str) -> tuple[State, str | None]:
    """The stored state, or an empty one."""
    state, version = store.load()
    return state or unwritten(name), version


def unwritten(name: str) -> State:
    """What counts before the first apply: the same in every run, so that plans are the same too."""
    return State(name=name, lineage="", serial=0)
