"""Fixtures: a real server of each available major version, and a fresh database in it for each test."""

from __future__ import annotations

import hashlib
import itertools
import operator
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ASKED_FOR, CACHE, Server, versions

# Started in the background, the tests ignore SIGINT, and so does every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where an environment wants no bytecode beside the sources, as containers do, each worker and each process that a test starts
# would compile all of pgplan and the tests again.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(CACHE.parents[1] / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

_COUNTER = itertools.count()
_COMPARE = {">=": operator.ge, "<": operator.lt, "==": operator.eq}


@pytest.fixture(scope="session", params=versions(), ids=lambda version: f"pg{version}")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server shared by all tests: roles are cluster-wide, so tests name theirs after `unique`."""
    running = Server(request.param).create()
    # Whoever connects first leaves a file of what a session reads at its beginning, which each new database gets a copy of.
    running.execute(database="template1")
    yield running
    running.destroy()


@pytest.fixture
def unique() -> str:
    """A prefix for the names of cluster-wide objects."""
    return f"t{next(_COUNTER)}"


@pytest.fixture
def database(server: Server, unique: str) -> Iterator[str]:
    """The URL of a fresh database."""
    name = f"{unique}_db"
    # The default writes a new database to the log as well, which takes half as much again.
    server.maintain(f'CREATE DATABASE "{name}" {"STRATEGY file_copy" if server.version >= 15 else ""}')
    yield server.url(name)
    server.maintain(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def cheap_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded of secrets takes no time: for tests that record many of them, and start no process that reads it."""
    real = hashlib.scrypt

    def cheap(password: bytes, *, salt: bytes, n: int, **options: int) -> bytes:
        del n
        return real(password, salt=salt, n=2, **options)

    monkeypatch.setattr(hashlib, "scrypt", cheap)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that the server's own user can reach, unlike pytest's under root."""
    path = Path(tempfile.mkdtemp(prefix="pgp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the versions on which a test shows nothing more: see the `enough` marker."""
    left_out = [item for item in items if _is_more_than_enough(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _is_more_than_enough(item: pytest.Item) -> bool:
    marker, version = item.get_closest_marker("enough"), _version(item)
    return marker is not None and version is not None and ASKED_FOR is None and version not in marker.args


def _version(item: pytest.Item) -> int | None:
    """The major version of the server that a test is given, where it runs on several."""
    called: Any = getattr(item, "callspec", None)
    given: dict[str, Any] = called.params if called else {}
    return given.get("cluster", given.get("server"))


@pytest.fixture(autouse=True)
def _server_version(request: pytest.FixtureRequest) -> None:
    """Skip a test whose `pg` marker the server's version does not meet."""
    marker = request.node.get_closest_marker("pg")
    if marker is None:
        return
    match = re.fullmatch(r"(>=|<|==)\s*(\d+)", marker.args[0])
    assert match is not None, f"cannot read the pg marker {marker.args[0]!r}"
    # Of the parameter, where there is one: a server of the wrong version need not even start.
    name = "cluster" if "cluster" in request.fixturenames else "server"
    version = _version(request.node) or request.getfixturevalue(name).version
    if not _COMPARE[match[1]](version, int(match[2])):
        pytest.skip(f"needs PostgreSQL {marker.args[0]}")
