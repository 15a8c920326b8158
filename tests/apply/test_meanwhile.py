"""Who moves what between planning and COMMIT: the plan is stale, or fails and is rolled back, or goes through and the other's
change is kept. Never is anything of it undone in silence, and never half of it done."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import psycopg
import pytest
from attrs import frozen

from pgplan.errors import Exit, PgplanError
from tests.apply.world import World, once

pytestmark = pytest.mark.enough(18)

BEFORE = """
[role.{u}_app]
login = true
[role.{u}_extra]
[schema.s_a]
owner = "{u}_app"
comment = "one"
[extension.postgres_fdw]
comment = "one"
[server.s]
fdw = "postgres_fdw"
options = {{ host = "one" }}
[[membership]]
role = "{u}_extra"
member = "{u}_app"
[[user_mapping]]
server = "s"
user = "{u}_app"
options = {{ user = "remote" }}
[[grant]]
to = "{u}_extra"
on = {{ schema = "s_a" }}
privileges = ["USAGE"]
[[default_privileges]]
owner = "{u}_app"
schema = "s_a"
objects = "tables"
privileges = ["SELECT"]
to = "{u}_extra"
"""
AFTER = (
    BEFORE.replace('"one"', '"two"')
    .replace("login = true", "login = true\ncreatedb = true")
    .replace('user = "remote"', 'user = "other"')
    .replace('member = "{u}_app"', 'member = "{u}_app"\nadmin = true')
    .replace('["USAGE"]', '["USAGE", "CREATE"]')
    .replace('["SELECT"]', '["SELECT", "INSERT"]')
    + "[schema.s_new]\n"
)
DEFAULTS = "ALTER DEFAULT PRIVILEGES FOR ROLE {u}_app IN SCHEMA s_a"

Outcome = str
"""``through``, ``waits`` (the other does), or words of the error: ``stale: …`` or ``failed: …``."""


@frozen
class Row:
    what: str
    moved: str
    """Statements by hand or, if it begins with a bracket, what another configuration declares."""
    planned: Outcome
    """Between planning and apply."""
    compared: Outcome
    """Between apply's reading and its statements."""
    executed: Outcome = ""
    """Between its statements and COMMIT; "" is not tried."""
    kept: str = "true"
    """What holds of the database once the plan went through."""


