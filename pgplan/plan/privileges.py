"""Privileges as sets, decided class by class: what is wanted, forbidden and recorded, against the access list as found. Pure.

* to grant:  wanted - found
* to revoke: ((recorded - wanted) | forbidden) & found, each from the grantors that gave it
* what is made or replaced is born with a list: what that lacks of the one that it must have is given, what is beyond it is taken
* what is undeclared in the ``[scope]`` is taken too, if policy says so: by whomever it was granted
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from attrs import define, field, frozen

from pgplan.errors import Problem
from pgplan.kind import Provider
from pgplan.plan.adoption import Split
from pgplan.plan.claims import Holder, ObjectClass, Stake
from pgplan.plan.columns import Giver, given_back, vain_revokes
from pgplan.plan.model import Options
from pgplan.plan.objects import source_of
from pgplan.plan.outlook import Outlook
from pgplan.plan.standing import Taken, stranded
from pgplan.plan.sweeping import ItemChange, Sweeping, Swept
from pgplan.snapshot import NO_LIST, AccessList, Item, Privilege


@frozen
class _Claimant:
    holder: Holder
    named: bool
    grantable: bool

    @property
    def asks(self) -> bool:
        """Whether the plan is about it; else it only keeps what is there."""
        return not self.holder.left_out


Claimants = dict[Item, list[_Claimant]]


@define
class Outcome:
    """What a class means for one of its holders."""

    changes: list[ItemChange] = field(factory=list[ItemChange])
    grantors: set[str] = field(factory=set[str])
    """Roles other than the owner that had granted what it wants."""
    shared: bool = False
    """Something that it wants is granted by another address too, or was."""
    found: bool = False
    """Something that it wants is there already."""
    went: bool = False
    """What it had recorded went with the objects."""
    lost: bool = False
    """Something that it had recorded was not as recorded."""
    staying: list[Item] = field(factory=list[Item])
    """What it no longer wants and what stays all the same: it was there before, and PostgreSQL itself gives it."""
    left: bool = False
    """What was there before pgplan came is left as it is."""
    split: Split | None = None
    """Which of the edges that it wants were adopted. None: as the state says already."""
    overruled: set[str] = field(factory=set[str])
    """Addresses that name the object, and so beat what it says by a pattern."""
    losers: set[str] = field(factory=set[str])
    """Who had granted what it wants, and may grant it no longer."""
    unlisted: bool = False
    """Something that it had adopted is granted now: it is no longer adopted."""


@frozen
class Verdict:
    """All that is decided of one class."""

    cls: ObjectClass
    outcomes: Mapping[Holder, Outcome]
    again: tuple[ItemChange, ...]
    """What the list needs to be what it must be where nobody claims anything: see `pgplan.plan.outlook.Outlook.due`."""
    problems: tuple[Problem, ...]
    swept: tuple[Swept, ...] = ()


def decide(cls: ObjectClass, outlook: Outlook, asked: Options) -> Verdict:
    """Decide every item once, and give each change to the first address that asks for it."""
    return _Deciding(cls, outlook, asked).verdict()


class _Deciding:
    """One class while it is being decided."""

    def __init__(self, cls: ObjectClass, outlook: Outlook, asked: Options) -> None:
        self.cls, self.outlook, self.asked = cls, outlook, asked
        self.rows: Mapping[Item, tuple[Privilege, ...]] = {} if cls.fate == "gone" or cls.start is None else cls.start.rows
        self.outcomes: dict[Holder, Outcome] = {}
        for stake in (*cls.declared, *cls.recorded):
            self.outcomes.setdefault(stake.holder, Outcome())
        self.had: dict[Holder, set[Item]] = {}
        self.adopted: set[Item] = set()
        """An edge is adopted if any entry lists it."""
        self.sweeping = Sweeping(cls, self.rows)
        for stake in cls.recorded:
            self._remember(stake)

    def _remember(self, stake: Stake) -> None:
        if not stake.claim.forbids:
            items, adoption, key = stake.claim.items, stake.holder.adoption, self.cls.some.key
            self.had.setdefault(stake.holder, set()).update(items)
            if adoption.all or adoption.listed:
                self.adopted.update(item for item in items if adoption.holds(key, item))

    def verdict(self) -> Verdict:
        cls = self.cls
        if cls.fate == "gone":
            for stake in cls.recorded:
                self.outcomes[stake.holder].went = True
            return Verdict(cls, self.outcomes, (), ())
        wanted = self._claimants(cls.declared, forbids=False)
        forbidden = self._claimants(cls.declared, forbids=True)
        self._forbid_columns(forbidden)
        problems = list(self._contradictions(wanted, forbidden))
        self._keep(wanted, forbidden)
        granted, taken_away = _asked(wanted), _asked(forbidden)
        for item in sorted(granted):
            self._grant(item, wanted[item])
        for item in sorted(taken_away):
            first = min((one.holder for one in forbidden[item] if one.asks), key=_address)
            self.outcomes[first].changes += self._forbidden(item)
        withdrawn = self._withdraw(wanted, taken_away)
        swept = self._sweep(wanted, forbidden)
        going = {*taken_away, *withdrawn, *swept}
        renewed = self._renew(wanted)
        self._give_columns_back(going)
        problems += stranded(cls, self.rows, self._taken(), renewed)
        again = () if cls.due is None else tuple(self._again(cls.due, {*granted, *going}))
        problems += self._vain_revokes(wanted, forbidden, withdrawn)
        self._conclude(wanted)
        return Verdict(cls, self.outcomes, again, tuple(problems), tuple(self.sweeping.told()))

    def _changes(self) -> Iterator[ItemChange]:
        """All, but for those that come of the list without a claim."""
        for outcome in self.outcomes.values():
            yield from outcome.changes
        yield from self.sweeping.taken

    def _taken(self) -> dict[tuple[Item, str], Taken]:
        by_holder = ((one, change) for one, outcome in self.outcomes.items() for change in outcome.changes)
        default = self.outlook.snapshot.facts.database
        every = (
            *by_holder,
            *((self.sweeping.holder(change.item, default), change) for change in self.sweeping.taken),
        )
        return {(c.item, c.grantor): Taken(one, c.only_option) for one, c in every if c.action == "revoke"}

    def _claimants(self, stakes: Iterable[Stake], *, forbids: bool) -> Claimants:
        claimants: Claimants = {}
        for stake in stakes:
            claim = stake.claim
            if claim.forbids == forbids:
                one = _Claimant(stake.holder, claim.selector.named, claim.grantable)
                for item in self._items(stake):
                    claimants.setdefault(item, []).append(one)
        return claimants

    def _items(self, stake: Stake) -> Iterator[Item]:
        """A claim's items, but for columns that the objects lack: of those there is nothing to decide."""
        columns = self.cls.columns
        return (item for item in stake.claim.items if columns is None or not item.column or item.column in columns)

    def _forbid_columns(self, forbidden: Claimants) -> None:
        """What a whole object must not give, its columns must not either, but for what names a column."""
        whole = {(item.grantee, item.privilege): claimants for item, claimants in forbidden.items() if not item.column}
        for item in self.rows if whole else ():
            claimants = whole.get((item.grantee, item.privilege)) if item.column else None
            if claimants:
                weak = [_Claimant(one.holder, named=False, grantable=False) for one in claimants]
                forbidden.setdefault(item, []).extend(weak)

    def _contradictions(self, wanted: Claimants, forbidden: Claimants) -> Iterator[Problem]:
        """Where both sides claim an item, the one that names the object wins, else it is a contradiction."""
        for item in sorted(wanted.keys() & forbidden.keys()):
            named_grant, named_revoke = (any(one.named for one in side[item]) for side in (wanted, forbidden))
            if named_grant != named_revoke:
                winners, losers = (wanted, forbidden) if named_grant else (forbidden, wanted)
                winner = min(one.holder.address for one in winners[item] if one.named)
                for one in losers.pop(item):
                    self.outcomes[one.holder].overruled.add(winner)
                continue
            grant, revoke = wanted[item][0].holder, forbidden[item][0].holder
            for here, there in ((grant, revoke), (revoke, grant)):
                message = f"{describe(self.cls, item)} is both granted and revoked"
                yield Problem(message, source_of(here.declared), here.address, f"remove it here or from {there.address}")

    def _keep(self, wanted: Claimants, forbidden: Claimants) -> None:
        """What is recorded of an address that is left out is wanted too, unless one that the plan is about forbids it."""
        for stake in self.cls.recorded:
            if stake.holder.left_out and not stake.claim.forbids:
                keeper = _Claimant(stake.holder, named=True, grantable=stake.claim.grantable)
                for item in self._items(stake):
                    if not any(one.asks for one in forbidden.get(item, ())):
                        wanted.setdefault(item, []).append(keeper)

    def _grant(self, item: Item, claimants: list[_Claimant]) -> None:
        rows = self.rows.get(item, ())
        asking = [one for one in claimants if one.asks]
        grantable = any(one.grantable for one in asking)
        if not grantable and any(one.grantable for one in claimants):
            grantable = any(row.grantable for row in (rows if self.cls.due is None else self.cls.due.rows.get(item, ())))
        first = min((one.holder for one in asking if one.grantable or not any(each.grantable for each in asking)), key=_address)
        self.outcomes[first].changes += self._granted(item, rows, grantable=grantable)
        grantors = {row.grantor for row in rows if row.grantor != self.cls.owner}
        for one in claimants:
            self.outcomes[one.holder].grantors |= grantors
            self.outcomes[one.holder].found |= bool(rows)

    def _granted(self, item: Item, rows: tuple[Privilege, ...], *, grantable: bool) -> list[ItemChange]:
        if not rows or (grantable and not any(row.grantable for row in rows)):
            owns = item.grantee == self.cls.owner_grantee and bool(rows)
            return [] if owns else [ItemChange("grant", item, grantable=grantable)]
        if grantable:
            return []
        return [self._revoke(item, row, only_option=True) for row in rows if row.grantable]

    def _forbidden(self, item: Item) -> list[ItemChange]:
        if self.cls.start is None:
            # It may be there; revoking what is not there is silent.
            return [ItemChange("revoke", item)]
        return [self._revoke(item, row) for row in self.rows.get(item, ())]

    def _revoke(self, item: Item, row: Privilege, *, only_option: bool = False) -> ItemChange:
        """A REVOKE takes only what its grantor gave: it runs as that role, unless the server picks the grantor by itself."""
        by_itself = row.grantor in (self.cls.owner, self.outlook.snapshot.facts.role)
        return ItemChange("revoke", item, only_option=only_option, run_as="" if by_itself else row.grantor, grantor=row.grantor)

    def _withdraw(self, wanted: Collection[Item], forbidden: Collection[Item]) -> set[Item]:
        """Take back what is recorded and no longer wanted; return all such items, whatever was left of them."""
        withdrawn: set[Item] = set()
        built_in = self._built_in()
        # A list that goes with its owner ends as what is built in.
        ending = built_in if self.cls.fate == "kept" and self.cls.due is not None else NO_LIST
        for stake in sorted(self.cls.recorded, key=lambda stake: stake.holder.address):
            one = stake.holder
            if stake.claim.forbids or one.kept:
                continue
            for item in self._items(stake):
                if item in wanted or item in forbidden or item in withdrawn or item in ending.rows:
                    continue
                outcome, adopted = self.outcomes[one], item in self.adopted
                if adopted and self.asked.destroy and not self.asked.include_adopted:
                    outcome.left = True
                elif adopted and item in built_in.rows:
                    outcome.staying.append(item)
                else:
                    withdrawn.add(item)
                    outcome.changes += self._withdrawn(item, one, built_in)
        return withdrawn

    def _withdrawn(self, item: Item, one: Holder, built_in: AccessList) -> list[ItemChange]:
        """Revoke what this configuration granted or adopted; what other grantors gave since stays. An owner keeps its own; but in
        a list that needs no row it has none that is not built in."""
        owner = self.cls.owner
        has_own = self.cls.type not in self.outlook.snapshot.implied or item in built_in.rows
        if item.grantee == self.cls.owner_grantee and has_own:
            return []
        mine = (owner, self.outlook.snapshot.facts.role, *(one.entry.grantors if one.entry is not None else ()))
        return [self._revoke(item, row) for row in self.rows.get(item, ()) if row.grantor in mine]

    def _built_in(self) -> AccessList:
        return self._provider.built_in(self.cls.type, self.cls.some.key, self.cls.owner, self.outlook.snapshot.facts)

    @property
    def _provider(self) -> Provider:
        return self.outlook.registry.providers[self.cls.type]

    def _sweep(self, wanted: Claimants, forbidden: Claimants) -> set[Item]:
        """Take what is undeclared, as far as policy says so; return all such items.

        What is recorded and only forgotten stays for now. Of what is recorded and taken back, what others granted goes too.
        """
        kept = (stake for stake in self.cls.recorded if stake.holder.kept)
        known = {*wanted, *forbidden, *(item for stake in (*kept, *self.cls.also) for item in stake.claim.items)}
        gone = {(change.item, change.grantor) for change in self._changes() if _takes(change)}
        return self.sweeping.sweep(known, gone, self._revoke)

    def _renew(self, wanted: Claimants) -> set[Item]:
        """What is wanted and stands on a grant option that sweeping takes is granted by the owner, before that goes."""
        renewed: set[Item] = set()
        for item in sorted(wanted) if self.sweeping.taken else ():
            lost = self.sweeping.stranded(item)
            if not lost:
                continue
            grantable = any(one.grantable for one in wanted[item])
            first = self.outcomes[min((one.holder for one in wanted[item]), key=_address)]
            left = [row for row in self.rows[item] if row not in lost]
            if not left or (grantable and not any(row.grantable for row in left)):
                first.changes.append(ItemChange("grant", item, grantable=grantable, ahead=True))
                renewed.add(item)
            first.changes += (self._revoke(item, row) for row in lost)
            first.losers.update(row.grantor for row in lost)
        return renewed

    def _give_columns_back(self, going: set[Item]) -> None:
        lowered = {change.item for change in self._changes() if change.only_option}
        for changes in (*(outcome.changes for outcome in self.outcomes.values()), self.sweeping.taken):
            changes.extend(given_back(self.rows, changes, going, lowered))

    def _again(self, due: AccessList, decided: Collection[Item]) -> Iterator[ItemChange]:
        """What makes up the difference, in the name of the owner, whoever granted it before. An owner has its own rights."""
        gone = self.cls.fate == "kept"
        for item in sorted(self.rows.keys() - due.rows.keys() - set(decided)):
            yield from (self._revoke(item, row) for row in self.rows[item])
        for item in sorted(due.rows.keys() - set(decided)):
            if gone or item.grantee != self.cls.owner_grantee:
                yield from self._granted(item, self.rows.get(item, ()), grantable=any(row.grantable for row in due.rows[item]))

    def _vain_revokes(self, wanted: Claimants, forbidden: Claimants, withdrawn: set[Item]) -> Iterator[Problem]:
        """Revokes from columns of what the whole object still gives after this plan."""
        revoked = {(change.item, change.grantor) for change in self._changes() if _takes(change)}
        rows = self.rows if self.cls.due is None else self.cls.due.rows

        def giver_of(item: Item) -> Giver | None:
            if item in wanted:
                first = min(wanted[item], key=lambda one: (not one.named, one.holder.address))
                return Giver(first.holder.address, first.named)
            left = (row.grantor for row in rows.get(item, ()) if (item, row.grantor) not in revoked)
            grantors = () if item in forbidden or (self.cls.due is not None and item in withdrawn) else tuple(left)
            return Giver(grantors=grantors) if grantors else None

        for stake in self.cls.declared:
            for item in self._items(stake) if stake.claim.forbids else ():
                if item.column and item in forbidden:
                    yield from vain_revokes(stake, item, self.cls, giver_of)

    def _conclude(self, wanted: Claimants) -> None:
        """What the changes mean for each holder, once all are known."""
        granted = {change.item for outcome in self.outcomes.values() for change in outcome.changes if change.action == "grant"}
        ours = granted.union(*self.had.values()) - (self.adopted - granted)
        of_holder: dict[Holder, list[Item]] = {}
        for item, claimants in wanted.items():
            for claimant in claimants:
                of_holder.setdefault(claimant.holder, []).append(item)
        for one, outcome in self.outcomes.items():
            wants = of_holder.get(one, [])
            had = self.had.get(one, set())
            outcome.shared = any(item in ours for item in wants)
            outcome.went |= self.cls.fate in ("made", "replaced") and bool(had)
            outcome.lost = any(c.action == "grant" and c.item in had and not self.rows.get(c.item) for c in outcome.changes)
            self._split(one, outcome, wants, had, granted, ours)

    def _split(
        self, one: Holder, outcome: Outcome, wants: list[Item], had: set[Item], granted: set[Item], ours: set[Item]
    ) -> None:
        key = self.cls.some.key
        outcome.unlisted = any(one.adoption.holds(key, item) for item in had & granted)
        adopted = {
            item
            for item in wants
            if item not in granted and (one.adoption.holds(key, item) if item in had else item in self.rows and item not in ours)
        }
        keys = tuple(sorted(each.key for each in self.cls.objects))
        outcome.split = Split(keys, _pairs(adopted), _pairs(set(wants) - adopted))


def _asked(claimants: Claimants) -> set[Item]:
    """The items that an address asks for which the plan is about."""
    return {item for item, ones in claimants.items() if any(one.asks for one in ones)}


def _takes(change: ItemChange) -> bool:
    return change.action == "revoke" and not change.only_option


def _pairs(items: Iterable[Item]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((item.column, item.privilege) for item in items))


def _address(one: Holder) -> str:
    return one.address


def describe(cls: ObjectClass, item: Item) -> str:
    """An item in words: ``SELECT (a) on table s.t to r``, and how many more objects of the class there are."""
    column = f" ({item.column})" if item.column else ""
    more = f" and {len(cls.objects) - 1} more" if len(cls.objects) > 1 else ""
    return f"{item.privilege}{column} on {cls.type} {cls.some.key}{more} to {item.grantee}"
