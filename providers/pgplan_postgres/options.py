"""``OPTIONS (…)`` of foreign-data wrappers, servers and user mappings: text by name, some of it secret.

https://www.postgresql.org/docs/current/sql-alterusermapping.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pgplan.sdk import Mistakes, Path, Secret, sql
from pgplan_postgres.sql import name, text

Options = Mapping[str, str | Secret]

# At the end only: password_required, token_url and api_key_id are none. A key alone is a column's, or a file's name.
_SECRET_NAME = re.compile(
    r"(password|passwd|pwd|passcode|passphrase|secret|token|credentials?|jwt|privatekeypem"
    r"|(api|access|account|encryption|master|private|sa|secret|shared|signing)key)$|^pass$"
)
_MAY_HOLD_ONE = re.compile(r"(dsn|conn(ection)?(str|string|info|uri|url))$|^pin$")
"""What names a place to connect to may hold the password in it, and a pin may be no secret."""


def is_secret_name(option: str) -> bool:
    """Whether an option's name says that its value is a secret: ``password``, ``sslpassword``, ``api_key``, ``authToken``."""
    return _SECRET_NAME.search(_letters(option)) is not None


def _letters(option: str) -> str:
    return re.sub(r"[^a-z0-9]", "", option.lower())


def as_secret(option: str, value: str | Secret) -> str | Secret:
    """A value as a secret if its option's name says so, or if it is declared to be one."""
    if isinstance(value, Secret):
        return value.reveal() if value.suspected and not is_secret_name(option) else value
    return Secret(value) if is_secret_name(option) else value


def check_readable(mistakes: Mistakes, path: Path, of: str, options: Iterable[str], belongs: str = "") -> None:
    """The names of options that every role can read: none may be a secret's. `belongs` says where such a one belongs."""
    for option in options:
        place = (*path, option)
        check_name(mistakes, place, option)
        if is_secret_name(option):
            hint = f"put {option} into the options of {belongs}" if belongs else ""
            mistakes.add(place, f"every role can read the options of {of}, so a secret must not be among them", hint)


def check_name(mistakes: Mistakes, place: Path, option: str) -> None:
    """The catalogs keep ``name=value``: newer servers refuse a name with ``=``, and older ones find it as another name."""
    mistakes.name(place, option)
    if "=" in option:
        mistakes.add(place, f"the name of an option cannot hold =, and {option!r} does")


def found_options(rows: Iterable[tuple[str, str | None]] | None) -> dict[str, str | Secret]:
    """Options as the catalogs show them, [[name, value], …], with what looks like a secret hidden in a `Secret`."""
    return {option: as_secret(option, value or "") for option, value in sorted(rows or (), key=lambda row: row[0])}


def readable_options(rows: Iterable[tuple[str, str | None]] | None) -> dict[str, str | Secret]:
    """`found_options` of a wrapper or server: what may hold a secret is shown only if the configuration says it in clear."""
    found = found_options(rows)
    return {one: Secret(v) if isinstance(v, str) and _MAY_HOLD_ONE.search(_letters(one)) else v for one, v in found.items()}


def mapping_options(rows: Iterable[tuple[str, str | None]] | None) -> dict[str, str | Secret]:
    """Options of a user mapping as the catalogs show them. Which of them are secrets nobody but the configuration can know, so
    all are, whatever they are called; only `user`, the name to log in with over there, is none."""
    return {option: (value or "") if option == "user" else Secret(value or "") for option, value in sorted(rows or ())}


def plain(options: Options) -> dict[str, str]:
    return {option: value for option, value in sorted(options.items()) if isinstance(value, str)}


def secret(options: Options) -> dict[str, Secret]:
    return {option: value for option, value in sorted(options.items()) if isinstance(value, Secret)}


def clause(options: Mapping[str, str]) -> sql.Composable | None:
    """``OPTIONS (…)`` of a CREATE; None when there are none."""
    return _options(sql.SQL("{} {}").format(name(option), text(value)) for option, value in sorted(options.items()))


def changes(before: Options, after: Options, drop_first: Iterable[str] = ()) -> sql.Composable | None:
    """``OPTIONS (ADD …, DROP …, SET …)`` of an ALTER, for what differs and is not secret; None when nothing does.

    `drop_first` names secret options that will be added anew.
    """
    actions: list[sql.Composable] = []
    for option in sorted(before.keys() | after.keys()):
        old, new = before.get(option), after.get(option)
        if new is None or (option in drop_first and old is not None):
            actions.append(sql.SQL("DROP {}").format(name(option)))
        elif isinstance(new, str) and old is None:
            actions.append(sql.SQL("ADD {} {}").format(name(option), text(new)))
        elif isinstance(new, str) and not _is(old, new):
            actions.append(sql.SQL("SET {} {}").format(name(option), text(new)))
    return _options(actions)


def _is(found: str | Secret | None, declared: str) -> bool:
    value = found.reveal() if isinstance(found, Secret) and not found.withheld else found
    return value == declared and not isinstance(value, Secret)


def _options(actions: Iterable[sql.Composable]) -> sql.Composable | None:
    listed = list(actions)
    return sql.SQL("OPTIONS ({})").format(sql.SQL(", ").join(listed)) if listed else None


def query_column(options: Any) -> sql.Composed:
    """SQL for a column of [[name, value], …] out of a text[] column, values with ``=`` in them whole."""
    return sql.SQL(
        """(
    SELECT json_agg(json_build_array(o.option_name, o.option_value))
      FROM pg_catalog.pg_options_to_table({}) AS o)"""
    ).format(sql.SQL(options))
