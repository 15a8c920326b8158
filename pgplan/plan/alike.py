"""Names that a reader takes for one another: they differ only in what cannot be seen, or in what Unicode takes for the same.

Neither is wrong, PostgreSQL tells them apart, but one may be meant to be taken for the other. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

from pgplan.address import PUBLIC, Address, Identity, part
from pgplan.configuration.model import Declared
from pgplan.images import restore
from pgplan.invisible import in_ascii, is_plain, skeleton
from pgplan.registry import Registry, is_edge_kind
from pgplan.snapshot import Snapshot, Spec
from pgplan.state.model import Entry

_TOKEN = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^./:@()\[\],"*\s]+)|.', re.DOTALL)
"""Of a key: a name as `pgplan.address.part` writes it, or what stands between names."""


def alike_in_files(declared: Iterable[Declared], registry: Registry) -> Iterator[str]:
    """Notes on names that are declared, or that declarations refer to."""
    yield from _notes(_named({Address(one.kind, one.key, one.database): one.spec for one in declared}, "", registry))


def alike_in_plan(
    declared: Iterable[Declared], entries: Mapping[str, Entry], snapshot: Snapshot, registry: Registry
) -> Iterator[str]:
    """Notes on names that are declared, recorded or referred to; also on what is found and looks like one of them."""
    declared, default = tuple(declared), snapshot.facts.database
    if not _is_any_odd(declared, entries, snapshot):
        return
    specs = {Address(one.kind, one.key, one.database): one.spec for one in declared}
    for address, entry in entries.items():
        parsed = Address.parse(address)
        if parsed not in specs and parsed.kind in registry.kinds:
            specs[parsed] = restore(entry.spec, registry.kinds[parsed.kind].spec)
    named = _named(specs, default, registry)
    yield from _notes({*named, *_found(named, snapshot)})


def _is_any_odd(declared: Iterable[Declared], entries: Iterable[str], snapshot: Snapshot) -> bool:
    """Whether there is a name that may look like another: seldom, and then a look at all of them is worth its time."""
    parts = (snapshot.shared, *snapshot.databases.values())
    found = (key for part_ in parts for of_type in part_.found.values() for key in of_type)
    return not all(map(is_plain, chain((one.key for one in declared), entries, found)))


def _named(specs: Mapping[Address, Spec], default: str, registry: Registry) -> set[Identity]:
    """Objects that have a name of their own, and those that specs refer to."""
    names: set[Identity] = set()
    for address, spec in specs.items():
        known, database = registry.kinds[address.kind], address.database or default
        if known.form == "table" and not is_edge_kind(known):
            names.add(registry.meant(address.kind, address.key, database))
        names.update(registry.target(reference, database) for reference in known.references(spec))
    return names


def _found(named: set[Identity], snapshot: Snapshot) -> Iterator[Identity]:
    """Objects that look like one of `named`."""
    looks = {(one.type, one.database, _look(one.key)) for one in named}
    types = {one.type for one in named}
    for database, objects in (("", snapshot.shared), *snapshot.databases.items()):
        for type_ in types & objects.found.keys():
            for key in objects.found[type_]:
                if (type_, database, _look(key)) in looks:
                    yield Identity(type_, key, database)


def _notes(names: Collection[Identity]) -> Iterator[str]:
    by_look: dict[tuple[str, str, str], list[str]] = {}
    for one in sorted(names):
        by_look.setdefault((one.type, one.database, _look(one.key)), []).append(in_ascii(str(one)))
    for shown in by_look.values():
        if len(shown) > 1:
            yield f"{', '.join(shown[:-1])} and {shown[-1]} look alike, but are {len(shown)} different names"
    for one in sorted(names):
        if not is_plain(one.key) and _look(one.key) == part(PUBLIC):
            yield f"{in_ascii(str(one))} looks like {PUBLIC}, but is a name"


def _look(key: str) -> str:
    """A key as a reader sees it, written as that of the name that he takes it for."""
    return key if is_plain(key) else _TOKEN.sub(_seen, key)


def _seen(match: re.Match[str]) -> str:
    quoted, plain = match["quoted"], match["plain"]
    return (
        match[0] if quoted is None and plain is None else part(skeleton(plain if quoted is None else quoted.replace('""', '"')))
    )
