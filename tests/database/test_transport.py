"""The promise of secret transport, against a server that logs all it can: the secret is not in its log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from attrs import frozen
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row

from pgplan import sql
from pgplan.address import Identity
from pgplan.database.connection import Session, pin_local
from pgplan.database.read import read
from pgplan.database.scrub import server_error
from pgplan.database.transport import COPY, QUIET, Channel, open_channel, problems, warnings
from pgplan.errors import PgplanError
from pgplan.kind import SecretUse, Statement
from pgplan.registry import installed
from pgplan.secret import Secret
from tests.database.conftest import Connect
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

ADDRESS = "user_mapping.s1/app"
USE = SecretUse("options.password", "private", command="ALTER USER MAPPING")
COMMANDS = [USE.command]


@frozen
class Case:
    """A loud server, a fresh database in it, and a session of someone who may change the mappings of its servers."""

    server: Server
    database: str
    role: str
    session: Session
    secret: str
    """Holds what needs quoting; the part before the first blank does not, and is what the log is searched for."""

    @property
    def needle(self) -> str:
        return self.secret.split(" ")[0]

    @property
    def superuser(self) -> bool:
        return self.role == "postgres"

    def statements(self, *texts: str, server: str = "s1") -> list[Statement]:
        names = {"mapping": f"USER MAPPING FOR {self.role} SERVER {server}"}
        filled = [text.format(**names) for text in texts]
        return [Statement(text, USE if ":'" in text else None) for text in filled]

    def run(self, statements: Sequence[Statement], *before: str) -> None:
        """One transaction, as apply makes it."""
        pin_local(self.session)
        channel = open_channel(self.session, [(ADDRESS, USE, Secret(self.secret, "${var.p}"))])
        for text in before:
            self.session.execute(text.encode())
        for statement in statements:
            self.session.execute(channel.sql(statement, ADDRESS))
        self.session.commit()

    def fails(self, statements: Sequence[Statement], *before: str) -> psycopg.Error:
        with pytest.raises(psycopg.Error) as caught:
            self.run(statements, *before)
        if caught.value.sqlstate != "57P01":  # killed: what the server sent before its end is only fit to be scrubbed
            assert self.needle not in str(caught.value)
            assert self.needle not in str(caught.value.diag.context)
        assert self.needle not in str(server_error(caught.value, [self.secret]))
        if not self.session.closed:
            self.session.rollback()
        return caught.value

    def options(self, server: str = "s1") -> list[str]:
        query = f"SELECT unnest(umoptions) FROM pg_user_mappings WHERE usename = '{self.role}' AND srvname = '{server}'"
        return [row[0] for row in self.server.rows(query, self.database)]

    def logged(self, text: str) -> bool:
        return text in self.server.log.read_text()


@pytest.fixture(params=["superuser", "server owner"])
def case(request: pytest.FixtureRequest, loud: Server, loud_database: str, unique: str, session: Connect) -> Iterator[Case]:
    role = "postgres"
    if request.param == "server owner":
        role = f"{unique}_owner"
        loud.execute(
            f"CREATE ROLE {role} LOGIN",
            f"GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {role}",
            f"ALTER SERVER s1 OWNER TO {role}",
            database=loud_database,
        )
    opened = session(loud.url(loud_database, role))
    made = Case(loud, loud_database, role, opened, f"s3cr3t{unique}{request.param[0]} 'q' \\ % \n\t\"é")
    yield made
    assert not made.logged(made.needle)
    opened.close()


@pytest.fixture
def slow(case: Case) -> str:
    """A server whose wrapper's validator sleeps for `password` and, for `password_bad`, fails quoting the value."""
    case.server.execute(
        """CREATE FUNCTION check_slowly(options text[], catalog oid) RETURNS void LANGUAGE plpgsql AS $$
           BEGIN
             IF options::text LIKE '%password_bad=%' THEN
               RAISE EXCEPTION 'do not like %', options[1] USING DETAIL = options[1], HINT = options[1], ERRCODE = 'HV00D';
             ELSIF options::text LIKE '%password=%' THEN
               PERFORM pg_sleep(20);
             END IF;
           END $$""",
        "CREATE FOREIGN DATA WRAPPER slow VALIDATOR check_slowly",
        "CREATE SERVER slow FOREIGN DATA WRAPPER slow",
        f'ALTER SERVER slow OWNER TO "{case.role}"' if not case.superuser else "SELECT 1",
        f"CREATE USER MAPPING FOR {case.role} SERVER slow",
        database=case.database,
    )
    return "slow"


