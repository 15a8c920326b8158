"""Privileges by set algebra."""

from __future__ import annotations

import pytest
from attrs import evolve

from pgplan.configuration.model import Declared
from pgplan.errors import PgplanError
from pgplan.snapshot import Dependent, Item, Privilege
from pgplan.state.model import Entry
from tests.plan.fakes import ALL, Permit, Thing, World, declared, entry, found, items, lines, listed, relied, right, sql

BOB, T = found(Thing("bob"), oid=1), Thing("t")


def world(*permits: Permit, recorded: tuple[Permit, ...] = (), acl: tuple[object, ...] = (), **more: object) -> World:
    live = (BOB, found(T, oid=2, acl=acl))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return World(tuple(declared(p) for p in permits), tuple(entry(p) for p in recorded), live, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_only_what_is_missing_is_granted() -> None:
    plan = world(Permit("bob", "t", ("A", "B")), acl=(right("A"),)).plan()
    assert sql(plan) == ["2 GRANT B ON t bob"]
    assert lines(plan) == ["permit.bob/t create"]


def test_what_is_there_already_is_adopted_never_an_error() -> None:
    plan = world(Permit("bob", "t", ("A",)), acl=(right("A"),)).plan()
    assert lines(plan) == ["permit.bob/t adopt"]
    assert sql(plan) == []


def test_a_shorter_list_sends_the_difference() -> None:
    plan = world(Permit("bob", "t", ("A",)), recorded=(Permit("bob", "t", ("A", "B")),), acl=(right("A"), right("B"))).plan()
    assert sql(plan) == ["1 REVOKE B ON t bob"]
    assert lines(plan) == ["permit.bob/t update"]
    assert plan.changes[0].moved == "configuration"


def test_a_removed_block_revokes_only_what_no_other_wants() -> None:
    pattern = Permit("bob", "t*", ("A",))
    wide = Permit("bob", "t", ("A",), pattern=True)
    recorded = (Permit("bob", "t", ("A", "B")),)
    plan = world(wide, recorded=recorded, acl=(right("A"), right("B"))).plan()
    assert pattern.target != wide.target
    assert sql(plan) == ["1 REVOKE B ON t bob"]


def test_what_others_granted_meanwhile_is_left_alone() -> None:
    recorded = (Permit("bob", "t", ("A",)),)
    plan = world(recorded=recorded, acl=(right("A", grantor="eve"), right("C"))).plan()
    assert lines(plan) == ["permit.bob/t forget"]
    assert sql(plan) == []


def test_a_revoke_runs_as_the_recorded_grantor() -> None:

    live = (BOB, found(T, oid=2, acl=(right("A", grantor="eve"),)))
    recorded = evolve(entry(Permit("bob", "t", ("A",))), grantors=("eve",))
    plan = World((), (recorded,), live).plan()
    assert sql(plan) == ["1 REVOKE A ON t bob"]
    assert plan.steps[0].statements[0].run_as == "eve"


def test_a_forbidden_privilege_is_taken_from_every_grantor() -> None:
    forbid = declared(Permit("bob", "t", ("A",)), kind="forbid")
    live = (BOB, found(T, oid=2, acl=(right("A"), right("A", grantor="eve"))))
    plan = World((forbid,), (), live).plan()
    assert sorted(s.run_as for step in plan.steps for s in step.statements) == ["", "eve"]
    assert items(relied(plan, "t")[1], present=False) == [Item("", "bob", "A")]


def test_removing_a_prohibition_never_grants() -> None:
    live = (BOB, found(T, oid=2))
    plan = World((), (entry(Permit("bob", "t", ("A",)), kind="forbid"),), live).plan()
    assert lines(plan) == ["forbid.bob/t forget"]
    assert sql(plan) == []


def test_the_block_that_names_the_object_wins() -> None:
    named = declared(Permit("bob", "t", ("A",)))
    wide = declared(Permit("bob", "t", ("A",), pattern=True), kind="forbid")
    live = (BOB, found(T, oid=2, acl=(right("A"),)))
    assert sql(World((named, wide), (), live).plan()) == []


def test_granting_and_revoking_the_same_is_a_contradiction() -> None:
    blocks = (declared(Permit("bob", "t", ("A",))), declared(Permit("bob", "t", ("A",)), kind="forbid"))
    with pytest.raises(PgplanError, match="A on thing t to bob is both granted and revoked"):
        World(blocks, (), (BOB, found(T, oid=2))).plan()


def test_the_grant_option_is_enforced_both_ways() -> None:
    assert sql(world(Permit("bob", "t", ("A",), grantable=True), acl=(right("A"),)).plan()) == ["2 GRANT A ON t bob WITH OPTION"]
    assert sql(world(Permit("bob", "t", ("A",)), acl=(right("A", grantable=True),)).plan()) == ["1 REVOKE OPTION A ON t bob"]


def test_columns_survive_a_revoke_on_the_whole_object() -> None:
    """A table-level REVOKE takes the privilege from the columns too."""
    recorded = (Permit("bob", "t", ("A", "c:A")),)
    acl = (right("A"), right("A", column="c"))
    plan = world(Permit("bob", "t", ("c:A",)), recorded=recorded, acl=acl).plan()
    assert sql(plan) == ["1 REVOKE A ON t bob", "2 GRANT A(c) ON t bob"]
    assert items(relied(plan, "t")[1], present=True) == [Item("c", "bob", "A")]


def test_a_pattern_grants_what_is_missing_and_nothing_else() -> None:
    wide = Permit("bob", "t", ("A",), pattern=True)
    live = (BOB, found(T, oid=2, acl=(right("A"),)), found(Thing("t2"), oid=3))
    plan = World((declared(wide),), (entry(wide),), live).plan()
    assert sql(plan) == ["2 GRANT A ON t2 bob"]
    right_already = (BOB, found(T, oid=2, acl=(right("A"),)), found(Thing("t2"), oid=3, acl=(right("A"),)))
    assert World((declared(wide),), (entry(wide),), right_already).plan().changes == ()


def test_a_pattern_matches_what_the_same_plan_makes() -> None:
    wide, t2 = Permit("bob", "t", ("A",), pattern=True), Thing("t2")
    plan = World((declared(wide), declared(t2)), (), (BOB, found(T, oid=2, acl=(right("A"),)))).plan()
    assert sql(plan) == ["MAKE t2", "2 GRANT A ON t2 bob"]
    assert lines(plan) == ["permit.bob/t create", "thing.t2 create"]


def test_a_pattern_that_matches_nothing_is_satisfied() -> None:
    wide = Permit("bob", "none", ("A",), pattern=True)
    assert lines(World((declared(wide),), (), (BOB,)).plan()) == ["permit.bob/none create"]
    plan, remarks = World((declared(wide),), (entry(wide),), (BOB,)).both()
    assert (plan.changes, remarks.notes) == ((), ("permit.bob/none matches no things yet",))
    others = [declared(evolve(wide, target=f"none{number}")) for number in range(7)]
    (note,) = World((*others,), (), (BOB,)).both()[1].notes
    shown = ", ".join(f"permit.bob/none{number}" for number in range(5))
    assert note == f"{shown} and 2 more match no things yet"


def test_a_pattern_whose_objects_all_go_matches_nothing() -> None:
    wide, thing = Permit("bob", "t", ("A",), pattern=True), Thing("t")
    world = World((declared(wide),), (entry(wide), entry(thing, oid=2)), (BOB, found(T, oid=2)))
    assert world.both()[1].notes == ("permit.bob/t matches no things yet",)
    assert world.both(destroy=True)[1].notes == ()


@pytest.mark.parametrize("kind", ["permit", "forbid"])
def test_columns_that_a_pattern_s_objects_lack_are_left_out_and_counted(kind: str) -> None:
    wide = Permit("bob", "t", ("c:A", "new:A", "x:A"), pattern=True)
    live = (BOB, *(found(Thing(name), oid=2 + n, acl=(right("A", column="c"),)) for n, name in enumerate(("t1", "t2"))))
    plan, remarks = World((declared(wide, kind=kind), declared(Thing("t3", color="new"))), (), live).both()
    notes = (
        f"{kind}.bob/t: 1 of 3 matched things lacks the column c, left out there",
        f"{kind}.bob/t: 2 of 3 matched things lack the column new, left out there",
        f"{kind}.bob/t: no matched thing has the column x",
    )
    assert remarks.notes == notes
    # What is new is born without it.
    verb = ["2 GRANT A(new) ON t3 bob"] if kind == "permit" else [f"1 REVOKE A(c) ON {t} bob" for t in ("t1", "t2")]
    assert sorted(sql(plan)[1:]) == verb


def test_drift_is_repaired_and_said_to_be_the_database() -> None:
    permit = Permit("bob", "t", ("A",))
    plan = world(permit, recorded=(permit,)).plan()
    assert sql(plan) == ["2 GRANT A ON t bob"]
    assert plan.changes[0].moved == "database"


def test_a_recorded_privilege_whose_object_is_gone_is_forgotten() -> None:
    permit = Permit("bob", "gone", ("A",))
    assert lines(World((), (entry(permit),), (BOB,)).plan()) == ["permit.bob/gone forget"]


def test_a_declared_privilege_on_nothing_is_an_error() -> None:
    with pytest.raises(PgplanError, match=r"there is no thing tt in the database(.|\n)*did you mean t\?"):
        World((declared(Permit("bob", "tt", ("A",))),), (), (BOB, found(T, oid=2))).plan()


def test_an_owner_keeps_its_own_rights() -> None:
    permit = Permit("own", "t", ("A",))
    live = (found(Thing("own"), oid=1), found(T, oid=2, acl=(right("A", "own"),)))
    assert sql(World((), (entry(permit),), live).plan()) == []


def test_a_column_keeps_its_grant_option_when_the_table_loses_it() -> None:
    """REVOKE GRANT OPTION FOR … ON a table takes the option from its columns too."""
    acl = (right("A", grantable=True), right("A", column="c", grantable=True), right("A", column="d"))
    table, column = Permit("bob", "t", ("A",)), Permit("bob", "t*", ("c:A",), grantable=True)
    both = (declared(table), evolve(declared(column), spec=Permit("bob", "t", ("c:A",), grantable=True)))
    plan = World(both, (), (BOB, found(T, oid=2, acl=acl))).plan()
    assert sql(plan) == ["1 REVOKE OPTION A ON t bob", "2 GRANT A(c) ON t bob WITH OPTION"]


def test_a_column_that_loses_its_grant_option_with_the_table_gets_nothing_back() -> None:
    acl = (right("A", grantable=True), right("A", column="c", grantable=True))
    plan = world(Permit("bob", "t", ("A", "c:A")), acl=acl).plan()
    assert sql(plan) == ["1 REVOKE OPTION A ON t bob", "1 REVOKE OPTION A(c) ON t bob"]


def test_what_others_granted_on_a_column_is_not_granted_again() -> None:
    acl = (right("A"), right("A", column="c", grantor="eve"))
    plan = world(recorded=(Permit("bob", "t", ("A",)),), acl=acl).plan()
    assert sql(plan) == ["1 REVOKE A ON t bob"]


def test_what_another_block_granted_is_not_adopted() -> None:
    """Else destroy would leave it, once that other block is gone."""
    one, other = Permit("bob", "t", ("A",)), Permit("bob", "th", ("A",), pattern=True)
    live = (BOB, found(Thing("th"), oid=2, acl=(right("A"),)))
    named = Permit("bob", "th", ("A",))
    assert lines(World((declared(evolve(one, pattern=True)), declared(other)), (), (BOB, found(Thing("th"), oid=2))).plan()) == [
        "permit.bob/t create",
        "permit.bob/th create",
    ]
    later = World((declared(evolve(one, pattern=True)),), (entry(named),), live).plan()
    assert lines(later) == ["permit.bob/t create", "permit.bob/th forget"]
    adopted = entry(named, adopted=listed("A", keys=("th",)))
    both = World((declared(evolve(one, pattern=True)),), (adopted,), live).plan()
    assert lines(both) == ["permit.bob/t adopt", "permit.bob/th forget"]


def test_an_entry_lists_the_edges_that_were_there_before() -> None:
    plan = world(Permit("bob", "t", ("A", "B", "C", "D", "E")), acl=(right("A"), right("B"))).plan()
    assert lines(plan) == ["permit.bob/t create"]
    assert plan.changes[0].adopted == listed("A", "B")
    wide = Permit("bob", "t", ("A",), pattern=True)
    live = [found(Thing(f"t{n}"), oid=n, acl=(right("A"),) if n < 8 else ()) for n in range(2, 10)]
    exceptions = World((declared(wide),), (), (BOB, *live)).plan().changes[0].adopted
    assert exceptions == evolve(listed("A", keys=("t8", "t9")), all=True)
    assert World((declared(wide),), (), (BOB, *live[:6])).plan().changes[0].adopted == ALL


def test_destroy_leaves_the_edges_that_were_adopted_and_no_others() -> None:
    permit = Permit("bob", "t", ("A", "B"))
    before = world(permit, recorded=(), acl=(right("A"),)).plan().changes[0].adopted
    live = (BOB, found(T, oid=2, acl=(right("A"), right("B"))))
    given = World((declared(permit),), (entry(permit, adopted=before),), live)
    assert sql(given.plan(destroy=True)) == ["1 REVOKE B ON t bob"]
    assert sql(given.plan(destroy=True, include_adopted=True)) == ["1 REVOKE A ON t bob", "1 REVOKE B ON t bob"]
    all_of_it = World((declared(permit),), (entry(permit, adopted=ALL),), live).plan(destroy=True)
    assert lines(all_of_it) == ["permit.bob/t forget"]
    assert sql(all_of_it) == []


def test_granting_an_edge_takes_it_off_the_list() -> None:
    permit = Permit("bob", "t", ("A", "B"))
    plan = World((declared(permit),), (entry(permit, adopted=ALL),), (BOB, found(T, oid=2, acl=(right("A"),)))).plan()
    assert sql(plan) == ["2 GRANT B ON t bob"]
    assert plan.changes[0].adopted in (listed("A"), evolve(listed("B"), all=True))


def test_an_edge_that_another_address_grants_is_adopted_by_neither() -> None:
    one, wide = Permit("bob", "thing", ("A",)), Permit("bob", "th", ("A",), pattern=True)
    entries = (entry(one, adopted=ALL), entry(wide, adopted=ALL))
    plan = World((declared(one), declared(wide)), entries, (BOB, found(Thing("thing"), oid=2))).plan()
    assert sql(plan) == ["2 GRANT A ON thing bob"]
    assert [change.adopted.listed for change in plan.changes if change.adopted.all] == []
    assert len(plan.changes) == 2


def test_a_built_in_default_that_was_adopted_stays_with_a_note() -> None:
    look, live = Permit("PUBLIC", "t", ("LOOK",)), (found(T, oid=2, acl=(right("LOOK", "PUBLIC"),)),)
    kept = World((), (entry(look, adopted=ALL),), live).plan()
    assert (lines(kept), sql(kept)) == (["permit.PUBLIC/t forget"], [])
    assert "PostgreSQL gives it by default" in kept.changes[0].reason
    assert sql(World((), (entry(look),), live).plan()) == ["1 REVOKE LOOK ON t PUBLIC"]
    both = Permit("PUBLIC", "t", ("A", "LOOK"))
    narrowed = World(
        (declared(Permit("PUBLIC", "t", ("A",))),),
        (entry(both, adopted=ALL),),
        (found(T, oid=2, acl=(right("A", "PUBLIC"), right("LOOK", "PUBLIC"))),),
    )
    plan, remarks = narrowed.both()
    assert sql(plan) == []
    assert "1 of its privileges stay" in remarks.notes[0]


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PgplanError, match="there is no column x in thing t"):
        world(Permit("bob", "t", ("x:A",))).plan()


