"""Several databases in one configuration: each is committed by itself, nothing is where anything stands in the way, and whatever
ends a run, the state tells the truth and the same plan, or the next one, goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest
from attrs import evolve, frozen

from pgplan.database.transaction import lock_key
from pgplan.errors import Exit, LockedError, PgplanError, StaleError
from pgplan.importing import import_addresses
from pgplan.workflow import find_drift
from tests.apply.test_databases import Crash, go_on
from tests.apply.world import World, once
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


@frozen
class Several:
    """A world with more databases than its own."""

    world: World
    server: Server
    first: str
    second: str
    role: str

    def declare(self, more: str = "", *, comment: str = "c") -> World:
        """A role, and in each database a schema of its own, and in the others more of it."""
        return self.world.declare(
            f'[role.{self.role}]\n[schema.s_a]\ncomment = "{comment}"\n'
            f'[schema.s_b]\ndatabase = ["{self.first}", "{self.second}"]\nowner = "{self.role}"\ncomment = "{comment}"\n'
            f'[[grant]]\nto = "PUBLIC"\non = {{ schema = "s_b" }}\nprivileges = ["USAGE"]\ndatabase = "{self.second}"\n' + more
        )

    def schemas(self, database: str) -> dict[str, tuple[str, str]]:
        rows = self.server.rows(
            "SELECT nspname::text, nspowner::regrole::text, coalesce(obj_description(oid, 'pg_namespace'), '')"
            " FROM pg_namespace WHERE nspname LIKE 's\\_%'",
            database,
        )
        return {name: (owner, comment) for name, owner, comment in rows}

    def everything(self) -> list[dict[str, tuple[str, str]]]:
        return [self.schemas(name) for name in (self.world.database, self.first, self.second)]

    def done(self, comment: str = "c") -> list[dict[str, tuple[str, str]]]:
        return [{"s_a": ("postgres", comment)}, *[{"s_b": (self.role, comment)}] * 2]

    def has_role(self) -> bool:
        return bool(self.server.rows(f"SELECT FROM pg_roles WHERE rolname = '{self.role}'"))


NOTHING = [dict[str, tuple[str, str]]()] * 3


@pytest.fixture
def several(world: World, server: Server, unique: str) -> Iterator[Several]:
    first, second = f"{unique}_first", f'{unique} "second" @x'
    quoted = second.replace('"', '""')
    server.execute(f'CREATE DATABASE "{first}"', f'CREATE DATABASE "{quoted}"')
    yield Several(world, server, first, second.replace('"', '\\"'), f"{unique}_role")
    server.execute(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in (first, quoted)))


def _name(several: Several) -> str:
    return several.second.replace('\\"', '"')


def _all(several: Several) -> list[dict[str, tuple[str, str]]]:
    return evolve(several, second=_name(several)).everything()


def test_a_whole_life(several: Several) -> None:
    world = several.declare()
    world.apply()
    assert _all(several) == several.done()
    assert not world.plan().changes
    key = _name(several).replace('"', '""')
    assert f'schema.s_b@"{key}"' in world.recorded()
    several.declare(comment="d").apply()
    assert _all(several) == several.done("d")
    plan = world.declare("").plan()
    assert [phase.database for phase in plan.decided.phases] == [world.database, _name(several), several.first, world.database]
    world.apply(plan)
    assert _all(several) == NOTHING
    assert not several.has_role()
    assert not world.recorded()
    state = world.state()
    assert state is not None
    assert state.unfinished is None


@pytest.mark.parametrize("at", ["noted", "committed", "recorded"])
@pytest.mark.parametrize("phase", [1, 2, 3])
def test_a_crash_between_two_commits(several: Several, at: str, phase: int) -> None:
    """In both directions: the same file goes on, and so does a new plan."""
    left = [phase]

    def crash(name: str) -> None:
        left[0] -= name == at
        if name == at and not left[0]:
            raise Crash

    world = several.declare()
    plan = world.plan()
    with pytest.raises(Crash):
        world.apply(plan, checkpoint=crash)
    assert (_all(several) == several.done()) is (phase == 3 and at != "noted")
    if phase == 3 and at != "noted":
        assert not world.plan().changes
    else:
        go_on(world, plan)
    assert _all(several) == several.done()
    assert not world.plan().changes
    left[0] = phase
    with pytest.raises(Crash):
        world.declare("").apply(checkpoint=crash)
    world.apply()
    assert _all(several) == NOTHING
    assert not several.has_role()
    assert not world.recorded()


def _stale(several: Several) -> None:
    several.server.execute("CREATE SCHEMA s_b", database=_name(several))


def _shut(several: Several) -> None:
    quoted = _name(several).replace('"', '""')
    several.server.execute(f'ALTER DATABASE "{quoted}" ALLOW_CONNECTIONS false')


def _refusing(several: Several) -> None:
    several.server.refuse("CREATE SCHEMA", _name(several))


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (_stale, StaleError, "exists now"),
        (_shut, PgplanError, "takes no connection of the connected role"),
        (_refusing, PgplanError, "CREATE SCHEMA is refused here"),
    ],
)
def test_what_is_wrong_in_another_database_stops_all(
    several: Several, what: Callable[[Several], None], error: type[PgplanError], message: str
) -> None:
    world = several.declare()
    plan = world.plan()
    what(several)
    with pytest.raises(error, match=message) as raised:
        world.apply(plan)
    assert raised.value.exit_code != Exit.PARTLY
    assert not several.schemas(world.database)
    assert not several.schemas(several.first)
    assert not several.has_role()
    assert not (world.directory / ".pgplan" / "state.json").exists()


def test_a_lock_in_another_database_stops_all(several: Several) -> None:
    several.declare().apply()
    world = several.declare(comment="d")
    plan = world.plan()
    with psycopg.connect(several.server.url(), dbname=_name(several)) as other:
        other.execute("COMMENT ON SCHEMA s_b IS 'x'")
        with pytest.raises(PgplanError, match="lock timeout") as raised:
            world.apply(plan)
        assert raised.value.exit_code != Exit.PARTLY
        other.rollback()
    assert _all(several) == several.done()
    world.apply(plan)
    assert _all(several) == several.done("d")


def test_another_run_in_another_database_stops_all(several: Several) -> None:
    """Two clones of a configuration that do not share a state."""
    world = several.declare()
    plan = world.plan()
    with psycopg.connect(several.server.url(), dbname=several.first) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", lock_key(world.name))
        with pytest.raises(LockedError):
            world.apply(plan, wait=0.2)
    assert _all(several) == NOTHING


def test_what_fails_in_one_database_stops_what_waits_for_it(several: Several) -> None:
    """And nothing else: the other databases are done, and the same plan does the rest."""
    several.declare().apply()
    world = several.world.declare("")
    plan = world.plan()
    refused = [False]

    def refuse(name: str) -> None:
        if name == "committed" and not refused[0]:
            refused[0] = True
            several.server.refuse("DROP SCHEMA", _name(several))

    with pytest.raises(PgplanError, match="DROP SCHEMA is refused here") as raised:
        world.apply(plan, checkpoint=refuse)
    assert raised.value.exit_code == Exit.PARTLY
    said = str(raised.value)
    assert f"committed: step 1 in {world.database}, " in said
    assert f"in {several.first}; failed: " in said
    assert f"in {_name(several)}; not begun: step" in said
    assert several.has_role()
    assert _all(several) == [{}, {"s_b": (several.role, "c")}, {}] or _all(several) == [{}, {}, {"s_b": (several.role, "c")}]
    state = world.state()
    assert state is not None
    assert state.unfinished is not None
    several.server.execute("DROP EVENT TRIGGER refuse", database=_name(several))
    applied = go_on(world, plan)
    assert applied.state.unfinished is None
    assert _all(several) == NOTHING
    assert not several.has_role()
    assert not world.recorded()


def test_a_database_that_is_made_with_what_is_in_it(several: Several, unique: str) -> None:
    name = f"{unique}_new"
    more = f'[policy.database]\nremoved = "delete"\n[database.{name}]\nowner = "{several.role}"\n'
    inside = (
        f'[schema.s_new]\ndatabase = "{name}"\nowner = "{several.role}"\n'
        f'[[revoke]]\nfrom = "PUBLIC"\non = {{ schema = "public" }}\nprivileges = ["CREATE", "USAGE"]\ndatabase = "{name}"\n'
        f'[[grant]]\nto = "{several.role}"\non = {{ tables_in = "*" }}\nprivileges = ["SELECT"]\ndatabase = "{unique}_*"\n'
    )
    world = several.declare(more + inside)
    try:
        world.apply()
        assert several.schemas(name) == {"s_new": (several.role, "")}
        assert not world.plan().changes
        world.declare(f'[policy.database]\nremoved = "delete"\n[role.{several.role}]\n').apply()
        assert not several.server.rows(f"SELECT FROM pg_database WHERE datname = '{name}'")
        assert world.recorded() == [f"role.{several.role}"]
        assert not world.plan().changes
    finally:
        several.server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_what_a_role_has_elsewhere_stops_its_drop_unless_it_goes(several: Several) -> None:
    several.declare().apply()
    several.server.execute(f"CREATE TABLE public.t (); ALTER TABLE public.t OWNER TO {several.role}", database=several.first)
    with pytest.raises(PgplanError, match=f"it owns table public.t in the database {several.first}"):
        several.world.declare("").plan()


def test_where_blocks_may_be(several: Several) -> None:
    for block, message in (
        ('[schema.s_x]\ndatabase = "no such"\n', "there is no database no such, and nothing declares it"),
        (f'[schema.again]\nname = "s_b"\ndatabase = "{several.first[:-1]}*"\n', "declare the same in the same database"),
        ('[role.x]\ndatabase = "x"\n', "unknown key 'database'"),
        ("[schema.s_x]\ndatabase = []\n", "it names no database"),
    ):
        with pytest.raises(PgplanError, match=message):
            several.declare(block).plan()
    # The default one may be named.
    several.world.declare(f'[schema.s_a]\ndatabase = "{several.world.database}"\n').apply()
    assert several.world.recorded() == ["schema.s_a"]


def test_a_database_that_was_renamed_is_told(several: Several) -> None:
    several.declare().apply()
    several.server.execute(f"ALTER DATABASE {several.first} RENAME TO {several.first}_now")
    try:
        with pytest.raises(StaleError, match=f"the database {several.first} .* is called {several.first}_now now"):
            several.world.declare("").plan()
    finally:
        several.server.execute(f"ALTER DATABASE {several.first}_now RENAME TO {several.first}")


def test_an_interrupt_between_two_databases(several: Several) -> None:
    """What is committed is told."""
    world = several.declare()
    with pytest.raises(PgplanError, match=r"(?s)partly carried out.*interrupted") as raised:
        world.apply(checkpoint=once(_interrupt, "noted"))
    assert raised.value.exit_code == Exit.PARTLY
    world.apply()
    assert _all(several) == several.done()


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_rehearsal_tries_every_database(several: Several) -> None:
    world = several.declare()
    notes = world.rehearse(world.plan())
    assert any(note.startswith("rehearsed: ") for note in notes)
    assert _all(several) == NOTHING
    _refusing(several)
    with pytest.raises(PgplanError, match="CREATE SCHEMA is refused here"):
        world.rehearse(world.plan())
    assert not several.has_role()


def test_drift_and_import_in_another_database(several: Several) -> None:
    world = several.declare()
    world.apply()
    several.server.execute("COMMENT ON SCHEMA s_b IS 'by hand'", "CREATE SCHEMA s_found", database=_name(several))
    key = _name(several).replace('"', '""')
    with world.opened() as run:
        assert [change.address for change in find_drift(run).changes] == [f'schema.s_b@"{key}"']
    with world.opened() as run:
        (imported,) = import_addresses(run, [f'schema.s_found@"{key}"'])
    assert imported.toml == f'[schema.s_found]\ndatabase = "{several.second}"\nowner = "postgres"\n'
    several.declare(imported.toml).apply()
    assert not world.plan().changes


def test_a_secret_in_another_database(several: Several) -> None:
    """It takes the same private way there."""
    more = (
        f'[extension.postgres_fdw]\ndatabase = "{several.first}"\n'
        f'[server.s]\nfdw = "postgres_fdw"\ndatabase = "{several.first}"\n'
        f'[[user_mapping]]\nserver = "s"\nuser = "{several.role}"\ndatabase = "{several.first}"\n'
        'options = { user = "u", password = "hidden!" }\n'
    )
    several.declare(more).apply()
    rows = several.server.rows("SELECT umoptions FROM pg_user_mapping", several.first)
    assert rows == [(["user=u", "password=hidden!"],)]
    assert not several.world.plan().changes
    several.declare(more.replace("hidden!", "another")).apply()
    assert "another" in str(several.server.rows("SELECT umoptions FROM pg_user_mapping", several.first))
    assert "another" not in (several.world.directory / ".pgplan" / "state.json").read_text()


def test_what_is_only_adopted_in_other_databases(several: Several) -> None:
    """Nothing is sent anywhere, and what moved there since is found all the same."""
    for name in (several.first, _name(several)):
        several.server.execute("CREATE SCHEMA s_b", database=name)
    block = f'[schema.s_b]\ndatabase = ["{several.first}", "{several.second}"]\n'
    world = several.world.declare(block)
    plan = world.plan()
    assert not plan.decided.phases
    several.server.execute("DROP SCHEMA s_b", "CREATE SCHEMA s_b", database=several.first)
    with pytest.raises(StaleError, match="is another object now"):
        world.apply(plan)
    world.apply()
    assert not world.plan().changes
    state = world.state()
    assert state is not None
    assert all(entry.oid for entry in state.entries)
