"""Where a plan or a state belongs, against where the connection leads."""

from __future__ import annotations

import pytest
from attrs import evolve

from pgplan.database.pending import Books, reached, recorded
from pgplan.database.stale import check_target, elsewhere, fell_behind
from pgplan.errors import StaleError
from pgplan.plan.model import Decided, Observations, Options, Plan, PlanState, Remarks
from pgplan.snapshot import Facts
from pgplan.state.model import Entry, State, Target

FACTS = Facts(180003, "1", 1, "db", 5, "r", "login", superuser=True, lsn="1/10")
PLAN = Plan(Decided("n", Options(), PlanState("", 0, ""), (), (), ()), Observations("1", 18, "r", (("db", 5), ("b", 6)), ()))
REMARKS = Remarks(timeline=1, lsn="1/10", server_version=180001, session_role="another")


@pytest.mark.parametrize(
    ("system_identifier", "databases", "said"),
    [
        ("1", (("db", 5),), ""),
        ("1", (("db", 5), ("gone", 6)), ""),
        ("2", (("db", 5),), "another cluster: its system identifier is 2, here it is 1"),
        ("1", (("other", 6), ("db", 5)), "another database: other (OID 6), here it is db (OID 5)"),
        ("1", (("db", 6),), "another database: db (OID 6), here it is db (OID 5)"),
        ("1", (("old", 5),), "another database: old (OID 5), which is called db now"),
    ],
)
def test_elsewhere(system_identifier: str, databases: tuple[tuple[str, int], ...], said: str) -> None:
    assert elsewhere(system_identifier, databases, FACTS) == said


def refusals(known: Facts) -> list[str]:
    with pytest.raises(StaleError) as raised:
        check_target(PLAN, REMARKS, known)
    return [problem.message for problem in raised.value.problems]


def test_everything_that_differs_is_told() -> None:
    check_target(PLAN, REMARKS, FACTS)
    check_target(PLAN, REMARKS, evolve(FACTS, session_role="whoever", version=180009))
    known = evolve(FACTS, database="other", lsn="0/9", role="s", version=170000)
    assert refusals(known) == [
        "the plan was made for another database: db (OID 5), which is called other now",
        "the database was restored or failed over: its WAL position is 0/9, behind 1/10 of when the plan was made",
        "the plan was made for PostgreSQL 18; here it is 17",
        "the plan was made as another role, whose rights may differ: r, now s",
    ]
    assert refusals(evolve(FACTS, system_identifier="2", lsn="0/1")) == [
        "the plan was made for another cluster: its system identifier is 1, here it is 2"
    ]


@pytest.mark.parametrize(
    ("lsn", "now", "behind"),
    [("1/10", "1/10", False), ("1/10", "2/0", False), ("1/10", "0/FFFFFFFF", True), ("9/0", "10/0", False), ("", "0/1", False)],
)
def test_a_position_tells_what_fell_behind(lsn: str, now: str, behind: bool) -> None:
    said = fell_behind(lsn, evolve(FACTS, lsn=now))
    assert said == (f"its WAL position is {now}, behind {lsn}" if behind else "")


def test_a_switchover_does_not_make_a_plan_stale() -> None:
    check_target(PLAN, REMARKS, evolve(FACTS, timeline=2, lsn="1/11"))


def test_a_target_keeps_the_databases_that_it_knew() -> None:
    assert reached(None, FACTS, "0/1") == Target("1", 1, (("db", 5),), "0/1")
    known = Target("1", 1, (("db", 5), ("b", 6)), "0/1")
    assert reached(known, evolve(FACTS, timeline=2), "0/2") == Target("1", 2, (("db", 5), ("b", 6)), "0/2")


def test_what_a_transaction_made_is_not_newer_than_the_state() -> None:
    done = Books((Entry("foreign_table.s.t", "db", 900, {}),), (), (), None)
    for facts, newest in ((evolve(FACTS, newest=800), 900), (evolve(FACTS, newest=1000), 1000)):
        target = recorded(State("n", "l", 1), done, facts, "0/1").target
        assert target is not None
        assert target.newest == newest