CREATE = ("CREATE {mapping} OPTIONS (user 'u')", "ALTER {mapping} OPTIONS (ADD password :'options.password')")
CHANGE = ("ALTER {mapping} OPTIONS (DROP password)", CREATE[1])


def test_success(case: Case) -> None:
    case.run(case.statements(*CREATE))
    assert case.options() == ["user=u", f"password={case.secret}"] or not case.superuser
    case.run(case.statements(*CHANGE))
    found = case.server.rows("SELECT umoptions FROM pg_user_mapping", case.database)
    assert found == [(["user=u", f"password={case.secret}"],)]
    # What is shown of it in the log is the block, as often as the role could not switch that off.
    assert case.logged("OPTIONS (ADD password %L)") or case.superuser


def test_a_literal_would_be_logged(loud: Server, loud_database: str, unique: str) -> None:
    """Otherwise the other tests could not fail."""
    text = f"literal{unique}"
    loud.execute(f"CREATE USER MAPPING FOR PUBLIC SERVER s1 OPTIONS (password '{text}')", database=loud_database)
    assert text in loud.log.read_text()


def test_server_error(case: Case) -> None:
    case.run(case.statements(*CREATE))
    error = case.fails(case.statements(CREATE[1]))
    assert error.diag.message_primary == 'option "password" provided more than once'
    assert error.sqlstate == "42710"


def test_an_error_that_quotes_the_secret(case: Case, slow: str) -> None:
    error = case.fails(case.statements("ALTER {mapping} OPTIONS (ADD password_bad :'options.password')", server=slow))
    assert error.sqlstate == "HV00D"
    expected = "password_bad=(sensitive)"
    assert (error.diag.message_primary, error.diag.message_detail) == (f"do not like {expected}", expected)
    assert error.diag.message_hint == expected


def test_statement_timeout(case: Case, slow: str) -> None:
    error = case.fails(case.statements(CREATE[1], server=slow), "SET LOCAL statement_timeout = '300ms'")
    assert error.sqlstate == "57014"


def asleep(case: Case) -> tuple[int, str]:
    """Process and statement of the session, once it sleeps in the validator."""
    query = "SELECT pid, query FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = '{}'"
    for _ in range(100):
        found = case.server.rows(query.format(case.database))
        if found:
            return found[0][0], found[0][1]
        time.sleep(0.05)
    raise AssertionError("nobody sleeps")


def while_asleep(case: Case, action: str) -> threading.Thread:
    """`action` on the session's process, in a thread of its own; and nobody sees the secret as it sleeps."""
    seen: list[str] = []

    def act() -> None:
        pid, query = asleep(case)
        seen.append(query)
        case.server.execute(f"SELECT {action}({pid})")

    thread = threading.Thread(target=act)
    thread.start()
    case_fails = case.fails(case.statements(CREATE[1], server="slow"))
    thread.join()
    assert case.needle not in seen[0]
    assert "pgplan_value" in seen[0]
    assert case_fails.sqlstate in ("57014", "57P01", None)
    return thread


def test_pg_cancel_backend(case: Case, slow: str) -> None:
    assert slow
    while_asleep(case, "pg_cancel_backend")
    assert case.session.info.transaction_status == TransactionStatus.IDLE