def test_of_a_list_only_what_changes_is_relied_upon() -> None:
    plan = world(Permit("bob", "t", ("A",)), acl=(right("B"), right("A", "eve"))).plan()
    observed, check = relied(plan, "t")
    assert (observed.acl, observed.whole) == ((), False)
    assert [one.privilege for one in check.items] == ["A"]


def test_columns_that_come_and_go_with_the_same_plan() -> None:
    """A grant on a column that is added needs it; what was granted on one that is dropped goes with it."""
    before, after = Thing("t", color="c"), Thing("t", color="new")
    old, new = Permit("bob", "t", ("c:A",)), Permit("bob", "t", ("new:A",))
    live = (BOB, found(before, oid=2, acl=(right("A", column="c"),)))
    plan = World((declared(after), declared(new)), (entry(before, oid=2), entry(old)), live).plan()
    assert sql(plan) == ["ALTER t color", "2 GRANT A(new) ON t bob"]
    with pytest.raises(PgplanError, match="there is no column c in thing t"):
        World((declared(after), declared(old)), (entry(before, oid=2), entry(old)), live).plan()
    with pytest.raises(PgplanError, match="there is no column x in thing t"):
        World((declared(after), declared(Permit("bob", "t", ("x:A",)))), (), (BOB,)).plan()


