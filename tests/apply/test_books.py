"""Whatever is found in the state's place after COMMIT: the books are in it, or in a file that the message names."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from pgplan.database.connection import Session
from pgplan.database.recovery import resolve
from pgplan.errors import Exit, PgplanError
from pgplan.state.model import State, Target
from pgplan.state.text import decode, encode
from tests.apply.test_commit import cut_off
from tests.apply.world import World, once, schema_blocks

pytestmark = pytest.mark.enough(18)

BEFORE, AFTER = {"s_a": "one"}, {"s_a": "two", "s_b": "new"}
OLD = "older.json"


def path(world: World) -> Path:
    return world.directory / ".pgplan" / "state.json"


def altered(change: Callable[[State], State]) -> Callable[[World], object]:
    return lambda world: path(world).write_bytes(encode(change(decode(path(world).read_bytes(), ""))))


def of_another_run(state: State) -> State:
    assert state.pending is not None
    return evolve(state, pending=evolve(state.pending, id="somebody else's"))


def damaged_target(state: State) -> Target:
    assert state.target is not None
    return evolve(state.target, timeline=0)


def directory_instead(world: World) -> None:
    path(world).unlink()
    path(world).mkdir()


def truncated(world: World) -> None:
    data = path(world).read_bytes()
    path(world).write_bytes(data[: len(data) // 2])


def settled(world: World) -> None:
    """By a run that does not see this one's lock, as where it was taken over."""
    with world.opened() as run:
        state, version = run.store.load()
        assert state is not None
        assert resolve(state, version, run.store, run.connection, run.registry, connect=run.connect).committed


def settled_and_gone_on(world: World) -> None:
    settled(world)
    altered(lambda state: evolve(state, serial=state.serial + 1, nonce="another"))(world)


THINGS: dict[str, tuple[Callable[[World], object], str]] = {
    "missing": (lambda world: path(world).unlink(), "is not there any more"),
    "older": (lambda world: shutil.copy(world.directory / OLD, path(world)), "was replaced by another one: its serial is 1"),
    "much older": (altered(lambda state: evolve(state, serial=0, entries=(), pending=None)), "its serial is 0"),
    "pending gone": (altered(lambda state: evolve(state, pending=None)), "its serial is 1"),
    "another lineage": (altered(lambda state: evolve(state, lineage="other", pending=None)), "its lineage is other"),
    "newer without the books": (altered(lambda state: evolve(state, serial=9, pending=None)), "its serial is 9"),
    "another's pending": (altered(of_another_run), "notes a transaction of another run"),
    "another configuration": (altered(lambda state: evolve(state, name="other")), "cannot be read any more"),
    "truncated": (truncated, "cannot be read any more"),
    "damaged": (altered(lambda state: evolve(state, serial=-1, target=damaged_target(state))), "cannot be read any more"),
    "newer format": (altered(lambda state: evolve(state, format=99)), "cannot be read any more"),
    "empty": (lambda world: path(world).write_bytes(b""), "cannot be read any more"),
    "unreadable": (directory_instead, "cannot be written"),
}
TAKEN_UP = ("missing",)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_never_success_without_books(world: World, thing: str, lost: bool) -> None:
    put, said = THINGS[thing]
    world.declare(schema_blocks(BEFORE)).apply()
    shutil.copy(path(world), world.directory / OLD)
    plan = world.declare(schema_blocks(AFTER)).plan()

    meanwhile = once(lambda: put(world), "noted")
    with pytest.raises(PgplanError) as raised:
        cut_off(world, "after", plan, meanwhile) if lost else world.apply(plan, checkpoint=meanwhile)
    assert world.schemas() == AFTER
    error = raised.value
    assert error.exit_code == Exit.ERROR
    assert "the database was changed and committed" in str(error)
    assert said in str(error)
    (kept,) = world.directory.glob("pgplan.emergency.*.json")
    assert str(kept) in str(error)
    books = decode(kept.read_bytes(), "")
    assert [entry.address for entry in books.entries] == ["schema.s_a", "schema.s_b"]
    if thing not in TAKEN_UP:
        # As the message says.
        if path(world).is_dir():
            path(world).rmdir()
        shutil.move(kept, path(world))
    assert not world.plan().pending_changes
    assert not kept.exists()
    world.assert_consistent()


