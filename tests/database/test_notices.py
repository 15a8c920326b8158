"""Which notices are failures, on a real server; and what is left of errors that are shown."""

from __future__ import annotations

import psycopg
import pytest

from pgplan.database.connection import pin_local
from pgplan.database.scrub import mask, server_error, server_message
from pgplan.errors import PgplanError
from pgplan.secret import Secret
from tests.database.conftest import Connect
from tests.servers import Server


def test_partial_grants_and_cut_names_are_failures(server: Server, database: str, unique: str, session: Connect) -> None:
    granter, name = f"{unique}_granter", database.split("/")[3].split("?", maxsplit=1)[0]
    server.execute(
        f"CREATE ROLE {granter} LOGIN",
        "CREATE TABLE public.t (i int)",
        f"GRANT SELECT ON public.t TO {granter} WITH GRANT OPTION",
        f"ALTER ROLE {granter} SET client_min_messages = error",
        database=name,
    )
    opened = session(database.replace("postgres@", f"{granter}@"))
    pin_local(opened)
    for statement, sqlstate in (
        ("GRANT SELECT, INSERT ON public.t TO PUBLIC", "01007"),
        ("REVOKE SELECT, INSERT ON public.t FROM PUBLIC", "01006"),
        (f"SELECT 1 AS {'x' * 64}", "42622"),
        ("DROP TABLE IF EXISTS public.not_there", "00000"),
    ):
        assert opened.notices.take() == ()
        opened.execute(statement.encode())
        taken = opened.notices.take()
        assert {notice.sqlstate for notice in taken} == {sqlstate}
        assert all(bool(notice.failure) == (sqlstate != "00000") for notice in taken)
        assert all(str(notice).startswith(("WARNING: ", "NOTICE: ")) for notice in taken)


def test_an_error_keeps_what_the_server_says_and_not_the_statement(database: str, session: Connect) -> None:
    opened = session(database)
    with pytest.raises(psycopg.Error) as caught:
        opened.execute("SELECT 1 AS one, s3cret FROM pg_roles")
    assert "LINE 1" in str(caught.value)
    assert server_message(caught.value) == 'column "s3cret" does not exist (SQLSTATE 42703)'
    error = server_error(caught.value, [Secret("s3cret", "")], doing="step 3", address="role.r", hint="look")
    assert str(error) == 'role.r: step 3: column "(sensitive)" does not exist (SQLSTATE 42703)\n  look'


def test_a_lost_connection_is_told(server: Server, database: str, session: Connect) -> None:
    opened = session(database)
    server.execute(f"SELECT pg_terminate_backend({opened.info.backend_pid})")
    with pytest.raises(psycopg.OperationalError) as caught:
        opened.execute("SELECT 's3cret'")
    assert "terminating connection due to administrator command" in server_message(caught.value)
    with pytest.raises(psycopg.OperationalError) as again:
        opened.execute("SELECT 's3cret'")
    assert "closed" in server_message(again.value)
    with pytest.raises(PgplanError, match=r"the connection was lost: .*closed"):
        pin_local(opened)


def test_an_error_of_the_driver_is_told_by_its_name_only(database: str, session: Connect) -> None:
    with pytest.raises(psycopg.ProgrammingError) as caught:
        session(database).execute(b"SELECT %s, %s, 's3cret'", (1,))
    assert server_message(caught.value) == "the driver refused: ProgrammingError"


def test_masks_every_form_of_a_secret() -> None:
    secret = Secret("a'b\\c d/e", "")
    text = "plain a'b\\c d/e literal E'a''b\\\\c d/e' url a%27b%5Cc%20d%2Fe and a%27b%5Cc%20d/e; longer a'b\\c d/ef"
    assert mask(text, [secret, "a'b\\c d/ef", Secret(None, "withheld"), ""]) == (
        "plain (sensitive) literal E'(sensitive)' url (sensitive) and (sensitive); longer (sensitive)"
    )
