"""What becomes of secrets, row by row, and how few digests are computed for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve

from pgplan.configuration.model import Declared
from pgplan.plan.model import Action, Change, Decided, Observations, Options, Plan, PlanState, Secrecy, Slot
from pgplan.secret import Secret
from pgplan.snapshot import Found, Snapshot, part_of
from pgplan.state import digests
from pgplan.state.model import Digest, Entry, State
from tests.plan.fakes import FACTS, REGISTRY, Permit, Thing, declared, entry
from tests.plan.fakes import found as found_thing

pytestmark = pytest.mark.usefixtures("cheap_digests")
VALUE, OTHER = "the value", "another value"
WITHHELD = None
HIDDEN = None
NO_PASSWORD = ""


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each digest that is really computed."""
    count: list[int] = []
    real = hashlib.scrypt

    def counted(*arguments: Any, **options: Any) -> bytes:
        count.append(1)
        return real(*arguments, **options)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return count


def next_run(computed: list[int]) -> None:
    """Another process has none of the work done."""
    digests._scrypt.cache_clear()  # pyright: ignore[reportPrivateUsage]  it is the one thing that a process keeps
    computed.clear()


def key(name: str) -> tuple[str, str]:
    return f"thing.{name}", "password"


def things(**values: str | None) -> list[Declared]:
    return [declared(Thing(name, password=Secret(value, "${var.x}"))) for name, value in values.items()]


def recorded(**values: str) -> State:
    """The state after an apply in which every value was known."""
    entries = [
        entry(Thing(name, password=Secret()), secrets={"password": digests.digest(values[name])}) for name in sorted(values)
    ]
    overall = digests.digest_all({key(name): value for name, value in values.items()}) if values else None
    return State("n", "l", 1, entries=tuple(entries), secrets=overall)


def shown(**values: str | None) -> Snapshot:
    return of(*(thing(name, value) for name, value in values.items()))


def of(*found: Found) -> Snapshot:
    return Snapshot(FACTS, databases={FACTS.database: part_of(found)})


def thing(name: str, value: str | None, oid: int = 7) -> Found:
    one = found_thing(Thing(name), oid=oid, hidden=("password",) if value is HIDDEN else ())
    return evolve(one, secrets={"password": Secret(value)} if value else {})


def decide(declarations: list[Declared], state: State, snapshot: Snapshot) -> Slot:
    decided = digests.slots(declarations, state, snapshot, REGISTRY)
    assert list(decided) == [key("a")]
    return decided[key("a")]


ABSENT = "absent"
NOTHING: dict[str, str] = {}
TABLE: list[tuple[str | None, dict[str, str], str | None, Slot]] = [
    # declared, recorded, shown by the server, what becomes of it
    (VALUE, NOTHING, ABSENT, "new"),
    (VALUE, {"a": VALUE}, ABSENT, "new"),
    (VALUE, NOTHING, NO_PASSWORD, "new"),
    (VALUE, NOTHING, HIDDEN, "new"),
    (VALUE, NOTHING, VALUE, "same"),
    (VALUE, NOTHING, OTHER, "changed"),
    (VALUE, {"a": VALUE}, VALUE, "same"),
    (VALUE, {"a": VALUE}, HIDDEN, "same"),
    (VALUE, {"a": VALUE}, OTHER, "changed"),
    (VALUE, {"a": VALUE}, NO_PASSWORD, "changed"),
    (VALUE, {"a": OTHER}, HIDDEN, "changed"),
    (VALUE, {"a": OTHER}, OTHER, "changed"),
    (VALUE, {"a": OTHER}, VALUE, "same"),
    (WITHHELD, NOTHING, ABSENT, "deferred"),
    (WITHHELD, {"a": VALUE}, ABSENT, "deferred"),
    (WITHHELD, NOTHING, VALUE, "deferred"),
    (WITHHELD, NOTHING, HIDDEN, "deferred"),
    (WITHHELD, {"a": VALUE}, VALUE, "unchecked"),
    (WITHHELD, {"a": VALUE}, HIDDEN, "unchecked"),
    (WITHHELD, {"a": VALUE}, NO_PASSWORD, "deferred"),
]


@pytest.mark.parametrize(("value", "records", "server", "expected"), TABLE)
def test_every_row_of_what_becomes_of_a_secret(
    value: str | None, records: dict[str, str], server: str | None, expected: Slot
) -> None:
    snapshot = shown() if server == ABSENT else shown(a=server)
    assert decide(things(a=value), recorded(**records), snapshot) == expected


@pytest.mark.parametrize(("value", "expected"), [(VALUE, "new"), (WITHHELD, "deferred")])
def test_an_object_made_again_by_hand_does_not_hold_what_was_recorded(value: str | None, expected: Slot) -> None:
    again = of(thing("a", HIDDEN, oid=99))
    assert decide(things(a=value), recorded(a=VALUE), again) == expected


