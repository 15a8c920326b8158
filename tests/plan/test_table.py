"""The decision table, row by row."""

from __future__ import annotations

import pytest
from attrs import evolve

from pgplan.configuration.model import KindPolicy, Policy
from pgplan.errors import Exit, PgplanError
from pgplan.images import MARKER
from pgplan.plan.model import Slot
from pgplan.secret import Secret
from pgplan.snapshot import Found
from pgplan.state.model import Digest, Tombstone
from tests.plan.fakes import FACTS, Permit, Thing, World, declared, entry, found, lines, relied, sql

RED, BLUE = Thing("a", color="red"), Thing("a", color="blue")
ADOPT = Policy(existing="adopt")


def test_declared_only_is_created() -> None:
    plan = World((declared(RED),)).plan()
    assert lines(plan) == ["thing.a create"]
    assert sql(plan) == ["MAKE a"]
    observed, check = relied(plan, "a")
    assert (observed.oid, observed.image, check.new, check.image["color"]) == (None, None, True, "red")


@pytest.mark.parametrize("live", [RED, BLUE])
def test_existing_is_an_error_that_prints_the_import_command(live: Thing) -> None:
    with pytest.raises(PgplanError, match=r"exists already.*\n.*pgplan import thing.a") as caught:
        World((declared(RED),), found=(found(live),)).plan()
    assert caught.value.exit_code == Exit.ERROR


def test_existing_and_equal_is_adopted() -> None:
    plan = World((declared(RED),), found=(found(RED),), policy=ADOPT).plan()
    assert lines(plan) == ["thing.a adopt"]
    assert sql(plan) == []


def test_existing_and_different_is_adopted_and_updated() -> None:
    plan = World((declared(RED),), found=(found(BLUE),), policy=ADOPT).plan()
    assert lines(plan) == ["thing.a update"]
    assert plan.changes[0].adopting
    assert sql(plan) == ["ALTER a color"]


def test_what_disappeared_is_created_again() -> None:
    plan = World((declared(RED),), (entry(RED),)).plan()
    assert lines(plan) == ["thing.a create"]
    assert plan.changes[0].reason == "had disappeared from the database"


def test_equal_everywhere_is_nothing() -> None:
    plan = World((declared(RED),), (entry(RED),), (found(RED),)).plan()
    assert plan.changes == ()
    assert plan.steps == ()
    assert (plan.observed.objects, plan.decided.checks) == ((), ())


@pytest.mark.parametrize(
    ("recorded", "live", "moved"),
    [(BLUE, BLUE, "configuration"), (RED, BLUE, "database"), (Thing("a", color="green"), BLUE, "both")],
)
def test_an_update_says_which_side_moved(recorded: Thing, live: Thing, moved: str) -> None:
    plan = World((declared(RED),), (entry(recorded),), (found(live),)).plan()
    assert lines(plan) == ["thing.a update"]
    assert plan.changes[0].moved == moved
    check = relied(plan, "a")[1]
    assert (check.image, check.untouched, check.new) == ({"color": "red"}, True, False)


def test_what_cannot_be_altered_is_replaced() -> None:
    world = World((declared(Thing("a", base="c")), declared(Thing("b")), declared(Thing("c"))))
    before = (found(Thing("a", base="b")), found(Thing("b"), oid=8), found(Thing("c"), oid=9))
    recorded = (entry(Thing("a", base="b")), entry(Thing("b"), oid=8), entry(Thing("c"), oid=9))
    plan = World(world.declared, recorded, before).plan()
    assert lines(plan) == ["thing.a replace"]
    assert sql(plan) == ["DROP a", "MAKE a"]


def test_both_sides_moved_to_the_same_is_only_recorded() -> None:
    plan = World((declared(RED),), (entry(BLUE),), (found(RED),)).plan()
    assert lines(plan) == ["thing.a none"]
    assert plan.pending_changes == ()


