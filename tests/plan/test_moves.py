"""What is recorded under one address and managed under another one."""

from __future__ import annotations

import pytest
from attrs import evolve

from pgplan.configuration.model import Move, Policy
from pgplan.configuration.moves import mistakes
from pgplan.errors import PgplanError, Source
from pgplan.plan.model import Slot
from pgplan.secret import Secret
from tests.plan.fakes import Permit, Thing, World, declared, entry, found, lines, right, sql

A, B, C = Thing("a"), Thing("b"), Thing("c")


def moves(*pairs: tuple[str, str]) -> tuple[Move, ...]:
    return tuple(Move(one, other, Source("pgplan.toml")) for one, other in pairs)


def test_the_same_object_under_another_address_is_only_recorded() -> None:
    """Somebody has called it otherwise by hand: its OID is what was recorded."""
    world = World((declared(B),), (entry(A),), (found(B),), moves=moves(("thing.a", "thing.b")))
    plan = world.plan()
    (change,) = plan.pending_changes
    assert (change.address, change.previous_address, change.action, change.relocated) == ("thing.b", "thing.a", "none", True)
    assert (sql(plan), change.after and change.after["name"]) == ([], "b")
    other = evolve(world, declared=(declared(Thing("b", color="red")),)).plan()
    assert (lines(other), other.changes[0].previous_address, other.changes[0].relocated) == (["thing.b update"], "thing.a", True)


def test_what_is_not_declared_there_goes_as_ever() -> None:
    world = World((), (entry(A),), (found(B),), moves=moves(("thing.a", "thing.b")))
    assert (lines(world.plan()), sql(world.plan())) == (["thing.b delete"], ["DROP b"])
    assert sql(world.plan(destroy=True)) == ["DROP b"]


def test_chains_lead_to_their_end_from_wherever_something_is_recorded() -> None:
    chain = moves(("thing.b", "thing.c"), ("thing.a", "thing.b"))
    for recorded in (A, B):
        plan, remarks = World((declared(C),), (entry(recorded),), (found(C),), moves=chain).both()
        assert (lines(plan), plan.changes[0].previous_address) == (["thing.c none"], f"thing.{recorded.name}")
        (note,) = remarks.notes
        assert note.startswith(f"nothing is recorded as thing.{'b' if recorded is A else 'a'}: its [[moved]] can be removed")
    done = World((declared(C),), (entry(C),), (found(C),), moves=chain).plan()
    assert done.changes == ()


@pytest.mark.parametrize("recorded", [(A, C), (A, B)])
def test_two_that_would_be_one_are_an_error(recorded: tuple[Thing, ...]) -> None:
    world = World(
        (declared(C),), tuple(map(entry, recorded)), (found(C),), moves=moves(("thing.a", "thing.b"), ("thing.b", "thing.c"))
    )
    with pytest.raises(PgplanError, match=r"thing.c: is moved here from thing.[ab], .* recorded too\n.*pgplan forget"):
        world.plan()


@pytest.mark.parametrize("policy", [Policy(), Policy(existing="adopt")])
def test_another_object_is_not_what_was_moved(policy: Policy) -> None:
    """Whatever the policy, and though it is just as the other one was."""
    same = evolve(entry(A), spec=entry(B).spec)
    world = World((declared(B),), (same,), (found(B, oid=8),), policy=policy, moves=moves(("thing.a", "thing.b")))
    with pytest.raises(PgplanError, match=r"moved from thing.a, whose object \(OID 7\) is gone.*\(OID 8\) is another one"):
        world.plan()


def test_nothing_moves_to_another_database() -> None:
    world = World((), (entry(A),), (found(A),), moves=moves(("thing.a", "thing.a@other")))
    with pytest.raises(PgplanError, match=r"thing.a@other: is in the database other, and what is recorded as thing.a is in db"):
        world.plan()


def test_privileges_are_compared_with_what_they_were() -> None:
    bob, t = found(Thing("bob"), oid=1), Thing("t1")
    narrow, wide = Permit("bob", "t1", ("A", "B")), Permit("bob", "t", ("A",), pattern=True)
    live = (bob, found(t, oid=2, acl=(right("A"), right("B"))))
    plan = World((declared(wide),), (entry(narrow),), live, moves=moves(("permit.bob/t1", "permit.bob/t"))).plan()
    assert (lines(plan), sql(plan)) == (["permit.bob/t update"], ["1 REVOKE B ON t1 bob"])
    assert plan.changes[0].previous_address == "permit.bob/t1"


def test_secrets_are_told_by_the_new_address_and_parts_leave_moves_alone() -> None:
    secret = Thing("b", password=Secret("x", "${var.p}"))
    slots: dict[tuple[str, str], Slot] = {("thing.b", "password"): "same"}
    world = World((declared(secret), declared(C)), (entry(A), entry(C, oid=8)), (found(secret), found(C, oid=8)), slots)
    world = evolve(world, moves=moves(("thing.a", "thing.b")))
    assert sql(world.plan()) == []
    assert world.plan(exclude=("thing.b",)).changes == ()
    assert lines(world.plan(target=("thing.b",))) == ["thing.b none"]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("thing.a", "other.a")], "there is no kind 'other'"),
        ([("thing", "thing.a")], "'thing' is not an address"),
        ([("thing.a", "permit.a")], "a thing cannot become a permit"),
        ([("thing.a", "thing.a")], "thing.a is where it is"),
        ([("thing.here", "thing.b")], "thing.here is declared too"),
        ([("thing.a", "thing.b"), ("thing.a", "thing.c")], "thing.a is moved to thing.b already"),
        ([("thing.a", "thing.c"), ("thing.b", "thing.c")], "thing.a is moved to thing.c already"),
        (
            [("thing.a", "thing.b"), ("thing.b", "thing.c"), ("thing.c", "thing.a")],
            "moves in a circle: thing.a → thing.b → thing.c → thing.a",
        ),
    ],
)
def test_moves_that_make_no_sense(pairs: list[tuple[str, str]], said: str) -> None:
    (wrong,) = mistakes(moves(*pairs), ("thing.here",), ("thing", "permit"))
    assert wrong[1].startswith(said)
    assert wrong[2]