ROWS = (
    Row(
        "attribute of a touched object",
        "ALTER ROLE {u}_app CREATEROLE",
        "stale: role.{u}_app: createrole",
        "failed: role.{u}_app: createrole",
        "waits",
    ),
    Row("the very attribute", "ALTER ROLE {u}_app CREATEDB", "stale: role.{u}_app: createdb", "through"),
    Row(
        "attribute of a relied-upon object",
        "ALTER ROLE {u}_extra LOGIN",
        "stale: role.{u}_extra: login",
        "failed: role.{u}_extra: login",
        "failed: role.{u}_extra: login",
    ),
    Row("comment", "COMMENT ON SCHEMA s_a IS 'x'", "stale: schema.s_a: comment", "through"),
    Row("name", "ALTER SCHEMA s_a RENAME TO s_b", "stale: schema.s_a: is gone", "failed: schema.s_a"),
    Row("drop", "DROP SCHEMA s_a CASCADE", "stale: schema.s_a: is gone", "failed: schema.s_a"),
    Row(
        "drop and recreate",
        "DROP SCHEMA s_a CASCADE; CREATE SCHEMA s_a AUTHORIZATION {u}_app; COMMENT ON SCHEMA s_a IS 'one'",
        "stale: schema.s_a: is another object now",
        "failed: schema.s_a",
    ),
    Row(
        "drop and recreate of a mapping",
        "DROP USER MAPPING FOR {u}_app SERVER s; CREATE USER MAPPING FOR {u}_app SERVER s OPTIONS (\"user\" 'remote')",
        "stale: user_mapping.s/{u}_app: is another object now",
        "failed: user_mapping.s/{u}_app",
    ),
    Row("owner", "ALTER SCHEMA s_a OWNER TO {u}_extra", "stale: schema.s_a: owner", "failed: schema.s_a"),
    Row(
        "row of the access list that the plan grants",
        "GRANT CREATE ON SCHEMA s_a TO {u}_extra",
        "stale: schema.s_a: privilege is new: CREATE",
        "through",
    ),
    Row(
        "another row",
        "GRANT USAGE ON SCHEMA s_a TO PUBLIC",
        "through",
        "through",
        "waits",
        "(SELECT nspacl::text LIKE '%,=U/%' FROM pg_namespace WHERE nspname = 's_a')",
    ),
    Row(
        "name of a grantee",
        "ALTER ROLE {u}_extra RENAME TO {u}_theirs; CREATE ROLE {u}_extra",
        "stale: role.{u}_extra: is another object now",
        "failed: role.{u}_extra",
        "failed: role.{u}_extra",
    ),
    Row("membership", "REVOKE {u}_extra FROM {u}_app", "stale: membership.{u}_extra/{u}_app: is gone", "through"),
    Row(
        "another membership",
        "GRANT {u}_extra TO pg_monitor",
        "through",
        "through",
        "",
        "pg_has_role('pg_monitor', '{u}_extra', 'MEMBER')",
    ),
    Row(
        "row of the default privileges",
        DEFAULTS + " GRANT INSERT ON TABLES TO {u}_extra",
        "stale: default_privileges.{u}_app/s_a/tables: privilege is new: INSERT",
        "through",
    ),
    Row(
        "another row of the default privileges",
        DEFAULTS + " GRANT SELECT ON TABLES TO PUBLIC",
        "through",
        "through",
        "waits",
        "(SELECT defaclacl::text LIKE '%=r/%' FROM pg_default_acl)",
    ),
    Row("extension's comment", "COMMENT ON EXTENSION postgres_fdw IS 'x'", "stale: extension.postgres_fdw: comment", "through"),
    Row(
        "extension's drop",
        "DROP EXTENSION postgres_fdw CASCADE",
        "stale: extension.postgres_fdw: is gone",
        "failed: extension.postgres_fdw",
        "waits",
    ),
    Row("options", "ALTER SERVER s OPTIONS (ADD port '1')", "stale: server.s: options", "failed: server.s", "waits"),
    Row("name of what is to be made", "CREATE SCHEMA s_new", "stale: schema.s_new: exists now", "failed: schema.s_new"),
    Row("something else", "CREATE SCHEMA s_other", "through", "through", "through", "'s_other'::regnamespace IS NOT NULL"),
    Row("another pgplan: the same comment", "[schema.s_a]\ncomment = 'theirs'\n", "stale: schema.s_a: comment", "through"),
    Row(
        "another pgplan: the same role",
        "[role.{u}_app]\nlogin = true\ncreaterole = true\n",
        "stale: role.{u}_app: createrole",
        "failed: role.{u}_app: createrole",
    ),
    Row(
        "another pgplan: another row",
        "[[grant]]\nto = 'PUBLIC'\non = {{ schema = 's_a' }}\nprivileges = ['USAGE']\n",
        "through",
        "through",
        "",
        "(SELECT nspacl::text LIKE '%,=U/%' FROM pg_namespace WHERE nspname = 's_a')",
    ),
)
When = Literal["planned", "compared", "executed"]
CELLS = [(row, when) for row in ROWS for when in ("planned", "compared", "executed") if getattr(row, when)]


def move(world: World, moved: str, directory: Path) -> bool:
    """Whether somebody else can do it now, without waiting for this transaction."""
    if moved.startswith("["):
        other = World(world.server, directory, world.database)
        other.declare(moved)
        path = directory / "pgplan.toml"
        path.write_text(path.read_text().replace(world.name, f"other_{world.name}"))
        other.apply()
        return True
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '100ms'")
        try:
            for statement in moved.split("; "):
                connection.execute(statement.encode())
        except psycopg.errors.LockNotAvailable:
            return False
    return True


@pytest.mark.parametrize(("row", "when"), CELLS, ids=[f"{row.what}-{when}" for row, when in CELLS])
def test_who_moves_what_and_when(
    world: World, unique: str, row: Row, when: When, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("other")
    world.declare(BEFORE.format(u=unique)).apply()
    plan, before = world.declare(AFTER.format(u=unique)).plan(), world.state()
    expected = getattr(row, when).format(u=unique)
    could: list[bool] = []

    def meanwhile() -> None:
        could.append(move(world, row.moved.format(u=unique), elsewhere))

    if when == "planned":
        meanwhile()
    error: PgplanError | None = None
    try:
        world.apply(plan, checkpoint=once(meanwhile, when))
    except PgplanError as raised:
        error = raised
    assert could == [expected != "waits"]
    if expected in ("through", "waits"):
        assert error is None, error
        assert expected == "waits" or world.rows(f"SELECT {row.kept.format(u=unique)}") == [(True,)]
        assert world.schemas().items() >= {"s_a": "two", "s_new": ""}.items()
        return
    kind, _, words = expected.partition(": ")
    assert error is not None
    assert error.exit_code == (Exit.STALE if kind == "stale" else Exit.ERROR)
    assert words in str(error)
    assert world.state() == before
    assert world.rows(f"SELECT rolcreatedb FROM pg_roles WHERE rolname = '{unique}_app'") == [(row.what == "the very attribute",)]
    assert world.rows("SELECT count(*) FROM pg_foreign_server WHERE 'host=two' = ANY (srvoptions)") == [(0,)]
