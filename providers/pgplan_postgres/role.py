"""https://www.postgresql.org/docs/current/sql-createrole.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar

from attrs import field, fields, frozen

from pgplan.sdk import (
    SYSTEM_NAME,
    Catalog,
    Declaration,
    Facts,
    Found,
    Mistakes,
    ObjectKindBase,
    Outcome,
    Reasons,
    Reference,
    Scope,
    Secret,
    SecretUse,
    Statement,
    Wanted,
    part,
    sorted_dict,
    sql,
)
from pgplan_postgres import moments, role_rights, setting, settings, verifier
from pgplan_postgres.membership import Membership, check_owner, membership_key
from pgplan_postgres.renaming import Renamed
from pgplan_postgres.rights import Rights
from pgplan_postgres.role_rights import DEFAULTS, SWITCHES
from pgplan_postgres.sql import comment, name, statement, text, words
from pgplan_postgres.words import ROLE

MAX_CONNECTIONS = 2**31 - 1
Config = Mapping[str, str | list[str]]


@frozen
class _Attributes:
    """What block and spec say alike."""

    superuser: bool = False
    createdb: bool = False
    createrole: bool = False
    login: bool = False
    inherit: bool = True
    replication: bool = False
    bypassrls: bool = False
    connection_limit: int = -1
    """-1 means no limit."""
    password: Secret | None = None


@frozen
class RoleBlock(_Attributes):
    """``[role.NAME]``. Omitted switches and `connection_limit` mean their default and are enforced; whatever else is omitted
    is not managed. `config` and `database_config` are all the settings of the role: others are reset."""

    WORDS: ClassVar[Mapping[str, str]] = ROLE

    valid_until: str | datetime | date | None = None
    config: dict[str, str | list[str]] | None = None
    database_config: dict[str, dict[str, str | list[str]]] | None = None
    comment: str | None = None
    member_of: list[str] | None = None


@frozen
class Role(_Attributes):
    name: str = field(kw_only=True)
    valid_until: str | None = None
    """Until when the password counts, ``2030-01-01T00:00:00Z`` in UTC: what `pgplan_postgres.moments.canonical` gives."""
    config: dict[str, str] | None = field(default=None, converter=sorted_dict)
    database_config: dict[str, dict[str, str]] | None = field(default=None, converter=sorted_dict)
    comment: str | None = None


class RoleKind(Renamed, ObjectKindBase):
    name = "role"
    scope: Scope = "cluster"
    block = RoleBlock
    spec = Role
    stands_on = ("database",)
    # Its own lists go with it; the settings of the server tell which of its own can be.
    reads = ("default_privileges", "setting")
    grantees = ("name",)
    keyword = sql.SQL("ROLE")

    def declare(self, name: str, block: RoleBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        spec = _declared(mistakes, name, block)
        groups = [mistakes.role(("member_of", i), group) for i, group in enumerate(block.member_of or ())]
        for index, group in enumerate(groups):
            check_owner(mistakes, ("member_of", index), [group])
            if group == spec.name:
                mistakes.add(("member_of", index), "a role cannot be a member of itself")
            elif group in groups[:index]:
                mistakes.add(("member_of", index), f"{group!r} stands there twice")
        mistakes.done()
        memberships = (Membership(group, spec.name) for group in groups)
        return [
            Declaration(self.name, part(spec.name), spec),
            *(Declaration("membership", membership_key(one), one) for one in memberships),
        ]

    def references(self, spec: Role) -> Sequence[Reference]:
        return [Reference("database", part(database), "database_config") for database in spec.database_config or ()]

    def secrets(self, spec: Role) -> Mapping[str, Secret]:
        return {"password": spec.password} if spec.password is not None else {}

    def slot_matches(self, slot: str, declared: str, found: Secret) -> bool:
        """`found` is the server's verifier, a blank, and the role's name, which the MD5 form depends on."""
        kept, _, role = found.reveal().partition(" ")
        return slot == "password" and verifier.matches(declared, kept, role)

    def create(self, spec: Role) -> Sequence[Statement]:
        attributes = [each for each in (*SWITCHES, "connection_limit") if getattr(spec, each) != DEFAULTS.get(each, False)]
        if spec.valid_until not in (None, moments.NEVER):
            attributes.append("valid_until")
        target = words(sql.SQL("ROLE"), name(spec.name))
        return [
            statement("CREATE {}", words(target, *_attributes(spec, attributes))),
            *(_password(spec) if spec.password is not None else ()),
            *_config(target, {}, spec.config),
            *_database_config(target, {}, spec.database_config),
            *comment(target, spec.comment or None),
        ]

    def alter(self, found: Found, spec: Role, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        before: Role = found.spec
        target = words(sql.SQL("ROLE"), name(spec.name))
        attributes = [each for each in (*SWITCHES, "connection_limit", "valid_until") if each in changed]
        statements = [statement("ALTER {}", words(target, *_attributes(spec, attributes)))] if attributes else []
        if spec.password is not None and ("password" in slots or "password" in changed):
            statements += _password(spec)
        if "config" in changed:
            statements += _config(target, before.config or {}, spec.config)
        if "database_config" in changed:
            statements += _database_config(target, before.database_config or {}, spec.database_config)
        return [*statements, *(comment(target, spec.comment) if "comment" in changed else ())]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP ROLE {}", name(found.spec.name))]

    def missing_rights(self, found: Found | None, spec: Role | None, rights: Rights) -> Sequence[str]:
        if found is not None and self.lock_out(found, spec, rights.facts):
            return []  # refused in any case, and that is what there is to say
        before: Role | None = found.spec if found is not None else None
        return [*role_rights.missing(before, spec, rights), *_missing_for_settings(before, spec, rights)]

    def trials(self, specs: Mapping[str, Role], catalog: Catalog) -> Iterator[str]:
        for key, spec in specs.items():
            found = catalog.get(self.name, key)
            for _, old, new in _each_settings(found.spec if found is not None else None, spec):
                yield from setting.trials(old, new, catalog)

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        for key, (found, spec) in wanted.items():
            before: Role | None = found.spec if found is not None else None
            for where, old, new in _each_settings(before, spec):
                yield from ((key, *one) for one in setting.refused(where, old, new, outcome.catalog))

    def former(self, name: str, key: str) -> str:
        mistakes = Mistakes()
        role = mistakes.role(("renamed_from",), name)
        mistakes.done()
        return part(role)

    def not_renamed(self, found: Found, facts: Facts) -> str:
        if found.spec.name in (facts.role, facts.session_role):
            return "is the role that pgplan is connected as, which PostgreSQL does not rename"
        return super().not_renamed(found, facts)

    def missing_to_rename(self, found: Found, rights: Rights) -> Sequence[str]:
        return role_rights.to_rename(found.spec, rights)

    def lost_by_rename(self, found: Found) -> str:
        if is_md5(found):
            return "its password is kept as MD5, which PostgreSQL clears: nobody can log in with it"
        unknown = found.spec.login and "password" in found.hidden
        return "whether its password is kept as MD5 is hidden; if so, PostgreSQL clears it" if unknown else ""

    def lock_out(self, found: Found, spec: Role | None, facts: Facts) -> str | None:
        before: Role = found.spec
        if before.name not in (facts.role, facts.session_role):
            return None
        if spec is None:
            return f"the role {before.name} itself"
        lost = [switch.upper() for switch in SWITCHES if getattr(before, switch) and not getattr(spec, switch)]
        if spec.connection_limit == 0 != before.connection_limit:
            lost.append("every connection")
        return ", ".join(lost) or None


def _each_settings(before: Role | None, spec: Role) -> Iterator[tuple[str, settings.Settings | None, settings.Settings | None]]:
    """Where settings stand, what they are, and what they shall be; None is not managed."""
    yield "config", before.config if before is not None else None, spec.config
    by_database = (before.database_config if before is not None else None) or {}
    after = spec.database_config
    for database in sorted(by_database.keys() | after.keys()) if after is not None else ():
        yield f"database_config.{part(database)}", by_database.get(database), (after or {}).get(database, {})


def _missing_for_settings(before: Role | None, spec: Role | None, rights: Rights) -> list[str]:
    each = _each_settings(before, spec) if spec is not None else ()
    return list(dict.fromkeys(right for _, old, new in each for right in setting.missing(old, new, rights)))


def is_md5(found: Found) -> bool:
    """Whether the server shows that it keeps the password of a role as MD5."""
    kept = found.secrets.get("password")
    return kept is not None and kept.reveal().startswith("md5")


def _declared(mistakes: Mistakes, role: str, block: RoleBlock) -> Role:
    role = mistakes.role((), role)
    if SYSTEM_NAME.match(role):
        mistakes.add((), f"a role cannot be called {role!r}: names that begin with pg_ are reserved by PostgreSQL")
    if not -1 <= block.connection_limit <= MAX_CONNECTIONS:
        mistakes.add(("connection_limit",), "a connection limit is -1 (none) or a number of connections")
    if block.password is not None and not block.password.withheld and not block.password.reveal():
        mistakes.add(("password",), "a password is empty", "PostgreSQL would take away the password; leave it out instead")
    config = _settings(mistakes, ("config",), block.config)
    by_database: dict[str, dict[str, str]] = {}
    for database, of_database in (block.database_config or {}).items():
        mistakes.name(("database_config", database), database)
        values = _settings(mistakes, ("database_config", database), of_database)
        if values:
            by_database[database] = values
    return Role(
        name=role,
        **{each.name: getattr(block, each.name) for each in fields(_Attributes)},
        valid_until=_moment(mistakes, block.valid_until),
        config=config,
        database_config=None if block.database_config is None else by_database,
        comment=block.comment,
    )


def _settings(mistakes: Mistakes, path: tuple[str, ...], values: Config | None) -> dict[str, str] | None:
    try:
        return None if values is None else settings.settings(values)
    except ValueError as error:
        mistakes.add(path, str(error))
        return None


def _moment(mistakes: Mistakes, value: str | datetime | date | None) -> str | None:
    try:
        return None if value is None else moments.canonical(value)
    except ValueError as error:
        hint = 'write valid_until = 2030-01-01T00:00:00Z, or another offset such as +02:00 for Z; or valid_until = "infinity"'
        mistakes.add(("valid_until",), f"valid_until {error}", hint)
        return None


def _attributes(spec: Role, attributes: Iterable[str]) -> Iterable[sql.Composable]:
    for attribute in attributes:
        if attribute == "connection_limit":
            yield sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(spec.connection_limit))
        elif attribute == "valid_until" and spec.valid_until is not None:
            yield sql.SQL("VALID UNTIL {}").format(text(spec.valid_until))
        elif attribute in SWITCHES:
            yield _SWITCH_WORDS[attribute, bool(getattr(spec, attribute))]


_SWITCH_WORDS = {
    ("superuser", True): sql.SQL("SUPERUSER"),
    ("superuser", False): sql.SQL("NOSUPERUSER"),
    ("createdb", True): sql.SQL("CREATEDB"),
    ("createdb", False): sql.SQL("NOCREATEDB"),
    ("createrole", True): sql.SQL("CREATEROLE"),
    ("createrole", False): sql.SQL("NOCREATEROLE"),
    ("login", True): sql.SQL("LOGIN"),
    ("login", False): sql.SQL("NOLOGIN"),
    ("inherit", True): sql.SQL("INHERIT"),
    ("inherit", False): sql.SQL("NOINHERIT"),
    ("replication", True): sql.SQL("REPLICATION"),
    ("replication", False): sql.SQL("NOREPLICATION"),
    ("bypassrls", True): sql.SQL("BYPASSRLS"),
    ("bypassrls", False): sql.SQL("NOBYPASSRLS"),
}


def _password(spec: Role) -> list[Statement]:
    return [statement("ALTER ROLE {} PASSWORD :'password'", name(spec.name), secret=SecretUse("password", "verifier", spec.name))]


def _config(target: sql.Composable, before: settings.Settings, after: settings.Settings | None) -> list[Statement]:
    return settings.changes(target, before, after) if after is not None else []


def _database_config(
    target: sql.Composable, before: Mapping[str, settings.Settings], after: Mapping[str, settings.Settings] | None
) -> list[Statement]:
    if after is None:
        return []
    statements: list[Statement] = []
    for database in sorted(before.keys() | after.keys()):
        place = words(target, sql.SQL("IN DATABASE"), name(database))
        statements += settings.changes(place, before.get(database, {}), after.get(database, {}))
    return statements
