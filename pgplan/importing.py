"""Import: record what exists as managed, without changing anything in the database."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from attrs import evolve, frozen

from pgplan.address import Address
from pgplan.configuration.model import Declared
from pgplan.database.connection import reading
from pgplan.database.recovery import flushed
from pgplan.errors import PgplanError, Problem, StaleError, raise_all
from pgplan.images import Image, image, restore
from pgplan.kind import Found, InvalidBlockError, Selective, Spec
from pgplan.plan.objects import Need, depends_on
from pgplan.plan.observed import found_image
from pgplan.registry import is_edge_kind
from pgplan.render.toml import block_text
from pgplan.state.backend import ConflictError
from pgplan.state.model import Adopted, Entry, State, Target
from pgplan.state.store import new_state
from pgplan.workflow import Run, Seen, refuse_past, see, settled_state


@frozen
class Imported:
    address: str
    toml: str
    """The block that declares it, "" when the configuration does already."""
    known: bool = False
    """It was managed before; nothing was recorded."""


@frozen
class _One:
    """What is found for an address."""

    address: Address
    spec: Spec
    found: Found | None
    """None for edges."""


def import_addresses(run: Run, texts: Sequence[str]) -> list[Imported]:
    """Record what is found for each address. Raises PgplanError, with nothing recorded, for all that cannot be."""
    addresses = _addresses(run, texts)
    settled_state(run)  # takes the lock too, where there is something to settle
    with run.store.lock(run.request.lock_timeout, run.tell):
        seen = see(run, addresses)
        refuse_past(seen)
        recorded = seen.state.by_address()
        ones = _found(run, seen, addresses)
        new = [one for one in ones if not _is_recorded(one, recorded.get(str(one.address)))]
        if new:
            _record(run, seen, new)
    declared = {one.address for one in run.configuration.declared}
    return [
        Imported(
            str(one.address),
            "" if str(one.address) in declared else _block(run, one),
            known=one not in new,
        )
        for one in ones
    ]


def _is_recorded(one: _One, entry: Entry | None) -> bool:
    """Whether it is managed already, and not another object that took the name."""
    return entry is not None and (one.found is None or entry.is_of(one.found.oid))


def _block(run: Run, one: _One) -> str:
    kind = run.registry.kinds[one.address.kind]
    # What is hidden can only be left out, and that may mean something.
    meaning = [field.name for field in attrs.fields(kind.block) if field.default is not None]
    hidden = [name for name in one.found.hidden if name in meaning] if one.found else []
    return block_text(kind, one.address, restore(found_image(one.spec), kind.spec), hidden)


def _addresses(run: Run, texts: Sequence[str]) -> list[Address]:
    addresses: list[Address] = []
    problems: list[Problem] = []
    for text in dict.fromkeys(texts):
        try:
            address = Address.parse(text)
        except ValueError as error:
            problems.append(Problem(str(error)))
            continue
        if address.kind not in run.registry.kinds:
            known = ", ".join(sorted(run.registry.kinds))
            problems.append(Problem(f"there is no kind {address.kind!r}", address=text, hint=f"kinds: {known}"))
        addresses.append(address)
    raise_all(PgplanError, problems)
    return addresses


def _found(run: Run, seen: Seen, addresses: Sequence[Address]) -> list[_One]:
    ones: list[_One] = []
    problems: list[Problem] = []
    for address in addresses:
        try:
            one = _look(run, seen, address)
        except InvalidBlockError as error:
            problems += [Problem(message, address=str(address), hint=hint) for _, message, hint in error.mistakes]
            continue
        if isinstance(one, str):
            problems.append(Problem(one, address=str(address)))
        else:
            ones.append(one)
    raise_all(PgplanError, problems)
    return ones


def _look(run: Run, seen: Seen, address: Address) -> _One | str:
    """What is found for an address, or in words why it cannot be imported."""
    kind = run.registry.kinds[address.kind]
    database = address.database or seen.snapshot.facts.database
    where = f"database {database}"
    if is_edge_kind(kind):
        spec = kind.adoptable(address.key, seen.snapshot.catalog(database))
        return f"nothing of this is found in {where}" if spec is None else _One(address, spec, None)
    found = seen.snapshot.get(run.registry.identity(address.kind, address.key, database))
    if found is None:
        return f"is not found in {where}"
    if found.system:
        return "is predefined by PostgreSQL and cannot be managed"
    reason = kind.unmanageable(found) if isinstance(kind, Selective) else ""
    return f"{reason}: it cannot be imported" if reason else _One(address, found.spec, found)


def _record(run: Run, seen: Seen, ones: Sequence[_One]) -> None:
    facts = seen.snapshot.facts
    stored, version = run.store.load()
    if version != seen.version:
        raise _moved()
    state: State = stored or new_state(run.configuration.name)
    here = tuple((one.database, one.database_oid) for one in (facts, *seen.snapshot.others.values()))
    target = state.target or Target(facts.system_identifier, facts.timeline, here[:1], newest=facts.newest)
    with reading(run.connection):
        known = (*target.databases, *(one for one in here if one not in target.databases))
        target = evolve(target, timeline=facts.timeline, lsn=flushed(run.connection), databases=known)
    declared = {one.address: one for one in run.configuration.declared}
    entries = tuple(_entry(run, seen, one, declared.get(str(one.address))) for one in ones)
    names = {entry.address for entry in entries}
    tombstones = tuple(tombstone for tombstone in state.tombstones if tombstone.address not in names)
    try:
        run.store.save(state.with_changes(entries, (), target=target, tombstones=tombstones), version)
    except ConflictError:
        raise _moved() from None


def _moved() -> StaleError:
    return StaleError(Problem("the state was changed by another operation; nothing was recorded", hint="import again"))


def _entry(run: Run, seen: Seen, one: _One, declared: Declared | None) -> Entry:
    kind = run.registry.kinds[one.address.kind]
    default = seen.snapshot.facts.database
    return Entry(
        address=str(one.address),
        database=run.registry.place(one.address, default),
        oid=one.found.oid if one.found else 0,
        spec=_spec(one, declared),
        depends=depends_on(str(one.address), [Need(run.registry.target(each, default)) for each in kind.references(one.spec)]),
        protected=bool(declared and declared.protect),
        origin="adopted" if one.found else "created",
        adopted=Adopted(all=one.found is None),
        kind_version=kind.version,
    )


def _spec(one: _One, declared: Declared | None) -> Image:
    """What is found, of those attributes that the configuration manages if it declares the address."""
    wanted: Image | None = image(declared.spec) if declared is not None else None
    found: Image = found_image(one.spec, wanted)
    if wanted is None or one.found is None:
        return found
    return {name: None if wanted.get(name) is None else value for name, value in found.items()}
