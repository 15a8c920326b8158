"""COMMIT that fails or whose answer is lost, and a state that cannot be written after it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, evolve

from pgplan.database.apply import Applied
from pgplan.database.connection import Session
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.plan.model import Plan
from pgplan.state.backend import Backend, BackendError, Lock, Stored
from pgplan.state.store import StateStore
from tests.apply.proxy import Cut, proxied
from tests.apply.world import World, refused, schema_blocks, with_steps

pytestmark = pytest.mark.enough(14, 18)

ONE = {"s_a": "one"}


def cut_off(world: World, cut: Cut, plan: Plan | None = None, meanwhile: Callable[[str], None] = lambda _: None) -> Applied:
    """Apply through a wire that is cut at COMMIT."""
    with tempfile.TemporaryDirectory(prefix="pgw") as directory, proxied(Path(directory), world.server.directory) as proxy:
        Path(directory).chmod(0o755)
        through = evolve(world, socket=Path(directory))
        plan = plan or through.plan()

        def arm(checkpoint: str) -> None:
            meanwhile(checkpoint)
            if checkpoint == "noted":
                proxy.cut = cut

        try:
            return through.apply(plan, checkpoint=arm)
        finally:
            assert proxy.seen == [cut]


def test_answer_to_commit_is_lost(world: World) -> None:
    world.declare(schema_blocks(ONE))
    applied = cut_off(world, "after")
    assert [entry.address for entry in applied.state.entries] == ["schema.s_a"]
    assert world.schemas() == ONE
    world.assert_consistent()
    assert not world.plan().pending_changes


def test_commit_never_arrives(world: World) -> None:
    world.declare(schema_blocks(ONE))
    with pytest.raises(PgplanError, match=r"(?s)COMMIT failed.*everything was rolled back"):
        cut_off(world, "before")
    assert world.schemas() == {}
    world.assert_consistent()
    assert world.apply().state.serial == 1


def test_server_is_gone_after_commit_was_sent(world: World) -> None:
    """Nothing can be found out now: the state keeps `pending`, and the next run settles it."""
    plan = world.declare(schema_blocks(ONE)).plan()
    noted: list[str] = []

    def end_backend(checkpoint: str) -> None:
        if checkpoint == "noted":
            noted.append(checkpoint)
            world.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name LIKE 'pgplan%' AND datname = current_database() AND state = 'idle in transaction'"
            )

    with world.opened() as run:

        def connect(database: str = "", *, apart: bool = False) -> Session:
            if noted:
                raise PgplanError("no server answers there")
            return run.connect(database, apart=apart)

        with pytest.raises(PgplanError, match="outcome cannot be found out now"):
            world.apply(plan, checkpoint=end_backend, connect=connect)
    state = world.state()
    assert state is not None
    assert state.pending is not None
    assert world.apply(plan).recovered is False
    world.assert_consistent()


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("RAISE EXCEPTION 'not today'", "a constraint that is checked at COMMIT fails: not today"),
        ("SET CONSTRAINTS ALL DEFERRED; INSERT INTO public.t VALUES (2)", "COMMIT failed: not today"),
    ],
    ids=["before it is noted", "by all means at the end"],
)
def test_commit_is_refused(world: World, first: str, said: str) -> None:
    world.execute(
        "CREATE TABLE public.t (a int)",
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        f" IF new.a = 1 THEN {first}; ELSE RAISE EXCEPTION 'not today'; END IF; RETURN NULL; END$$",
        "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON public.t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION public.no()",
    )
    plan = with_steps(world.declare(schema_blocks(ONE)).plan(), "INSERT INTO public.t VALUES (1)")
    with pytest.raises(PgplanError, match=said):
        world.apply(plan)
    assert world.schemas() == {}
    state = world.state()
    assert state is None or state.pending is None


@define
class Failing:
    """A backend that cannot write any more from its `writes`-th write on."""

    backend: Backend
    writes: int

    @property
    def location(self) -> str:
        return self.backend.location

    def read(self) -> Stored | None:
        return self.backend.read()

    def write(self, data: bytes, expected: str | None) -> str:
        self.writes -= 1
        if self.writes < 1:
            raise BackendError(Problem("no space left on the device"))
        return self.backend.write(data, expected)

    def lock(self, holder: str, timeout: float) -> Lock:
        return self.backend.lock(holder, timeout)


def failing(world: World, writes: int) -> StateStore:
    with world.opened() as run:
        return StateStore(Failing(run.store.backend, writes), run.store.name)


def test_state_cannot_be_written_before_commit(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    assert "no space left" in refused(world, plan, BackendError, store=failing(world, 1))


def test_state_cannot_be_written_after_commit(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    with pytest.raises(PgplanError, match="the next run takes it up") as raised:
        world.apply(plan, store=failing(world, 2))
    (kept,) = world.directory.glob("pgplan.emergency.*.json")
    assert str(kept) in str(raised.value)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert world.schemas() == ONE
    world.execute("COMMENT ON SCHEMA s_a IS 'by hand'")
    world.declare(schema_blocks({"s_a": "two"})).apply()
    assert not kept.exists()
    world.assert_consistent()


def test_what_was_kept_is_taken_up_by_apply_too(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    with pytest.raises(PgplanError, match="the next run takes it up"):
        world.apply(plan, store=failing(world, 2))
    (kept,) = world.directory.glob("pgplan.emergency.*.json")
    with pytest.raises(StaleError, match="the saved plan is stale"):
        world.apply(plan)
    assert not kept.exists()
    world.assert_consistent()


def test_what_was_kept_is_not_taken_up_if_the_state_moved_on(world: World) -> None:
    plan = world.declare(schema_blocks(ONE)).plan()
    with pytest.raises(PgplanError, match="the next run takes it up"):
        world.apply(plan, store=failing(world, 2))
    (kept,) = world.directory.glob("pgplan.emergency.*.json")
    with world.opened() as run:
        state, version = run.store.load()
        assert state is not None
        run.store.save(evolve(state, pending=None, serial=7), version)
    world.execute("DROP SCHEMA s_a")
    assert world.apply().state.serial == 8
    assert kept.exists()
    world.assert_consistent()