def test_removed_is_deleted() -> None:
    plan = World((), (entry(RED),), (found(RED),)).plan()
    assert lines(plan) == ["thing.a delete"]
    assert sql(plan) == ["DROP a"]


def test_removed_is_forgotten_by_policy() -> None:
    plan = World((), (entry(RED),), (found(RED),), policy=Policy(kinds={"thing": KindPolicy("forget")})).plan()
    assert lines(plan) == ["thing.a forget"]
    assert sql(plan) == []


def test_removed_is_refused_by_policy() -> None:
    with pytest.raises(PgplanError, match="no longer declared") as caught:
        World((), (entry(RED),), (found(RED),), policy=Policy("error")).plan()
    assert caught.value.exit_code == Exit.REFUSED


@pytest.mark.parametrize("removed", ["delete", "error"])
def test_removed_but_protected_is_refused_whatever_the_policy(removed: str) -> None:
    with pytest.raises(PgplanError, match="is protected") as caught:
        World((), (entry(RED, protected=True),), (found(RED),), policy=Policy(removed)).plan()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert caught.value.exit_code == Exit.REFUSED


def test_a_protected_object_is_not_replaced() -> None:
    live = (found(Thing("a", base="x")), found(Thing("x"), oid=8), found(Thing("y"), oid=9))
    with pytest.raises(PgplanError, match="would replace it"):
        World((declared(Thing("a", base="y"), protect=True),), (entry(Thing("a", base="x")),), live).plan()


def test_removed_and_gone_is_forgotten() -> None:
    assert lines(World((), (entry(RED),)).plan()) == ["thing.a forget"]


def test_undeclared_and_unrecorded_is_left_alone() -> None:
    assert World(found=(found(RED),)).plan().changes == ()


def test_destroy_leaves_what_was_adopted() -> None:
    entries = (entry(RED, origin="adopted"), entry(Thing("b"), oid=8))
    world = World((declared(RED), declared(Thing("b"))), entries, (found(RED), found(Thing("b"), oid=8)))
    assert lines(world.plan(destroy=True)) == ["thing.a forget", "thing.b delete"]
    assert lines(world.plan(destroy=True, include_adopted=True)) == ["thing.a delete", "thing.b delete"]


def test_unmanaged_attributes_are_left_alone() -> None:
    plan = World((declared(Thing("a")),), (entry(Thing("a")),), (found(RED),)).plan()
    assert plan.changes == ()


def test_hidden_attributes_are_compared_with_what_is_recorded() -> None:
    live = found(RED, hidden=("color",))
    assert World((declared(RED),), (entry(RED),), (live,)).plan().changes == ()
    plan = World((declared(BLUE),), (entry(RED),), (live,)).plan()
    assert plan.changes[0].changed == ("color",)
    image = relied(plan, "a")[0].image
    assert image is not None
    assert image["color"] is None


def test_what_is_hidden_and_was_never_recorded_is_replaced() -> None:
    plan = World((declared(RED),), found=(found(RED, hidden=("color",)),), policy=ADOPT).plan()
    assert lines(plan) == ["thing.a replace"]
    assert "hidden" in plan.changes[0].reason


def test_ignored_attributes_are_declared_once() -> None:

    ignoring = evolve(declared(RED), ignore=("color",))
    assert sql(World((ignoring,)).plan()) == ["MAKE a"]
    assert World((ignoring,), (entry(RED),), (found(BLUE),)).plan().changes == ()


def test_a_secret_is_compared_by_its_slot_and_never_shown() -> None:
    spec = Thing("a", password=Secret("hush", "${var.p}"))
    live = found(Thing("a", password=Secret("hush")))
    recorded = entry(spec, secrets={"password": Digest("salt", "digest")})
    same = World((declared(spec),), (recorded,), (live,), {("thing.a", "password"): "same"})
    assert same.plan().changes == ()
    # Adopted, and the server shows that it is the declared value: its digest is still to be recorded.
    assert lines(evolve(same, entries=(entry(spec),)).plan()) == ["thing.a none"]
    changed = World((declared(spec),), (recorded,), (live,), {("thing.a", "password"): "changed"}).plan()
    assert sql(changed) == ["ALTER a password"]
    assert changed.changes[0].after == {"name": "a", "owner": None, "base": None, "color": None, "password": MARKER}
    secrecy = changed.secrecy["thing.a"]["password"]
    assert (secrecy.status, secrecy.source) == ("changed", "${var.p}")
    assert "hush" not in str(changed)


