"""Random small worlds: classes decide what an edge-by-edge algebra, written down here once more, decides."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from attrs import evolve, frozen

from pgplan.errors import PgplanError
from pgplan.kind import EdgeChange
from pgplan.snapshot import AccessList, Item, Privilege
from tests.plan import fakes
from tests.plan.fakes import Permit, Thing, World, declared, entry, found

ROLES = ("bob", "eve", "own", "admin")
THINGS = ("t1", "t2", "t3", "u1", "u2")
RIGHTS = ("A", "B", "c:A", "d:B")
WORLDS = 1000


class Edge(NamedTuple):
    key: str
    item: Item


class Said(NamedTuple):
    named: bool
    grantable: bool
    of_column: bool = True
    """It is said of a column by name, not of the whole thing."""


@frozen
class Naive:
    """Every edge for itself, one after another. `lists`: the rows of each thing; the owner of all is `own`."""

    lists: dict[str, list[Privilege]]
    wanted: dict[Edge, list[Said]]
    forbidden: dict[Edge, list[Said]]
    recorded: set[Edge]

    def rows(self, edge: Edge) -> list[Privilege]:
        return [row for row in self.lists[edge.key] if row.item == edge.item]

    def contradicts(self) -> bool:
        both = self.wanted.keys() & self.forbidden.keys()
        return any(self._named(self.wanted[edge]) == self._named(self.forbidden[edge]) for edge in both)

    def _named(self, said: list[Said]) -> bool:
        return any(one.named for one in said)

    def in_vain(self) -> bool:
        """Whether a column is revoked from somebody who has the privilege on the whole thing afterwards."""
        after = {edge for edge in self.wanted if edge not in self.forbidden or self._named(self.wanted[edge])}
        revoked = {(key, item, by) for action, key, item, _, option, _, by in self.changes() if action == "revoke" and not option}
        after |= {
            Edge(key, row.item) for key, rows in self.lists.items() for row in rows if (key, row.item, row.grantor) not in revoked
        }
        for edge, saids in self.forbidden.items():
            whole = Edge(edge.key, edge.item._replace(column=""))
            if edge in self.wanted and self._named(self.wanted[edge]):
                continue
            beaten = self._named(self.wanted.get(whole, []))
            if whole in after and any(said.of_column and edge.item.column and (said.named or not beaten) for said in saids):
                return True
        return False

    def strands(self) -> bool:
        """Whether somebody loses a grant option while a row that he granted stays. What the whole loses, its columns lose."""
        taken = {(key, item, by): option for action, key, item, _, option, _, by in self.changes() if action == "revoke"}
        for key, rows in self.lists.items():
            places = {row: [(key, item, row.grantor) for item in (row.item, row.item._replace(column=""))] for row in rows}
            lowered = [row for row in rows if any(place in taken for place in places[row])]
            staying = [row for row in rows if not any(taken.get(place) is False for place in places[row])]
            had = {row.item for row in rows if row.grantable}
            lost = had - {row.item for row in rows if row.grantable and row not in lowered}
            if any(row.item._replace(grantee=row.grantor) in lost for row in staying):
                return True
        return False

    def changes(self) -> set[tuple[object, ...]]:
        wanted, forbidden = dict(self.wanted), dict(self.forbidden)
        for edge in self.wanted.keys() & self.forbidden.keys():
            del (forbidden if self._named(self.wanted[edge]) else wanted)[edge]
        done = [change for edge in wanted for change in self._grant(edge, grantable=any(one.grantable for one in wanted[edge]))]
        done += [self._revoke(edge, row) for edge in forbidden for row in self.rows(edge)]
        gone = {edge for edge in self.recorded if edge not in wanted and edge not in forbidden}
        for edge in gone:
            mine = [row for row in self.rows(edge) if row.grantor in ("own", "admin") and edge.item.grantee != "own"]
            done += [self._revoke(edge, row) for row in mine]
        lowered = {(key, item) for _, key, item, _, only_option, *_ in done if only_option}
        return {*done, *self._columns(done, {*forbidden, *gone}, lowered)}

    def _grant(self, edge: Edge, *, grantable: bool) -> Iterator[tuple[object, ...]]:
        rows = self.rows(edge)
        if not rows or (grantable and not any(row.grantable for row in rows)):
            if not (edge.item.grantee == "own" and rows):
                yield "grant", edge.key, edge.item, grantable, False, "", ""
        elif not grantable:
            yield from (self._revoke(edge, row, only_option=True) for row in rows if row.grantable)

    def _revoke(self, edge: Edge, row: Privilege, *, only_option: bool = False) -> tuple[object, ...]:
        run_as = "" if row.grantor in ("own", "admin") else row.grantor
        return "revoke", edge.key, edge.item, False, only_option, run_as, row.grantor

    def _columns(
        self, done: list[tuple[object, ...]], going: set[Edge], lowered: set[tuple[object, object]]
    ) -> Iterator[tuple[object, ...]]:
        for action, key, item, _, only_option, _, grantor in done:
            assert isinstance(item, Item)
            if action == "grant" or item.column:
                continue
            for row in self.lists[str(key)]:
                column = Edge(str(key), row.item)
                if not row.column or (row.grantee, row.privilege) != (item.grantee, item.privilege) or column in going:
                    continue
                taken = [one for one in self.rows(column) if one.grantor == grantor and (one.grantable or not only_option)]
                grantable = any(one.grantable for one in taken) and (key, row.item) not in lowered
                if taken and (grantable or not only_option):
                    yield "grant", key, row.item, grantable, False, "", ""


def _list(dice: random.Random) -> list[Privilege]:
    rows = {
        (column, dice.choice(ROLES[:2]), privilege, dice.choice(("own", "admin", "eve")))
        for column, _, privilege in (dice.choice(RIGHTS).rpartition(":") for _ in range(dice.randrange(5)))
    }
    return sorted(Privilege(*row, grantable=dice.random() < 0.3) for row in sorted(rows))


def _permits(dice: random.Random) -> dict[str, tuple[Permit, str]]:
    """By address: pattern or not is one address's, as with any kind."""
    permits: dict[str, tuple[Permit, str]] = {}
    for _ in range(dice.randrange(1, 6)):
        pattern = dice.random() < 0.5
        target = dice.choice(("t", "u")) if pattern else dice.choice(THINGS)
        rights = tuple(sorted(dice.sample(RIGHTS, dice.randrange(1, 4))))
        kind = dice.choice(("permit", "permit", "forbid"))
        permit = Permit(dice.choice(ROLES[:3]), target, rights, pattern, kind == "permit" and dice.random() < 0.3)
        permits[declared(permit, kind=kind).address] = permit, kind
    return permits


