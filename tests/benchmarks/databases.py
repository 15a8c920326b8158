"""One configuration over many databases of one cluster: plan, apply, kill -9 between two commits, and the run that finishes it.

    python -m tests.benchmarks.databases [--databases 200]

Beside it psql does the same in each database. Prints wall-clock seconds, and the greatest number of connections at a time.
Asserts that the killed run is finished by the next one, and nothing of time: machines differ.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

import click

from tests.benchmarks.commands import PSQL, run
from tests.project import PGPLAN
from tests.servers import Server

BLOCKS = """
[role.reader]
[schema.app]
database = "tenant_*"
owner = "reader"
[[grant]]
to = "reader"
on = { schema = "public" }
privileges = ["CREATE"]
database = "tenant_*"
"""
SQL = 'CREATE SCHEMA by_psql AUTHORIZATION "reader"; GRANT CREATE ON SCHEMA public TO reader'


def _connections(server: Server, done: Event, greatest: list[int]) -> None:
    while not done.wait(0.05):
        ((count,),) = server.rows("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgplan%'")
        greatest[0] = max(greatest[0], count)


def _recorded(state: Path) -> int:
    return state.read_text().count('{"address": "schema.app@') if state.exists() else 0


def _killed(command: list[str], environment: dict[str, str], databases: int) -> None:
    """Kill a run when about half of the databases are committed."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = Path(environment["STATE"])
    while process.poll() is None and (_recorded(state) < databases // 2):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    click.echo(f"killed with {_recorded(state)} of {databases} databases recorded")


def _has_all(server: Server, databases: int) -> bool:
    query = "SELECT FROM pg_namespace WHERE nspname = 'app'"
    return all(server.rows(query, f"tenant_{number}") for number in range(databases))


@click.command()
@click.option("--databases", default=200, show_default=True)
def main(databases: int) -> None:
    server = Server(18).create()
    try:
        server.execute(*(f"CREATE DATABASE tenant_{number} STRATEGY file_copy" for number in range(databases)))
        with tempfile.TemporaryDirectory() as directory:
            _measure(server, Path(directory), databases)
    finally:
        server.destroy()


def _measure(server: Server, directory: Path, databases: int) -> None:
    text = '[pgplan]\nname = "bench"\n[connection]\nurl = "${env.DATABASE_URL}"\n' + BLOCKS
    (directory / "pgplan.toml").write_text(text)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment |= {"DATABASE_URL": server.url(), "STATE": str(directory / ".pgplan" / "state.json")}
    pgplan = [PGPLAN, "-C", str(directory)]
    done, greatest = Event(), [0]
    watch = Thread(target=_connections, args=(server, done, greatest))
    watch.start()
    click.echo(f"first plan                {run([*pgplan, 'plan', '--out', str(directory / 'plan.bin')], environment):7.2f} s")
    _killed([*pgplan, "apply", str(directory / "plan.bin")], environment, databases)
    click.echo(f"apply, the rest           {run([*pgplan, 'apply', str(directory / 'plan.bin')], environment):7.2f} s")
    assert _has_all(server, databases)
    click.echo(f"plan, nothing to do       {run([*pgplan, 'plan', '--detailed-exitcode'], environment):7.2f} s")
    started = time.perf_counter()
    for number in range(databases):
        subprocess.run([PSQL, "-qX", server.url(f"tenant_{number}"), "-c", SQL], check=True, env=environment)
    click.echo(f"psql, one database after the other {time.perf_counter() - started:7.2f} s")
    (directory / "pgplan.toml").write_text(text.replace("[schema.app]", '[schema.app]\ncomment = "all of it"'))
    click.echo(f"plan and apply of another change   {run([*pgplan, 'apply', '--yes'], environment):7.2f} s")
    done.set()
    watch.join()
    click.echo(f"connections at a time     {greatest[0]:4}")


if __name__ == "__main__":
    main()
