"""What the kinds say of a state's content: specs that none of theirs can be, and keys that name nothing.

Reading every recorded spec costs as much as planning. So it is done only when something has failed that nobody foresaw: whether
the state is what it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from pgplan.address import Address
from pgplan.errors import PgplanError
from pgplan.images import mistakes as image_mistakes
from pgplan.images import restore
from pgplan.kind import EdgeKind, Facts, InvalidBlockError, ObjectKind, Snapshot, Spec
from pgplan.registry import Registry, is_edge_kind
from pgplan.state.backend import BackendError
from pgplan.state.model import NOTHING_ADOPTED, Entry, State
from pgplan.state.store import StateStore
from pgplan.state.text import damaged

# Of whatever version knows the most.
_NOWHERE = Snapshot(Facts(10**6, "", 0, "", 0, "", "", superuser=False))


@contextmanager
def explained(store: StateStore, registry: Registry) -> Generator[None]:
    """Where the body fails in a way that nobody foresaw, and what is stored can be no state of these kinds, that is the reason.

    Raises StateError, which names the entries.
    """
    try:
        yield
    except PgplanError:
        raise
    except Exception:
        wrong = _wrong(store, registry)
        if wrong:
            raise damaged(store.location, wrong) from None
        raise


def _wrong(store: StateStore, registry: Registry) -> tuple[str, ...]:
    try:
        state, _ = store.load()
    except BackendError:  # what failed is worth more than that
        return ()
    return () if state is None else tuple(mistakes(state, registry))


def mistakes(state: State, registry: Registry) -> Iterator[str]:
    """What cannot be, in words that name the entry. What no installed kind knows is none of it."""
    for entry in (*state.entries, *(state.pending.entries if state.pending else ())):
        parsed = Address.parse(entry.address)
        if parsed.kind in registry.kinds:
            yield from (f"{entry.address}: {said}" for said in _entry(entry, parsed.key, registry.kinds[parsed.kind], registry))
    for tombstone in state.tombstones:
        parsed = Address.parse(tombstone.address)
        kind = registry.kinds.get(parsed.kind)
        if kind is not None and not is_edge_kind(kind):
            yield from (f"tombstones: {tombstone.address}: {said}" for said in _key(registry.object_kind(kind.name), parsed.key))


def _entry(entry: Entry, key: str, kind: ObjectKind | EdgeKind, registry: Registry) -> Iterator[str]:
    if (registry.scope(kind.name) == "cluster") == bool(entry.database):
        yield f"{entry.database!r} is not the database of one"
    try:
        spec = restore(entry.spec, kind.spec)
    except Exception as error:  # noqa: BLE001 - besides MismatchError, whatever a class raises
        yield from image_mistakes(error)
        return
    if is_edge_kind(kind):
        yield from _edges(registry.edge_kind(kind.name), spec)
        return
    object_kind = registry.object_kind(kind.name)
    yield from _key(object_kind, key)
    yield from _failure(lambda: (object_kind.references(spec), object_kind.owner(spec), object_kind.columns(spec)))
    yield from _failure(lambda: (object_kind.grounds(spec, None, lambda _, __: None), object_kind.create(spec)))
    yield from _failure(lambda: object_kind.secrets(spec))
    if entry.adopted != NOTHING_ADOPTED or entry.grantors:
        yield "only privileges list what was adopted, and from whom"


def _key(kind: ObjectKind, key: str) -> Iterator[str]:
    return _failure(lambda: kind.object(key))


def _edges(kind: EdgeKind, spec: Spec) -> Iterator[str]:
    catalog = _NOWHERE.catalog("")

    def claimed() -> None:
        for claim in kind.claims(spec, _NOWHERE.facts):
            list(claim.selector.objects(catalog))
            list(claim.selector.exceptions(catalog))

    yield from _failure(lambda: kind.references(spec))
    yield from _failure(lambda: kind.reads(spec))
    yield from _failure(claimed)


def _failure(ask: Callable[[], object]) -> Iterator[str]:
    """Why a kind cannot answer. What means nothing on this server it says by InvalidBlockError, and that is no damage."""
    try:
        ask()
    except InvalidBlockError:
        return
    except Exception as error:  # noqa: BLE001 - whatever a kind raises for what it cannot have recorded
        yield str(error) if isinstance(error, ValueError) else f"{error!r} is not what it can be"
