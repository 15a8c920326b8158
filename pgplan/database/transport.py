"""How secrets reach the server without standing in its log (docs/explanation/secrets.md).

A statement takes a secret at ``:'slot'``. A role's password is put there as a SCRAM verifier made on this side. Any other secret
travels by COPY into a temporary table, and a DO block inside the server builds the statement from it. The kinds take the object's
lock by a statement *without* the secret first: a message about a wait for a lock quotes the statement that waits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_address

from attrs import field, frozen

from pgplan import sql
from pgplan.database.connection import Session
from pgplan.errors import PgplanError, Problem, raise_all
from pgplan.kind import SecretUse, Statement
from pgplan.secret import Secret
from pgplan.slots import split

# Binary: an error in the middle of a text COPY quotes the row (a cancel that arrives between two rows, for instance).
_CREATE = b"CREATE TEMPORARY TABLE pg_temp.pgplan_secrets_in_transit (id int4 NOT NULL, value text NOT NULL) ON COMMIT DROP"
# What default privileges gave on it would be in the way of the DROP of a role.
_CLOSE = b"""DO $pgplan$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC')
          FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
          LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
         WHERE c.oid = 'pg_temp.pgplan_secrets_in_transit'::pg_catalog.regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE 'REVOKE ALL ON TABLE pg_temp.pgplan_secrets_in_transit FROM ' || grantee;
    END LOOP;
END $pgplan$"""
COPY = b"COPY pg_temp.pgplan_secrets_in_transit (id, value) FROM STDIN (FORMAT binary)"

QUIET: Mapping[str, str] = {
    # Parse trees hold every literal. Anybody may set these.
    "debug_print_raw_parse": "off",
    "debug_print_parse": "off",
    "debug_print_rewritten": "off",
    "debug_print_plan": "off",
    # The rest only where the role may: a superuser, as a rule.
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",  # no CONTEXT, which quotes the inner statement
    "log_lock_waits": "off",
    "pg_stat_statements.track": "none",
    "auto_explain.log_min_duration": "-1",
}
"""What is set for the transaction that carries secrets, where the setting exists and this role may set it."""

_QUIET = """
SELECT set_config(s.name, wanted.value, true)
  FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
  JOIN pg_settings AS s ON s.name = wanted.name
 WHERE s.context = 'user' OR s.context = 'superuser' AND (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER)
"""

# Not part of the snapshot: what these say is about this role and this moment, and apply would meet the same refusal.
_RIGHTS = """
SELECT has_database_privilege(d.oid, 'TEMPORARY') AS temporary,
       l.oid IS NOT NULL AND has_language_privilege(l.oid, 'USAGE') AS plpgsql
  FROM pg_database AS d
  LEFT JOIN pg_language AS l ON l.lanname = 'plpgsql'
 WHERE d.datname = current_database()
"""
_RECORDERS = """
SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER) AS superuser,
       current_setting('pgaudit.log', true) AS pgaudit,
       current_setting('pg_stat_statements.track', true) AS statements,
       ARRAY (SELECT t.evtname::text
                FROM pg_event_trigger AS t
               WHERE t.evtenabled IN ('O', 'A') AND t.evtevent IN ('ddl_command_start', 'ddl_command_end')
                 AND (t.evttags IS NULL OR t.evttags && %s::text[])
               ORDER BY t.evtname) AS event_triggers
"""
# Those who reach it by SET ROLE count too: that is no more than a statement.
_READERS = """
WITH RECURSIVE reader AS (
  SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = 'pg_read_all_data'
  UNION
  SELECT m.oid, m.rolname, m.rolsuper
    FROM reader AS r JOIN pg_auth_members AS a ON a.roleid = r.oid JOIN pg_roles AS m ON m.oid = a.member
)
SELECT coalesce(array_agg(rolname::text ORDER BY rolname), '{}') AS roles
  FROM reader WHERE NOT rolsuper AND rolname <> 'pg_read_all_data'
"""
_SOME = 5
"""How many names a warning tells."""

# %L quotes the value; template and messages never hold it. OTHERS alone does not catch a cancel, whose context would quote the
# statement; what is raised again has a context of its own that does not.
_BLOCK = """
#variable_conflict use_variable
DECLARE
  pgplan_value text;
  pgplan_message text;
  pgplan_detail text;
  pgplan_hint text;
