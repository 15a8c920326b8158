"""The built-in kinds on the bench of the suite, `pgplan.testing`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from pgplan import testing
from pgplan.configuration.model import Declared
from pgplan.registry import Registry, registry_of
from pgplan.testing import Bench
from pgplan_postgres.provider import provider

REGISTRY: Registry = registry_of([provider])


def declare(kind: str, name: str, **block: Any) -> list[Declared]:
    return testing.declare(REGISTRY, kind, name, **block)


def one(kind: str, name: str = "", **block: Any) -> Declared:
    return declare(kind, name, **block)[0]


def bench(url: str) -> AbstractContextManager[Bench]:
    return testing.bench(url, REGISTRY)
