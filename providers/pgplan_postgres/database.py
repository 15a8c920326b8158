"""https://www.postgresql.org/docs/current/sql-createdatabase.html

CREATE DATABASE and DROP DATABASE run in no transaction: see `pgplan.kind.MadeApart`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from attrs import field, frozen

from pgplan.sdk import (
    Catalog,
    Declaration,
    Facts,
    Found,
    InvalidBlockError,
    Mistakes,
    Outcome,
    Reasons,
    Reference,
    Scope,
    Statement,
    Wanted,
    named,
    part,
    sorted_dict,
    sql,
    unpart,
)
from pgplan_postgres import setting, settings
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.encodings import encoding
from pgplan_postgres.renaming import Renamed
from pgplan_postgres.rights import Rights
from pgplan_postgres.sql import comment_and_owner, name, statement, text, words
from pgplan_postgres.words import DATABASE

MAX_CONNECTIONS = 2**31 - 1
Provider = Literal["libc", "icu", "builtin"]
T = TypeVar("T")
N = TypeVar("N")


@frozen
class _Attributes:
    """What block and spec say alike. What is omitted is not managed."""

    owner: str | None = None
    connection_limit: int | None = None
    """-1 means no limit."""
    allow_connections: bool | None = None
    is_template: bool | None = None
    comment: str | None = None
    template: str | None = None
    """Only CREATE DATABASE uses it; the catalogs do not keep it."""
    encoding: str | None = None
    locale_provider: Provider | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None
    icu_locale: str | None = None
    """"" means none."""
    builtin_locale: str | None = None
    """"" means none."""


@frozen
class DatabaseBlock(_Attributes):
    """``[database.NAME]``. An omitted attribute is not managed. `config` is all of its settings: others are reset."""

    WORDS: ClassVar[Mapping[str, str]] = DATABASE

    config: dict[str, str | list[str]] | None = None


@frozen
class Database(_Attributes):
    name: str = field(kw_only=True)
    config: dict[str, str] | None = field(default=None, converter=sorted_dict)


FIXED = ("encoding", "locale_provider", "lc_collate", "lc_ctype", "icu_locale", "builtin_locale")
"""What PostgreSQL cannot alter, and what should not cost the database."""
PROVIDERS = 150000
"""server_version_num from which a database may have another locale provider than libc."""


class DatabaseKind(Renamed, OwnedKind):
    name = "database"
    scope: Scope = "cluster"
    block = DatabaseBlock
    spec = Database
    stands_on = ("role",)
    reads = ("setting",)
    undeclared = False
    creation_only = ("template",)
    keyword = sql.SQL("DATABASE")

    def declare(self, name: str, block: DatabaseBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.name((), name)
        mistakes.names(("template", block.template))
        owner = mistakes.optional_role("owner", block.owner)
        if block.connection_limit is not None and not -1 <= block.connection_limit <= MAX_CONNECTIONS:
            mistakes.add(("connection_limit",), "a connection limit is -1 (none) or a number of connections")
        known = _normal(mistakes, "encoding", encoding, block.encoding)
        config = _normal(mistakes, "config", settings.settings, block.config)
        mistakes.done()
        return [Declaration(self.name, part(name), named(Database, block, name, owner=owner, encoding=known, config=config))]

    def references(self, spec: Database) -> Sequence[Reference]:
        return to_role(spec.owner, "owner")

    def apart(self, spec: Database, key: str) -> Statement:
        """Only what cannot be altered later: whose it becomes may be a role that is not there yet."""
        options = (
            sql.SQL("TEMPLATE {}").format(name(spec.template)) if spec.template else None,
            sql.SQL("ENCODING {}").format(text(spec.encoding)) if spec.encoding else None,
            _PROVIDERS[spec.locale_provider] if spec.locale_provider else None,
            sql.SQL("LC_COLLATE {}").format(text(spec.lc_collate)) if spec.lc_collate else None,
            sql.SQL("LC_CTYPE {}").format(text(spec.lc_ctype)) if spec.lc_ctype else None,
            sql.SQL("ICU_LOCALE {}").format(text(spec.icu_locale)) if spec.icu_locale else None,
            sql.SQL("BUILTIN_LOCALE {}").format(text(spec.builtin_locale)) if spec.builtin_locale else None,
        )
        return statement("{}", words(sql.SQL("CREATE DATABASE {}").format(name(unpart(key))), *options))

    def create(self, spec: Database) -> Sequence[Statement]:
        said = [each for each in (*_NEW, "owner") if getattr(spec, each) not in (None, _NEW.get(each))]
        return self._altered({}, spec, said)

    def template(self, spec: Database) -> str:
        return spec.template or TEMPLATE

    def in_use(self, key: str) -> str:
        return sql.SQL(_IN_USE).format(database=text(unpart(key))).text

    def alter(self, found: Found, spec: Database, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        before: Database = found.spec
        fixed = [each for each in FIXED if each in changed]
        if fixed:
            raise InvalidBlockError(*(_cannot(each, getattr(before, each)) for each in fixed))
        return self._altered(before.config or {}, spec, changed)

    @staticmethod
    def _altered(config: Mapping[str, str], spec: Database, changed: Sequence[str]) -> Sequence[Statement]:
        options = [_option(spec, each) for each in _OPTIONS if each in changed]
        statements = [statement("ALTER {} {}", _target(spec), words(*options))] if options else []
        if "config" in changed and spec.config is not None:
            statements += settings.changes(_target(spec), config, spec.config)
        return [*statements, *comment_and_owner(_target(spec), spec, changed)]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def trials(self, specs: Mapping[str, Database], catalog: Catalog) -> Iterator[str]:
        for key, spec in specs.items():
            found = catalog.get(self.name, key)
            yield from setting.trials(found.spec.config if found is not None else None, spec.config, catalog)

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        for key, (found, spec) in wanted.items():
            if found is None:
                yield from ((key, *one) for one in _not_made(spec, outcome))
            before = found.spec.config if found is not None else None
            yield from ((key, *one) for one in setting.refused("config", before, spec.config, outcome.catalog))

    def missing_rights(self, found: Found | None, spec: Database | None, rights: Rights) -> Sequence[str]:
        lacks = super().missing_rights(found, spec, rights)
        if spec is None:
            return lacks
        if found is None:
            return [*_missing_to_make(spec, rights), *lacks, *setting.missing(None, spec.config, rights)]
        lacks = [*lacks, *setting.missing(found.spec.config, spec.config, rights)]
        createdb = spec.owner in (None, found.owner) or rights.attribute("createdb")
        return lacks if createdb else [*lacks, "the attribute CREATEDB, which it takes to change a database's owner"]

    def not_renamed(self, found: Found, facts: Facts) -> str:
        if found.spec.name == facts.database:
            return "is what pgplan is connected to, and PostgreSQL renames no database that somebody is connected to"
        return super().not_renamed(found, facts)

    def missing_to_rename(self, found: Found, rights: Rights) -> Sequence[str]:
        createdb = [] if rights.attribute("createdb") else ["the attribute CREATEDB, which it takes to rename a database"]
        return [*super().missing_to_rename(found, rights), *createdb]

    def lock_out(self, found: Found, spec: Database | None, facts: Facts) -> str | None:
        before: Database = found.spec
        if before.name != facts.database or spec is None:
            return None
        closed = bool(before.allow_connections) and spec.allow_connections is False
        full = spec.connection_limit == 0 != before.connection_limit and not facts.superuser  # whom no limit stops
        given_away = spec.owner is not None and before.owner == facts.role != spec.owner and not facts.superuser
        lost = ["every connection to its own database"] if closed or full else []
        lost += ["the ownership of its own database"] if given_away else []
        return " and ".join(lost) or None


def _normal(mistakes: Mistakes, attribute: str, normal: Callable[[T], N], value: T | None) -> N | None:
    try:
        return None if value is None else normal(value)
    except ValueError as error:
        mistakes.add((attribute,), str(error))
        return None


def _target(spec: Database) -> sql.Composable:
    return sql.SQL("DATABASE {}").format(name(spec.name))


_PROVIDERS: Mapping[Provider, sql.Composable] = {
    "libc": sql.SQL("LOCALE_PROVIDER libc"),
    "icu": sql.SQL("LOCALE_PROVIDER icu"),
    "builtin": sql.SQL("LOCALE_PROVIDER builtin"),
}
_OPTIONS = {
    "connection_limit": sql.SQL("CONNECTION LIMIT {}"),
    "allow_connections": sql.SQL("ALLOW_CONNECTIONS {}"),
    "is_template": sql.SQL("IS_TEMPLATE {}"),
}


_NEW: Mapping[str, Any] = {
    "connection_limit": -1,
    "allow_connections": True,
    "is_template": False,
    "config": {},
    "comment": "",
}
"""What a new database has, whatever its template has."""
TEMPLATE, PRISTINE = "template1", "template0"
"""What a database is made from unless it is said, and what may be made from with other locale settings."""

_IN_USE = """
SELECT pg_catalog.format('process %s is connected to it (%s, role %s)', pid, COALESCE(NULLIF(application_name, ''), 'unnamed'),
                         usename) AS what
  FROM pg_catalog.pg_stat_activity
 WHERE datname = {database} AND usesysid IS NOT NULL
