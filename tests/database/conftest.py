"""A server that logs as much as it can, per version; what it logs is searched for secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pgplan.configuration.model import Connection
from pgplan.database.connection import Session, connect
from tests.servers import Server, versions

EVERYTHING = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_lock_waits": "on",
    "deadlock_timeout": "10ms",
    "log_min_error_statement": "info",
    "log_min_messages": "info",
    "log_error_verbosity": "verbose",
    "log_duration": "on",
    "shared_preload_libraries": "'auto_explain, pg_stat_statements'",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_verbose": "on",
}


@pytest.fixture(scope="session", params=versions(), ids=lambda version: f"pg{version}")
def loud(request: pytest.FixtureRequest) -> Iterator[Server]:
    running = Server(request.param, settings=dict(EVERYTHING)).create()
    yield running
    running.destroy()


@pytest.fixture
def loud_database(loud: Server, unique: str) -> Iterator[str]:
    """The name of a fresh database in the loud server, with postgres_fdw and a server `s1`."""
    loud.execute(f"CREATE DATABASE {unique}")
    loud.execute("CREATE EXTENSION postgres_fdw", "CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw", database=unique)
    yield unique
    loud.execute(f"DROP DATABASE {unique} WITH (FORCE)")


Connect = Callable[..., Session]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Connect]:
    """Opens sessions by URL and closes them after the test."""
    with ExitStack() as stack:

        def open_session(url: str, **settings: object) -> Session:
            opened = connect(Connection(url=url, **settings), tmp_path, "test")  # type: ignore[arg-type]
            stack.callback(opened.close)
            return opened

        yield open_session
