"""Which settings a server knows, what values they take, and who may set them for a role, a database or a function.

The rules are those of validate_option_array_item() and parse_and_validate_value() in src/backend/utils/misc/guc.c. What only a
setting's own code can tell, such as whether there is a time zone of that name, the server is asked: it is set, in a transaction
that is rolled back.
https://www.postgresql.org/docs/current/view-pg-settings.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from attrs import frozen

from pgplan.sdk import NO_LIST, Catalog, Facts, Found, ReaderBase, Row, Scope, sql
from pgplan_postgres.acl import Lists, items
from pgplan_postgres.rights import SUPERUSER, Rights
from pgplan_postgres.settings import Settings, boolean, choice, in_units, number

PARAMETERS_SINCE = 150000
"""server_version_num from which SET on a parameter can be granted, and extensions reserve the first part of their names."""
# Nobody sees these in pg_settings, but everybody may set them.
_UNSEEN = ("role", "session_authorization", "seed", "default_with_oids", "ssl_renegotiation_limit")
# These see only superusers and members of pg_read_all_settings.
CONCEALED = ("dynamic_library_path", "extension_control_path", "output_plugin_libraries", "session_preload_libraries")
_NOW_CALLED = {"sort_mem": "work_mem", "vacuum_mem": "maintenance_work_mem"}
_RESERVING = ("auto_explain", "pg_stat_statements", "pg_trgm", "plperl", "plpgsql", "pltcl", "postgres_fdw")
"""Extensions that take no setting beginning with their name but their own, where they are loaded."""
# All but ASCII is a letter. A range of a million characters would take longer to compile than all else here.
_NAME = r"(?:[A-Za-z_]|[^\x00-\x7f])(?:[\w$]|[^\x00-\x7f])*"
_CUSTOM = re.compile(rf"{_NAME}(\.{_NAME})+")
_OWN = ("user", "superuser")
"""pg_settings.context of what can be set for less than the whole server."""
_WHY_NOT = {
    "internal": "follows from how the server was built or its data were made, and cannot be set",
    "backend": "counts from the first moment of a session, and cannot be set for a role, a database or a function",
    "superuser-backend": "counts from the first moment of a session, and cannot be set for a role, a database or a function",
}
_WHOLE_SERVER = "is the whole server's, and cannot be set for a role, a database or a function"

_NEED_NOT_BE_THERE = ("default_table_access_method", "default_tablespace", "default_text_search_config", "temp_tablespaces")
"""What these name must be there for a function, but not for a role or a database."""
_NEVER_EMPTY = ("default_table_access_method", "")
_OF_ONE_TRANSACTION = ("transaction_deferrable", "transaction_isolation")
_NOT_OF_FUNCTIONS = (*_OF_ONE_TRANSACTION, "transaction_read_only", "seed")
NOT_OF_FUNCTIONS_SINCE = 160000
"""server_version_num from which functions cannot set these."""
_BY_ITSELF = (
    *("client_connection_check_interval", "effective_io_concurrency", "maintenance_io_concurrency"),
    *("max_stack_depth", "vacuum_buffer_usage_limit"),
)
"""Settings that are no text, and that look at more than their limits: at what the system can do, for instance."""
_INVALID = ("22023", "42704")
"""SQLSTATEs of a value that a setting does not take. Rights are told otherwise: a managed service may have rules of its own."""


@frozen
class Setting:
    """As pg_settings shows it; of one that is only granted on, the name."""

    name: str
    type: str = ""
    """bool, integer, real, string or enum."""
    unit: str = ""
    low: str = ""
    high: str = ""
    values: tuple[str, ...] = ()
    context: str = ""
    value: str = ""
    """What it is now, of createrole_self_grant: of others it is nobody's business."""


_QUERY = """
-- no catalog but the second: which settings there are follows from the server's program and what it has loaded
SELECT coalesce(lower(s.name), a.parname) AS name, s.vartype AS type, s.unit, s.min_val AS low, s.max_val AS high,
       s.enumvals AS values, s.context,
       CASE WHEN s.name = 'createrole_self_grant' THEN s.setting END AS value, ({items}) AS acl
  FROM pg_catalog.pg_settings AS s FULL JOIN pg_catalog.pg_parameter_acl AS a ON a.parname = lower(s.name)
"""
_QUERY_BEFORE_15 = """
-- no catalog: which settings there are follows from the server's program and what it has loaded
SELECT lower(s.name) AS name, s.vartype AS type, s.unit, s.min_val AS low, s.max_val AS high, s.enumvals AS values, s.context,
       NULL AS value, NULL::json AS acl
  FROM pg_catalog.pg_settings AS s
"""


