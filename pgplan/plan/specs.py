"""What kinds are told of other objects' attributes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from pgplan.configuration.model import Declared
from pgplan.kind import Spec, SpecOf
from pgplan.registry import Registry
from pgplan.snapshot import Snapshot

SpecsOf = Callable[[str], SpecOf]
"""What specs are called by, of each database."""


def specs(declared: Sequence[Declared], snapshot: Snapshot, registry: Registry) -> SpecsOf:
    """An object's spec as declared, else as found."""
    default = snapshot.facts.database
    objects = {kind.name for kind in registry.object_kinds()}
    # Under the name of what it makes too: a foreign table is a table.
    known = {registry.meant(one.kind, one.key, one.database or default): one.spec for one in declared if one.kind in objects}
    known |= {registry.identity(one.kind, one.key, one.database or default): one.spec for one in declared}

    @cache
    def specs_of(database: str) -> SpecOf:
        catalog = snapshot.catalog(database or default)

        def spec_of(type_: str, key: str) -> Spec | None:
            found = catalog.get(type_, key)
            return known.get(registry.identity(type_, key, database or default)) or (found.spec if found else None)

        return spec_of

    return specs_of
