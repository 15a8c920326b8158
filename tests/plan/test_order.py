"""What comes before what."""

from __future__ import annotations

import itertools

import pytest

from pgplan.errors import ConfigurationError, PgplanError
from tests.plan.fakes import Permit, Thing, World, declared, entry, found, lines, relied, right, sql

A, B, C = Thing("a"), Thing("b", owner="a"), Thing("c", base="b")


def test_references_are_made_first_whatever_the_order_of_the_blocks() -> None:
    for blocks in itertools.permutations((A, B, C)):
        assert sql(World(tuple(declared(spec) for spec in blocks)).plan()) == ["MAKE a", "MAKE b", "MAKE c"]


def test_what_stands_on_an_object_is_dropped_first() -> None:
    live = (found(A), found(B, oid=8), found(C, oid=9))
    entries = (entry(A), entry(B, oid=8), entry(C, oid=9))
    assert sql(World((), entries, live).plan()) == ["DROP c", "DROP b", "DROP a"]


def test_an_owner_moves_from_what_goes_to_what_comes() -> None:
    live = (found(A), found(B, oid=8))
    plan = World((declared(Thing("z")), declared(Thing("b", owner="z"))), (entry(A), entry(B, oid=8)), live).plan()
    assert sql(plan) == ["MAKE z", "ALTER b owner", "DROP a"]


def test_a_replacement_spreads_to_what_stands_on_it() -> None:
    chain = (Thing("b", base="x"), Thing("c", base="b"), Thing("d", owner="c"))
    wanted = (Thing("b", base="y"), *chain[1:])
    ends = (Thing("x"), Thing("y"))
    live = tuple(found(spec, oid=oid) for oid, spec in enumerate((*chain, *ends), 1))
    entries = tuple(entry(spec, oid=oid) for oid, spec in enumerate((*chain, *ends), 1))
    plan = World(tuple(declared(spec) for spec in (*wanted, *ends)), entries, live).plan()
    assert lines(plan) == ["thing.b replace", "thing.c replace", "thing.d replace"]
    assert sql(plan) == ["DROP d", "DROP c", "DROP b", "MAKE b", "MAKE c", "MAKE d"]
    assert plan.changes[2].reason == "thing.c is replaced"


def test_a_replaced_object_gets_its_privileges_again() -> None:
    on_b, spec = Permit("x", "b", ("USE",)), Thing("b", base="y")
    live = (found(Thing("b", base="x"), acl=[right("USE", "x")]), found(Thing("x"), oid=8), found(Thing("y"), oid=9))
    entries = (entry(Thing("b", base="x")), entry(on_b), entry(Thing("x"), oid=8), entry(Thing("y"), oid=9))
    plan = World(tuple(declared(s) for s in (spec, on_b, Thing("x"), Thing("y"))), entries, live).plan()
    assert sql(plan) == ["DROP b", "MAKE b", "2 GRANT USE ON b x"]


def test_a_replaced_object_gives_the_grants_of_others_again_and_no_more_than_it_had() -> None:
    spec, ends = Thing("n", base="y"), (Thing("x"), Thing("y"))
    acl = [right("USE", "x"), right("TAKE", "y", grantor="x", grantable=True)]
    live = (found(Thing("n", base="x"), acl=acl), found(ends[0], oid=8), found(ends[1], oid=9))
    entries = (entry(Thing("n", base="x")), entry(ends[0], oid=8), entry(ends[1], oid=9))
    plan = World(tuple(declared(s) for s in (spec, *ends)), entries, live).plan()
    assert sql(plan) == ["DROP n", "MAKE n", "1 REVOKE LOOK ON n PUBLIC", "2 GRANT TAKE ON n y WITH OPTION", "2 GRANT USE ON n x"]
    assert [edge["privilege"] for edge in plan.changes[0].edges] == ["USE", "TAKE", "LOOK"]
    observed, _ = relied(plan, "n")
    assert observed.whole
    assert len(observed.acl or ()) == 2


def test_privileges_change_between_what_comes_and_what_goes() -> None:
    live = (found(A, acl=[right("USE", "c")]), found(Thing("c"), oid=9))
    entries = (entry(A), entry(Permit("c", "a", ("USE",))), entry(Thing("c"), oid=9))
    blocks = (A, Thing("z"), Permit("z", "a", ("USE",)))
    plan = World(tuple(declared(spec) for spec in blocks), entries, live).plan()
    assert sql(plan) == ["MAKE z", "1 REVOKE USE ON a c", "2 GRANT USE ON a z", "DROP c"]


def test_a_cycle_is_shown_as_a_path() -> None:
    with pytest.raises(ConfigurationError, match=r"dependency cycle: thing.\w → thing.\w → thing.\w"):
        World((declared(Thing("p", owner="q")), declared(Thing("q", owner="p")))).plan()


def test_unknown_references_come_all_at_once_with_a_suggestion() -> None:
    world = World((declared(Thing("a1", owner="ab")), declared(Thing("b1", base="zz"))), found=(found(Thing("abc")),))
    with pytest.raises(PgplanError) as caught:
        world.plan()
    assert [problem.address for problem in caught.value.problems] == ["thing.a1", "thing.b1"]
    assert caught.value.problems[0].hint == "did you mean abc?"


def test_naming_what_this_plan_deletes_is_an_error() -> None:
    live = (found(A), found(B, oid=8))
    with pytest.raises(PgplanError, match=r"names thing.a, which this plan deletes"):
        World((declared(B),), (entry(A), entry(B, oid=8)), live).plan()


def test_an_unmanaged_dependent_stops_the_drop() -> None:
    with pytest.raises(PgplanError, match=r"thing.c stands on it\n.*pgplan import thing.c"):
        World((), (entry(Thing("b")),), (found(Thing("b")), found(C, oid=8))).plan()


def test_what_it_owns_need_not_be_imported_to_drop_a_role() -> None:
    with pytest.raises(PgplanError, match=r"thing.b stands on it\n  give thing.b another owner.*keep thing.a declared") as caught:
        World((), (entry(A),), (found(A), found(B, oid=8))).plan()
    assert "import" not in str(caught.value)
