"""Connections: where the server is, as whom, and with which settings pinned.

Nothing is SET for the session: behind pgbouncer in transaction mode it would leak to the next client. `pin_local` runs at the
start of every transaction instead, and what it sets ends with the transaction.
https://www.postgresql.org/docs/current/libpq-connect.html
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from pgplan.configuration.model import Connection
from pgplan.database.notices import Notices
from pgplan.database.scrub import mask, server_error
from pgplan.errors import PgplanError, Problem
from pgplan.events import Listener, unheard
from pgplan.kind import Facts
from pgplan.legible import unfit
from pgplan.secret import Secret

EMBEDDED = "embedded"
_SILENCE = logging.NullHandler()
OLDEST = 140000

PINS: Mapping[str, str] = {
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    # A role that hides warnings would hide 01006 and 01007, by which apply knows that a GRANT did not do all.
    "client_min_messages": "notice",
    "DateStyle": "ISO, YMD",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    # Compiling a catalog query costs more than running it.
    "jit": "off",
    # The queries join in an order that suits them: to look for another takes longer than most of them run.
    "join_collapse_limit": "1",
}
"""What every transaction of pgplan runs under, whatever the server, the database, the role or the URL say."""

_OWN = {name.lower() for name in PINS} | {"role", "session_authorization", "lc_messages"}

_STANDBY = Problem(
    "the server is in recovery (a standby) and takes no changes",
    address="connection",
    hint="connect to the primary; with several hosts in url, add target_session_attrs=read-write",
)

_DEFAULTS = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

_PIN = """
SELECT pg_catalog.set_config(name, value, true)
  FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[])) AS pin (name, value)
"""

# Only a superuser may set lc_messages; the operators are qualified because search_path is not pinned yet where this runs first.
_PIN_MESSAGES = """
SELECT pg_catalog.set_config('lc_messages', 'C', true)
  FROM pg_catalog.pg_roles
 WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER AND rolsuper
"""

# All of this is readable by every role on 14 to 18. The timeline comes from the WAL position, because the control file keeps the
# old one between a promotion and the next checkpoint; a standby has no WAL position of its own to write to.
_FACTS = """
SELECT pg_catalog.current_setting('server_version_num')::int AS version,
       s.system_identifier::text AS system_identifier,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())::text
            ELSE pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
       END AS timeline,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_insert_lsn()
       END::text AS lsn,
       d.datname::text AS database,
       d.oid::int8 AS database_oid,
       CURRENT_USER::text AS role,
       SESSION_USER::text AS session_role,
       r.rolsuper AS superuser,
       -- not of the snapshot, and it need not be: the server looks at the same right when it is asked for these
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')
       AND pg_catalog.has_table_privilege('pg_catalog.pg_user_mapping', 'SELECT') AS reads_secrets,
       -- of each catalog that a reader takes OIDs from
       GREATEST((SELECT max(oid) FROM pg_catalog.pg_class),
                (SELECT max(oid) FROM pg_catalog.pg_proc),
                (SELECT max(oid) FROM pg_catalog.pg_type),
                (SELECT max(oid) FROM pg_catalog.pg_namespace),
                (SELECT max(oid) FROM pg_catalog.pg_extension),
                (SELECT max(oid) FROM pg_catalog.pg_foreign_data_wrapper),
                (SELECT max(oid) FROM pg_catalog.pg_foreign_server),
                (SELECT max(umid) FROM pg_catalog.pg_user_mappings),
                (SELECT max(oid) FROM pg_catalog.pg_roles)%s)::int8 AS newest
  FROM pg_catalog.pg_control_system() AS s,
       pg_catalog.pg_database AS d,
       pg_catalog.pg_roles AS r
 WHERE d.datname = pg_catalog.current_database() AND r.rolname = CURRENT_USER
