"""Plans of a part, and replacements that are asked for."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import product

import pytest
from attrs import evolve

from pgplan.configuration.model import Declared, KindPolicy, Policy
from pgplan.errors import Exit, PgplanError
from pgplan.kind import EdgeChange
from pgplan.secret import Secret
from pgplan.snapshot import Privilege
from tests.plan import fakes
from tests.plan.fakes import Permit, Thing, World, declared, entry, found, lines, right, sql

A, B, C, T = Thing("a"), Thing("b", owner="a"), Thing("c", base="b"), Thing("t")
BOB, X = found(Thing("bob"), oid=99), Thing("t1")


def test_a_target_takes_along_what_it_refers_to_and_nothing_else() -> None:
    world = World(tuple(map(declared, (A, B, C, Thing("d"), Thing("e", owner="c")))))
    assert lines(world.plan(target=("thing.b",))) == ["thing.a create", "thing.b create"]
    assert lines(world.plan(target=("*.c",))) == ["thing.a create", "thing.b create", "thing.c create"]


def test_what_is_left_out_is_neither_changed_nor_recorded() -> None:
    """Not what was removed, nor what drifted, nor what both sides moved to, nor an error of its own."""
    recorded = (entry(A, oid=1), entry(Thing("gone"), oid=2), entry(Thing("red", color="red"), oid=3), entry(B, oid=5))
    live = (found(A, oid=1), found(Thing("gone"), oid=2), found(Thing("red", color="blue"), oid=3), found(Thing("b"), oid=5))
    said = (declared(Thing("a", color="red")), declared(Thing("red", color="red")), declared(Thing("x", owner="nobody")))
    plan = World(said, recorded, live).plan(target=("thing.a",))
    assert lines(plan) == ["thing.a update"]
    assert {one.key for one in plan.observed.objects} == {"a"}


def test_what_goes_takes_along_what_stands_on_it() -> None:
    world = World((), (entry(A, oid=1), entry(B, oid=2), entry(T, oid=3)), (found(A, oid=1), found(B, oid=2), found(T, oid=3)))
    assert sql(world.plan(target=("thing.a",))) == ["DROP b", "DROP a"]
    assert sql(world.plan(target=("thing.b",))) == ["DROP b"]
    assert sql(world.plan(exclude=("thing.b",))) == ["DROP t"]


def test_what_moves_away_from_what_goes_is_taken_along() -> None:
    before, after = Thing("b", owner="a"), Thing("b", owner="t")
    live = (found(A, oid=1), found(before, oid=2), found(T, oid=3))
    world = World((declared(after), declared(T)), (entry(A, oid=1), entry(before, oid=2), entry(T, oid=3)), live)
    assert sql(world.plan(target=("thing.a",))) == ["ALTER b owner", "DROP a"]


def test_excluded_is_what_cannot_be_without_it_too() -> None:
    world = World(tuple(map(declared, (A, B, C, T))))
    plan, remarks = world.both(exclude=("thing.a",))
    assert lines(plan) == ["thing.t create"]
    assert remarks.notes == ("left out too: thing.b (because of thing.a), thing.c (because of thing.b)",)
    there = evolve(world, entries=(entry(A, oid=1),), found=(found(A, oid=1),))
    plan, remarks = there.both(exclude=("thing.a",))
    assert (lines(plan), remarks.notes) == (["thing.b create", "thing.c create", "thing.t create"], ())


def test_exclude_beats_target() -> None:
    world = World(tuple(map(declared, (A, B, C, T))))
    plan, remarks = world.both(target=("thing.c", "thing.t"), exclude=("thing.b",))
    assert lines(plan) == ["thing.t create"]
    assert remarks.notes == ("left out too: thing.c (because of thing.b)",)


def test_a_pattern_that_is_like_no_address_is_an_error_with_a_suggestion() -> None:
    world = World((declared(A),), (entry(Thing("billing"), oid=8),))
    with pytest.raises(PgplanError) as caught:
        world.plan(target=("thing.biling",), exclude=("role.*",), replace=("thing.a", "other"))
    assert caught.value.exit_code == Exit.ERROR
    said = [(problem.message.partition(":")[0], problem.hint) for problem in caught.value.problems]
    listed = "`pgplan state list` lists what is recorded; * stands for any text"
    suggested = "did you mean thing.billing?"
    assert said == [("--exclude role.*", listed), ("--replace other", listed), ("--target thing.biling", suggested)]


def test_an_address_with_a_star_means_itself() -> None:
    star, other = Thing("m/*"), Thing("m/x")
    assert lines(World((declared(star), declared(other))).plan(target=("thing.m/*",))) == ["thing.m/* create"]
    brackets = Thing("f(int[],text[])")
    assert lines(World((declared(brackets), declared(A))).plan(target=("thing.f(int[],*",))) == [f"thing.{brackets.name} create"]


def test_what_stands_on_a_replacement_and_is_left_out_is_named() -> None:
    old, new = Thing("a", base="x"), Thing("a", base="y")
    live = (found(old, oid=1), found(B, oid=2), found(Thing("x"), oid=3), found(Thing("y"), oid=4))
    world = World((declared(new), declared(B)), (entry(old, oid=1), entry(B, oid=2)), live)
    with pytest.raises(PgplanError, match=r"cannot replace it: thing.b stands on it\n.*add --target thing.b"):
        world.plan(target=("thing.a",))
    assert sql(world.plan(target=("thing.?",))) == ["DROP b", "DROP a", "MAKE a", "MAKE b"]


def test_limits_and_protection_count_what_the_plan_is_about() -> None:
    recorded = (entry(A, oid=1, protected=True), entry(T, oid=2))
    world = World((), recorded, (found(A, oid=1), found(T, oid=2)), policy=Policy(max_deletes=1))
    assert sql(world.plan(exclude=("thing.a",))) == ["DROP t"]
    with pytest.raises(PgplanError, match="is protected"):
        world.plan(target=("thing.a",))


def permits(
    *wanted: Permit, recorded: tuple[Permit, ...] = (), acl: tuple[Privilege, ...] = (), forbids: tuple[Permit, ...] = ()
) -> World:
    said = (*map(declared, wanted), *(declared(one, kind="forbid") for one in forbids))
    return World(said, tuple(map(entry, recorded)), (BOB, found(X, oid=2, acl=acl)))


NAMED, WIDE = Permit("bob", "t1", ("A",)), Permit("bob", "t", ("A",), pattern=True)


def test_privileges_that_are_left_out_are_neither_granted_nor_revoked() -> None:
    other = Permit("PUBLIC", "t1", ("B",))
    world = permits(NAMED, recorded=(other,), acl=(right("B", "PUBLIC"),))
    assert sql(world.plan(target=("permit.bob/t1",))) == ["2 GRANT A ON t1 bob"]
    assert sql(world.plan(target=("permit.PUBLIC/t1",))) == ["1 REVOKE B ON t1 PUBLIC"]


@pytest.mark.parametrize("said", [True, False])
def test_nothing_is_revoked_that_something_left_out_wants(said: bool) -> None:
    """Whether it still says so, or has only said so: removing it is up to another plan."""
    world = permits(*([WIDE] if said else []), recorded=(NAMED, WIDE), acl=(right("A"),))
    plan = world.plan(target=("permit.bob/t1",))
    assert (sql(plan), lines(plan)) == ([], ["permit.bob/t1 forget"])
    assert sql(permits(recorded=(NAMED, WIDE), acl=(right("A"),)).plan()) == ["1 REVOKE A ON t1 bob"]


def test_a_grant_option_that_something_left_out_wants_stays() -> None:
    wide = evolve(WIDE, grantable=True)
    world = permits(NAMED, wide, acl=(right("A", grantable=True),))
    assert sql(world.plan(target=("permit.bob/t1",))) == []
    assert sql(permits(NAMED, wide).plan(target=("permit.bob/t1",))) == ["2 GRANT A ON t1 bob"]
    assert sql(permits(NAMED, wide).plan()) == ["2 GRANT A ON t1 bob WITH OPTION"]


def test_what_is_forbidden_by_something_left_out() -> None:
    """It takes nothing away; but what it overrules is not granted, for the next plan would take it."""
    forbidding = permits(WIDE, forbids=(NAMED,))
    assert sql(forbidding.plan(target=("permit.*",))) == []
    taking = permits(recorded=(WIDE,), forbids=(NAMED,), acl=(right("A"),))
    assert sql(taking.plan(exclude=("permit.*", "forbid.*"))) == []
    assert sql(taking.plan(target=("permit.*",))) == ["1 REVOKE A ON t1 bob"]
    assert sql(taking.plan(target=("forbid.*",))) == ["1 REVOKE A ON t1 bob"]


def test_what_is_both_granted_and_revoked_is_said_of_what_the_plan_is_about() -> None:
    with pytest.raises(PgplanError, match="both granted and revoked") as caught:
        permits(NAMED, forbids=(NAMED,)).plan(target=("permit.*",))
    assert [problem.address for problem in caught.value.problems] == ["permit.bob/t1"]


def test_a_replacement_keeps_the_privileges_that_are_left_out() -> None:
    before, after = Thing("t1", base="x"), Thing("t1", base="y")
    live = (
        BOB,
        found(before, oid=2, acl=(right("A", grantable=True), right("B", "eve"))),
        *(found(Thing(n), oid=o) for n, o in (("x", 3), ("y", 4))),
    )
    for granted in (declared(NAMED), declared(evolve(NAMED, grantable=True))):
        recorded = (entry(before, oid=2), entry(NAMED))
        plan = World((declared(after), granted), recorded, live).plan(target=("thing.t1",))
        assert sql(plan) == ["DROP t1", "MAKE t1", "2 GRANT A ON t1 bob WITH OPTION", "2 GRANT B ON t1 eve"]


def test_replace_drops_and_makes_anew_with_all_that_stands_on_it() -> None:
    secret = Secret("x", "${var.p}")
    a, b = Thing("a", password=secret), B
    world = World((declared(a), declared(b)), (entry(a, oid=1), entry(b, oid=2)), (found(a, oid=1), found(b, oid=2)))
    world = evolve(world, slots={("thing.a", "password"): "same"})
    plan = world.plan(replace=("thing.a",))
    assert sql(plan) == ["DROP b", "DROP a", "MAKE a", "MAKE b"]
    assert plan.changes[0].reason == "asked for with --replace thing.a"
    assert [one.status for one in plan.decided.slots] == ["new"]
    assert plan.decided.options.replace == ("thing.a",)
    assert not plan.decided.options.partial
    assert sql(world.plan(replace=("thing.a",), target=("thing.b",))) == ["DROP b", "DROP a", "MAKE a", "MAKE b"]


def test_what_cannot_be_replaced() -> None:
    """What is protected, a stranger's, not declared, left out, or no object."""
    adopt = Policy(kinds={"thing": KindPolicy(existing="adopt")})
    protected = World((declared(A, protect=True),), (entry(A, oid=1),), (found(A, oid=1),))
    stranger = World((declared(A),), (), (found(A, oid=1),), policy=adopt)
    other = World((declared(A),), (entry(A, oid=3),), (found(A, oid=1),), policy=adopt)
    removed = World((), (entry(A, oid=1),), (found(A, oid=1),))
    out = World((declared(A), declared(T)), (entry(A, oid=1),), (found(A, oid=1),))
    for world, options, said in (
        (protected, {}, "would replace it"),
        (stranger, {}, "not managed yet"),
        (other, {}, "not managed yet"),
        (removed, {}, "is not declared"),
        (out, {"target": ("thing.t",)}, "left out"),
    ):
        with pytest.raises(PgplanError, match=said):
            world.plan(replace=("thing.a",), **options)
    with pytest.raises(PgplanError, match="no object"):
        permits(NAMED).plan(replace=("permit.*",))
    assert lines(World((declared(A),)).plan(replace=("thing.a",))) == ["thing.a create"]