def test_pg_terminate_backend(case: Case, slow: str) -> None:
    """A backend that is killed in the middle quotes the statement, unless it could be told to be terse."""
    if not case.superuser:
        pytest.skip("a documented exposure: only a superuser may set log_error_verbosity")
    assert slow
    while_asleep(case, "pg_terminate_backend")


def set_user(connection: psycopg.Connection[tuple[Any, ...]], role: str) -> None:
    alter = sql.SQL("ALTER USER MAPPING FOR {} SERVER s1 OPTIONS (SET user 'v')").format(sql.Identifier(role))
    connection.execute(alter.text.encode())


def test_lock_wait(case: Case) -> None:
    """Someone else has the mapping: the statement that waits, and is logged as waiting, is the one without the secret."""
    case.run(case.statements(*CREATE))
    other = psycopg.connect(case.server.url(case.database))
    set_user(other, case.role)
    release = threading.Timer(0.5, other.close)
    before = case.server.log.read_text().count("still waiting for")
    release.start()
    case.run(case.statements(*CHANGE))
    release.join()
    waited = case.server.log.read_text().count("still waiting for") > before
    assert waited != case.superuser


def cancelled(case: Case, command: bytes, value: str) -> str:
    """Start the COPY, let the timeout strike before the rows are there; return the context of the error."""
    pin_local(case.session)
    open_channel(case.session, [(ADDRESS, USE, Secret("x", ""))])
    case.session.execute("SET LOCAL statement_timeout = '100ms'")
    try:
        with case.session.cursor() as cursor, cursor.copy(command) as copy:
            copy.set_types(["int4", "text"])
            time.sleep(0.3)
            copy.write_row((2, value))
            copy.write_row((3, value))
    except psycopg.errors.QueryCanceled as error:
        return error.diag.context or ""
    finally:
        case.session.rollback()
    raise AssertionError("the timeout did not strike")


def test_the_statements_of_the_kind(case: Case) -> None:
    """As the provider composes them, with someone else at the mapping: the secret is made, changed, and joined by another."""
    registry = installed()
    kind = registry.object_kind("user_mapping")
    key = f"s1/{case.role}"

    def apply(statements: Sequence[Statement]) -> None:
        uses = {s.secret.slot: s.secret for s in statements if s.secret is not None}
        secret = Secret(case.secret, "${var.p}")
        pin_local(case.session)
        channel = open_channel(case.session, [(ADDRESS, use, secret) for use in uses.values()])
        for one in statements:
            case.session.execute(channel.sql(one, ADDRESS))
        case.session.commit()

    def spec(**options: str | Secret) -> object:
        return kind.spec("s1", case.role, {"user": "u", **options})

    password = Secret(case.secret, "${var.p}")
    apply(kind.create(spec(password=password)))
    for wanted, slots in (
        (spec(password=password), ["options.password"]),
        (spec(password=password, sslpassword=password), ["options.sslpassword"]),
    ):
        found = read(case.session, registry, ["user_mapping"]).get(Identity("user_mapping", key, case.database))
        assert found is not None
        other = psycopg.connect(case.server.url(case.database))
        set_user(other, case.role)
        release = threading.Timer(0.3, other.close)
        release.start()
        apply(kind.alter(found, wanted, ["options"], slots))
        release.join()
    stored = case.server.rows("SELECT umoptions FROM pg_user_mapping", case.database)[0][0]
    assert sorted(stored) == [f"password={case.secret}", f"sslpassword={case.secret}", "user=u"]


def test_a_cancel_in_the_middle_of_the_copy(case: Case) -> None:
    """A text COPY would quote the row."""
    assert case.needle not in cancelled(case, COPY, case.secret)
    assert "shown" in cancelled(case, COPY.replace(b"binary", b"text"), "shown")


