"""Connections: pinned settings, roles, facts, and refusals that show no password."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgplan.configuration.model import Connection
from pgplan.database.connection import PINS, Session, acting_as, connect, facts, pin_local, refuse_recovery
from pgplan.errors import PgplanError
from pgplan.kind import Facts
from pgplan.secret import Secret
from tests.database.conftest import Connect
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

PASSWORD = "hunter2 %"


def value(session: Session, setting: str) -> str:
    row = session.execute("SELECT current_setting(%s) AS v", (setting,)).fetchone()
    assert row is not None
    return str(row["v"])


def refusal(settings: Connection, directory: Path) -> str:
    with pytest.raises(PgplanError) as caught:
        connect(settings, directory, "test")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.fixture
def awkward(server: Server, database: str, unique: str) -> str:
    """The URL of a login role whose own settings are the opposite of what pgplan needs."""
    role = f"{unique}_awkward"
    opposite = {
        "standard_conforming_strings": "off",
        "client_min_messages": "error",
        "DateStyle": "German",
        "TimeZone": "'Asia/Tokyo'",
        "search_path": "evil, pg_catalog",
        "IntervalStyle": "iso_8601",
        "bytea_output": "escape",
        "extra_float_digits": "-1",
        "default_transaction_read_only": "on",
        "default_transaction_isolation": "serializable",
    }
    server.execute(f"CREATE ROLE {role} LOGIN", *(f"ALTER ROLE {role} SET {k} = {v}" for k, v in opposite.items()))
    return database.replace("postgres@", f"{role}@")


def test_every_transaction_is_pinned(awkward: str, session: Connect) -> None:
    opened = session(awkward)
    for _ in range(2):
        pin_local(opened)
        for name, pinned in PINS.items():
            assert value(opened, name) == pinned
        assert value(opened, "transaction_read_only") == "off"
        assert value(opened, "transaction_isolation") == "read committed"
        opened.rollback()


def test_nothing_is_set_beyond_the_transaction(awkward: str, session: Connect) -> None:
    """Behind pgbouncer in transaction mode the next client would get it."""
    opened = session(awkward, settings={"lock_timeout": "3s"})
    pin_local(opened)
    opened.commit()
    assert value(opened, "search_path") == "evil, pg_catalog"
    assert value(opened, "lock_timeout") == "0"


def test_a_search_path_of_others_cannot_get_between(server: Server, awkward: str, session: Connect) -> None:
    """Functions and operators of a schema before pg_catalog must not run under pgplan."""
    name = conninfo_to_dict(awkward)["dbname"]
    assert isinstance(name, str)
    server.execute(
        "CREATE SCHEMA evil",
        "GRANT USAGE ON SCHEMA evil TO PUBLIC",
        "CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'evil'; END $$",
        "CREATE FUNCTION evil.eq(name, name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'evil'; END $$",
        "CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.eq)",
        database=name,
    )
    with psycopg.connect(awkward) as plain, pytest.raises(psycopg.errors.RaiseException):
        plain.execute("SELECT 'a'::name = 'a'::name")
    opened = session(awkward, settings={"lock_timeout": "3s"})
    pin_local(opened)
    assert facts(opened).role.endswith("awkward")


def test_messages_are_english_where_a_superuser_connects(database: str, session: Connect) -> None:
    opened = session(database)
    pin_local(opened)
    assert value(opened, "lc_messages") == "C"


def test_settings_and_role_of_the_connection(server: Server, database: str, unique: str, session: Connect) -> None:
    role = f"{unique}_deployer"
    server.execute(f"CREATE ROLE {role} NOLOGIN", f"ALTER ROLE {role} SET search_path = evil")
    opened = session(database, role=role, settings={"lock_timeout": "3s"})
    pin_local(opened)
    assert (value(opened, "role"), value(opened, "lock_timeout"), value(opened, "search_path")) == (role, "3s", "pg_catalog")
    seen = facts(opened)
    assert (seen.role, seen.session_role, seen.superuser) == (role, "postgres", False)
    assert value(opened, "application_name") == "pgplan test"


def test_acting_as_another_role_and_back(server: Server, database: str, unique: str, session: Connect) -> None:
    one, two = f"{unique}_one", f"{unique}_two"
    server.execute(f"CREATE ROLE {one}", f"CREATE ROLE {two}", f"GRANT {two} TO {one}")
    opened = session(database, role=one)
    pin_local(opened)
    with acting_as(opened, two):
        assert value(opened, "role") == two
        with acting_as(opened, ""):
            assert value(opened, "role") == two
    assert value(opened, "role") == one


def test_facts_are_the_same_for_a_role_without_rights(server: Server, database: str, unique: str, session: Connect) -> None:
    role = f"{unique}_plain"
    server.execute(f"CREATE ROLE {role} LOGIN CREATEROLE")
    mine, theirs = facts(session(database)), facts(session(database.replace("postgres@", f"{role}@")))
    for name in ("version", "system_identifier", "timeline", "database", "database_oid"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert (mine.version // 10000, mine.timeline, theirs.role, theirs.superuser) == (server.version, 1, role, False)
    assert mine.system_identifier == server.rows("SELECT system_identifier::text FROM pg_control_system()")[0][0]


def test_a_promotion_shows_at_once_in_the_timeline(server: Server, session: Connect) -> None:
    standby = Server(server.version, settings={"checkpoint_timeout": "1h"}).create()
    try:
        standby.stop()
        (standby.directory / "data" / "standby.signal").touch()
        standby.start()
        opened = session(standby.url())
        opened.read_only = True
        seen = facts(opened)
        assert seen.timeline == 1
        assert seen.lsn
        with pytest.raises(PgplanError, match="standby"):
            refuse_recovery(opened)
        opened.rollback()
        opened.read_only = False
        with pytest.raises(PgplanError, match="standby"):
            pin_local(opened)
        opened.rollback()
        standby.execute("SELECT pg_promote()")
        assert facts(opened).timeline == 2
        refuse_recovery(opened)
    finally:
        standby.destroy()


def test_refusals(server: Server, database: str, unique: str, tmp_path: Path) -> None:
    role = f"{unique}_nobody"
    server.execute(f"CREATE ROLE {role} LOGIN", f"CREATE ROLE {unique}_target")
    plain = database.replace("postgres@", f"{role}@")
    cases = {
        "no server answers": Connection(url=f"host={tmp_path} password='{PASSWORD}'"),
        "create the database first": Connection(url=server.url("not_there")),
        "name an existing role": Connection(url=database.replace("postgres@", "not_there@")),
        "percent-encoded": Connection(url=f"postgresql://u:{PASSWORD}@:0x/db"),
        f"cannot SET ROLE to {unique}_target": Connection(url=plain, role=f"{unique}_target"),
        f'[[membership]] with role = "{unique}_target", member = "{role}"': Connection(url=plain, role=f"{unique}_target"),
        "no such host name: no-such-host.invalid\n  check the host": Connection(url="postgresql://u@no-such-host.invalid/x"),
        "cannot SET ROLE to not_there": Connection(url=database, role="not_there"),
        "refuses connection.settings": Connection(url=database, settings={"lock_timeout": "soon"}),
        "unrecognized configuration parameter": Connection(url=database, settings={"lok_timeout": "1s"}),
        "permission denied to set parameter": Connection(url=plain, settings={"log_statement": "none"}),
        "pgplan sets TimeZone itself": Connection(url=database, settings={"TimeZone": "UTC"}),
    }
    for expected, settings in cases.items():
        text = refusal(settings, tmp_path)
        assert expected in text
        assert "hunter2" not in text


def test_a_url_that_is_not_known_here(tmp_path: Path) -> None:
    with pytest.raises(PgplanError, match=r"\$\{var\.url\}"):
        connect(Connection(url=Secret(None, "${var.url}")), tmp_path, "test")


def test_a_wrong_password_is_not_shown(tmp_path: Path, server: Server) -> None:
    """In a server that asks for one. The password stands in the URL, or beside it."""
    asking = Server(server.version).create()
    try:
        asking.execute("CREATE ROLE alice LOGIN PASSWORD 'right'")
        (asking.directory / "data" / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        asking.execute("SELECT pg_reload_conf()")
        url = asking.url(user="alice")
        for settings in (
            Connection(url=Secret(url.replace("alice@", "alice:hunter2%25@"), "${env.URL}")),
            Connection(url=url, password=Secret("hunter2%", "${env.PASSWORD}")),
        ):
            text = refusal(settings, tmp_path)
            assert "password authentication failed" in text
            assert "check user and password" in text
            assert "hunter2" not in text
        assert "no password supplied" in refusal(Connection(url=url), tmp_path)
        with connect(Connection(url=url, password=Secret("right", "${env.PASSWORD}")), tmp_path, "test") as opened:
            assert facts(opened).role == "alice"
    finally:
        asking.destroy()


def test_facts_have_a_position_in_the_wal(database: str, session: Connect) -> None:
    opened = session(database)
    seen: Facts = facts(opened)
    later = opened.execute("SELECT pg_current_wal_insert_lsn() >= %s::pg_lsn AS later", (seen.lsn,)).fetchone()
    assert later == {"later": True}
