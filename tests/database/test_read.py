"""Snapshots: one moment, one query a reader, and nothing that a plain role may not see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import psycopg
import pytest
from attrs import frozen
from psycopg.pq import TransactionStatus

from pgplan import registry as registries
from pgplan.address import Identity
from pgplan.configuration.model import Connection
from pgplan.database.connection import connect, pin_local
from pgplan.database.read import read, read_now, readers
from pgplan.errors import PgplanError
from pgplan.kind import Facts, Found, Row, Scope, Snapshot
from pgplan.registry import Registry
from tests.database.conftest import Connect
from tests.servers import Server


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registries.installed()


@frozen
class Named:
    """A reader of names, by a query that may take its time in the middle of a read."""

    type: str
    text: str
    scope: Scope = "cluster"
    always: bool = True

    def query(self, facts: Facts) -> str:
        assert facts.version
        return self.text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        assert facts.version
        return [Found(self.type, row["name"], row["oid"], None) for row in rows]


def of(*all_readers: Named) -> Registry:
    return Registry({}, {reader.type: reader for reader in all_readers}, {})


def keys(snapshot: Snapshot, type_: str) -> list[str]:
    return [found.key for found in snapshot.catalog(snapshot.facts.database).of(type_)]


ROLES = "SELECT oid, rolname AS name FROM pg_roles WHERE rolname ~ '^{}_'"


def test_a_snapshot_is_one_moment(server: Server, database: str, unique: str, session: Connect) -> None:
    """The second query changes the roles, from another connection, before the third reads them again."""
    server.execute(f"CREATE ROLE {unique}_gone", f"CREATE ROLE {unique}_old", "CREATE EXTENSION IF NOT EXISTS dblink")
    text = ROLES.format(unique)
    change = f"DROP ROLE {unique}_gone; ALTER ROLE {unique}_old RENAME TO {unique}_new; CREATE ROLE {unique}_came"
    elsewhere = server.url("postgres").replace("'", "''")
    name = database.split("/")[3].split("?", maxsplit=1)[0]
    server.execute("CREATE EXTENSION dblink", database=name)
    interfere = f"SELECT 0::oid AS oid, public.dblink_exec('{elsewhere}', '{change}') AS name"
    three = of(Named("a", text), Named("b", interfere), Named("c", text))
    opened = session(database)
    found = read(opened, three, ())
    assert keys(found, "a") == keys(found, "c") == [f"{unique}_gone", f"{unique}_old"]
    after = read(opened, three.__class__({}, {"a": three.readers["a"]}, {}), ())
    assert keys(after, "a") == [f"{unique}_came", f"{unique}_new"]


def test_read_now_sees_what_was_just_committed(server: Server, database: str, unique: str, session: Connect) -> None:
    roles = of(Named("a", ROLES.format(unique)))
    opened = session(database)
    with pytest.raises(RuntimeError):
        read_now(opened, roles, ())
    pin_local(opened)
    assert keys(read_now(opened, roles, ()), "a") == []
    server.execute(f"CREATE ROLE {unique}_came")
    opened.execute(f"CREATE ROLE {unique}_mine".encode())
    assert keys(read_now(opened, roles, ()), "a") == [f"{unique}_came", f"{unique}_mine"]
    opened.rollback()


def test_reading_changes_nothing_and_leaves_the_connection_idle(database: str, session: Connect) -> None:
    opened = session(database)
    with pytest.raises(PgplanError, match=r"cannot read the catalogs: cannot execute CREATE ROLE in a read-only transaction"):
        read(opened, of(Named("a", "CREATE ROLE must_not_be")), ())
    assert opened.info.transaction_status == TransactionStatus.IDLE
    pin_local(opened)
    assert opened.execute("SHOW transaction_read_only").fetchone() == {"transaction_read_only": "off"}
    with pytest.raises(RuntimeError):
        read(opened, of(), ())


def test_two_objects_with_one_key_are_not_lost(database: str, session: Connect) -> None:
    twice = Named("a", "SELECT i AS oid, 'x' AS name FROM generate_series(1, 2) AS i")
    with pytest.raises(RuntimeError, match="two objects"):
        read(session(database), of(twice), ())


def test_what_the_cluster_shares_and_what_a_database_holds_are_kept_apart(
    server: Server, database: str, session: Connect
) -> None:
    text = "SELECT 5::oid AS oid, 'x' AS name"
    found = read(session(database), of(Named("a", text), Named("b", text, scope="database")), ())
    name = found.facts.database
    assert [identity for identity, _ in found.objects()] == [Identity("a", "x"), Identity("b", "x", name)]
    assert found.get(Identity("b", "x")) is None
    assert server.rows(f"SELECT oid::int8 FROM pg_database WHERE datname = '{name}'") == [(found.facts.database_oid,)]


@frozen
class Implying(Named):
    """A list that no row means something for."""

    def implied(self, key: str, facts: Facts) -> Found | None:
        assert facts.version
        return Found(self.type, key, 0, None) if key != "none" else None

    def unheeded(self, key: str, forbidden: object, after: object) -> Iterable[tuple[str, str]]:
        return ()


def test_what_it_means_that_there_is_no_row(database: str, session: Connect) -> None:
    found = read(session(database), of(Implying("a", "SELECT 5::oid AS oid, 'x' AS name")), ())
    oids = [one.oid if (one := found.get(Identity("a", key))) else None for key in ("x", "y", "none")]
    assert oids == [5, 0, None]


def test_readers_of_a_run(registry: Registry) -> None:
    few, all_of_them = readers(registry, ()), readers(registry, registry.readers)
    assert {reader.type for reader in few} == {name for name, reader in registry.readers.items() if reader.always}
    assert [reader.type for reader in all_of_them] == sorted(registry.readers)
    assert readers(registry, ["no such type"]) == few


def test_a_plain_role_reads_what_a_superuser_reads(
    server: Server, database: str, unique: str, session: Connect, registry: Registry
) -> None:
    """Every object of every type is found, and none is known by another name."""
    role = f"{unique}_plain"
    name = database.split("/")[3].split("?", maxsplit=1)[0]
    server.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'",
        "CREATE SCHEMA hidden CREATE TABLE t (i int)",
        "REVOKE ALL ON SCHEMA hidden, public FROM PUBLIC",
        "CREATE EXTENSION postgres_fdw SCHEMA hidden",
        "CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h')",
        "CREATE USER MAPPING FOR PUBLIC SERVER s1 OPTIONS (user 'u')",
        "CREATE FUNCTION hidden.f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO {role}",
        database=name,
    )
    mine = read(session(database), registry, registry.readers)
    theirs = read(session(database.replace("postgres@", f"{role}@")), registry, registry.readers)
    seen = dict(theirs.objects())
    # What pg_settings has is shown in part to members of pg_read_all_settings only; what follows, tests of settings say.
    missing = {identity for identity, _ in mine.objects()} - seen.keys()
    assert {identity.type for identity in missing} <= {"parameter", "setting"}
    shown = {row for (row,) in server.rows("SELECT lower(name) FROM pg_settings", user=role)}
    assert not {identity.key for identity in missing} & shown
    assert Identity("server", "s1", name) in seen
    for identity, found in mine.objects():
        if identity in missing:
            continue
        assert seen[identity].oid == found.oid
        assert seen[identity].acl.privileges == found.acl.privileges


def test_the_number_of_queries_does_not_depend_on_the_number_of_objects(
    loud: Server, loud_database: str, unique: str, registry: Registry, tmp_path: Path
) -> None:
    def statements() -> int:
        before = len(re.findall(r"execute <unnamed>|LOG: .*statement:", loud.log.read_text()))
        with connect(Connection(url=loud.url(loud_database)), tmp_path, "count") as opened:
            read(opened, registry, registry.readers)
        return len(re.findall(r"execute <unnamed>|LOG: .*statement:", loud.log.read_text())) - before

    few = statements()
    loud.execute(
        f"DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE ROLE {unique}_%s', i);"
        " EXECUTE format('CREATE TABLE public.t%s (i int)', i);"
        f" EXECUTE format('GRANT SELECT ON public.t%s TO {unique}_%s', i, i);"
        f" EXECUTE format('CREATE USER MAPPING FOR {unique}_%s SERVER s1', i); END LOOP; END $$",
        database=loud_database,
    )
    assert statements() == few
    assert few >= len(registry.readers)


def test_a_refused_query_is_told_without_its_text(database: str, session: Connect) -> None:
    with pytest.raises(PgplanError) as caught:
        read(session(database), of(Named("a", "SELECT no_such FROM pg_roles WHERE 'quoted' = ''")), ())
    assert "42703" in str(caught.value)
    assert "quoted" not in str(caught.value)
    assert not isinstance(caught.value, psycopg.Error)