UNION ALL
SELECT pg_catalog.format('it has the replication slot %s', slot_name)
  FROM pg_catalog.pg_replication_slots
 WHERE database = {database}
UNION ALL
SELECT pg_catalog.format('it has the subscription %s', s.subname)
  FROM pg_catalog.pg_subscription AS s
  JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid
 WHERE d.datname = {database}
UNION ALL
SELECT pg_catalog.format('it has the prepared transaction %s', gid)
  FROM pg_catalog.pg_prepared_xacts
 WHERE database = {database}
"""
"""A worker of autovacuum, which is no user's, makes way."""


def _missing_to_make(spec: Database, rights: Rights) -> Iterator[str]:
    if not rights.attribute("createdb"):
        yield "the attribute CREATEDB, which it takes to make a database"
    template = rights.catalog.get("database", part(spec.template or TEMPLATE))
    if template is not None and not template.spec.is_template and not rights.owns(template):
        yield f"ownership of database {template.key}, which is no template for everybody (its owner is {template.owner})"


def _not_made(spec: Database, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Why CREATE DATABASE would fail, as (message, hint)."""
    facts, template = outcome.catalog.facts, spec.template or TEMPLATE
    found = outcome.catalog.get("database", part(template))
    if found is None:
        hint = "name a database that is there; one that is made by the same plan is there for the next one"
        yield f"cannot be made from {template}: there is no such database", hint
        return
    if template == facts.database:
        hint = f'connect to another database, or say template = "{PRISTINE}"'
        yield f"cannot be made from {template}, because pgplan is connected to that", hint
    if facts.version < PROVIDERS and spec.locale_provider not in (None, "libc"):
        yield f"PostgreSQL {facts.version // 10000} has no locale_provider {spec.locale_provider}", "leave it out"
    other = [each for each in FIXED if getattr(spec, each) not in (None, getattr(found.spec, each))]
    if other and template != PRISTINE:
        hint = f'say template = "{PRISTINE}", which holds nothing that depends on them; or leave them out'
        yield f"cannot be made from {template} with another {', '.join(other)} than that has", hint


def _option(spec: Database, attribute: str) -> sql.Composable:
    return _OPTIONS[attribute].format(sql.Literal(getattr(spec, attribute)))


def _cannot(attribute: str, found: str) -> tuple[tuple[str | int, ...], str, str]:
    is_ = f"it is {found!r}" if found else "there is none"
    hint = f"write what is there, leave {attribute} out, or make another database by hand and move the data"
    return (attribute,), f"{attribute} of a database is settled when it is created, and {is_}", hint
