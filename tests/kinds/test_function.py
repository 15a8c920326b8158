"""Functions: what is sent, and what no block can say."""

from __future__ import annotations

from typing import Any

import pytest

from pgplan.configuration.model import Declared, Policy
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


def test_what_was_done_by_hand_is_undone(database: str) -> None:
    declared = _function(arguments=[{"name": "a", "type": "int"}])
    with bench(database) as b:
        b.reach(declared)
        b.run("CREATE OR REPLACE FUNCTION public.f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END")
        assert b.decide(declared, recorded=declared).changed == ("beyond", "body")
        b.reach(declared, recorded=declared)
        b.run("CREATE OR REPLACE FUNCTION public.f(a int DEFAULT 5) RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert b.reach(declared, recorded=declared)[0] == f"DROP {F}"


def _defaults(*defaults: str) -> Declared:
    """Arguments a, b, …; those without a default have ""."""
    arguments = [{"name": name, "type": "int", "default": default} for name, default in zip("abc", defaults, strict=False)]
    types = ",".join(["int"] * len(defaults))
    return one("function", f"public.f({types})", arguments=arguments, returns="int", language="sql", body="SELECT 1")


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        (
            ("", "1"),
            ("2", "1"),
            'CREATE OR REPLACE FUNCTION "public"."f"(IN "a" integer DEFAULT (2), IN "b" integer DEFAULT (1))',
        ),
        (("1",), ("(2 + 3)",), 'CREATE OR REPLACE FUNCTION "public"."f"(IN "a" integer DEFAULT ((2 + 3)))'),
        (("1", "1"), ("", "1"), 'DROP FUNCTION "public"."f"(IN integer, IN integer)'),
    ],
)
def test_defaults(database: str, before: tuple[str, ...], after: tuple[str, ...], sent: str) -> None:
    with bench(database) as b:
        b.reach(_defaults(*before))
        assert b.reach(_defaults(*after))[0].startswith(sent)


SPELLED = {
    "text": r"'it''s, \ )'::text",
    "text[]": "ARRAY['('::text, ']'::text]",
    "integer": 'public."g,("(1, 2)',
    "date": "CASE\n    WHEN true THEN CURRENT_DATE\n    ELSE '2020-01-01'::date\nEND",
    "public.t": "ROW(1, ARRAY[2])::public.t",
}
"""By the type of an argument a default as the server spells it."""


def test_defaults_of_all_sorts_are_told_apart(database: str) -> None:
    arguments = [{"name": f"a{n}", "type": type_, "default": default} for n, (type_, default) in enumerate(SPELLED.items())]
    types = ",".join(SPELLED)
    with bench(database) as b:
        b.run("CREATE TABLE public.t (a int, b int[])")
        b.run("""CREATE FUNCTION public."g,("(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT 1'""")
        b.reach(one("function", f"public.f({types})", arguments=arguments, returns="int", language="sql", body="SELECT 1"))