BOOKS: dict[str, tuple[str, Callable[[World], object]]] = {
    "as it was noted": ("committed", lambda _: None),
    "noted, under another nonce": ("committed", altered(lambda state: evolve(state, nonce="another"))),
    "noted, and newer": ("committed", altered(lambda state: evolve(state, serial=9, nonce="another"))),
    "settled by another run": ("committed", settled),
    "settled by another run, which went on": ("committed", settled_and_gone_on),
}


@pytest.mark.parametrize("thing", BOOKS)
def test_success_where_the_books_are_there(world: World, thing: str) -> None:
    at, put = BOOKS[thing]
    world.declare(schema_blocks(BEFORE)).apply()
    plan = world.declare(schema_blocks(AFTER)).plan()
    applied = world.apply(plan, checkpoint=once(lambda: put(world), at))
    assert [entry.address for entry in applied.state.entries] == ["schema.s_a", "schema.s_b"]
    assert not list(world.directory.glob("pgplan.emergency.*"))
    assert not world.plan().pending_changes
    world.assert_consistent()


def test_what_was_kept_is_taken_up_where_there_is_no_state_by_apply_too(world: World) -> None:
    plan = world.declare(schema_blocks(AFTER)).plan()
    with pytest.raises(PgplanError, match="the next run takes it up"):
        world.apply(plan, checkpoint=once(lambda: path(world).unlink(), "noted"))
    with pytest.raises(PgplanError, match="stale"):
        world.apply(plan)
    assert world.recorded() == ["schema.s_a", "schema.s_b"]
    world.assert_consistent()


def test_an_older_state_is_not_planned_with_while_newer_books_are_kept(world: World) -> None:
    world.declare(schema_blocks(BEFORE)).apply()
    shutil.copy(path(world), world.directory / OLD)
    plan = world.declare(schema_blocks(AFTER)).plan()
    with pytest.raises(PgplanError, match="its serial is 1"):
        world.apply(plan, checkpoint=once(lambda: shutil.copy(world.directory / OLD, path(world)), "noted"))
    for again in (world.plan, world.apply):
        with pytest.raises(PgplanError, match=r"is older than what .*emergency.* has kept: its serial is 1, not 2"):
            again()
    (kept,) = world.directory.glob("pgplan.emergency.*.json")
    shutil.move(kept, path(world))
    assert not world.plan().pending_changes


def test_of_several_files_without_a_state_none_is_guessed(world: World) -> None:
    world.declare(schema_blocks(BEFORE)).apply()
    state = world.state()
    assert state is not None
    for lineage in ("one", "two"):
        (world.directory / f"pgplan.emergency.{lineage}.json").write_bytes(encode(evolve(state, lineage=lineage)))
    path(world).unlink()
    with pytest.raises(PgplanError, match=r"several were kept: pgplan\.emergency\.one\.json, pgplan\.emergency\.two\.json"):
        world.plan()
    (world.directory / "pgplan.emergency.one.json").unlink()
    assert not world.plan().pending_changes
    assert world.state() is not None


def test_where_nothing_can_be_kept_it_is_said_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    plan = world.declare(schema_blocks(AFTER)).plan()
    monkeypatch.setattr("pgplan.database.emergency.replace", full)
    with pytest.raises(PgplanError, match=r"(?s)changed and committed.*cannot be kept in .*No space left.*pgplan import"):
        world.apply(plan, checkpoint=once(lambda: path(world).unlink(), "noted"))


def test_an_outcome_that_cannot_be_found_out_is_noted_elsewhere_if_the_state_is_gone(world: World) -> None:
    plan = world.declare(schema_blocks(AFTER)).plan()
    noted: list[str] = []

    def end_backend(checkpoint: str) -> None:
        if checkpoint == "noted":
            noted.append(checkpoint)
            path(world).unlink()
            world.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name LIKE 'pgplan%' AND datname = current_database() AND state = 'idle in transaction'"
            )

    with world.opened() as run:

        def connect(database: str = "", *, apart: bool = False) -> Session:
            if noted:
                raise PgplanError("no server answers there")
            return run.connect(database, apart=apart)

        with pytest.raises(PgplanError, match=r"(?s)cannot be found out now; .*is not there any more.*the next run takes it up"):
            world.apply(plan, checkpoint=end_backend, connect=connect)
    (kept,) = world.directory.glob("pgplan.emergency.*.json")
    assert decode(kept.read_bytes(), "").pending is not None
    assert world.apply(plan).recovered is False
    assert world.schemas() == AFTER
    world.assert_consistent()
