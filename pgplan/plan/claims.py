"""Who wants and who forbids what on which objects, with objects of the same fate, list and claims as one class. Pure.

An access list can hold a million items, but most objects have one of a few dozen lists, and most claims are about whole schemas:
so objects are put into classes first, and each class is decided once (`pgplan.plan.privileges`). One object is a class of one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from attrs import define, field, frozen

from pgplan.address import Identity, role_grantee
from pgplan.configuration.model import Declared
from pgplan.errors import Problem
from pgplan.images import Image, image, restore
from pgplan.kind import Claim, EdgeKind, InvalidBlockError, ListKind, Reference, Selector
from pgplan.plan.adoption import Adoption
from pgplan.plan.objects import source_of
from pgplan.plan.outlook import Fate, Outlook
from pgplan.snapshot import AccessList, Facts, Privilege
from pgplan.state.model import Entry


@frozen(eq=False)
class Holder:
    """An address of an edge kind, and what it claims and had claimed."""

    address: str
    kind: EdgeKind
    database: str
    declared: Declared | None
    entry: Entry | None
    after: Image | None
    """As declared."""
    claims: tuple[Claim, ...] = ()
    recorded: tuple[Claim, ...] = ()
    """What the state says that it claimed, on the objects that there are now."""
    kept: bool = False
    """What was recorded is forgotten and not revoked: policy says so."""
    obsolete: bool = False
    """What is recorded no longer means anything on this server."""
    left_out: bool = False
    """The plan is not about it: what it claims and had claimed stays as it is found."""

    @cached_property
    def spec_moved(self) -> bool:
        return self.entry is None or self.entry.spec != self.after

    @cached_property
    def adoption(self) -> Adoption:
        """What it records of edges that were there before."""
        return Adoption.of_state(self.entry.adopted) if self.entry is not None else Adoption()

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Its grantee and, if it names one, its object."""
        if self.declared is not None:
            return tuple(self.kind.references(self.declared.spec))
        return tuple(self.kind.references(restore(self.entry.spec, self.kind.spec))) if self.entry is not None else ()


def holder(
    kind: EdgeKind,
    declared: Declared | None,
    entry: Entry | None,
    facts: Facts,
    database: str,
    *,
    kept: bool,
    left_out: bool = False,
) -> tuple[Holder, list[Problem]]:
    """The claims of one address; and what its declaration cannot mean on this server."""
    address = declared.address if declared is not None else entry.address if entry is not None else ""
    claims: tuple[Claim, ...] = ()
    problems: list[Problem] = []
    if declared is not None:
        try:
            claims = tuple(kind.claims(declared.spec, facts))
        except InvalidBlockError as error:
            problems = _problems(error, declared, address)
    after: Image | None = image(declared.spec) if declared is not None else None
    recorded, obsolete = claims, False
    if entry is None:
        recorded = ()
    elif entry.spec != after:
        try:
            recorded = tuple(kind.claims(restore(entry.spec, kind.spec), facts))
        except InvalidBlockError:
            recorded, obsolete = (), True
    return Holder(address, kind, database, declared, entry, after, claims, recorded, kept, obsolete, left_out), problems


def _problems(error: InvalidBlockError, declared: Declared | None, address: str) -> list[Problem]:
    return [Problem(message, source_of(declared), address, hint) for _, message, hint in error.mistakes]


@frozen(eq=False)
class Stake:
    """One claim and who makes it."""

    holder: Holder
    claim: Claim


@define
class _Asked:
    """All that is claimed through one selector."""

    declared: list[Stake] = field(factory=list[Stake])
    recorded: list[Stake] = field(factory=list[Stake])
    also: list[Stake] = field(factory=list[Stake])


@frozen(eq=False)
class Sweep:
    """What of a list may be undeclared, and by which entry of ``[scope]``."""

    kind: ListKind
    rows: Mapping[Privilege, str]
    deletes: bool