BEGIN
  SELECT s.value INTO STRICT pgplan_value FROM pg_temp.pgplan_secrets_in_transit AS s WHERE s.id = {id};
  EXECUTE pg_catalog.format({template}, pgplan_value);
EXCEPTION WHEN QUERY_CANCELED OR OTHERS THEN
  GET STACKED DIAGNOSTICS pgplan_message = MESSAGE_TEXT, pgplan_detail = PG_EXCEPTION_DETAIL, pgplan_hint = PG_EXCEPTION_HINT;
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = {message}, DETAIL = {detail}, HINT = {hint};
END
"""
_MASKED = """
    pg_catalog.replace(
      pg_catalog.replace({0}, pg_catalog.quote_literal(pgplan_value), '(sensitive)'), pgplan_value, '(sensitive)')"""

# As PostgreSQL itself tells a password from a verifier (get_password_type in src/backend/libpq/crypt.c).
_VERIFIER = re.compile(r"md5[0-9a-f]{32}|SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}")

Place = tuple[str, str]
"""(address, slot)"""


@frozen
class Channel:
    """Turns statements into SQL text that holds no secret in clear. Lives as long as the transaction it was opened in."""

    _ids: Mapping[Place, int]
    _verifiers: Mapping[Place, str] = field(repr=False)
    secrets: tuple[Secret, ...]
    """Every secret on its way, for `pgplan.database.scrub`."""

    def sql(self, statement: Statement, address: str = "") -> bytes:
        """The text to execute for `statement` of `address`. It may be logged, and sent in a pipeline."""
        use = statement.secret
        if use is None:
            return statement.sql.encode()
        place = address, use.slot
        if use.transport == "verifier":
            return _fill(statement.sql, use.slot, _literal(self._verifiers[place])).encode()
        if statement.run_as:
            raise ValueError(f"{address}: the temporary table is not readable to another role")
        return _block(statement.sql, use.slot, self._ids[place]).encode()


def open_channel(connection: Session, uses: Iterable[tuple[str, SecretUse, Secret]]) -> Channel:
    """Bring every secret (address, use, value) to the server, in the open transaction.

    Without private secrets nothing is sent. Raises PgplanError when a value is not known or cannot be a password;
    psycopg.Error when the server refuses (no right to make temporary tables: see `problems`).
    """
    uses = tuple(uses)
    raise_all(PgplanError, (problem for use in uses for problem in _value_problems(connection, *use)))
    verifiers = {
        (address, use.slot): _verifier(connection, use.role, secret.reveal())
        for address, use, secret in uses
        if use.transport == "verifier"
    }
    private = {(address, use.slot): secret for address, use, secret in uses if use.transport == "private"}
    ids = {place: number for number, place in enumerate(sorted(private), 1)}
    if private:
        connection.execute(_QUIET, (list(QUIET), list(QUIET.values())))
        connection.execute(_CREATE)
        connection.execute(_CLOSE)
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(["int4", "text"])
            for place, number in ids.items():
                copy.write_row((number, private[place].reveal()))
    return Channel(ids, verifiers, tuple(secret for _, _, secret in uses))


def _value_problems(connection: Session, address: str, use: SecretUse, secret: Secret) -> Iterable[Problem]:
    if secret.withheld:
        hint = f"give {secret.source} a value" if secret.source else ""
        yield Problem(f"the secret {use.slot} has no value here", address=address, hint=hint)
    elif "\x00" in secret.reveal():
        yield Problem(f"the secret {use.slot} holds a NUL character", address=address)
    elif use.transport == "verifier" and not secret.reveal():
        yield Problem("an empty password would clear the role's password", address=address)
    elif use.transport == "private" and not _fits(secret.reveal(), connection.info.parameter_status("server_encoding") or ""):
        # The server's own message, in its log, would show the character.
        yield Problem(f"the secret {use.slot} holds a character that the database's encoding does not have", address=address)


def _fits(value: str, encoding: str) -> bool:
    """Whether a database in `encoding`, as PostgreSQL calls it, can hold `value`; no when Python does not know the encoding."""
    if value.isascii() or encoding in ("UTF8", "SQL_ASCII"):
        return True
    try:
        value.encode(encoding.replace("WIN", "cp"))
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _verifier(connection: Session, role: str, password: str) -> str:
    """https://www.postgresql.org/docs/current/libpq-misc.html#LIBPQ-PQENCRYPTPASSWORDCONN. libpq applies SASLprep."""
    if _VERIFIER.fullmatch(password):
        return password
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def _literal(text: str) -> str:
    return sql.Literal(text).text.lstrip()