def _edges(permit: Permit) -> Iterator[Edge]:
    for key in (key for key in THINGS if (key.startswith(permit.target) if permit.pattern else key == permit.target)):
        for right in permit.rights:
            column, _, privilege = right.rpartition(":")
            yield Edge(key, Item(column, permit.grantee, privilege))


def _naive(
    lists: dict[str, list[Privilege]], wanted: dict[str, tuple[Permit, str]], recorded: dict[str, tuple[Permit, str]]
) -> Naive:
    naive = Naive(lists, {}, {}, {edge for permit, kind in recorded.values() if kind == "permit" for edge in _edges(permit)})
    for permit, kind in wanted.values():
        for edge in _edges(permit):
            side = naive.wanted if kind == "permit" else naive.forbidden
            side.setdefault(edge, []).append(Said(not permit.pattern, permit.grantable))
    whole = [edge for edge in naive.forbidden if not edge.item.column]
    for edge in whole:
        columns = {row.item for row in lists[edge.key] if row.column}
        for item in columns:
            if (item.grantee, item.privilege) == (edge.item.grantee, edge.item.privilege):
                naive.forbidden.setdefault(Edge(edge.key, item), []).append(Said(named=False, grantable=False, of_column=False))
    return naive


def _flat(change: EdgeChange) -> tuple[object, ...]:
    edge = change.edge
    return change.action, edge.object.key, edge.item, change.grantable, change.only_option, change.run_as, change.grantor


@pytest.mark.parametrize("seed", range(10))
def test_classes_decide_as_edge_by_edge(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[EdgeChange] = []

    def kept(_: object, changes: list[EdgeChange]) -> list[object]:
        sent.extend(changes)
        return []

    monkeypatch.setattr(fakes.FakeProvider, "edge_statements", kept)
    outcomes = {"changed": 0, "nothing": 0, "refused": 0, "in vain": 0, "stranded": 0}
    for number in range(WORLDS // 10):
        dice = random.Random(f"{seed}/{number}")
        shared = [_list(dice) for _ in range(2)]
        lists = {key: dice.choice(shared) if dice.random() < 0.7 else _list(dice) for key in THINGS}
        wanted, recorded = _permits(dice), _permits(dice)
        live = [found(Thing(role), oid=90 + n) for n, role in enumerate(ROLES)]
        acls = {id(rows): AccessList(tuple(rows)) for rows in lists.values()}
        live += [evolve(found(Thing(key), oid=n), acl=acls[id(lists[key])]) for n, key in enumerate(THINGS, 1)]
        world = World(
            tuple(declared(permit, kind=kind) for permit, kind in wanted.values()),
            tuple(entry(permit, kind=kind) for permit, kind in recorded.values()),
            tuple(live),
        )
        naive = _naive(lists, wanted, recorded)
        sent.clear()
        if naive.contradicts():
            with pytest.raises(PgplanError, match="both granted and revoked"):
                world.plan()
            outcomes["refused"] += 1
            continue
        if naive.in_vain():
            with pytest.raises(PgplanError, match="on the whole thing"):
                world.plan()
            outcomes["in vain"] += 1
            continue
        if naive.strands():
            with pytest.raises(PgplanError, match="takes the grant option"):
                world.plan()
            outcomes["stranded"] += 1
            continue
        world.plan()
        assert {_flat(change) for change in sent} == naive.changes(), (seed, number)
        outcomes["changed" if sent else "nothing"] += 1
    assert outcomes["changed"] > WORLDS // 20
    assert outcomes["refused"]
    assert outcomes["in vain"]
    assert outcomes["stranded"]
