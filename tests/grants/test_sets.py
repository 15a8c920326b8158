"""From any set of rights to any other, through the planner and a real server: the server agrees, and nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgplan.errors import PgplanError
from tests.grants.bench import Bench, Block, Right, bench, rights
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

OBJECTS = {
    "table": (["s.t", "s.v"], ["SELECT", "UPDATE", "DELETE"]),
    "sequence": (["s.q"], ["USAGE", "SELECT"]),
    "schema": (["s"], ["USAGE", "CREATE"]),
}
Item = tuple[str, str, Right]
"""(type, key, right)"""


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Bench]:
    """One transaction for all examples, each undone by a savepoint."""
    setup = [
        *(f"CREATE ROLE sets_{name}" for name in "abc"),
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (x int, y int)",
        "CREATE VIEW s.v AS SELECT 1 AS x, 2 AS y",
        "CREATE SEQUENCE s.q",
    ]
    with bench(server.url(), setup) as made:
        yield made


@st.composite
def items(draw: st.DrawFn) -> Item:
    type_ = draw(st.sampled_from(sorted(OBJECTS)))
    keys, privileges = OBJECTS[type_]
    privilege = draw(st.sampled_from(privileges))
    grantee = draw(st.sampled_from(["sets_a", "sets_b", "sets_c", "PUBLIC"]))
    columns = ["", "x", "y"] if type_ == "table" and privilege != "DELETE" else [""]
    grantable = grantee != "PUBLIC" and draw(st.booleans())
    return type_, draw(st.sampled_from(keys)), (draw(st.sampled_from(columns)), grantee, privilege, grantable)


def unique_items() -> st.SearchStrategy[list[Item]]:
    return st.lists(items(), max_size=14, unique_by=lambda item: (item[0], item[1], item[2][:3]))


def block(item: Item) -> Block:
    type_, key, (column, grantee, privilege, grantable) = item
    columns = {"columns": [column]} if column else {}
    return {"to": grantee, "on": {type_: key}, "privileges": [privilege], "grantable": grantable, **columns}


def absence(item: Item) -> Block:
    made = block(item)
    return {"from": made.pop("to")} | {key: value for key, value in made.items() if key != "grantable"}


def is_under(item: Item, whole: Item) -> bool:
    """Whether `item` is about a column, and its grantee has the same on the whole table by `whole`."""
    (type_, key, (column, grantee, privilege, _)), (*on, (of, to, which, _)) = item, whole
    return bool(column) and not of and [type_, key] == on and privilege == which and to in (grantee, "PUBLIC")


def found(b: Bench) -> set[Item]:
    catalog = b.catalog(*OBJECTS)
    pairs = [(type_, key) for type_, (keys, _) in OBJECTS.items() for key in keys]
    return {(type_, key, right) for type_, key in pairs for right in rights(catalog, type_, key)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=unique_items(), second=unique_items())
def test_from_any_set_to_any_other(shared: Bench, first: list[Item], second: list[Item]) -> None:
    shared.run("SAVEPOINT example")
    try:
        for wanted in (first, second, []):
            shared.apply(*map(block, wanted))
            assert found(shared) == set(wanted)
    finally:
        shared.run("ROLLBACK TO SAVEPOINT example")
        shared.recorded = []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(by_hand=unique_items(), wanted=unique_items())
def test_absences_from_any_set(shared: Bench, by_hand: list[Item], wanted: list[Item]) -> None:
    """What is forbidden goes, whoever has it; what is neither wanted nor forbidden stays as it is."""
    shared.run("SAVEPOINT example")
    try:
        shared.apply(*map(block, by_hand))
        shared.recorded = []
        absent = [item for item in by_hand if not any(item[:2] == w[:2] and item[2][:3] == w[2][:3] for w in wanted)]
        vain = [item for item in absent if any(is_under(item, w) for w in wanted)]
        for item in vain:
            with pytest.raises(PgplanError, match="on the whole table"):
                shared.plan(absence(item), *map(block, wanted))
        absent = [item for item in absent if item not in vain]
        shared.apply(*map(absence, absent), *map(block, wanted))
        left = found(shared)
        assert set(wanted) <= left <= set(wanted) | set(by_hand)
        assert not left & set(absent)
    finally:
        shared.run("ROLLBACK TO SAVEPOINT example")
        shared.recorded = []
