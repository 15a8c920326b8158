"""`pgplan init`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.terminal import can_ask, out, say
from pgplan.scaffold import configured, has_password, write_project

_ENVIRONMENT = "${env.DATABASE_URL}"


@click.command(cls=Command, enters_directory=False, examples=("pgplan init", "pgplan -C billing init --name billing --embedded"))
@click.option("--name", help="Name of the configuration; by default the directory's.")
@click.option("--embedded", is_flag=True, help="Use a private PostgreSQL kept under .pgplan/.")
@click.pass_obj
def command(common: Common, name: str | None, *, embedded: bool) -> None:
    """Write a small configuration to start from, and overwrite nothing.

    Asks on a terminal. Otherwise --name, and --url or --embedded, say what to write; without them the connection is that of
    libpq's environment.
    """
    if embedded and common.url is not None:
        raise click.UsageError("--embedded and --url contradict each other.")
    directory = common.shown(Path())
    configured(directory)
    default = re.sub(r"[^\w.-]+", "-", directory.resolve().name).strip("-") or "main"
    url = "embedded" if embedded else common.url
    if can_ask(common) and (name is None or url is None):
        name, url = _ask(name, url, default)
    if url and has_password(url):
        url = _ENVIRONMENT
        say(common, "The URL holds a password, so it was not written: set it as DATABASE_URL in the environment.")
    written = write_project(directory, name or default, url or "")
    for path in written:
        out(f"Wrote {_short(path)}\n")
    if not any(path.name == ".gitignore" for path in written):
        say(common, "There is a .gitignore already: see that it names .pgplan/ and plan.bin.")
    say(common, "\nNext: `pgplan plan` shows what would be made, `pgplan apply` makes it.")


def _short(path: Path) -> str:
    return str(path if path.parent != Path() else path.name)


def _ask(name: str | None, url: str | None, default: str) -> tuple[str, str]:
    from pgplan.cli.ask import ask, choose  # noqa: PLC0415 - questionary is slow to import

    if name is None:
        name = ask("Name of this configuration:", default)
    if url is None:
        choices = {
            "embedded": "A private PostgreSQL here, to try it out",
            _ENVIRONMENT: "The URL in the environment variable DATABASE_URL",
            "": "libpq's environment: PGHOST, PGDATABASE, PGUSER, ~/.pgpass",
            "url": "A URL that I enter now, without a password",
        }
        url = choose("Which server?", choices)
        if url == "url":
            url = ask("URL:", "postgresql://user@host:5432/database")
    return name, url
