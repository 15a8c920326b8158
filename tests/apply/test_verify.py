"""What is found against what the plan found and promised, attribute by attribute and privilege by privilege."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve, field, frozen

from pgplan.address import Identity
from pgplan.database.pending import noted, pending
from pgplan.database.transaction import Mark
from pgplan.database.verify import stale, unfulfilled
from pgplan.images import MARKER, Image, image
from pgplan.plan.model import Check, Decided, ItemCheck, Observations, Observed, Options, Plan, PlanState
from pgplan.plan.observed import relied_image
from pgplan.snapshot import AccessList, Facts, Found, Privilege, Snapshot, part_of
from tests.apply.world import NOTHING_DONE

pytestmark = pytest.mark.enough(18)

FACTS = Facts(180000, "1", 1, "db", 5, "r", "r", superuser=True)
SCHEMA = Identity("schema", "a", "db")


@frozen
class Spec:
    comment: str | None = "one"
    options: dict[str, Any] | None = field(factory=dict[str, Any])


def item(privilege: str, grantee: str = "bob", *, grantor: str = "own", grantable: bool = False, column: str = "") -> Privilege:
    return Privilege(column, grantee, privilege, grantor, grantable)


def found(spec: Spec, *acl: Privilege, oid: int = 7, hidden: tuple[str, ...] = (), extra: Image | None = None) -> Found:
    return Found("schema", "a", oid, spec, hidden=hidden, extra=extra or {}, acl=AccessList(tuple(sorted(acl))))


def snapshot(*now: Found | None) -> Snapshot:
    return Snapshot(FACTS, databases={"db": part_of(one for one in now if one is not None)})


def plan_of(observed: Observed | None, *checks: Check) -> Plan:
    decided = Decided("n", Options(), PlanState("", 0, ""), (), (), checks)
    return Plan(decided, Observations("1", 18, "r", (("db", 5),), () if observed is None else (observed,)))


def as_found(one: Found, *acl: Privilege, whole: bool = False) -> Observed:
    """Observed with the rows `acl` of its list."""
    return Observed(*SCHEMA, one.oid, relied_image(one), tuple(image(row) for row in acl), whole=whole)


ABSENT = Observed(*SCHEMA, None)
PLAIN = found(Spec())


@pytest.mark.parametrize(
    ("observed", "now", "said"),
    [
        (ABSENT, None, []),
        (ABSENT, PLAIN, ["exists now (OID 7); the plan found nothing there"]),
        (as_found(PLAIN), None, ["is gone; the plan found it"]),
        (as_found(PLAIN), PLAIN, []),
        (as_found(PLAIN), found(Spec(), oid=8), ["is another object now: its OID is 8, the plan found 7"]),
        (as_found(found(Spec("one"))), found(Spec("two")), ['comment is "two"; the plan found "one"']),
        (as_found(PLAIN), found(Spec(None), hidden=("comment",)), [
            'comment is nothing; the plan found "one"', 'hidden is ["comment"]; the plan found nothing']),
        (as_found(found(Spec(), extra={"rows": [1]})), found(Spec(), extra={"rows": [2]}), [
            "extra differs from what the plan found in: rows"]),
        (Observed(*SCHEMA, 7), found(Spec("any"), item("USAGE")), []),
    ],
)  # fmt: skip
def test_stale(observed: Observed, now: Found | None, said: list[str]) -> None:
    assert [problem.message for problem in stale(plan_of(observed), snapshot(now))] == said


def test_an_object_of_another_database_is_another_object() -> None:
    plan = plan_of(evolve(as_found(PLAIN), database="other"))
    assert [str(problem) for problem in stale(plan, snapshot(PLAIN))] == ["schema.a: is gone; the plan found it"]


def test_values_of_options_are_not_shown() -> None:
    """An option that nobody declared may be a secret: which one differs is all that is said."""
    plan = plan_of(as_found(found(Spec(options={"user": "u", "token": "hunter2"}))))
    now = found(Spec(options={"user": "u", "token": "hunter3"}))
    assert [problem.message for problem in stale(plan, snapshot(now))] == ["options differs from what the plan found in: token"]


def test_a_masked_secret_agrees_with_what_is_there() -> None:
    plan = plan_of(Observed(*SCHEMA, 7, {"comment": "one", "options": {"password": MARKER}}))
    assert stale(plan, snapshot(found(Spec(options={"password": "hunter2"})))) == []
    said = stale(plan, snapshot(found(Spec(options={}))))
    assert [problem.message for problem in said] == ["options differs from what the plan found in: password"]


USAGE = ItemCheck("", "bob", "USAGE", present=True)
NO_CREATE = ItemCheck("", "bob", "CREATE", present=False)
STRANGERS = [
    [],
    [item("CREATE", "eve")],
    [item("USAGE", "eve", grantor="ann", grantable=True), item("USAGE", "bob", column="c")],
]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([item("USAGE")], [item("USAGE")], []),
        ([item("USAGE")], [], ["privilege is gone: USAGE to bob, granted by own"]),
        ([], [item("USAGE")], ["privilege is new: USAGE to bob, granted by own"]),
        ([], [item("CREATE", grantor="ann")], ["privilege is new: CREATE to bob, granted by ann"]),
        ([item("USAGE")], [item("USAGE"), item("USAGE", grantor="ann")], ["privilege is new: USAGE to bob, granted by ann"]),
        ([item("USAGE")], [item("USAGE", grantable=True)], [
            "privilege is gone: USAGE to bob, granted by own",
            "privilege is new: USAGE to bob with grant option, granted by own"]),
        ([item("SELECT", column="c")], [], ["privilege is gone: SELECT (c) to bob, granted by own"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("strangers", STRANGERS)
def test_of_an_access_list_only_what_counts_makes_a_plan_stale(
    before: list[Privilege], now: list[Privilege], said: list[str], strangers: list[Privilege]
) -> None:
    """What the plan changes or needs counts; what others grant and revoke on the same object meanwhile is theirs."""
    plan = plan_of(as_found(PLAIN, *before), Check(*SCHEMA, items=(USAGE, NO_CREATE)))
    assert [problem.message for problem in stale(plan, snapshot(found(Spec(), *now, *strangers)))] == said


def test_what_a_replacement_loses_counts_whole() -> None:
    plan = plan_of(as_found(PLAIN, item("USAGE", "eve"), whole=True), Check(*SCHEMA, new=True))
    assert stale(plan, snapshot(found(Spec(), item("USAGE", "eve")))) == []
    said = stale(plan, snapshot(found(Spec(), item("CREATE", "ann"))))
    assert [problem.message for problem in said] == [
        "privilege is gone: USAGE to eve, granted by own",
        "privilege is new: CREATE to ann, granted by own",
    ]


def test_without_a_list_nothing_of_it_counts() -> None:
    plan = plan_of(Observed(*SCHEMA, 7), Check(*SCHEMA, items=(USAGE,)))
    assert stale(plan, snapshot(found(Spec(), item("USAGE")))) == []


GONE = Check(*SCHEMA, gone=True)
TWO = Check(*SCHEMA, image={"comment": "two", "options": None})
ONLY = Check(*SCHEMA, image={"comment": "two"})
MADE = evolve(TWO, new=True, untouched=False)


@pytest.mark.parametrize(
    ("observed", "check", "now", "said"),
    [
        (as_found(PLAIN), GONE, None, []),
        (as_found(PLAIN), GONE, PLAIN, ["is still there (OID 7)"]),
        (as_found(PLAIN), TWO, None, ["is not there"]),
        (as_found(PLAIN), TWO, found(Spec("two")), []),
        (as_found(PLAIN), TWO, found(Spec("one")), ['comment is "one"; the plan wants "two"']),
        (as_found(PLAIN), TWO, found(Spec("two"), oid=8), ["is another object: its OID is 8"]),
        (as_found(PLAIN), TWO, found(Spec("two", {"x": "y"})), []),
        (as_found(PLAIN), ONLY, found(Spec("two", {"x": "y"})), ["options differs from what the plan wants in: x"]),
        (as_found(PLAIN), evolve(TWO, untouched=False), found(Spec("two", {"x": "y"})), []),
        (as_found(PLAIN), TWO, found(Spec("two", None), hidden=("options",)), []),
        (as_found(found(Spec(), extra={"rows": [1]})), TWO, found(Spec("two"), extra={"rows": [2]}), []),
        (ABSENT, MADE, found(Spec("two", {"x": "y"})), []),
        (ABSENT, MADE, found(Spec("one")), ['comment is "one"; the plan wants "two"']),
        (ABSENT, MADE, None, ["is not there"]),
        (None, MADE, found(Spec("two")), []),
        (as_found(found(Spec("one", {"x": "y"}))), MADE, found(Spec("two"), oid=8), []),
        (as_found(PLAIN), MADE, found(Spec("two")), ["is still the object with OID 7"]),
        (as_found(found(Spec(), oid=0)), TWO, found(Spec("two"), oid=0), []),
        (as_found(found(Spec(), oid=0)), MADE, found(Spec("two"), oid=0), []),
    ],
)
def test_unfulfilled(observed: Observed | None, check: Check, now: Found | None, said: list[str]) -> None:
    assert [problem.message for problem in unfulfilled(plan_of(observed, check), snapshot(now))] == said


OPTION = evolve(USAGE, grantable=True)


@pytest.mark.parametrize(
    ("checks", "now", "said"),
    [
        ([USAGE], [item("USAGE")], []),
        ([USAGE], [item("USAGE", grantor="other")], []),
        ([USAGE], [], ["privilege is missing: USAGE to bob"]),
        ([USAGE], [item("USAGE", column="c")], ["privilege is missing: USAGE to bob"]),
        ([USAGE], [item("USAGE", grantable=True)], ["grant option is still there: USAGE to bob"]),
        ([OPTION], [item("USAGE")], ["grant option is missing: USAGE to bob"]),
        ([OPTION], [item("USAGE"), item("USAGE", grantor="o", grantable=True)], []),
        ([NO_CREATE], [item("CREATE", grantor="x")], ["privilege is still there: CREATE to bob"]),
        ([NO_CREATE], [], []),
        ([ItemCheck("c", "bob", "SELECT", present=False)], [item("SELECT", column="c")], [
            "privilege is still there: SELECT (c) to bob"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("strangers", STRANGERS)
def test_items(checks: Sequence[ItemCheck], now: list[Privilege], said: list[str], strangers: list[Privilege]) -> None:
    plan = plan_of(as_found(PLAIN), Check(*SCHEMA, items=tuple(checks)))
    assert [problem.message for problem in unfulfilled(plan, snapshot(found(Spec(), *now, *strangers)))] == said


def test_what_is_new_may_be_born_with_more() -> None:
    made = Check(*SCHEMA, new=True, items=(USAGE,))
    assert unfulfilled(plan_of(ABSENT, made), snapshot(found(Spec(), item("USAGE", grantable=True)))) == []


def test_pending_notes_of_a_list_what_counts() -> None:
    before = found(Spec(), item("CREATE"), item("USAGE", "eve"))
    after = found(Spec(), item("USAGE"), item("CREATE", "ann"))
    checks = Check(*SCHEMA, items=(USAGE, NO_CREATE))

    def rows(observed: Observed) -> list[tuple[Privilege, ...]]:
        notes = pending("id", plan_of(observed, checks), Mark("700", 1, "0/1"), snapshot(before), snapshot(after), NOTHING_DONE)
        return [one.acl for one in (*notes.before, *notes.after)]

    assert rows(as_found(before, item("CREATE"))) == [(item("CREATE"),), (item("USAGE"),)]
    everything = as_found(before, *before.acl.privileges, whole=True)
    assert rows(everything) == [before.acl.privileges, after.acl.privileges]


def test_pending_notes_nothing_of_what_only_others_changed() -> None:
    plan = plan_of(as_found(PLAIN), Check(*SCHEMA, items=(USAGE,)))
    others = snapshot(found(Spec(), item("USAGE", "eve")))
    notes = pending("id", plan, Mark("700", 1, "0/1"), snapshot(PLAIN), others, NOTHING_DONE)
    assert (notes.before, notes.after) == ((), ())
    assert noted(SCHEMA, None, ()).oid is None