LEAVING_U_OUT = Permit("bob", "t", ("A",), pattern=True, out=("tu",))


def test_what_is_left_out_must_be_there() -> None:
    mistyped = evolve(LEAVING_U_OUT, out=("tuu",))
    live = (BOB, found(T), found(Thing("tu"), oid=3))
    with pytest.raises(PgplanError, match="leaves out the thing tuu, which is neither") as caught:
        World((declared(mistyped),), found=live).plan()
    assert [(problem.hint, str(problem.source)) for problem in caught.value.problems] == [("did you mean tu?", "pgplan.toml:1")]
    # What is only recorded says no more than that it was so once.
    assert sql(World((declared(LEAVING_U_OUT),), (entry(mistyped),), live).plan()) == ["2 GRANT A ON t bob"]


def test_what_is_left_out_may_be_made_by_the_plan_and_must_not_be_deleted_by_it() -> None:
    made = World((declared(LEAVING_U_OUT), declared(Thing("tu"))), found=(BOB, found(T))).plan()
    assert sql(made) == ["MAKE tu", "2 GRANT A ON t bob"]
    going = World((declared(LEAVING_U_OUT),), (entry(Thing("tu")),), (BOB, found(T, oid=2), found(Thing("tu"))))
    with pytest.raises(PgplanError, match="leaves out the thing tu, which this plan deletes"):
        going.plan()


