"""Reading and planning where a million and a half privileges stand in a few access lists.

    python -m tests.benchmarks.access_lists [--schemas 49] [--tables 1000] [--roles 32] [--exceptions 8]

Makes `schemas` times `tables` tables, grants SELECT on all of them to every role, and something else on a few. Prints CPU seconds
and peak memory of reading the tables, of a plan that has nothing to do, and of psql reading the same. Asserts nothing: machines
differ.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from pgplan.configuration.model import Connection
from pgplan.database.connection import connect, facts
from pgplan.registry import installed
from pgplan.secret import Secret
from tests.project import PGPLAN
from tests.servers import Server, binaries

PSQL = str(binaries()[18] / "psql")
READ = "--read"


def configuration(schemas: int, roles: int) -> str:
    """SELECT on every table of each schema, for every role."""
    lines = ['[pgplan]\nname = "bench"\n[connection]\nurl = "${env.DATABASE_URL}"']
    to = ", ".join(f'"r{i}"' for i in range(roles))
    lines += [f'[[grant]]\nto = [{to}]\non = {{ tables_in = "s{i}" }}\nprivileges = ["SELECT"]' for i in range(schemas)]
    return "\n".join(lines)


def fill(server: Server, schemas: int, tables: int, roles: int, exceptions: int) -> None:
    everybody = ", ".join(f"r{i}" for i in range(roles))
    server.execute(f"DO $$ BEGIN FOR i IN 0..{roles - 1} LOOP EXECUTE format('CREATE ROLE r%s', i); END LOOP; END $$")
    for schema in range(schemas):
        make = f"EXECUTE format('CREATE TABLE s{schema}.t%s (a int, b text, c int)', i)"
        server.execute(
            f"CREATE SCHEMA s{schema}",
            f"DO $$ BEGIN FOR i IN 1..{tables} LOOP {make}; END LOOP; END $$",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA s{schema} TO {everybody}",
        )
    for i in range(exceptions):
        privilege = ("INSERT", "UPDATE", "DELETE")[i // roles % 3]
        server.execute(f"GRANT {privilege} ON s{i % schemas}.t{1 + i // schemas} TO r{i % roles} WITH GRANT OPTION")
    server.execute("ANALYZE")


def lists(server: Server) -> str:
    query = """SELECT count(*), count(DISTINCT relacl::text), sum(cardinality(relacl)) FROM pg_class
                WHERE relkind = 'r' AND relacl IS NOT NULL AND oid >= 16384"""
    tables, different, items = server.rows(query)[0]
    return f"{tables} tables, {different} different lists, {items} items"


def measure(what: str, command: Sequence[str], environment: dict[str, str]) -> None:
    """CPU seconds, and the peak memory of this process alone: each has a parent of its own."""
    script = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, done)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], check=True, env=environment, stdout=subprocess.PIPE, text=True
    )
    seconds, peak, code = done.stdout.split()
    click.echo(f"{what:<40} {float(seconds):7.2f} CPU s  {int(peak):6d} MB{'' if code == '0' else f'  (exit {code})'}")


def read(url: str) -> None:
    """Read all tables, as a plan does, and print what it cost beyond the imports and the connection."""
    registry = installed()
    reader = registry.readers["table"]
    with connect(Connection(url=Secret(url)), Path(), "bench") as session:
        known = facts(session)
        before = resource.getrusage(resource.RUSAGE_SELF)
        rows = session.execute(reader.query(known).encode()).fetchall()
        fetched = resource.getrusage(resource.RUSAGE_SELF)
        found = list(reader.load(rows, known))
        after = resource.getrusage(resource.RUSAGE_SELF)
    fetching, loading = (
        two.ru_utime + two.ru_stime - one.ru_utime - one.ru_stime for one, two in ((before, fetched), (fetched, after))
    )
    different = len({id(one.acl) for one in found})
    grown = (after.ru_maxrss - before.ru_maxrss) // 1024
    click.echo(
        f"  {len(found)} objects, {different} lists: {fetching:.2f} CPU s to fetch, {loading:.2f} to load, {grown} MB", err=True
    )


@click.command()
@click.option("--schemas", default=49)
@click.option("--tables", default=1000, help="Tables in each schema.")
@click.option("--roles", default=32)
@click.option("--exceptions", default=56, help="Tables with a list of their own.")
@click.option("--pgplan", default=PGPLAN, help="The program to measure.")
@click.option(READ, "url", hidden=True)
def main(schemas: int, tables: int, roles: int, exceptions: int, pgplan: str, url: str | None) -> None:
    if url is not None:
        read(url)
        return
    server = Server(18).create()
    try:
        fill(server, schemas, tables, roles, exceptions)
        click.echo(lists(server))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        environment["DATABASE_URL"] = server.url()
        query = installed().readers["table"].query
        with connect(Connection(url=Secret(server.url())), Path(), "bench") as session:
            text = query(facts(session))
        measure("psql, the reader's query", [PSQL, "-X", "-c", text, server.url()], environment)
        exploded = "SELECT oid::regclass, e.* FROM pg_class, aclexplode(relacl) AS e WHERE relkind = 'r'"
        measure("psql, every item", [PSQL, "-X", "-c", exploded, server.url()], environment)
        measure("reading the tables", [sys.executable, "-m", "tests.benchmarks.access_lists", READ, server.url()], environment)
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "pgplan.toml").write_text(configuration(schemas, roles))
            measure("first plan", [pgplan, "-C", directory, "plan"], environment)
            measure("apply", [pgplan, "-C", directory, "apply", "--yes"], environment)
            measure("no-op plan", [pgplan, "-C", directory, "plan"], environment)
    finally:
        server.destroy()


if __name__ == "__main__":
    main()
