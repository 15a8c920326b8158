"""Steps that fail, or do less than they were asked to."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.apply.world import World, only_steps, refused, schema_blocks, with_steps
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

ONE = {"s_a": "one"}


def test_step_in_the_middle_fails(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two", "s_b": "three"})).plan()
    bad = with_steps(plan, "ALTER SCHEMA missing RENAME TO s_other", "CREATE SCHEMA s_z")
    said = refused(world, bad)
    number = len(plan.steps) + 1
    assert f'step {number} of {number + 1} failed: schema "missing" does not exist (SQLSTATE 3F000)' in said
    assert "statement: ALTER SCHEMA missing RENAME TO s_other" in said
    assert "everything was rolled back: the database and the state are as before" in said


def test_right_that_is_missing(world: World) -> None:
    plan = with_steps(world.declare(schema_blocks(ONE)).plan(), "CREATE SCHEMA s_x", run_as="pg_monitor")
    said = refused(world, plan)
    assert "42501" in said
    assert "-- as pg_monitor" in said
    assert "grant it, or connect as a role that has it" in said


def test_role_of_before_comes_back_after_a_statement_of_another(world: World) -> None:
    world.execute("GRANT CREATE ON DATABASE " + world.database + " TO pg_monitor")
    plan = world.declare(schema_blocks(ONE)).plan()
    world.apply(with_steps(with_steps(plan, "CREATE SCHEMA x_1", run_as="pg_monitor"), "CREATE SCHEMA x_2"))
    owners = "SELECT nspname, nspowner::regrole::text FROM pg_namespace WHERE nspname LIKE 'x\\_%' ORDER BY 1"
    assert world.rows(owners) == [("x_1", "pg_monitor"), ("x_2", "postgres")]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_warning_that_means_failure(world: World, server: Server, unique: str, one_by_one: bool) -> None:
    """01007: GRANT without the grant option for all of it succeeds, and does less than it was asked to."""
    server.execute(f"CREATE ROLE {unique} LOGIN")
    world.execute(
        f"GRANT CREATE ON DATABASE {world.database} TO {unique}",
        "CREATE TABLE public.t (a int)",
        f"GRANT SELECT ON public.t TO {unique} WITH GRANT OPTION",
    )
    limited = evolve(world, user=unique)
    plan = limited.declare(schema_blocks({"s_a": "one", "s_b": "two"})).plan()
    steps = ["GRANT SELECT, INSERT ON public.t TO pg_monitor", "CREATE SCHEMA s_z"]
    bad = with_steps(only_steps(plan) if one_by_one else plan, *(steps[:1] if one_by_one else steps))
    said = refused(limited, bad)
    assert "not all privileges were granted" in said
    assert "SQLSTATE 01007" in said
    assert "statement: GRANT SELECT, INSERT ON public.t TO pg_monitor" in said
    assert f"step {1 if one_by_one else len(plan.steps) + 1} of" in said
    world.execute(f"DROP OWNED BY {unique}")
    server.execute(f"DROP ROLE {unique}")


def test_other_notices_are_shown(world: World) -> None:
    plan = with_steps(world.declare(schema_blocks(ONE)).plan(), "DROP TABLE IF EXISTS public.nothing")
    assert [notice.sqlstate for notice in world.apply(plan).notices] == ["00000"]


def test_missing_secret_is_found_before_anything_is_sent(world: World, unique: str) -> None:
    world.declare(f'[variables.p]\nsensitive = true\nfrom = {{ env = "{unique}_P" }}\n[role.{unique}]\npassword = "${{var.p}}"\n')
    seen: list[str] = []
    said = refused(world, world.plan(), checkpoint=seen.append)
    assert f"role.{unique}: the secret password has no value here" in said
    assert "begun" not in seen