def test_a_revoke_from_a_column_that_the_whole_object_gives_is_an_error() -> None:
    """It would be called fulfilled, and the role would still have it."""
    revoke = declared(Permit("bob", "t", ("c:A",)), kind="forbid")
    grant = Permit("bob", "t", ("A",), pattern=True)

    def said(*blocks: Declared, acl: tuple[Privilege, ...] = (), recorded: tuple[Entry, ...] = ()) -> list[tuple[str, str, str]]:
        with pytest.raises(PgplanError) as caught:
            World((revoke, *blocks), recorded, (BOB, found(T, oid=2, acl=acl))).plan()
        return [(problem.address, problem.message, problem.hint) for problem in caught.value.problems]

    columns = "name the columns that bob may have; PostgreSQL cannot take one from the whole"
    by_block = "revokes A (c) on thing t, but bob has A on the whole thing, by permit.bob/t"
    assert said(declared(grant)) == [("forbid.bob/t", by_block, f"in permit.bob/t {columns}")]
    assert said(declared(grant), acl=(right("A"), right("A", column="c"))) == said(declared(grant))
    by_hand = "revokes A (c) on thing t, but bob has A on the whole thing, granted by eve and own"
    assert said(acl=(right("A"), right("A", grantor="eve"))) == [
        ("forbid.bob/t", by_hand, "revoke A on the whole thing from bob, and grant the columns that it may have")
    ]
    assert [message for _, message, _ in said(acl=(right("A", "PUBLIC"),))] == [
        "revokes A (c) on thing t, but PUBLIC has A on the whole thing, granted by own"
    ]
    # Of what was recorded only the owner's grant is taken back.
    assert "granted by eve" in said(acl=(right("A"), right("A", grantor="eve")), recorded=(entry(grant),))[0][1]


