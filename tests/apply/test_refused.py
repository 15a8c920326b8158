"""Plans that no longer fit the state, the target or an object; and other runs and sessions at the same time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import psycopg
import pytest
from attrs import evolve

from pgplan.database.attempt import RETRIES_IF_UNSURE
from pgplan.database.transaction import lock_key
from pgplan.errors import LockedError, PgplanError, StaleError
from pgplan.plan.model import Remarks
from tests.apply.world import World, once, refused, schema_blocks, with_steps
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

ONE = {"s_a": "one"}


def test_state_that_moved(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    world.declare(schema_blocks({"s_b": "two"})).apply()
    assert "the state was changed by another operation after the plan was created" in refused(world, plan, StaleError)


def test_state_whose_content_was_edited(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two"})).plan()
    with world.opened() as run:
        state, version = run.store.load()
        assert state is not None
        run.store.save(evolve(state, entries=(evolve(state.entries[0], protected=True),)), version)
    assert "content was changed although its serial is still 1" in refused(world, plan, StaleError)


def test_another_states_lineage(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two"})).plan()
    other = evolve(plan, decided=evolve(plan.decided, state=evolve(plan.decided.state, lineage="other")))
    assert "lineage" in refused(world, other, StaleError)


@pytest.mark.parametrize(
    ("by_hand", "said"),
    [
        ("COMMENT ON SCHEMA s_a IS 'by hand'", 'schema.s_a: comment is "by hand"; the plan found "one"'),
        ("ALTER SCHEMA s_a OWNER TO pg_monitor", 'schema.s_a: owner is "pg_monitor"; the plan found "postgres"'),
        ("DROP SCHEMA s_a", "schema.s_a: is gone; the plan found it"),
        ("DROP SCHEMA s_a; CREATE SCHEMA s_a; COMMENT ON SCHEMA s_a IS 'one'", "schema.s_a: is another object now"),
        ("CREATE SCHEMA s_new", "schema.s_new: exists now"),
    ],
)
def test_object_that_was_changed_by_hand(world: World, by_hand: str, said: str) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two", "s_new": "new"})).plan()
    world.execute(*by_hand.split("; "))
    assert said in refused(world, plan, StaleError)


def test_changed_between_comparison_and_steps(world: World) -> None:
    """Not seen by the comparison before, so the one after must: untouched attributes are as they were, or nothing happens."""
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two"})).plan()
    change = once(lambda: world.execute("ALTER SCHEMA s_a OWNER TO pg_monitor"), "compared")
    with pytest.raises(PgplanError, match='owner is "pg_monitor"; the plan wants "postgres"'):
        world.apply(plan, checkpoint=change)
    assert world.schemas() == ONE


def test_steps_that_do_something_else_than_planned(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    assert 'comment is "else"; the plan wants "one"' in refused(world, with_steps(plan, "COMMENT ON SCHEMA s_a IS 'else'"))
    assert "schema.s_a: is not there" in refused(world, with_steps(plan, "DROP SCHEMA s_a"))


@pytest.mark.parametrize("what", ["database", "role"])
def test_another_target(world: World, server: Server, unique: str, what: str) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    server.execute(f"CREATE DATABASE {unique}_other", f"CREATE ROLE {unique} LOGIN SUPERUSER")
    other = World(server, world.directory, f"{unique}_other") if what == "database" else evolve(world, user=unique)
    with pytest.raises(StaleError, match=f"another {what}"):
        other.apply(evolve(plan, decided=evolve(plan.decided, name=other.name)), store=_store(world))
    assert not world.schemas()
    server.execute(f"DROP DATABASE {unique}_other", f"DROP ROLE {unique}")


def _store(world: World) -> object:
    with world.opened() as run:
        return run.store


def test_another_cluster_or_timeline(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    cluster = evolve(plan, observed=evolve(plan.observed, system_identifier="1"))
    assert "another cluster" in refused(world, cluster, StaleError)
    version = evolve(plan, observed=evolve(plan.observed, version=13))
    assert "the plan was made for PostgreSQL 13" in refused(world, version, StaleError)
    assert "restored or failed over" in refused(world, plan, StaleError, remarks=Remarks(lsn="FFFFFFFF/0"))


def test_another_run_holds_the_databases_lock(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    with psycopg.connect(world.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", lock_key(world.name))
        said = refused(world, plan, LockedError, wait=0.2)
        assert f"SELECT pg_terminate_backend({other.info.backend_pid})" in said
        other.rollback()
    assert world.apply(plan).state.serial == 1


def test_statement_timeout_is_shorter_than_the_wait(world: World) -> None:
    plan = world.declare(schema_blocks(ONE) + '[connection]\nsettings = { statement_timeout = "300ms" }\n').plan()
    with psycopg.connect(world.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", lock_key(world.name))
        refused(world, plan, LockedError, wait=5.0)


def test_another_configuration_does_not_wait(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    with psycopg.connect(world.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", lock_key("another"))
        assert world.apply(plan, wait=0.2).state.serial == 1


def test_another_run_holds_the_states_lock(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    with world.opened() as run, run.store.lock(0):
        assert f"process {os.getpid()}" in refused(world, plan, LockedError)


def test_state_written_meanwhile(world: World) -> None:
    """Compare-and-swap, not the lock, is what keeps two runs apart."""
    world.declare(schema_blocks(ONE)).apply()
    plan = world.declare(schema_blocks({"s_a": "two"})).plan()

    def overtake() -> None:
        with world.opened() as run:
            state, version = run.store.load()
            assert state is not None
            run.store.save(evolve(state, serial=99), version)

    with pytest.raises(StaleError, match="changed by another operation while"):
        world.apply(plan, checkpoint=once(overtake, "flushed"))
    assert world.schemas() == ONE
    state = world.state()
    assert state is not None
    assert (state.serial, state.pending) == (99, None)


def in_the_way(world: World, *statements: str) -> Callable[[], None]:
    """Another session changes the same rows, and commits a moment after our step began to wait for it."""

    def act() -> None:
        other = psycopg.connect(world.url)
        for statement in statements:
            other.execute(statement.encode())

        def finish() -> None:
            other.commit()
            other.close()

        threading.Timer(0.3, finish).start()

    return act


def test_rows_updated_at_the_same_time_are_tried_again(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = with_steps(world.declare(schema_blocks({"s_a": "two"})).plan(), "GRANT USAGE ON SCHEMA s_a TO pg_monitor")
    seen: list[str] = []
    disturb = once(in_the_way(world, "GRANT USAGE ON SCHEMA s_a TO pg_read_all_data"), "compared")

    def checkpoint(name: str) -> None:
        seen.append(name)
        disturb(name)

    world.apply(plan, checkpoint=checkpoint)
    assert seen.count("begun") == 2
    assert world.schemas() == {"s_a": "two"}
    world.assert_consistent()


DEFAULTS = """
[role.{u}_app]
[[default_privileges]]
owner = "postgres"
global = true
objects = "tables"
privileges = ["SELECT"]
to = "{u}_app"
"""


def test_a_row_that_another_makes_at_the_same_time_is_tried_again(world: World, unique: str) -> None:
    """The first default privileges of an owner make a row, and the second to make it violates its unique index."""
    plan = world.declare(DEFAULTS.format(u=unique)).plan()
    seen: list[str] = []
    disturb = once(in_the_way(world, "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO pg_monitor"), "compared")

    def checkpoint(name: str) -> None:
        seen.append(name)
        disturb(name)

    world.apply(plan, checkpoint=checkpoint)
    assert seen.count("begun") == 2
    ((acl,),) = world.rows("SELECT defaclacl::text FROM pg_default_acl")
    assert f"{unique}_app=r/postgres" in acl
    assert "pg_monitor=a/postgres" in acl
    world.declare("").apply()


def test_a_failing_comparison_ends_the_retries(world: World) -> None:
    world.declare(schema_blocks(ONE)).apply()
    plan = with_steps(world.declare(schema_blocks({"s_a": "two"})).plan(), "GRANT USAGE ON SCHEMA s_a TO pg_monitor")
    disturb = once(in_the_way(world, "ALTER SCHEMA s_a OWNER TO pg_monitor"), "compared")
    with pytest.raises(StaleError, match=r"schema\.s_a: owner is \"pg_monitor\""):
        world.apply(plan, checkpoint=disturb)
    assert world.schemas() == ONE


def test_retries_are_bounded(world: World) -> None:
    plan = with_steps(world.declare(schema_blocks(ONE)).plan(), "SELECT * FROM nowhere")
    seen: list[str] = []
    said = refused(world, plan, checkpoint=seen.append)
    assert "42P01" in said
    assert "another session" not in said
    assert seen.count("begun") == RETRIES_IF_UNSURE + 1