@pytest.mark.parametrize("seed", range(4))
def test_a_part_takes_nothing_that_the_rest_wants_and_gives_only_what_it_wants_itself(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random permits and prohibitions, by name and by pattern. A plan of every address is the plan of all."""
    sent: list[EdgeChange] = []

    def kept(_: object, changes: list[EdgeChange]) -> list[object]:
        sent.extend(changes)
        return []

    monkeypatch.setattr(fakes.FakeProvider, "edge_statements", kept)
    seen = {"grant": 0, "revoke": 0, "held back": 0}
    for number in range(60):
        dice = random.Random(f"{seed}/{number}")
        wanted, recorded = _some(dice), _some(dice)
        acl = [Privilege("", grantee, privilege, "own") for grantee in "xy" for privilege in "AB" if dice.random() < 0.5]
        live = (*(found(Thing(name), oid=90 + n) for n, name in enumerate("xy")), found(Thing("t1"), acl=acl))
        world = World(tuple(wanted), tuple(entry(one.spec, kind=one.kind) for one in recorded), live)
        addresses = tuple(sorted({one.address for one in (*wanted, *recorded)}))
        part = tuple(address for address in addresses if dice.random() < 0.5)
        sent.clear()
        with suppress(PgplanError):  # both granted and revoked: another test's
            world.plan()
            whole = list(sent)
            sent.clear()
            world.plan(target=addresses)
            assert sent == whole
            sent.clear()
            world.plan(target=part, exclude=() if part else ("*",))
            for change in sent:
                asking = {one.kind for one in wanted if one.address in part and _is_about(one, change)}
                left_out = {one.kind for one in (*wanted, *recorded) if one.address not in part and _is_about(one, change)}
                forbidden = any(one.kind == "forbid" and _is_about(one, change) for one in wanted)
                assert "permit" in asking if change.action == "grant" else "permit" not in left_out or forbidden
                seen[change.action] += 1
            seen["held back"] += len({(c.action, c.edge) for c in whole} - {(c.action, c.edge) for c in sent})
    assert min(seen.values()) > 10, seen


def _some(dice: random.Random) -> list[Declared]:
    drawn: dict[str, Declared] = {}
    for privilege, pattern in product("AB", (False, True)):
        permit = Permit(dice.choice("xy"), "t" if pattern else "t1", (privilege,), pattern)
        one = declared(permit, kind="permit" if dice.random() < 0.7 else "forbid")
        if dice.random() < 0.6:
            drawn[one.address] = one
    return list(drawn.values())


def _is_about(one: Declared, change: EdgeChange) -> bool:
    return one.spec.grantee == change.edge.item.grantee and change.edge.item.privilege in one.spec.rights