"""

MEMBERSHIP_OIDS = 160000
_MEMBERSHIPS = ", (SELECT max(oid) FROM pg_catalog.pg_auth_members)"
"""They have OIDs from PostgreSQL 16 on."""


class Session(psycopg.Connection[DictRow]):
    """A connection with what `pin_local` needs to know: [connection].role and settings, and the notices of the server."""

    role: str = ""
    pinned: Mapping[str, str] = {}
    notices: Notices
    tell: Listener = staticmethod(unheard)
    """Is told what happens."""
    idle_limit: float = 0.0
    """Seconds after which the server ends a transaction that idles; 0: not known."""


def connect(settings: Connection, directory: Path, name: str, *, database: str = "", apart: bool = False) -> Session:
    """Connect as [connection] says. `directory` is the configuration's, for "embedded"; `name` shows in application_name.
    `database`: another one of the same cluster. `apart`: in autocommit, for what runs in no transaction.

    The connection is not in autocommit otherwise; its transactions are READ COMMITTED READ WRITE; rows are dicts; nothing is
    prepared. Raises PgplanError, without any password, when there is no server, it lets nobody in, is older than 14, or when
    [connection].role or settings are refused.
    """
    fixed = {"application_name": f"pgplan {name}".strip(), "client_encoding": "UTF8"}
    parameters: dict[str, Any] = {**_DEFAULTS, **parameters_of(settings, directory), **fixed}
    if database:
        parameters["dbname"] = database
    if apart:
        parameters["options"] = " ".join(filter(None, (parameters.get("options", ""), *_options(settings))))
    secrets = [settings.url.reveal()] if isinstance(settings.url, Secret) else []
    secrets += [str(parameters[key]) for key in ("password", "sslpassword") if parameters.get(key)]
    # What psycopg logs of errors that it could not raise may quote statements; all that matters is raised.
    logging.getLogger("psycopg").addHandler(_SILENCE)
    try:
        session = Session.connect("", row_factory=dict_row, prepare_threshold=None, **parameters)
    except psycopg.Error as error:
        raise _no_connection(str(error), secrets) from None
    except UnicodeError:
        message = "cannot connect: a variable of libpq's own environment is not UTF-8 text"
        raise PgplanError(Problem(message, address="connection", hint="look at those whose names begin with PG")) from None
    session.role, session.pinned, session.notices = settings.role, dict(settings.settings), Notices()
    session.add_notice_handler(session.notices)
    session.isolation_level, session.read_only, session.deferrable = IsolationLevel.READ_COMMITTED, False, False
    try:
        _check(session)
        session.autocommit = apart
    except BaseException:
        session.close()
        raise
    return session


def _options(settings: Connection) -> Iterator[str]:
    """[connection].role and settings for the session from its start: where there is no transaction, nothing can be SET LOCAL."""
    wanted = {**settings.settings, **({"role": settings.role} if settings.role else {})}
    for name, value in wanted.items():
        escaped = re.sub(r"([\\\s])", r"\\\1", value)
        yield f"-c {name}={escaped}"


_URL = "expected postgresql://user@host:port/database; in it, characters such as @ : / % are percent-encoded"


def parameters_of(settings: Connection, directory: Path) -> dict[str, Any]:
    """What [connection] gives libpq, with the password. An embedded server is started, and runs as long as this process.

    Raises PgplanError where that cannot be known or read.
    """
    url = _known(settings.url, "url")
    if url == EMBEDDED:
        from pgplan.database.embedded import url as embedded_url  # noqa: PLC0415 - brings a server; most runs need none

        url = embedded_url(directory)
    try:
        wrong = unfit(url)
        if wrong is not None:
            raise PgplanError(Problem(f"the URL {wrong[0]}", address="connection", hint=_URL))
        given: dict[str, Any] = dict(conninfo_to_dict(url))
    except UnicodeError:  # of what is percent-encoded
        raise PgplanError(Problem("the URL is not UTF-8 text", address="connection", hint=_URL)) from None
    except psycopg.ProgrammingError as error:
        # libpq quotes the part that it cannot read, which may be the password.
        reason = re.sub(r'"[^"]*"?', '"…"', str(error)).strip()
        raise PgplanError(Problem(f"cannot read the URL: {reason}", address="connection", hint=_URL)) from None
    if settings.password is not None:
        given["password"] = _known(settings.password, "password")
    return given


def _known(value: Secret | str, attribute: str) -> str:
    if not isinstance(value, Secret):
        return value
    if value.withheld:
        what = f" ({value.source})" if value.source else ""
        raise PgplanError(Problem(f"the value of {attribute}{what} is not known here", address="connection"))
    return value.reveal()


_LOGIN = "check user and password: in url, in connection.password, in PGPASSWORD or in ~/.pgpass"
# libpq's words, and psycopg's.
_NO_HOST = re.compile(r"""(?:could not translate host name|failed to resolve host) (["'])(?P<host>.*)\1(?: to address)?: .*""")
_NOBODY = "no server answers there: check host and port in url (or PGHOST, PGPORT), and that the server runs"
_HINTS = (
    (r"authentication failed|no password supplied", _LOGIN),
    (r'database ".*" does not exist', "create the database first, or name another one at the end of url"),
    (r'role ".*" does not exist', "name an existing role as the user in url, or in PGUSER"),
    (r"pg_hba\.conf", "the server does not admit this user, database or address; its pg_hba.conf must allow it"),
    (r"certificate|SSL", "check sslmode and sslrootcert in url"),
    (r"too many (clients|connections)|remaining connection slots", "the server is full: wait, or raise max_connections"),
    (r"starting up|shutting down|recovery mode", "the server is starting or stopping: try again in a moment"),
    (r"no such host name", "check the host in url, or PGHOST; and that this machine can resolve names"),
    (r"refused|No such file|timeout|timed out|unreachable|Network", _NOBODY),
)


def _no_connection(text: str, secrets: list[str]) -> PgplanError:
    """Before a session exists libpq gives no SQLSTATE, only text: in English almost always, else there is no hint but ours."""
    text = mask(text, secrets).strip().replace("\t", "  ")
    text = text.removeprefix("connection failed: ").removeprefix("connection is bad: ")
    text = _NO_HOST.sub(r"no such host name: \g<host>", text)
    hints = (hint for pattern, hint in _HINTS if re.search(pattern, text))
    hint = next(hints, "check url under [connection], or libpq's own variables PGHOST, PGPORT, PGUSER, PGDATABASE")
    return PgplanError(Problem(f"cannot connect: {text}", address="connection", hint=hint))


def _check(session: Session) -> None:
    version = session.info.server_version
    if version < OLDEST:
        raise PgplanError(Problem(f"the server is PostgreSQL {version // 10000}; pgplan needs 14 or newer", address="connection"))
    check_settings(session.pinned)
    with reading(session):
        pass


def check_settings(settings: Iterable[str]) -> None:
    """Raise PgplanError when [connection].settings has what pgplan sets itself."""
    for setting in settings:
        if setting.lower() in _OWN:
            hint = "use connection.role" if setting.lower() == "role" else "leave it out"
            raise PgplanError(Problem(f"pgplan sets {setting} itself", address="connection.settings", hint=hint))


def pin_local(connection: Session) -> None:
    """Pin settings, and [connection].role, until the end of the transaction. Run it first in every transaction.

    Raises PgplanError when the server refuses a setting or the role.
    """
    with _refusal("the server refuses the settings that pgplan needs"), connection.pipeline():
        connection.execute(_PIN, (list(PINS), list(PINS.values())))
        connection.execute(_PIN_MESSAGES)
    if connection.pinned:
        with _refusal("the server refuses connection.settings"):
            connection.execute(_PIN, (list(connection.pinned), list(connection.pinned.values())))
    if connection.role:
        hint = f"the role must be there, and this, applied by somebody who may, lets it: {_membership(connection)}"
        with _refusal(f"cannot SET ROLE to {connection.role}, the role of [connection]", hint):
            _set_role(connection, connection.role)


@contextmanager
def reading(connection: Session) -> Generator[None]:
    """A pinned READ ONLY transaction, which a standby takes too. The connection must be idle, and is idle again after.

    Raises PgplanError when the server refuses a setting or the role, or is gone.
    """
    connection.read_only = True
    try:
        pin_local(connection)
        yield
    except psycopg.Error as error:
        raise server_error(error, address="connection") from None
    finally:
        if not connection.closed:
            connection.rollback()
            connection.read_only = False


@contextmanager
def _refusal(doing: str, hint: str = "") -> Generator[None]:
    try:
        yield
    except psycopg.errors.FeatureNotSupported:  # BEGIN READ WRITE; nothing else here can raise it
        raise PgplanError(_STANDBY) from None
    except psycopg.Error as error:
        if error.sqlstate is None:  # not an answer
            raise server_error(error, doing="the connection was lost", address="connection") from None
        raise server_error(error, doing=doing, address="connection", hint=hint) from None


def _membership(connection: Session) -> str:
    """The block, to be applied by somebody who may, that lets the role which logs in SET ROLE to that of [connection]."""
    role, member = (json.dumps(name, ensure_ascii=False) for name in (connection.role, connection.info.user))
    return f"[[membership]] with role = {role}, member = {member}"


def _set_role(connection: Session, role: str) -> None:
    connection.execute("SELECT pg_catalog.set_config('role', %s, true)", (role,))


@contextmanager
def acting_as(connection: Session, role: str) -> Generator[None]:
    """SET LOCAL ROLE to `role` around the body, and back to the role of before. "" changes nothing.

    After an error the transaction is over, and the role with it. Raises psycopg.Error when the role may not be SET.
    """
    if not role:
        yield
        return
    row = connection.execute("SELECT pg_catalog.current_setting('role') AS role").fetchone()
    assert row is not None
    _set_role(connection, role)
    yield
    if connection.info.transaction_status == TransactionStatus.INTRANS:
        _set_role(connection, row["role"])


def facts(connection: Session) -> Facts:
    """What is read of the server once a run, in the open transaction or in a new one that stays open."""
    query = _FACTS % (_MEMBERSHIPS if connection.info.server_version >= MEMBERSHIP_OIDS else "")
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    timeline = int(row["timeline"]) if row["in_recovery"] else int(row["timeline"], 16)
    return Facts(
        version=row["version"],
        system_identifier=row["system_identifier"],
        timeline=timeline,
        database=row["database"],
        database_oid=row["database_oid"],
        role=row["role"],
        session_role=row["session_role"],
        superuser=row["superuser"],
        reads_secrets=row["reads_secrets"],
        lsn=row["lsn"],
        newest=row["newest"],
    )


def refuse_recovery(connection: Session) -> None:
    """Raise PgplanError when the server is a standby or still recovering: it takes no changes."""
    row = connection.execute("SELECT pg_catalog.pg_is_in_recovery() AS yes").fetchone()
    if row is not None and row["yes"]:
        raise PgplanError(_STANDBY)