@frozen(eq=False)
class ObjectClass:
    """Objects that agree in everything that a decision about their access lists depends on."""

    type: str
    fate: Fate
    owner: str
    """When privileges have their turn."""
    start: AccessList | None
    """What privileges change from, under that owner. None: only the server knows what comes with something else that is made."""
    due: AccessList | None
    """What it must be, but for what is claimed, where something must come of it whatever is claimed."""
    columns: frozenset[str] | None
    """Those of the columns that claims mention which the objects have. None: not known."""
    declared: tuple[Stake, ...]
    recorded: tuple[Stake, ...]
    also: tuple[Stake, ...]
    """What is claimed elsewhere: nothing comes of it, but that it is not undeclared."""
    sweep: Sweep | None
    objects: list[Identity] = field(factory=list[Identity])

    @cached_property
    def owner_grantee(self) -> str:
        """The owner, as `Item` spells a grantee."""
        return role_grantee(self.owner)

    @property
    def some(self) -> Identity:
        """Any of the objects: what holds for one holds for all."""
        return self.objects[0]


@frozen
class Classes:
    """The classes, in the order of their first objects."""

    all: tuple[ObjectClass, ...]
    problems: tuple[Problem, ...]
    """What names nothing that is there."""
    unmatched: Mapping[str, tuple[str, ...]]
    """By type of object, the declared addresses whose patterns match nothing at all."""
    claimed: frozenset[Identity]
    """The objects that claims are about."""


def classes_of(
    holders: Iterable[Holder],
    outlook: Outlook,
    unasked: Iterable[Identity],
    sweeps: Mapping[Identity, Sweep],
    also: Iterable[Holder] = (),
) -> Classes:
    """Everything that is claimed, and the objects of `unasked` and `sweeps`, of whose lists something comes without a claim."""
    asked: dict[tuple[str, Selector], _Asked] = {}
    for each in holders:
        for claim in each.claims:
            asked.setdefault((each.database, claim.selector), _Asked()).declared.append(Stake(each, claim))
        for claim in each.recorded:
            asked.setdefault((each.database, claim.selector), _Asked()).recorded.append(Stake(each, claim))
    for each in also:
        for claim in each.claims:
            asked.setdefault((each.database, claim.selector), _Asked()).also.append(Stake(each, claim))
    by_number = list(asked.values())
    selected, unmatched, problems = _selected(asked, outlook)
    claimed = frozenset(selected)
    for one in (*unasked, *sweeps):
        selected.setdefault(one, [])
    found: dict[object, ObjectClass] = {}
    stakes: dict[tuple[int, ...], _Stakes] = {}
    for one in sorted(selected):
        numbers = tuple(selected[one])
        if numbers not in stakes:
            stakes[numbers] = _Stakes(
                tuple(stake for number in numbers for stake in by_number[number].declared),
                tuple(stake for number in numbers for stake in by_number[number].recorded),
                tuple(stake for number in numbers for stake in by_number[number].also),
            )
        problems += _put(one, stakes[numbers], sweeps.get(one), found, outlook)
    by_type = {type_: tuple(sorted(unmatched[type_])) for type_ in sorted(unmatched)}
    return Classes(tuple(found.values()), tuple(problems), by_type, claimed)


_Selected = tuple[dict[Identity, list[int]], dict[str, list[str]], list[Problem]]


def _selected(asked: Mapping[tuple[str, Selector], _Asked], outlook: Outlook) -> _Selected:
    """The numbers of the selectors that are about each object; by type, who declares patterns that are about none; mistakes."""
    selected: dict[Identity, list[int]] = {}
    unmatched: dict[str, str] = {}
    some: set[str] = set()
    problems: list[Problem] = []
    registry = outlook.registry
    for number, ((database, selector), by) in enumerate(asked.items()):
        try:
            objects = selector.objects(outlook.catalog(database))
        except InvalidBlockError as error:
            problems += [problem for one in _holders(by.declared) for problem in _problems(error, one.declared, one.address)]
            continue
        problems += _exceptions(selector, database, by, outlook)
        matched = [registry.identity(type_, key, database) for type_, key in objects]
        for one in matched:
            selected.setdefault(one, []).append(number)
        telling = [] if selector.named else [one for one in _holders(by.declared) if not one.left_out]
        if any(outlook.fate(one) != "gone" for one in matched):
            some.update(one.address for one in telling)
        else:
            # Told by what it claims first: there are no tables, and so no sequences of theirs.
            unmatched = {one.address: selector.type for one in telling} | unmatched
    by_type: dict[str, list[str]] = {}
    for address in unmatched.keys() - some:
        by_type.setdefault(unmatched[address], []).append(address)
    return selected, by_type, problems