@pytest.mark.parametrize("server", [OTHER, HIDDEN, NO_PASSWORD])
def test_an_ignored_secret_is_left_alone_once_its_object_is_there(server: str | None) -> None:
    ignoring = [evolve(one, ignore=("password",)) for one in things(a=VALUE)]
    assert decide(ignoring, recorded(a=OTHER), shown(a=server)) == "same"
    assert decide(ignoring, recorded(a=OTHER), shown()) == "new"


def test_edges_have_no_secrets() -> None:
    assert digests.slots([declared(Permit("bob", "a", ("READ",)))], recorded(), shown(a=VALUE), REGISTRY) == {}


MANY = {f"a{number}": f"value {number}" for number in range(20)}


def test_that_nothing_has_changed_takes_one_computation(computed: list[int]) -> None:
    state = recorded(**MANY)
    next_run(computed)
    decided = digests.slots(things(**MANY), state, shown(**dict.fromkeys(MANY, HIDDEN)), REGISTRY)
    assert set(decided.values()) == {"same"}
    assert len(computed) == 1


def test_what_the_server_shows_takes_none(computed: list[int]) -> None:
    state = recorded(**MANY)
    next_run(computed)
    decided = digests.slots(things(**MANY), state, shown(**MANY), REGISTRY)
    assert set(decided.values()) == {"same"}
    assert not computed


def test_a_new_secret_beside_unchanged_ones_takes_one_computation(computed: list[int]) -> None:
    state = recorded(**MANY)
    next_run(computed)
    decided = digests.slots(things(**MANY, b=VALUE), state, shown(**dict.fromkeys(MANY, HIDDEN)), REGISTRY)
    assert decided.pop(key("b")) == "new"
    assert set(decided.values()) == {"same"}
    assert len(computed) == 1


@pytest.mark.parametrize("overall", [True, False])
def test_of_many_the_changed_one_is_found(overall: bool) -> None:
    state = recorded(**MANY) if overall else evolve(recorded(**MANY), secrets=None)
    decided = digests.slots(things(**{**MANY, "a3": OTHER}), state, shown(**dict.fromkeys(MANY, HIDDEN)), REGISTRY)
    assert {name for name, slot in decided.items() if slot != "same"} == {key("a3")}
    assert decided[key("a3")] == "changed"


def test_secrets_that_change_places_have_changed() -> None:
    decided = digests.slots(things(a=OTHER, b=VALUE), recorded(a=VALUE, b=OTHER), shown(a=HIDDEN, b=HIDDEN), REGISTRY)
    assert set(decided.values()) == {"changed"}


def test_digests_are_salted_slow_and_of_any_text() -> None:
    for value in (VALUE, "", "Ünï\x00\n", "not UTF-8: \udc80"):
        one, other = digests.digest(value), digests.digest(value)
        assert one.salt != other.salt
        assert one.digest != other.digest
        assert digests.matches(one, value)
        assert not digests.matches(one, value + "x")
        assert digests.matches_all(digests.digest_all({key("a"): value}), {key("a"): value})


def change(name: str, slot: Slot | None, action: Action = "update", before: str = "") -> tuple[Change, Slot | None]:
    previous = f"thing.{before}" if before else ""
    return Change(f"thing.{name}", "thing", FACTS.database, action, previous_address=previous), slot


def plan_of(*changes: tuple[Change, Slot | None]) -> Plan:
    slots = tuple(Secrecy(one.address, "password", slot, "${var.x}") for one, slot in changes if slot)
    decided = Decided("n", Options(), PlanState("l", 1, ""), tuple(one for one, _ in changes), (), (), slots)
    return Plan(decided, Observations("42", 18, "admin", ((FACTS.database, FACTS.database_oid),), ()))


def secret_of(**values: str | None) -> Callable[[str, str], Secret]:
    return lambda address, slot: Secret(values.get(address.removeprefix("thing.")) if slot == "password" else None)


def after(state: State, made: Mapping[str, Mapping[str, Digest]], overall: Digest | None, plan: Plan) -> State:
    """The state as apply makes it from what `record` gives."""
    old = state.by_address()
    stays = [one for one in plan.changes if one.action not in ("delete", "forget")]
    entries: list[Entry] = []
    for one in stays:
        before = one.previous_address or one.address
        kept: Mapping[str, Digest] = old[before].secrets if before in old else {}
        slots = plan.secrecy.get(one.address, {})
        secrets = {slot: kept[slot] for slot in slots if slot in kept} | dict(made.get(one.address, {}))
        entries.append(evolve(entry(Thing(one.address.removeprefix("thing."), password=Secret())), secrets=secrets))
    gone = tuple(one.previous_address or one.address for one in plan.changes if one not in stays or one.previous_address)
    return state.with_changes(tuple(entries), gone, secrets=overall)


