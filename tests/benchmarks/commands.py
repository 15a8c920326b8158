"""Whole processes of pgplan, beside psql doing the same work on the same server in the same run.

    python -m tests.benchmarks.commands [--objects 10000] [--runs 5]

Prints medians of wall-clock seconds, and the peak memory of pgplan. Asserts nothing: machines differ.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from tests.project import PGPLAN
from tests.servers import Server, binaries

PSQL = str(binaries()[18] / "psql")
CATALOGS = "SELECT * FROM pg_roles; SELECT nspname, aclexplode(nspacl) FROM pg_namespace; SELECT * FROM pg_auth_members"


def configuration(roles: int, schemas: int) -> str:
    lines = ['[pgplan]\nname = "bench"\n[connection]\nurl = "${env.DATABASE_URL}"']
    lines += [f"[schema.s{i}]" for i in range(schemas)]
    for i in range(roles):
        lines.append(f"[role.r{i}]\nlogin = true")
        lines.append(f'[[grant]]\nto = "r{i}"\non = {{ schema = "s{i % schemas}" }}\nprivileges = ["USAGE"]')
    return "\n".join(lines)


def run(command: Sequence[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def median(runs: int, once: Callable[[], float]) -> str:
    times = [once() for _ in range(runs)]
    return f"{statistics.median(times):7.3f} s  ({min(times):.3f} to {max(times):.3f})"


def _project(server: Server, directory: Path, roles: int, schemas: int) -> tuple[list[str], dict[str, str]]:
    directory.mkdir()
    (directory / "pgplan.toml").write_text(configuration(roles, schemas))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return [PGPLAN, "-C", str(directory)], {**environment, "DATABASE_URL": server.url()}


def _small(server: Server, directory: Path, runs: int) -> None:
    pgplan, environment = _project(server, directory, 20, 10)
    run([*pgplan, "apply", "--yes"], environment)
    click.echo(f"python -c pass              {median(runs, lambda: run(['python3', '-c', 'pass'], environment))}")
    click.echo(f"pgplan --version            {median(runs, lambda: run([PGPLAN, '--version'], environment))}")
    click.echo(f"validate, 50 objects        {median(runs, lambda: run([*pgplan, 'validate'], environment))}")
    click.echo(f"no-op plan, 50 objects      {median(runs, lambda: run([*pgplan, 'plan'], environment))}")
    psql = [PSQL, "-X", "-c", CATALOGS, server.url()]
    click.echo(f"psql reading these catalogs {median(runs, lambda: run(psql, environment))}")
    run([*pgplan, "destroy", "--yes"], environment)


def _large(server: Server, directory: Path, objects: int, runs: int) -> None:
    pgplan, environment = _project(server, directory, objects, 50)
    plan = str(directory / "plan.bin")
    click.echo(f"first plan                  {median(1, lambda: run([*pgplan, 'plan', '--out', plan], environment))}")
    shown = subprocess.run([PGPLAN, "show", plan, "--format", "sql"], check=True, stdout=subprocess.PIPE, text=True).stdout
    script = directory / "plan.sql"
    script.write_text(shown.replace("BEGIN;", "").replace("COMMIT;", ""))
    click.echo(f"apply                       {median(1, lambda: run([*pgplan, 'apply', plan], environment))}")
    click.echo(f"no-op plan                  {median(runs, lambda: run([*pgplan, 'plan'], environment))}")
    click.echo(
        f"psql reading these catalogs {median(runs, lambda: run([PSQL, '-X', '-c', CATALOGS, server.url()], environment))}"
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    click.echo(f"largest process             {peak:7d} MB")
    other = Server(18, settings=server.settings, durable=True).create()
    psql = [PSQL, "-X", "-q", "-1", "-f", str(script), other.url()]
    click.echo(f"psql -1 -f, the same SQL    {median(1, lambda: run(psql, environment))}")
    other.destroy()


@click.command()
@click.option("--objects", default=10_000, help="Roles, and grants, of the large configuration.")
@click.option("--runs", default=5)
def main(objects: int, runs: int) -> None:
    # CREATE ROLE takes a lock that lasts until the end of the transaction: the default has room for some 9,000.
    server = Server(18, settings={"max_locks_per_transaction": "1024"}, durable=True).create()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _small(server, Path(scratch) / "small", runs)
            click.echo(f"\n{objects} roles and {objects} grants")
            _large(server, Path(scratch) / "large", objects, runs)
    finally:
        server.destroy()


if __name__ == "__main__":
    main()