def test_a_revoke_from_a_column_may_hold_once_the_whole_object_gives_nothing() -> None:
    revoke, acl = declared(Permit("bob", "t", ("c:A",)), kind="forbid"), (right("A"), right("A", column="c"), right("B"))
    live = (BOB, found(T, oid=2, acl=acl))
    assert sql(World((revoke,), (entry(Permit("bob", "t", ("A",))),), live).plan()) == [
        "1 REVOKE A ON t bob",
        "1 REVOKE A(c) ON t bob",
    ]
    whole = evolve(revoke, spec=Permit("bob", "t", ("A", "c:A")))
    assert sql(World((whole,), (), live).plan()) == ["1 REVOKE A ON t bob", "1 REVOKE A(c) ON t bob"]
    named, wide = declared(Permit("bob", "t", ("A",))), Permit("bob", "t", ("c:A",), pattern=True)
    assert sql(World((named, declared(wide, kind="forbid")), (), (BOB, found(T, oid=2))).plan()) == ["2 GRANT A ON t bob"]


def test_a_revoke_that_finds_nothing_to_do_adopts_nothing() -> None:
    revoke = declared(Permit("bob", "t", ("A", "c:B")), kind="forbid")
    plan = World((revoke,), (), (BOB, found(T, oid=2))).plan()
    assert [(change.action, change.reason) for change in plan.changes] == [("create", "nothing to revoke")]


