"""Server errors without what must not be shown.

psycopg's errors quote the statement ("LINE 1: …"), its context and the connection string: only the server's own message, detail,
hint and SQLSTATE are kept, and any secret in them is masked. Raise the result ``from None``.
https://www.postgresql.org/docs/current/protocol-error-fields.html
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

import psycopg

from pgplan.errors import PgplanError, Problem
from pgplan.secret import MASK, Secret


def mask(text: str, secrets: Iterable[Secret | str]) -> str:
    """`text` with every secret masked, also where it is quoted as a literal or percent-encoded as in a URL."""
    values = {secret if isinstance(secret, str) else "" if secret.withheld else secret.reveal() for secret in secrets}
    forms = {form for value in values for form in _forms(value) if form}
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        text = text.replace(form, MASK)
    return text


def _forms(value: str) -> tuple[str, ...]:
    doubled = value.replace("'", "''")
    return value, doubled, doubled.replace("\\", "\\\\"), quote(value), quote(value, safe="")


def server_message(error: psycopg.Error, secrets: Iterable[Secret | str] = ()) -> str:
    """What the server, or libpq, says in one text: message with SQLSTATE, then detail and hint on lines of their own."""
    secrets = tuple(secrets)
    diag = error.diag
    if diag.message_primary is None:
        # Not from the server. A lost connection says so; any other text may quote a statement.
        lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return mask(str(error).strip(), secrets).replace("\t", "  ") if lost else f"the driver refused: {type(error).__name__}"
    lines = [f"{diag.message_primary} (SQLSTATE {error.sqlstate})"]
    lines += [f"DETAIL: {diag.message_detail}"] if diag.message_detail else []
    lines += [f"HINT: {diag.message_hint}"] if diag.message_hint else []
    return mask("\n".join(lines), secrets)


def server_error(
    error: psycopg.Error, secrets: Iterable[Secret | str] = (), *, doing: str = "", address: str = "", hint: str = ""
) -> PgplanError:
    """`error` as a PgplanError that may be shown. `doing` says in words what was tried: "cannot read the catalogs"."""
    text = server_message(error, secrets)
    return PgplanError(Problem(f"{doing}: {text}" if doing else text, address=address, hint=hint))