def _exceptions(selector: Selector, database: str, by: _Asked, outlook: Outlook) -> Iterator[Problem]:
    """What declarations leave out and what is not there: a name that was mistyped would leave out nothing."""
    if not by.declared:
        return
    for type_, key in selector.exceptions(outlook.catalog(database)):
        one = outlook.registry.identity(type_, key, database)
        fate = outlook.fate(one)
        if fate not in ("missing", "gone"):
            continue
        close = _similar(one, outlook) if fate == "missing" else []
        hint = f"did you mean {close[0]}?" if close else "correct the name, or remove it from this block"
        why = "which this plan deletes" if fate == "gone" else "which is neither declared nor in the database"
        message = f"leaves out the {type_} {key}, {why}"
        yield from (Problem(message, source_of(each.declared), each.address, hint) for each in _holders(by.declared))


def _similar(one: Identity, outlook: Outlook) -> list[str]:
    keys: Sequence[str] = [found.key for found in outlook.catalog(one.database).of(one.type)]
    return difflib.get_close_matches(one.key, keys, n=1)


def _holders(stakes: Iterable[Stake]) -> list[Holder]:
    return list(dict.fromkeys(stake.holder for stake in stakes))


@frozen(eq=False)
class _Stakes:
    declared: tuple[Stake, ...]
    recorded: tuple[Stake, ...]
    also: tuple[Stake, ...]

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The columns that claims name."""
        return frozenset(item.column for stake in (*self.declared, *self.recorded) for item in stake.claim.items if item.column)

    @cached_property
    def particular(self) -> tuple[Holder, ...]:
        """Holders that adopted some of their edges and not others: of those objects differ."""
        return tuple(one for one in _holders(self.recorded) if one.adoption.listed)


def _put(
    one: Identity, stakes: _Stakes, sweep: Sweep | None, classes: dict[object, ObjectClass], outlook: Outlook
) -> list[Problem]:
    """Put an object into its class, making one if it is the first."""
    fate = outlook.fate(one)
    if fate == "missing":
        return [_missing(one, holder, outlook) for holder in _holders(stakes.declared)]
    problems: list[Problem] = []
    if fate == "gone":
        problems = [
            _deleted(one, holder) for holder in _holders(stake for stake in stakes.declared if stake.claim.selector.named)
        ]
    columns = outlook.columns(one) if stakes.mentioned else None
    if columns is not None:
        columns &= stakes.mentioned
        problems += [problem for stake in stakes.declared for problem in _missing_columns(one, stake, columns)]
    start, owner, due = outlook.start(one), outlook.owner(one), outlook.due(one)
    key = (
        one.type,
        one.database,
        fate,
        owner,
        # Lists that were read are shared, those that are worked out are not.
        start and (id(start) if fate == "kept" else start.privileges),
        due and due.privileges,
        columns,
        id(stakes),
        id(sweep),
        tuple(holder.adoption.of(one.key) for holder in stakes.particular),
    )
    if key not in classes:
        classes[key] = ObjectClass(
            one.type, fate, owner, start, due, columns, stakes.declared, stakes.recorded, stakes.also, sweep
        )
    classes[key].objects.append(one)
    return problems


def _missing(one: Identity, holder: Holder, outlook: Outlook) -> Problem:
    close = _similar(one, outlook)
    hint = f"did you mean {close[0]}?" if close else f"create the {one.type} first, or correct its name"
    message = f"there is no {one.type} {one.key} in the database, and nothing declares it"
    return Problem(message, source_of(holder.declared), holder.address, hint)


def _deleted(one: Identity, holder: Holder) -> Problem:
    message = f"{one.type} {one.key} is deleted by this plan"
    return Problem(message, source_of(holder.declared), holder.address, "remove this block too, or keep the object")


def _missing_columns(one: Identity, stake: Stake, columns: frozenset[str]) -> Iterable[Problem]:
    if not stake.claim.selector.named:
        return
    for column in sorted({item.column for item in stake.claim.items if item.column} - columns):
        message = f"there is no column {column} in {one.type} {one.key}"
        hint = "correct its name, or leave it out"
        yield Problem(message, source_of(stake.holder.declared), stake.holder.address, hint)
