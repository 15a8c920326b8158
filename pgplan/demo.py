"""The demo: a whole round of pgplan on a PostgreSQL of its own, with a second database to reach.

declare -> plan -> show -> apply -> read the remote rows as the mapped role -> change by hand -> drift -> repair -> no changes
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgplan import sql
from pgplan.database.embedded import discard
from pgplan.database.embedded import url as embedded_url
from pgplan.errors import Exit, PgplanError, Problem

Say = Callable[[str], None]
Command = Callable[[Sequence[str]], int]

REMOTE, READER, ANALYST, VARIABLE = "orders_db", "orders_reader", "analyst", "ORDERS_PASSWORD"

TOML = """\
# The orders live in another database; the analyst reads them here through a foreign server.

[pgplan]
name = "demo"

[connection]
url = "embedded"

[variables.orders_password]
type = "string"
sensitive = true
from = {{ env = "{variable}" }}

[extension.postgres_fdw]

[server.orders]
fdw = "postgres_fdw"
options = {{ host = "{host}", port = {port}, dbname = "{remote}" }}

[role.{analyst}]
login = true
comment = "reads the orders"

[schema.reports]
owner = "{analyst}"

[[user_mapping]]
server = "orders"
user = "{analyst}"
options = {{ user = "{reader}", password = "${{var.orders_password}}" }}

[[grant]]
to = "{analyst}"
on = {{ server = "orders" }}
privileges = ["USAGE"]
"""

_FILES = ("pgplan.toml", "plan.bin", ".pgplan")
"""What the demo leaves in its directory."""

BY_HAND = (
    "REVOKE USAGE ON FOREIGN SERVER orders FROM analyst",
    "ALTER ROLE analyst CREATEDB",
    "ALTER SERVER orders OPTIONS (ADD fetch_size '10')",
)


def demo(directory: Path, say: Say, command: Command) -> None:
    """Play the demo in `directory`, which must be empty or absent (see `clear`). `command` runs pgplan: arguments to exit code.

    Raises PgplanError when the directory is not empty, or when a step does not end as it should.
    """
    if directory.exists() and any(directory.iterdir()):
        hint = "remove it, or name another one with -C"
        raise PgplanError(Problem(f"{directory} is not empty", hint=hint))
    directory.mkdir(parents=True, exist_ok=True)
    discard(directory)  # a demo that was interrupted may have left a server's data elsewhere
    say("\n# A PostgreSQL of its own, and in it a second database with orders that somebody else owns\n")
    url = embedded_url(directory)
    password = _make_remote(directory, url)
    os.environ[VARIABLE] = password
    _write_configuration(directory, url)
    _play(directory, url, say, command)
    say(f"\nThe files of this demo are in {directory}; the server has stopped, and starts again for the next command there:")
    say(f"  export {VARIABLE}=…   # its value was made up for this run; without it the secret counts as unchanged")
    say(f"  pgplan -C {directory} plan")


def is_left_over(directory: Path) -> bool:
    """Whether `directory` holds an earlier demo, and nothing else."""
    configuration = directory / "pgplan.toml"
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else set[str]()
    return "pgplan.toml" in names <= set(_FILES) and configuration.read_text().startswith(TOML.partition("\n")[0])


def clear(directory: Path) -> None:
    """Remove an earlier demo. Raises PgplanError while its server runs."""
    discard(directory)
    for name in _FILES:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _play(directory: Path, url: str, say: Say, command: Command) -> None:
    def run(*arguments: str, expect: Iterable[int] = (Exit.DONE,)) -> None:
        say(f"\n$ pgplan {' '.join(arguments)}\n")
        code = command(["-C", str(directory), *arguments])
        if code not in tuple(expect):
            raise PgplanError(Problem(f"the demo stopped: pgplan {' '.join(arguments)} ended with exit code {code}"))

    plan = str(directory / "plan.bin")
    say(f"\n# What is declared: {directory / 'pgplan.toml'}\n\n{(directory / 'pgplan.toml').read_text()}")
    run("plan", "--out", plan)
    say("\n# What the saved plan would run\n")
    run("show", plan, "--format", "sql")
    run("apply", plan)
    say(f"\n# The orders, read through the foreign server as {ANALYST}, who never saw the password\n")
    for row in _read_orders(url):
        say("  " + "  ".join(str(value) for value in row))
    say("\n# Somebody changes things by hand\n")
    _execute(url, BY_HAND)
    for statement in BY_HAND:
        say(f"  {statement};")
    run("drift", expect=(Exit.PENDING,))
    run("apply", "--yes")
    run("plan", "--detailed-exitcode")


def _make_remote(directory: Path, url: str) -> str:
    """Make the other database and its reader; return the reader's password.

    postgres_fdw lets an ordinary role through only when the other side asks for a password, so pg_hba.conf must ask for it.
    https://www.postgresql.org/docs/current/postgres-fdw.html#POSTGRES-FDW-OPTIONS-CONNECTION
    """
    password = secrets.token_urlsafe(24)
    with psycopg.connect(url, autocommit=True) as server:
        verifier = server.pgconn.encrypt_password(password.encode(), READER.encode(), b"scram-sha-256").decode()
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(REMOTE)).text.encode())
        role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(READER), sql.Literal(verifier))
        server.execute(role.text.encode())
        row = server.execute("SHOW hba_file").fetchone()
        assert row is not None
        hba = Path(str(row[0]))
        hba.write_text(f"local {REMOTE} {READER} scram-sha-256\n{hba.read_text()}")
        server.execute("SELECT pg_reload_conf()")
    _execute(
        embedded_url(directory, REMOTE),
        (
            "CREATE TABLE orders (id int PRIMARY KEY, item text, amount numeric(8, 2))",
            "INSERT INTO orders VALUES (1, 'coffee', 12.50), (2, 'tea', 8.00), (3, 'biscuits', 3.20)",
            f"GRANT SELECT ON orders TO {READER}",
        ),
    )
    return password


def _write_configuration(directory: Path, url: str) -> None:
    where = conninfo_to_dict(url)
    text = TOML.format(
        variable=VARIABLE,
        host=where.get("host", "localhost"),
        port=where.get("port", 5432),
        remote=REMOTE,
        reader=READER,
        analyst=ANALYST,
    )
    (directory / "pgplan.toml").write_text(text)


def _read_orders(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, user=ANALYST) as analyst:
        analyst.execute("IMPORT FOREIGN SCHEMA public LIMIT TO (orders) FROM SERVER orders INTO reports")
        return analyst.execute("SELECT id, item, amount FROM reports.orders ORDER BY id").fetchall()


def _execute(url: str, statements: Iterable[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
