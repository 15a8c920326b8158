"""Databases are made and dropped around the transaction that does all else, and a crash anywhere leaves nothing half made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from attrs import evolve

from pgplan import planfile
from pgplan.database.apply import Applied
from pgplan.errors import Exit, PgplanError
from pgplan.plan.model import Options, Plan
from pgplan.saved import apply_saved
from tests.apply.world import World, once
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


class Crash(BaseException):
    """The process ends here: nothing catches it."""


def _crash() -> None:
    raise Crash


@pytest.fixture
def name(server: Server, unique: str) -> Iterator[str]:
    """Of a database that is not there, with characters that must be quoted; nothing of it is left."""
    name = f'{unique} "a.b" Ä\\'
    yield name
    quoted = name.replace('"', '""')
    server.execute(f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)')


def _key(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _block(name: str, owner: str = "") -> str:
    key = _key(name)
    return (
        f'[policy.database]\nremoved = "delete"\n[database."{key}"]\ncomment = "made"\nconfig = {{ jit = "off" }}\n'
        + (f'owner = "{owner}"\n[role.{owner}]\ndatabase_config = {{ "{key}" = {{ jit = "on" }} }}\n' if owner else "")
        + f'[[revoke]]\nfrom = "PUBLIC"\non = {{ database = "{key}" }}\n'
        + 'privileges = ["CONNECT"]\n'
    )


def _databases(world: World) -> set[str]:
    return {name for (name,) in world.rows("SELECT datname::text FROM pg_database")}


def _left_over(world: World) -> list[str]:
    return [name for name in _databases(world) if name.startswith("pgplan_")]


def test_made_and_dropped_with_the_role_that_owns_it(world: World, name: str, unique: str) -> None:
    owner = f"{unique}_owner"
    world.declare(_block(name, owner)).apply()
    (row,) = world.rows(
        "SELECT o.rolname::text, shobj_description(d.oid, 'pg_database'), s.setconfig, d.datacl::text FROM pg_database AS d"
        " JOIN pg_roles AS o ON o.oid = d.datdba JOIN pg_db_role_setting AS s ON s.setdatabase = d.oid AND s.setrole = 0"
        f" WHERE datname = E'{name.replace(chr(92), chr(92) * 2)}'"
    )
    assert row == (owner, "made", ["jit=off"], f"{{=T/{owner},{owner}=CTc/{owner}}}")
    assert not world.plan().changes
    state = world.state()
    assert state is not None
    assert (state.unnamed, state.unfinished, state.serial) == ((), None, 1)
    world.declare('[policy.database]\nremoved = "delete"\n').apply()
    assert name not in _databases(world)
    assert not world.rows(f"SELECT FROM pg_roles WHERE rolname = '{owner}'")
    assert not world.recorded()
    assert not world.plan().changes


def test_without_a_word_of_the_policy_on_databases_it_stays(world: World, name: str) -> None:
    world.declare(_block(name)).apply()
    for policy in ("", '[policy.grant]\nremoved = "delete"\n'):
        with pytest.raises(PgplanError, match='policy removed = "error"') as refused:
            world.declare(policy).plan()
        assert refused.value.exit_code == Exit.REFUSED
    world.declare('[policy.database]\nremoved = "forget"\n').apply()
    assert name in _databases(world)
    assert not world.recorded()


@pytest.mark.parametrize("at", ["announced", "made", "begun", "executed", "noted", "committed"])
def test_a_crash_leaves_nothing_half_made(world: World, name: str, at: str) -> None:
    plan = world.declare(_block(name)).plan()
    with pytest.raises(Crash):
        world.apply(plan, checkpoint=once(_crash, at))
    assert bool(_left_over(world)) is (at not in ("announced", "committed"))
    plan = world.plan()
    # Planning takes nothing away from a run that may be at work.
    assert bool(_left_over(world)) is (at not in ("announced", "committed"))
    world.apply(plan)
    assert name in _databases(world)
    assert not _left_over(world)
    assert not world.plan().changes
    state = world.state()
    assert state is not None
    assert state.unnamed == ()


def test_what_the_transaction_is_refused_leaves_nothing_behind(world: World, server: Server, name: str) -> None:
    plan = world.declare(_block(name) + "[schema.s_a]\n").plan()
    server.refuse("CREATE SCHEMA", world.database)
    with pytest.raises(PgplanError, match="CREATE SCHEMA is refused here") as refused:
        world.apply(plan)
    assert refused.value.exit_code == Exit.ERROR
    assert not _left_over(world)
    state = world.state()
    assert state is not None
    assert (state.serial, state.unnamed) == (0, ())


def test_what_the_server_refuses_to_make(world: World, name: str) -> None:
    block = _block(name).replace('comment = "made"', 'template = "template0"\nlc_collate = "no such"\n')
    plan = world.declare(block).plan()
    with pytest.raises(PgplanError, match=r"step 1 of \d failed: (?s:.*)invalid .*locale") as refused:
        world.apply(plan)
    assert refused.value.exit_code == Exit.ERROR
    assert not _left_over(world)


def test_a_stranger_with_the_first_name_is_left_alone(world: World, server: Server, name: str) -> None:
    plan = world.declare(_block(name)).plan()
    (first,) = (statement.sql.split('"')[1] for statement in plan.steps[0].statements)
    server.execute(f"CREATE DATABASE {first}")
    try:
        with pytest.raises(PgplanError, match="has the name that something new would have"):
            world.apply(plan)
        assert _left_over(world) == [first]
    finally:
        server.execute(f"DROP DATABASE {first}")


def test_what_somebody_uses_is_not_dropped_and_nothing_else_is_done(world: World, server: Server, name: str) -> None:
    world.declare(_block(name)).apply()
    plan = world.declare('[policy.database]\nremoved = "delete"\n[schema.s_b]\n').plan()
    with psycopg.connect(server.url(), dbname=name, application_name="a report"):
        with pytest.raises(
            PgplanError, match=r"cannot be dropped now: process \d+ is connected to it \(a report, role postgres\)"
        ):
            world.apply(plan)
        assert not world.schemas()
    world.apply(plan)
    assert world.schemas() == {"s_b": ""}
    assert name not in _databases(world)


def test_who_connects_at_the_last_moment_makes_it_partly_done(world: World, server: Server, name: str) -> None:
    """The state says what is committed, and the same plan goes on."""
    world.declare(_block(name)).apply()
    plan = world.declare('[policy.database]\nremoved = "delete"\n[schema.s_b]\n').plan()
    sessions: list[psycopg.Connection[tuple[object, ...]]] = []

    def enter() -> None:
        sessions.append(psycopg.connect(server.url(), dbname=name))

    with pytest.raises(PgplanError, match=r"(?s)partly carried out; committed: step 1 in .*; failed: step 2 in") as partly:
        world.apply(plan, checkpoint=once(enter, "committed"))
    assert partly.value.exit_code == Exit.PARTLY
    assert "is being accessed by other users" in str(partly.value)
    state = world.state()
    assert state is not None
    assert state.unfinished is not None
    assert state.unfinished.done == (0,)
    assert {"schema.s_b", f'database."{name.replace(chr(34), chr(34) * 2)}"'} == set(world.recorded()) - _revokes(world)
    sessions.pop().close()
    assert go_on(world, plan).state.unfinished is None
    assert name not in _databases(world)
    assert world.recorded() == ["schema.s_b"]


def _revokes(world: World) -> set[str]:
    return {address for address in world.recorded() if address.startswith("revoke.")}


def go_on(world: World, plan: Plan) -> Applied:
    """As `apply plan.bin` does: the plan is made again."""
    with world.opened() as run:
        about = planfile.manifest(plan, world.remarks(run), run.configuration.files, datetime.now(UTC))
        return apply_saved(run, plan, about, Options())


def test_without_superuser(world: World, server: Server, name: str, unique: str) -> None:
    """Who may make databases makes them, gives them away and drops them; what is missing is told when planning."""
    maker, mine, shut = f"{unique}_maker", evolve(world, user=f"{unique}_maker"), f"{unique}_shut"
    server.execute(f"CREATE ROLE {maker} LOGIN CREATEROLE CREATEDB", f"GRANT ALL ON DATABASE {world.database} TO {maker}")
    server.execute(f"CREATE DATABASE {shut}")
    owned = f"{unique}_owner"
    try:
        member = f'[[membership]]\nrole = "{owned}"\nmember = "{maker}"\n'
        mine.declare(_block(name, owned) + member).apply()
        assert not mine.plan().changes
        mine.declare(f'[policy.database]\nremoved = "delete"\n[role.{owned}]\n' + member).apply()
        assert name not in _databases(world)
        with pytest.raises(PgplanError, match=f"lacks ownership of database {shut}, which is no template for everybody"):
            mine.declare(_block(name).replace('comment = "made"', f'template = "{shut}"')).plan()
        server.execute(f"ALTER ROLE {maker} NOCREATEDB")
        with pytest.raises(PgplanError, match="lacks the attribute CREATEDB, which it takes to make a database"):
            mine.declare(_block(name)).plan()
    finally:
        server.execute(f"DROP DATABASE {shut}")


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ('template = "no such"', "cannot be made from no such: there is no such database"),
        ('template = "{here}"', "cannot be made from {here}, because pgplan is connected to that"),
        ('encoding = "LATIN1"', "cannot be made from template1 with another encoding than that has"),
        ('lc_collate = "POSIX"\nlc_ctype = "POSIX"', "with another lc_collate, lc_ctype than that has"),
    ],
)
def test_told_when_planning(world: World, name: str, attributes: str, told: str) -> None:
    block = _block(name).replace('comment = "made"', attributes.format(here=world.database))
    with pytest.raises(PgplanError, match=re.escape(told.format(here=world.database))):
        world.declare(block).plan()


def test_a_rehearsal_leaves_out_what_cannot_be_rolled_back(world: World, name: str, unique: str) -> None:
    plan = world.declare(_block(name, f"{unique}_owner") + "[schema.s_a]\n").plan()
    notes = world.rehearse(plan)
    assert any(note.startswith("not rehearsed: databases that are made or dropped") for note in notes)
    assert any(note.startswith("rehearsed: 1 statement") for note in notes), notes
    assert name not in _databases(world)