def test_what_a_superuser_switches_off_comes_back(case: Case) -> None:
    case.run(case.statements(*CREATE))
    query = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s) ORDER BY name"
    with psycopg.connect(case.server.url(case.database)) as fresh:
        assert case.session.cursor(row_factory=tuple_row).execute(query, (list(QUIET),)).fetchall() == (
            fresh.execute(query, (list(QUIET),)).fetchall()
        )
    case.session.rollback()


def test_no_view_records_it_of_a_superuser(case: Case) -> None:
    """pg_stat_statements with track = all does, of others."""
    case.server.execute("CREATE EXTENSION pg_stat_statements", database=case.database)
    case.server.execute(f"ALTER DATABASE {case.database} SET pg_stat_statements.track = 'all'")
    opened = Session.connect(case.server.url(case.database, case.role), row_factory=dict_row, prepare_threshold=None)
    with opened:
        told = warnings(opened, COMMANDS)
        assert any("pg_stat_statements.track is all" in text for text in told) != case.superuser
        opened.rollback()
        Case(case.server, case.database, case.role, opened, case.secret).run(case.statements(*CREATE))
    if case.superuser:
        recorded = case.server.rows("SELECT query FROM pg_stat_statements", case.database)
        assert recorded
        assert not any(case.needle in row[0] for row in recorded)


def test_auto_explain_of_nested_statements(case: Case) -> None:
    """It explains no utility statement; the query that fetches the secret has none in its text, and its result is not shown."""
    case.server.execute(
        f"ALTER DATABASE {case.database} SET auto_explain.log_nested_statements = on",
        f"ALTER DATABASE {case.database} SET auto_explain.log_parameter_max_length = -1"
        if case.server.version >= 16
        else "SELECT",
    )
    opened = Session.connect(case.server.url(case.database, case.role), row_factory=dict_row, prepare_threshold=None)
    with opened:
        Case(case.server, case.database, case.role, opened, case.secret).run(case.statements(*CREATE))
    assert case.logged("Query Text: SELECT s.value ") or case.superuser


def test_what_event_triggers_log_is_warned_of(case: Case) -> None:
    """The server adds the context of a message, in which the inner statement stands; a superuser turns that off."""
    assert warnings(case.session, COMMANDS) == ()
    case.session.rollback()
    case.server.execute(
        "CREATE FUNCTION public.audit() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'audited'; END$$",
        "CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION public.audit()",
        database=case.database,
    )
    told = warnings(case.session, COMMANDS)
    case.session.rollback()
    assert any("event triggers (audit)" in text for text in told) != case.superuser
    case.server.execute("ALTER EVENT TRIGGER audit DISABLE", database=case.database)
    case.server.execute(
        "CREATE EVENT TRIGGER tagged ON ddl_command_end WHEN TAG IN ('ALTER SERVER') EXECUTE FUNCTION public.audit()",
        database=case.database,
    )
    assert warnings(case.session, COMMANDS) == ()
    assert any("event triggers (tagged)" in text for text in warnings(case.session, ["ALTER SERVER"])) != case.superuser
    case.session.rollback()
    case.server.execute("ALTER EVENT TRIGGER audit ENABLE", database=case.database)
    if case.superuser:
        case.run(case.statements(*CREATE))
        assert case.logged("audited")


def test_many_secrets_travel_together(case: Case) -> None:
    pin_local(case.session)
    places = [(f"user_mapping.s1/{n}", USE, Secret(f"{case.secret}{n}", "")) for n in range(3)]
    channel = open_channel(case.session, places)
    statement = case.statements("CREATE {mapping} OPTIONS (password :'options.password')")[0]
    with case.session.pipeline():
        case.session.execute(channel.sql(statement, "user_mapping.s1/2"))
    case.session.commit()
    assert case.server.rows("SELECT umoptions FROM pg_user_mapping", case.database) == [([f"password={case.secret}2"],)]


