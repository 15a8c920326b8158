"""The kind against the suite, on the server of DATABASE_URL, whose role is a superuser. Nothing of it stays there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from pgplan.sdk import InvalidBlockError, join
from pgplan.testing import LONG, NAMES, Bench, bench, check_contract, declare, installed
from pgplan_statistics.provider import provider

REGISTRY = installed()
SETUP = (
    "CREATE ROLE statistics_one; CREATE ROLE statistics_two",
    "CREATE SCHEMA s; CREATE TABLE s.t (a int, b int, c text); CREATE TABLE s.u (a int, b int)",
)
BY_HAND = {
    "table": "CREATE STATISTICS s.x (mcv) ON a, b FROM s.u",
    "columns": "CREATE STATISTICS s.x (mcv) ON b, c FROM s.t",
    "kinds": "CREATE STATISTICS s.x (mcv, ndistinct) ON a, b FROM s.t",
    "target": "ALTER STATISTICS s.x SET STATISTICS 9",
    "owner": "ALTER STATISTICS s.x OWNER TO statistics_two",
    "comment": "COMMENT ON STATISTICS s.x IS NULL",
}
REPLACED = "DROP STATISTICS s.x; {}; ALTER STATISTICS s.x SET STATISTICS 8; COMMENT ON STATISTICS s.x IS 'c';"
OWNED = REPLACED + "ALTER STATISTICS s.x OWNER TO statistics_one"


@pytest.fixture
def b() -> Iterator[Bench]:
    with bench(os.environ["DATABASE_URL"], REGISTRY) as made:
        made.run(*SETUP)
        yield made


def one(name: str, **block: Any) -> Any:
    (declared,) = declare(REGISTRY, "statistics", name, **block)
    return declared


def test_contract() -> None:
    check_contract(provider, REGISTRY)


def test_states(b: Bench) -> None:
    b.check_states(
        one("s.x", table="s.t", columns=["a", "b"]),
        one("s.x", table="s.t", columns=["b", "a"], kinds=["mcv"], target=100, owner="statistics_one", comment="it's"),
        one("s.x", table="s.t", columns=["a", "b", "c"], target=-1, comment=""),
        one("s.x", table="s.u", columns=["a", "b"], kinds=["ndistinct", "dependencies"], target=0, owner="statistics_two"),
    )
    b.reach(one("s.x", table="s.t", columns=["a", "b"]))
    b.check_readers()


@pytest.mark.parametrize("name", NAMES)
def test_names(b: Bench, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    b.run(f"CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} ({quoted} int, a int); CREATE ROLE {quoted}")
    block = {"table": join(name, name), "columns": [name, "a"]}
    b.check_states(one(join(name, "x"), **block), one(join(name, "x"), **block, target=5, owner=name, comment=name))


def test_by_hand(b: Bench) -> None:
    declared = one("s.x", table="s.t", columns=["a", "b"], kinds=["mcv"], target=8, owner="statistics_one", comment="c")
    b.check_by_hand(declared, {a: OWNED.format(by) if by.startswith("CREATE") else by for a, by in BY_HAND.items()})


@pytest.mark.parametrize(
    ("name", "more", "path", "message"),
    [
        ("x", {}, (), "write schema.name"),
        ("s." + LONG + "x", {}, (), "64 bytes"),
        ("s.x", {"table": "t"}, ("table",), "write schema.name"),
        ("s.x", {"columns": ["a"]}, ("columns",), "two columns or more"),
        ("s.x", {"columns": ["a", "a"]}, ("columns", 1), "stands there twice"),
        ("s.x", {"columns": ["a", ""]}, ("columns", 1), "a name is empty"),
        ("s.x", {"kinds": []}, ("kinds",), "kinds is empty"),
        ("s.x", {"kinds": ["histogram"]}, ("kinds", 0), "histogram"),
        ("s.x", {"target": 10001}, ("target",), "a target is between"),
        ("s.x", {"owner": "PUBLIC"}, ("owner",), "PUBLIC is not a role"),
    ],
)
def test_refused(name: str, more: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        one(name, **{"table": "s.t", "columns": ["a", "b"]} | more)
    assert [(mistake[0], message in mistake[1]) for mistake in caught.value.mistakes] == [(path, True)]
