"""Access lists through apply: compared before, granted and revoked, compared after, and found again after a crash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve

from pgplan.errors import PgplanError, StaleError
from tests.apply.world import World, once, refused, with_steps
from tests.servers import Server

pytestmark = pytest.mark.enough(18)


@pytest.fixture
def granted(world: World, server: Server, unique: str) -> Iterator[World]:
    """A world with a schema and two roles; one is granted USAGE."""
    server.execute(f"CREATE ROLE {unique}_a", f"CREATE ROLE {unique}_b")
    world.execute("CREATE SCHEMA s_a", f"GRANT USAGE ON SCHEMA s_a TO {unique}_b")
    yield world.declare(
        f'[[grant]]\nto = "{unique}_a"\non = {{ schema = "s_a" }}\nprivileges = ["USAGE"]\n'
        f'[[revoke]]\nfrom = "{unique}_b"\non = {{ schema = "s_a" }}\nprivileges = ["USAGE"]\n'
    )
    world.execute("DROP SCHEMA s_a")
    server.execute(f"DROP ROLE {unique}_a", f"DROP ROLE {unique}_b")


def rights(world: World) -> list[str]:
    query = "SELECT grantee::regrole::text FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 's_a' AND grantee <> nspowner"
    return sorted(row[0] for row in world.rows(query))


def test_granted_and_revoked(granted: World, unique: str) -> None:
    applied = granted.apply()
    assert rights(granted) == [f"{unique}_a"]
    assert [e.address for e in applied.state.entries] == [f"grant.{unique}_a/schema:s_a", f"revoke.{unique}_b/schema:s_a"]
    assert not granted.plan().pending_changes


def test_list_that_was_changed_by_hand(granted: World, unique: str) -> None:
    plan = granted.plan()
    granted.execute(f"GRANT USAGE ON SCHEMA s_a TO {unique}_a")
    assert f"schema.s_a: privilege is new: USAGE to {unique}_a, granted by postgres" in refused(granted, plan, StaleError)


@pytest.mark.parametrize("at", ["locked", "compared"])
def test_what_others_grant_and_revoke_meanwhile_is_theirs(granted: World, unique: str, at: str) -> None:
    """Neither before the comparison nor after it does it stand in the way."""
    plan = granted.plan()
    stranger = [f"GRANT CREATE ON SCHEMA s_a TO {unique}_b", "GRANT USAGE ON SCHEMA s_a TO pg_monitor"]
    granted.apply(plan, checkpoint=once(lambda: granted.execute(*stranger), at))
    assert f"{unique}_a" in rights(granted)
    assert not granted.plan().pending_changes


def test_steps_that_do_something_else_than_planned(granted: World, unique: str) -> None:
    plan = granted.plan()
    less = with_steps(plan, f"REVOKE USAGE ON SCHEMA s_a FROM {unique}_a")
    assert f"schema.s_a: privilege is missing: USAGE to {unique}_a" in refused(granted, less)
    again = with_steps(plan, f"GRANT USAGE ON SCHEMA s_a TO {unique}_b")
    assert f"schema.s_a: privilege is still there: USAGE to {unique}_b" in refused(granted, again)


@pytest.mark.parametrize("at", ["noted", "committed"])
def test_interrupted(granted: World, unique: str, at: str) -> None:
    """On another timeline only the list tells how it ended: the schema itself is the same before and after."""

    def die() -> None:
        raise KeyboardInterrupt

    plan = granted.plan()
    with pytest.raises(PgplanError, match="interrupted"):
        granted.apply(plan, checkpoint=once(die, at))
    with granted.opened() as run:
        state, version = run.store.load()
        assert state is not None
        assert state.pending is not None
        run.store.save(evolve(state, pending=evolve(state.pending, timeline=9)), version)
    assert granted.resolve().committed is (at == "committed")
    assert rights(granted) == ([f"{unique}_a"] if at == "committed" else [f"{unique}_b"])
    assert bool(granted.plan().pending_changes) is (at == "noted")
