"""What is found against what the plan found and promised, attribute by attribute and privilege by privilege."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import field, frozen

from pgplan.database.verify import stale, unfulfilled
from pgplan.images import MARKER, Image
from pgplan.kind import Facts, Found, Privilege, Snapshot
from pgplan.plan.model import Action, Change, Plan, PlanState, PlanTarget, Relied
from pgplan.plan.observed import relied_acl, relied_image

FACTS = Facts(180000, "1", 1, "db", 5, "r", "r", superuser=True)


@frozen
class Spec:
    comment: str | None = "one"
    options: dict[str, Any] | None = field(factory=dict[str, Any])


def item(privilege: str, grantee: str = "bob", *, grantor: str = "own", grantable: bool = False, column: str = "") -> Privilege:
    return Privilege(column, grantee, privilege, grantor, grantable)


def found(spec: Spec, *acl: Privilege, oid: int = 7, hidden: tuple[str, ...] = (), extra: Image | None = None) -> Found:
    return Found("schema", "a", oid, spec, hidden=hidden, extra=extra or {}, acl=acl)


def as_image(item: Privilege) -> Image:
    return relied_acl(Found("schema", "a", 1, Spec(), acl=(item,)))[0]


def plan_of(relied: Relied, action: Action = "update") -> Plan:
    change = Change("schema.a", "schema", "db", action)
    target = PlanTarget("1", 1, "db", 5, "r", "r", 180000)
    return Plan("n", "apply", PlanState("", 0, ""), target, (change,), (), (relied,))


def snapshot(one: Found | None) -> Snapshot:
    return Snapshot(FACTS, {} if one is None else {(one.type, one.key): one})


def said_before(relied: Relied, now: Found | None) -> list[str]:
    return [problem.message for problem in stale(plan_of(relied), snapshot(now))]


def said_after(relied: Relied, now: Found | None, action: Action = "update") -> list[str]:
    return [problem.message for problem in unfulfilled(plan_of(relied, action), snapshot(now))]


def as_found(one: Found, *, acl: bool = False, **more: Any) -> Relied:
    return Relied("schema", "a", one.oid, relied_image(one), relied_acl(one) if acl else None, **more)


ABSENT = Relied("schema", "a", None)


@pytest.mark.parametrize(
    ("relied", "now", "said"),
    [
        (ABSENT, None, []),
        (ABSENT, found(Spec()), ["exists now (OID 7); the plan found nothing there"]),
        (as_found(found(Spec())), None, ["is gone; the plan found it"]),
        (as_found(found(Spec())), found(Spec()), []),
        (as_found(found(Spec())), found(Spec(), oid=8), ["is another object now: its OID is 8, the plan found 7"]),
        (as_found(found(Spec("one"))), found(Spec("two")), ["comment is 'two'; the plan found 'one'"]),
        (as_found(found(Spec())), found(Spec(None), hidden=("comment",)), [
            "comment is None; the plan found 'one'", "hidden is ['comment']; the plan found None"]),
        (as_found(found(Spec(), extra={"rows": [1]})), found(Spec(), extra={"rows": [2]}), [
            "extra differs from what the plan found in: rows"]),
        (Relied("schema", "a", 7), found(Spec("any")), []),
        (as_found(found(Spec(), item("USAGE")), acl=True), found(Spec(), item("USAGE")), []),
        (as_found(found(Spec(), item("USAGE"))), found(Spec(), item("CREATE")), []),
        (as_found(found(Spec(), item("USAGE")), acl=True), found(Spec(), item("USAGE", grantable=True)), [
            "privilege is gone: USAGE to bob, granted by own",
            "privilege is new: USAGE to bob with grant option, granted by own"]),
    ],
)  # fmt: skip
def test_stale(relied: Relied, now: Found | None, said: list[str]) -> None:
    assert said_before(relied, now) == said


def test_values_of_options_are_not_shown() -> None:
    """An option that nobody declared may be a secret: which one differs is all that is said."""
    relied = as_found(found(Spec(options={"user": "u", "token": "hunter2"})))
    assert said_before(relied, found(Spec(options={"user": "u", "token": "hunter3"}))) == [
        "options differs from what the plan found in: token"
    ]


def test_a_masked_secret_agrees_with_what_is_there() -> None:
    relied = Relied("schema", "a", 7, {"comment": "one", "options": {"password": MARKER}})
    assert said_before(relied, found(Spec(options={"password": "hunter2"}))) == []
    assert said_before(relied, found(Spec(options={}))) == ["options differs from what the plan found in: password"]


EXPECTED = {"comment": "two", "options": None}


@pytest.mark.parametrize(
    ("relied", "now", "said"),
    [
        (as_found(found(Spec())), None, []),
        (as_found(found(Spec())), found(Spec()), ["is still there (OID 7)"]),
        (as_found(found(Spec()), expected=EXPECTED), None, ["is not there"]),
        (as_found(found(Spec()), expected=EXPECTED), found(Spec("two")), []),
        (as_found(found(Spec()), expected=EXPECTED), found(Spec("one")), ["comment is 'one'; the plan wants 'two'"]),
        (as_found(found(Spec()), expected=EXPECTED), found(Spec("two"), oid=8), ["is another object: its OID is 8"]),
        (as_found(found(Spec()), expected=EXPECTED), found(Spec("two", {"x": "y"})), [
            "options differs from what the plan wants in: x"]),
        (as_found(found(Spec()), expected=EXPECTED), found(Spec("two", None), hidden=("options",)), []),
        (Relied("schema", "a", None, expected=EXPECTED), found(Spec("two", {"x": "y"})), []),
        (Relied("schema", "a", None, expected=EXPECTED), found(Spec("one")), ["comment is 'one'; the plan wants 'two'"]),
        (as_found(found(Spec(), extra={"rows": [1]}), expected=EXPECTED), found(Spec("two"), extra={"rows": [2]}), []),
    ],
)  # fmt: skip
def test_unfulfilled(relied: Relied, now: Found | None, said: list[str]) -> None:
    assert said_after(relied, now) == said


def test_a_replacement_is_a_new_object() -> None:
    relied = as_found(found(Spec("one", {"x": "y"})), expected=EXPECTED)
    assert said_after(relied, found(Spec("two"), oid=8), "replace") == []
    assert said_after(relied, found(Spec("two"), oid=7), "replace") == ["is still the object with OID 7"]


def lists(*expected: Privilege, forbidden: tuple[Privilege, ...] = (), exact: bool = True) -> Relied:
    images = tuple(as_image(one) for one in expected)
    return Relied(
        "schema", "a", 7, None, (), {"comment": None}, images, tuple(as_image(one) for one in forbidden), exact_acl=exact
    )


@pytest.mark.parametrize(
    ("relied", "now", "said"),
    [
        (lists(item("USAGE")), [item("USAGE")], []),
        (lists(item("USAGE")), [item("USAGE", grantor="other")], []),
        (lists(item("USAGE")), [], ["privilege is missing: USAGE to bob"]),
        (lists(item("USAGE")), [item("USAGE"), item("CREATE", column="c")], ["privilege was not planned: CREATE (c) to bob"]),
        (lists(item("USAGE"), exact=False), [item("USAGE"), item("CREATE")], []),
        (lists(item("USAGE")), [item("USAGE", grantable=True)], ["grant option is still there: USAGE to bob"]),
        (lists(item("USAGE"), exact=False), [item("USAGE", grantable=True)], []),
        (lists(item("USAGE", grantable=True)), [item("USAGE")], ["grant option is missing: USAGE to bob"]),
        (lists(item("USAGE", grantable=True)), [item("USAGE"), item("USAGE", grantor="o", grantable=True)], []),
        (
            lists(forbidden=(item("USAGE"),), exact=False),
            [item("USAGE", grantor="x")],
            ["privilege is still there: USAGE to bob"],
        ),
        (lists(forbidden=(item("USAGE"),), exact=False), [item("USAGE", "eve")], []),
    ],
)
def test_access_lists(relied: Relied, now: list[Privilege], said: list[str]) -> None:
    assert said_after(relied, found(Spec(), *now)) == said
