"""The small project that `pgplan init` writes."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgplan.errors import ConfigurationError, Problem
from pgplan.render.escape import quoted

_CONFIGURATION = """\
# What this database should hold. `pgplan plan` shows what would change, `pgplan apply` changes it.

[pgplan]
name = {name}

[connection]
{url}

[state]
backend = "local"
path = ".pgplan/state.json"

# A group that may read, and someone in it who may log in.
[role.{prefix}reader]
comment = "May read the schema {prefix}app"

[role.{prefix}alice]
login = true
member_of = ["{prefix}reader"]

[schema.{prefix}app]
comment = "Made by pgplan init"

[[grant]]
to = "{prefix}reader"
on = {{ schema = "{prefix}app" }}
privileges = ["USAGE"]
"""

_IGNORE = """\
# State, embedded server and saved plans stay out of version control.
.pgplan/
plan.bin
"""


def configured(directory: Path) -> None:
    """Raise ConfigurationError when `directory` already holds a configuration."""
    present = sorted(
        path.name for path in directory.glob("*.toml") if path.name == "pgplan.toml" or path.name.endswith(".pgplan.toml")
    )
    if present:
        hint = "nothing was written; `pgplan plan` uses what is there"
        raise ConfigurationError(Problem(f"{directory} already holds a configuration: {', '.join(present)}", hint=hint))


def has_password(url: str) -> bool:
    """Whether a connection string, as a URL or as keywords, holds a password. What cannot be read counts as holding one."""
    try:
        return "password" in conninfo_to_dict(url) if url not in ("", "embedded") and "${" not in url else False
    except psycopg.ProgrammingError:
        return True


def write_project(directory: Path, name: str, url: str) -> list[Path]:
    """Write a configuration called `name` into `directory`, without overwriting anything; return the files written.

    `url` is what stands at [connection].url; "" leaves the connection to libpq's environment.
    Raises ConfigurationError when the directory already holds a configuration, or cannot be written.
    """
    configured(directory)
    connection = f"url = {quoted(url)}" if url else "# libpq's own environment: PGHOST, PGDATABASE, PGUSER, PGSERVICE, ~/.pgpass"
    texts = {
        "pgplan.toml": _CONFIGURATION.format(name=quoted(name), url=connection, prefix=_prefix(name)),
        ".gitignore": _IGNORE,
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return [directory / file for file, text in texts.items() if _write_new(directory / file, text)]
    except OSError as error:
        raise ConfigurationError(Problem(f"cannot write to {directory}: {error.strerror}")) from None


def _prefix(name: str) -> str:
    """Roles belong to the whole cluster: example names start with the project's, as far as it makes a plain name."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower()).strip("_")[:40]
    return f"{plain}_" if plain else ""


def _write_new(path: Path, text: str) -> bool:
    """Create a file that is not there yet; leave the one that is."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