class SettingReader(ReaderBase):
    type = "setting"
    scope: Scope = "cluster"

    def query(self, facts: Facts) -> str:
        if facts.version < PARAMETERS_SINCE:
            return _QUERY_BEFORE_15
        return sql.SQL(_QUERY).format(items=items("a.paracl", facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(())
        for row in rows:
            spec = Setting(
                row["name"],
                row["type"] or "",
                row["unit"] or "",
                row["low"] or "",
                row["high"] or "",
                tuple(row["values"] or ()),
                row["context"] or "",
                row["value"] or "",
            )
            yield Found(self.type, spec.name, 0, spec, acl=NO_LIST if row["acl"] is None else lists.made(row["acl"]))


def refused(
    where: str, before: Settings | None, after: Settings | None, catalog: Catalog, *, of_function: bool = False
) -> Iterator[tuple[str, str]]:
    """(message, hint) for each setting that is to be set and that the server does not take; `where` names their attribute."""
    for name, value in _sent(before, after).items():
        reason = _only_elsewhere(name, value, catalog.facts, of_function=of_function) or _refused(name, value, catalog)
        if reason is None and (of_function or name not in _NEED_NOT_BE_THERE or (name, value) == _NEVER_EMPTY):
            reason = _tried(name, value, catalog)
        if reason is not None:
            message, hint = reason
            yield f"{where}: {name} {message}", hint


def trials(before: Settings | None, after: Settings | None, catalog: Catalog) -> Iterator[str]:
    """What to ask the server of the settings that are to be set: others could end the session, or fill its log."""
    for name, value in _sent(before, after).items():
        known = _known(name, catalog)
        if known is not None and (known.type == "string" or name in _BY_ITSELF) and _refused(name, value, catalog) is None:
            yield _trial(name, value)


def _trial(name: str, value: str) -> str:
    return sql.SQL("SELECT pg_catalog.set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value)).text


def _tried(name: str, value: str, catalog: Catalog) -> tuple[str, str] | None:
    said = catalog.refusal(_trial(name, value))
    if said is None or said.state not in _INVALID:
        return None
    return f"cannot be {value!r}: {said.message}", "correct the value: it was tried on the server, which refuses it"


def _only_elsewhere(name: str, value: str, facts: Facts, *, of_function: bool) -> tuple[str, str] | None:
    if of_function and name in _NOT_OF_FUNCTIONS and facts.version >= NOT_OF_FUNCTIONS_SINCE:
        return "cannot be set for a function", "leave it out"
    if name in _OF_ONE_TRANSACTION and (name, choice(value)) != ("transaction_isolation", "read committed"):
        return "is of one transaction, and cannot be set here", f"did you mean default_{name}?"
    return None


def missing(before: Settings | None, after: Settings | None, rights: Rights) -> list[str]:
    """What the connected role lacks to set what differs, and to reset what goes."""
    if rights.platform:
        return []  # its administrators may set more than PostgreSQL says
    gone = () if after is None else (before or {}).keys() - after.keys()
    return [right for name in sorted({*_sent(before, after), *gone}) if (right := _missing(name, rights)) is not None]


def _sent(before: Settings | None, after: Settings | None) -> Settings:
    had: Mapping[str, str] = before or {}
    return {name: value for name, value in (after or {}).items() if had.get(name) != value}


def _known(name: str, catalog: Catalog) -> Setting | None:
    found = catalog.get("setting", name)
    return found.spec if found is not None and found.spec.type else None


def _missing(name: str, rights: Rights) -> str | None:
    """Everybody sets what is a user's own; it takes more for what is a superuser's, and for what nobody has loaded yet."""
    known = _known(name, rights.catalog)
    if name in _UNSEEN or (known is not None and known.context != "superuser"):
        return None
    if known is None and "." not in name and name not in CONCEALED:
        return None  # refused in any case
    if rights.facts.version < PARAMETERS_SINCE:
        return None if rights.attribute("superuser") else f"{SUPERUSER}, which it takes to set {name}"
    found = rights.catalog.get("setting", name)
    rows = found.acl.privileges if found is not None else ()
    granted = any(row.privilege == "SET" and rights.reaches(row.grantee) for row in rows)
    return None if granted else f"SET on the parameter {name}, which only superusers set otherwise"


def _refused(name: str, value: str, catalog: Catalog) -> tuple[str, str] | None:
    known = _known(name, catalog)
    if known is None:
        return _unknown(name, catalog)
    if known.context not in _OWN:
        hint = "leave it out; it is set in postgresql.conf, or by ALTER SYSTEM (`pgplan psql`)"
        return _WHY_NOT.get(known.context, _WHOLE_SERVER), "leave it out" if known.context == "internal" else hint
    takes = _takes(known, value)
    return None if takes is None else (f"cannot be {value!r}", f"it takes {takes}")


def _unknown(name: str, catalog: Catalog) -> tuple[str, str] | None:
    if name in _UNSEEN or (name in CONCEALED and not catalog.facts.superuser):
        return None
    first, dot, _ = name.partition(".")
    names = [one.key for one in catalog.of("setting") if one.spec.context in _OWN]
    reserved = (
        first in _RESERVING and catalog.facts.version >= PARAMETERS_SINCE and any(each.startswith(f"{first}.") for each in names)
    )
    if dot and _CUSTOM.fullmatch(name) and not reserved:
        return None
    close = _NOW_CALLED.get(name) or next(iter(difflib.get_close_matches(name, names, n=1)), "")
    hint = f"did you mean {close}?" if close else "correct the name; `SHOW ALL` in psql lists what there is (`pgplan psql`)"
    shown = "" if catalog.facts.superuser else ", or does not show to this role"
    return f"is no setting that this server knows{shown}", hint


def _takes(known: Setting, value: str) -> str | None:
    """What values there are, if this is none of them."""
    match known.type:
        case "bool":
            return None if boolean(value) in ("on", "off") else "on or off"
        case "enum":
            # Levels of messages go down to INFO in all of them, although not all show it.
            given = "notice" if value.lower() == "info" else value
            return None if {choice(given), given.lower()} & {*known.values} else f"one of {', '.join(known.values)}"
        case "integer" | "real":
            return _takes_number(known, value, whole=known.type == "integer")
        case _:
            return None


def _takes_number(known: Setting, value: str, *, whole: bool) -> str | None:
    unit = f" {known.unit}" if known.unit else ""
    takes = f"{'a whole' if whole else 'a'} number from {known.low} to {known.high}{unit}"
    read = number(value, whole=whole)
    amount = in_units(*read, known.unit) if read is not None else None
    if amount is None:
        return f"{takes}, with a unit or without" if unit else takes
    fits = Fraction(known.low) <= (round(amount) if whole else amount) <= Fraction(known.high)
    return None if fits else takes