def test_a_verifier_is_all_that_leaves(case: Case, session: Connect, unique: str) -> None:
    """A role whose name and password need quoting; the password then lets it in."""
    name = f"{unique} \"ö'"
    use = SecretUse("password", "verifier", name)
    admin = session(case.server.url(case.database))
    pin_local(admin)
    channel = open_channel(admin, [("role.r", use, Secret(case.secret, "${var.p}"))])
    text = sql.SQL("CREATE ROLE {} LOGIN PASSWORD :'password'").format(sql.Identifier(name)).text
    admin.execute(channel.sql(Statement(text, use), "role.r"))
    stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (name,)).fetchone()
    admin.commit()
    assert stored is not None
    assert stored["rolpassword"].startswith("SCRAM-SHA-256$4096:")
    assert case.needle not in repr(channel)
    again = Secret(stored["rolpassword"], "")
    assert stored["rolpassword"].encode() in open_channel(admin, [("role.r", use, again)]).sql(Statement(text, use), "role.r")


def test_refused_before_anything_is_sent(case: Case) -> None:
    verifier = SecretUse("password", "verifier", "r")
    for use, secret, expected in (
        (USE, Secret(None, "${var.p}"), r"give \$\{var\.p\} a value"),
        (USE, Secret("a\x00b", ""), "NUL"),
        (verifier, Secret("", ""), "empty password"),
    ):
        with pytest.raises(PgplanError, match=expected):
            open_channel(case.session, [(ADDRESS, use, secret)])
    assert case.session.info.transaction_status == TransactionStatus.IDLE


def test_a_database_in_another_encoding(loud: Server, unique: str, session: Connect) -> None:
    """The server would log the character that it cannot convert."""
    loud.execute(f"CREATE DATABASE {unique} TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'")
    opened = session(loud.url(unique))
    pin_local(opened)
    opened.execute("CREATE EXTENSION postgres_fdw SCHEMA public")
    opened.execute("CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw")
    with pytest.raises(PgplanError, match="encoding"):
        open_channel(opened, [(ADDRESS, USE, Secret("a€", ""))])
    channel = open_channel(opened, [(ADDRESS, USE, Secret("aé", ""))])
    opened.execute(
        channel.sql(Statement("CREATE USER MAPPING FOR PUBLIC SERVER s1 OPTIONS (user :'options.password')", USE), ADDRESS)
    )
    opened.commit()
    assert loud.rows("SELECT umoptions FROM pg_user_mapping", unique) == [(["user=aé"],)]


def test_missing_rights_are_told(case: Case) -> None:
    case.server.execute(
        f"REVOKE TEMPORARY ON DATABASE {case.database} FROM PUBLIC",
        "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
        database=case.database,
    )
    told = [problem.message for problem in problems(case.session)]
    case.session.rollback()
    if case.superuser:
        assert told == []
        return
    assert told == [
        "no right to create temporary tables in this database",
        "no right to use PL/pgSQL, through which secrets are sent",
    ]
    assert case.fails(case.statements(*CREATE)).sqlstate == "42501"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("A OPTIONS (p :'p')", "A OPTIONS (p X)"),
        ("""A "q:'p'" 'it''s :''p''' (p :'p')""", """A "q:'p'" 'it''s :''p''' (p X)"""),
        (r"""A E'\':''p''' (p :'p')""", r"""A E'\':''p''' (p X)"""),
        ("A (o ':', p :'p', q ':''x')", "A (o ':', p X, q ':''x')"),
    ],
)
def test_a_slot_is_found_outside_quotes_only(statement: str, expected: str) -> None:
    use = SecretUse("p", "verifier", "r")
    channel = Channel({}, {("a", "p"): "X"}, ())
    assert channel.sql(Statement(statement, use), "a").decode() == expected.replace("X", "'X'")


def test_a_statement_without_its_slot_is_an_error() -> None:
    channel = Channel({}, {("a", "p"): "X"}, ())
    with pytest.raises(ValueError, match="expected :'p' once"):
        channel.sql(Statement("ALTER ROLE \":'p'\"", SecretUse("p", "verifier", "r")), "a")