RECORDED: list[tuple[dict[str, str], list[tuple[Change, Slot | None]], dict[str, str | None], dict[str, str]]] = [
    # recorded before, changes, values in this run, what a later run must find recorded
    ({}, [change("a", "new", "create")], {"a": VALUE}, {"a": VALUE}),
    ({"a": OTHER}, [change("a", "changed")], {"a": VALUE}, {"a": VALUE}),
    ({"a": OTHER, "b": VALUE}, [change("a", "changed")], {"a": VALUE, "b": VALUE}, {"a": VALUE, "b": VALUE}),
    ({}, [change("a", "deferred", "create")], {"a": VALUE}, {"a": VALUE}),
    ({"a": VALUE, "b": VALUE}, [change("a", None, "delete")], {"b": VALUE}, {"b": VALUE}),
    ({"a": VALUE, "b": VALUE}, [change("a", None)], {"b": VALUE}, {"b": VALUE}),
    ({"a": VALUE}, [change("a", "same")], {"a": VALUE}, {"a": VALUE}),
    ({"a": VALUE}, [change("a", None, "forget")], {}, {}),
    ({"a": VALUE, "b": OTHER}, [change("c", "same", before="a")], {"b": OTHER, "c": VALUE}, {"b": OTHER, "c": VALUE}),
]


@pytest.mark.parametrize(("before", "changes", "values", "expected"), RECORDED)
def test_the_next_run_finds_what_was_recorded(
    before: dict[str, str],
    changes: list[tuple[Change, Slot | None]],
    values: dict[str, str | None],
    expected: dict[str, str],
    computed: list[int],
) -> None:
    state = recorded(**before)
    plan = plan_of(*changes)
    made, overall = digests.record(plan, state, shown(), REGISTRY, secret_of(**values))
    done = after(state, made, overall, plan)
    assert {
        one.address: digests.matches(one.secrets["password"], expected[one.address[6:]]) for one in done.entries if one.secrets
    } == {f"thing.{name}": True for name in expected}
    assert (done.secrets is not None) == bool(expected)
    if done.secrets:
        next_run(computed)
        hidden = shown(**dict.fromkeys(expected, HIDDEN))
        assert set(digests.slots(things(**expected), done, hidden, REGISTRY).values()) == {"same"}
        assert len(computed) == 1


def test_changes_without_secrets_compute_nothing_and_keep_all(computed: list[int]) -> None:
    state = recorded(a=VALUE)
    next_run(computed)
    assert digests.record(plan_of(change("b", None)), state, shown(), REGISTRY, secret_of()) == ({}, state.secrets)
    assert digests.record(plan_of(change("a", "unchecked")), state, shown(), REGISTRY, secret_of()) == ({}, state.secrets)
    assert not computed


def test_without_every_value_there_is_no_digest_over_all() -> None:
    state = recorded(a=OTHER, b=VALUE)
    made, overall = digests.record(plan_of(change("a", "changed")), state, shown(), REGISTRY, secret_of(a=VALUE))
    assert overall is None
    assert digests.matches(made["thing.a"]["password"], VALUE)


def test_a_value_that_was_not_sent_and_is_not_the_recorded_one_does_not_count_as_there() -> None:
    """Between plan and apply a variable changed: what is in the database is the old value, and the next plan must see it."""
    state = recorded(a=OTHER, b=VALUE)
    plan = plan_of(change("a", "changed"), change("b", "same"))
    made, overall = digests.record(plan, state, shown(), REGISTRY, secret_of(a=VALUE, b="newer"))
    done = after(state, made, overall, plan)
    decided = digests.slots(things(a=VALUE, b="newer"), done, shown(a=HIDDEN, b=HIDDEN), REGISTRY)
    assert decided == {key("a"): "same", key("b"): "changed"}


def test_an_adopted_secret_is_recorded_only_if_the_server_shows_that_very_value() -> None:
    adopting = plan_of(change("a", "same", "adopt"))
    made, overall = digests.record(adopting, recorded(), shown(a=VALUE), REGISTRY, secret_of(a=VALUE))
    assert digests.matches(made["thing.a"]["password"], VALUE)
    assert overall is not None
    for server, value in ((HIDDEN, VALUE), (OTHER, VALUE), (VALUE, WITHHELD), (NO_PASSWORD, VALUE)):
        assert digests.record(adopting, recorded(), shown(a=server), REGISTRY, secret_of(a=value)) == ({}, None)


def test_both_sides_moved_to_the_same_value_and_it_is_recorded_anew() -> None:
    plan = plan_of(change("a", "same", "none"))
    made, overall = digests.record(plan, recorded(a=OTHER), shown(a=VALUE), REGISTRY, secret_of(a=VALUE))
    assert digests.matches(made["thing.a"]["password"], VALUE)
    assert overall is not None


def test_a_value_to_be_sent_that_is_withheld_is_an_error() -> None:
    with pytest.raises(ValueError, match="no value"):
        digests.record(plan_of(change("a", "deferred")), recorded(), shown(), REGISTRY, secret_of())