def test_drift_to_a_tombstone_is_deleted_again() -> None:

    world = World(found=(found(RED, oid=7),))
    returned = evolve(world, state=evolve(world.state, tombstones=(Tombstone("thing.a", "db", 7, 1),)))
    assert lines(returned.plan()) == ["thing.a delete"]
    other = evolve(world, state=evolve(world.state, tombstones=(Tombstone("thing.a", "db", 8, 1),)))
    assert other.plan().changes == ()


def test_the_connected_role_does_not_harm_itself() -> None:
    with pytest.raises(PgplanError, match="its very self") as caught:
        World((), (entry(Thing("admin")),), (found(Thing("admin")),)).plan()
    assert caught.value.exit_code == Exit.REFUSED


def test_more_deletes_than_allowed_are_refused() -> None:
    entries = tuple(entry(Thing(name), oid=oid) for oid, name in enumerate("abc", 1))
    live = tuple(found(Thing(name), oid=oid) for oid, name in enumerate("abc", 1))
    assert len(World((), entries, live, policy=Policy(max_deletes=3)).plan().changes) == 3
    with pytest.raises(PgplanError, match=r"deletes 3 objects.*max_deletes allows 2") as caught:
        World((), entries, live, policy=Policy(max_deletes=2)).plan()
    assert caught.value.exit_code == Exit.REFUSED


def test_missing_rights_come_all_at_once() -> None:
    black = Thing("b", color="black")
    plain = evolve(FACTS, superuser=False)
    permit = Permit("x", "t", ("LOCKED",))
    live = (found(Thing("x"), oid=8), found(Thing("t"), oid=9))
    world = World((declared(black), declared(permit)), found=live, facts=plain)
    with pytest.raises(PgplanError) as caught:
        world.plan()
    said = [str(problem) for problem in caught.value.problems]
    assert "permit.x/t: the connected role admin lacks the key" in said[0]
    assert "thing.b: the connected role admin lacks the colour black" in said[1]
    assert evolve(world, facts=FACTS).plan().steps
    # A plan that gives rights to the connected role leaves it to the server.
    gains = evolve(
        world,
        declared=(*world.declared, declared(Thing("z", owner="admin"))),
        entries=(entry(Thing("z", owner="x")),),
        found=(*live, found(Thing("admin")), found(Thing("z", owner="x"))),
    )
    assert gains.plan().steps


# Another object under the address of a recorded one: the recorded one had OID 3, the one found has 9.

ANEW = (entry(RED, oid=3),)


def other(thing: Thing, *more: Found) -> tuple[Found, ...]:
    return (found(thing, oid=9), *more)


def test_made_anew_as_it_was_is_adopted() -> None:
    plan = World((declared(RED),), ANEW, other(RED)).plan()
    assert lines(plan) == ["thing.a adopt"]
    assert plan.changes[0].reason == "made anew: its OID is 9, and was 3"
    assert (plan.changes[0].adopting, plan.changes[0].anew) == (True, True)


def test_made_anew_as_it_was_and_declared_otherwise_is_updated() -> None:
    plan = World((declared(BLUE),), ANEW, other(RED)).plan()
    assert lines(plan) == ["thing.a update"]
    assert plan.changes[0].adopting


