"""Functions: what is sent, and what no block can say."""

from __future__ import annotations

from typing import Any

import pytest

from pgplan.configuration.model import Declared, Policy
from pgplan.kind import InvalidBlockError
from pgplan.plan.objects import refusals
from tests.kinds.bench import bench, one

pytestmark = pytest.mark.enough(14, 18)

F = 'FUNCTION "public"."f"(IN integer)'


def _function(**more: Any) -> Declared:
    return one("function", "public.f(int)", **{"returns": "int", "language": "sql", "body": "SELECT 1"} | more)


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ({}, {"volatility": "stable", "strict": True}, [f"ALTER {F} STRICT STABLE"]),
        ({"cost": 5, "parallel": "safe"}, {}, [f"ALTER {F} COST 100 PARALLEL UNSAFE"]),
        ({"returns": "setof int"}, {"returns": "setof int", "rows": 0.5}, [f"ALTER {F} ROWS 0.5"]),
        (
            {"config": {"jit": "off", "a.b": "x"}},
            {"config": {"jit": "on"}},
            [f"""ALTER {F} RESET "a"."b" SET "jit" TO 'on'"""],
        ),
        ({"config": {"jit": "off"}}, {"security": "definer"}, [f"ALTER {F} SECURITY DEFINER"]),
        ({"comment": "x"}, {"comment": ""}, [f"COMMENT ON {F} IS NULL"]),
        (
            {"config": {"jit": "off"}, "comment": "kept"},
            {"body": "SELECT 2 -- it's", "strict": True},
            [f"""CREATE OR REPLACE {F} RETURNS integer LANGUAGE "sql" STRICT SET "jit" TO 'off' AS 'SELECT 2 -- it''s'"""],
        ),
        (
            {"comment": "kept"},
            {"returns": "bigint"},
            [
                f"DROP {F}",
                f"""CREATE {F} RETURNS bigint LANGUAGE "sql" AS 'SELECT 1'""",
                f"COMMENT ON {F} IS 'kept'",
                f'ALTER {F} OWNER TO "postgres"',
            ],
        ),
    ],
)
def test_only_what_changed_is_sent(database: str, before: dict[str, Any], after: dict[str, Any], sent: list[str]) -> None:
    with bench(database) as b:
        b.reach(_function(**before))
        assert b.reach(_function(**after)) == sent


def test_a_new_name_of_an_argument_is_a_replacement(database: str) -> None:
    with bench(database) as b:
        b.reach(_function(arguments=[{"name": "a", "type": "int"}]))
        assert b.reach(_function(arguments=[{"name": "b", "type": "int"}]))[0] == f"DROP {F}"


BEYOND = {
    "CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END": "a body of BEGIN ATOMIC",
    "CREATE FUNCTION public.f(a int DEFAULT 5) RETURNS int LANGUAGE sql AS 'SELECT 1'": "defaults of arguments",
    "CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql SUPPORT pg_catalog.textlike_support AS 'SELECT 1'": "support",
    "CREATE PROCEDURE public.f(int) LANGUAGE sql AS 'SELECT 1'": "a procedure",
    "CREATE AGGREGATE public.f(int) (SFUNC = pg_catalog.int4pl, STYPE = int)": "an aggregate",
}


@pytest.mark.parametrize("made", BEYOND)
def test_what_no_block_can_say_is_not_adopted(database: str, made: str) -> None:
    with bench(database) as b:
        b.run(made)
        (refused,) = refusals(b.decide(_function()), Policy(), destroy=False)
        assert BEYOND[made] in refused[1].message


def test_members_of_extensions_are_not_adopted(database: str) -> None:
    with bench(database) as b:
        b.run("CREATE EXTENSION hstore SCHEMA public")
        member = one("function", "public.akeys(public.hstore)", returns="text[]", language="sql", body="SELECT NULL")
        (refused,) = refusals(b.decide(member), Policy(), destroy=False)
        assert "belongs to the extension hstore" in refused[1].message


def test_what_was_done_by_hand_is_undone_or_refused(database: str) -> None:
    declared = _function(arguments=[{"name": "a", "type": "int"}])
    with bench(database) as b:
        b.reach(declared)
        b.run("CREATE OR REPLACE FUNCTION public.f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END")
        assert b.decide(declared, recorded=declared).changed == ("beyond", "body")
        b.reach(declared, recorded=declared)
        b.run("CREATE OR REPLACE FUNCTION public.f(a int DEFAULT 5) RETURNS int LANGUAGE sql AS 'SELECT 1'")
        with pytest.raises(InvalidBlockError, match="defaults of arguments"):
            b.reach(declared, recorded=declared)