def test_what_only_takes_away_is_no_addition() -> None:
    forbid = declared(Permit("bob", "t", ("A",)), kind="forbid")
    plan = World((forbid,), (), (BOB, found(T, oid=2, acl=(right("A"),)))).plan()
    assert [(change.action, change.only_revokes) for change in plan.changes] == [("update", True)]
    lowered = world(Permit("bob", "t", ("A",)), acl=(right("A", grantable=True),)).plan()
    assert [change.only_revokes for change in lowered.changes] == [True]
    both = world(Permit("bob", "t", ("A", "B")), acl=(right("A", grantable=True),)).plan()
    assert [(change.action, change.only_revokes) for change in both.changes] == [("create", False)]


def test_what_another_block_overrules_says_so() -> None:
    live = (BOB, found(T, oid=2, acl=(right("A"), right("B"))), found(Thing("tt"), oid=3))
    wide = declared(Permit("bob", "t", ("A", "B"), pattern=True), kind="forbid")
    named = evolve(declared(Permit("bob", "t", ("A",))), address="permit.bob/named")
    (_, revoke) = sorted(World((wide, named), (), live).plan().changes, key=lambda change: change.kind, reverse=True)
    assert (revoke.address, revoke.reason, revoke.only_revokes) == ("forbid.bob/t", "permit.bob/named takes precedence", True)
    nothing = World((evolve(wide, spec=Permit("bob", "t", ("A",), pattern=True)), named), (), live).plan()
    assert [change.reason for change in nothing.changes if change.kind == "forbid"] == [
        "nothing to revoke; permit.bob/named takes precedence"
    ]
    grant = declared(Permit("bob", "t", ("C", "D"), pattern=True))
    forbid = evolve(declared(Permit("bob", "t", ("C",)), kind="forbid"), address="forbid.bob/named")
    reasons = {change.address: change.reason for change in World((grant, forbid), (), live).plan().changes}
    assert reasons == {"permit.bob/t": "forbid.bob/named takes precedence", "forbid.bob/named": "nothing to revoke"}


def test_a_privilege_that_stays_keeps_its_grantee_whoever_else_loses_one() -> None:
    """What was adopted is left, although another entry of the same list goes."""
    bob = evolve(found(Thing("bob"), oid=1), holds=(Dependent("thing", "t", "privilege"),))
    eve, t = found(Thing("eve"), oid=3), found(T, oid=2, acl=(right("A"), right("A", "eve")))
    recorded = (entry(Permit("bob", "t", ("A",)), adopted=ALL), entry(Permit("eve", "t", ("A",))), entry(Thing("bob"), oid=1))
    with pytest.raises(PgplanError, match=r"thing.bob: cannot delete it: it has privileges on thing t"):
        World((), recorded, (bob, eve, t)).plan(destroy=True)
    gone = World((), recorded, (bob, eve, t)).plan(destroy=True, include_adopted=True)
    assert sql(gone) == ["1 REVOKE A ON t bob", "1 REVOKE A ON t eve", "DROP bob"]