@pytest.mark.parametrize("want", [RED, BLUE])
def test_made_anew_otherwise_is_refused_once_for_each_kind(want: Thing) -> None:
    second = Thing("b", color="red")
    world = World(
        (declared(want), declared(second)), (*ANEW, entry(second, oid=4)), other(BLUE, found(Thing("b", color="x"), oid=8))
    )
    with pytest.raises(PgplanError, match=r"pgplan state rebind 'thing\.\*'") as caught:
        world.plan()
    assert caught.value.exit_code == Exit.ERROR
    (problem,) = caught.value.problems
    assert "thing.a (OID 9, was 3), thing.b (OID 8, was 4)" in problem.message


def test_made_anew_otherwise_is_adopted_and_updated_by_policy() -> None:
    plan = World((declared(RED),), ANEW, other(BLUE), policy=ADOPT).plan()
    assert lines(plan) == ["thing.a update"]
    assert plan.changes[0].reason == "the one recorded (OID 3) is gone, this is another one (OID 9)"


@pytest.mark.parametrize("policy", [Policy(), ADOPT])
@pytest.mark.parametrize("live", [RED, BLUE])
def test_a_name_that_another_one_took_is_an_error_with_both_names(live: Thing, policy: Policy) -> None:
    with pytest.raises(PgplanError, match=r"\(OID 3\) is called z now, and a \(OID 9\).*\n.*pgplan state rebind thing.a"):
        World((declared(RED),), ANEW, other(live, found(Thing("z"), oid=3)), policy=policy).plan()


@pytest.mark.parametrize("policy", [Policy(), ADOPT, Policy("error"), Policy("forget")])
@pytest.mark.parametrize("more", [(), (found(Thing("z"), oid=3),)])
@pytest.mark.parametrize("destroy", [True, False])
@pytest.mark.parametrize("protected", [True, False])
def test_a_stranger_is_never_dropped(policy: Policy, more: tuple[Found, ...], *, destroy: bool, protected: bool) -> None:
    recorded = (entry(RED, oid=3, protected=protected),)
    for blocks in ((), (declared(RED),)) if destroy else ((),):
        plan = World(blocks, recorded, other(RED, *more), policy=policy).plan(destroy=destroy, include_adopted=destroy)
        assert lines(plan) == ["thing.a forget"]
        went = "called z now" if more else "gone"
        assert plan.changes[0].reason == f"the one recorded (OID 3) is {went}, and the one here (OID 9) is another one"
        assert plan.observed.objects == ()


def test_a_new_name_of_what_disappeared_is_told() -> None:
    live = (found(Thing("z"), oid=3),)
    assert World((declared(RED),), ANEW, live).plan().changes[0].reason == (
        "had disappeared from the database: the one recorded is called z now"
    )
    (change,) = World((), ANEW, live).plan().changes
    assert (change.action, change.reason) == (
        "forget",
        "no longer declared, and gone from the database: the one recorded is called z now",
    )


@pytest.mark.parametrize(
    ("shown", "hidden", "slot", "equal"),
    [
        (Secret("p"), (), "same", True),
        (Secret("q"), (), "changed", False),
        (None, ("password",), "new", False),
        (Secret("p"), ("color",), "same", False),
    ],
)
def test_made_anew_counts_as_equal_only_where_all_is_seen(
    shown: Secret | None, hidden: tuple[str, ...], slot: Slot, equal: bool
) -> None:
    want = evolve(RED, password=Secret("p"))
    recorded = evolve(entry(want, oid=3), secrets={"password": Digest("00", "11")})
    live = found(evolve(RED, password=shown), oid=9, hidden=hidden)
    world = World((declared(want),), (recorded,), (live,), slots={("thing.a", "password"): slot})
    if equal:
        assert lines(world.plan()) == ["thing.a adopt"]
    else:
        with pytest.raises(PgplanError, match="is not the one recorded"):
            world.plan()


def test_what_to_think_of_is_said_once_for_all_that_the_plan_touches() -> None:
    known = Thing("known", color="red")
    world = World((declared(RED), declared(Thing("b", color="red")), declared(known)), (entry(known),), (found(known),))
    assert world.both()[1].notes == ("thing.a, thing.b: It is red.",)