def _fill(statement: str, slot: str, replacement: str, *, percent: str = "%") -> str:
    """`statement` with ``:'slot'`` replaced; `percent` is how a percent sign elsewhere is written."""
    parts = split(statement, slot)
    if len(parts) != 2:  # noqa: PLR2004  before and after
        raise ValueError(f"expected :'{slot}' once in: {statement}")
    return replacement.join(part.replace("%", percent) for part in parts)


def _block(statement: str, slot: str, number: int) -> str:
    template = _literal(_fill(statement, slot, "%L", percent="%%"))
    masked = {name: _MASKED.format(f"pgplan_{name}") for name in ("message", "detail", "hint")}
    body = _BLOCK.format(id=number, template=template, **masked)
    tag = "$pgplan$"
    while tag in body:
        tag = tag[:-1] + "_$"
    return f"DO LANGUAGE plpgsql {tag}{body}{tag}"


def problems(connection: Session) -> tuple[Problem, ...]:
    """Why private secrets could not be sent on this connection. Ask when planning, outside the snapshot, in a transaction."""
    row = connection.execute(_RIGHTS).fetchone()
    assert row is not None
    found: list[Problem] = []
    if not row["temporary"]:
        hint = (
            "GRANT TEMPORARY ON DATABASE … TO the connecting role: secrets go through a temporary table, to stay out of the log"
        )
        found.append(Problem("no right to create temporary tables in this database", address="connection", hint=hint))
    if not row["plpgsql"]:
        hint = "CREATE EXTENSION plpgsql, or GRANT USAGE ON LANGUAGE plpgsql TO the connecting role"
        found.append(Problem("no right to use PL/pgSQL, through which secrets are sent", address="connection", hint=hint))
    return tuple(found)


_ENCRYPTED = "SELECT encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_catalog.pg_backend_pid()"


def crosses_in_clear(connection: Session) -> bool:
    """Whether what is sent crosses a network without TLS or GSSAPI encryption. A socket and the loopback are no network."""
    address = connection.info.hostaddr
    if not address or ip_address(address.partition("%")[0]).is_loopback or connection.pgconn.ssl_in_use:
        return False
    row = connection.execute(_ENCRYPTED).fetchone()
    return row is None or not row["encrypted"]


def warnings(connection: Session, commands: Collection[str]) -> tuple[str, ...]:
    """What may record private secrets all the same, in words to show with the plan.

    `commands` are the command tags of the statements that take them (`SecretUse.command`).
    """
    row = connection.execute(_RECORDERS, (sorted(commands),)).fetchone()
    assert row is not None
    found: list[str] = []
    if crosses_in_clear(connection):
        host = connection.info.host
        found.append(f"the connection to {host} is not encrypted, and secrets cross the network: add sslmode=require to url")
    if row["pgaudit"] is not None:
        found.append("pgaudit is loaded: it records nested statements, and with them secrets")
    if row["statements"] == "all" and not row["superuser"]:
        found.append("pg_stat_statements.track is all: it records the statements that set secrets")
    if row["event_triggers"] and not row["superuser"]:
        # The server adds the context of a message, and only a superuser may turn that off.
        names = ", ".join(row["event_triggers"])
        found.append(f"what event triggers ({names}) write to the server's log brings secrets with it")
    found += _can_read(connection)
    return tuple(found)


def _can_read(connection: Session) -> Iterator[str]:
    """Who needs no log: https://www.postgresql.org/docs/current/predefined-roles.html#PREDEFINED-ROLE-PG-READ-ALL-DATA"""
    row = connection.execute(_READERS).fetchone()
    assert row is not None
    roles: list[str] = row["roles"]
    if roles:
        more = f" and {len(roles) - _SOME} more" if len(roles) > _SOME else ""
        can = "can read what" if len(roles) == 1 else "can all read what"
        yield f"{', '.join(roles[:_SOME])}{more} {can} pg_user_mapping keeps, for pg_read_all_data covers its secrets too"
