"""Lists of default privileges, as found: what new objects of a role are born with.

A list has a row only where it differs from what holds without one. PostgreSQL ignores an empty list for all schemas, so that
one counts as missing. https://www.postgresql.org/docs/current/catalog-pg-default-acl.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from attrs import frozen

from pgplan.sdk import NO_LIST, AccessList, Catalog, Facts, Found, Item, ReaderBase, Reference, Row, part, sql, unpart
from pgplan_postgres.acl import Lists, built_in, items
from pgplan_postgres.grantable import DEFAULT_PRIVILEGES, DEFAULTS, GRANTABLE, Defaults
from pgplan_postgres.rights import toml
from pgplan_postgres.sql import name, roles, words
from pgplan_postgres.targets import schema_of

_EMPTY = "leaves the list of default privileges on {} empty, and PostgreSQL ignores an empty list: what is built in holds again"
_GIVE_BACK = """give the owner its own rights: a [[default_privileges]] with owner = {0}, global = true, objects = "{1}", \
privileges = ["ALL"], to = {0}"""
ALL_SCHEMAS = "*"
"""In a key; a schema that is called so is double-quoted there."""
_PART = r'("(?:[^"]|"")*"|[^/"]+)'
_KEY = re.compile(rf"{_PART}/{_PART}/([a-z_]+)", re.DOTALL)
_WORDS = {one.defaults.letter: one.defaults.word for one in GRANTABLE.values() if one.defaults is not None}
"""By pg_default_acl.defaclobjtype."""


@frozen
class DefaultList:
    """Which list it is."""

    owner: str
    """The role that makes the objects."""
    schema: str
    """"" for the list that counts in all schemas."""
    objects: str
    """``tables`` and its like."""

    @property
    def key(self) -> str:
        return f"{part(self.owner)}/{part(self.schema) if self.schema else ALL_SCHEMAS}/{self.objects}"

    @property
    def type(self) -> str:
        """The type of the objects."""
        return DEFAULTS[self.objects]

    @property
    def defaults(self) -> Defaults:
        defaults = GRANTABLE[self.type].defaults
        assert defaults is not None
        return defaults

    def without_row(self, version: int) -> AccessList:
        """What the list is where there is no row: server_version_num tells which privileges there are."""
        return NO_LIST if self.schema else built_in(self.type, self.owner, version)

    def statement(self, what: str, to: str) -> str:
        """SQL around ``GRANT SELECT`` and ``TO "r"``."""
        schema = words(sql.SQL("IN SCHEMA"), name(self.schema)) if self.schema else None
        alter = words(sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE"), name(self.owner), schema)
        return f"{alter.text} {what} ON {self.objects.upper().replace('_', ' ')} {to}"


def list_of(owner: str, schema: str | None, letter: str) -> DefaultList:
    """Which list a row of pg_default_acl is: None is the schema of the one for all schemas."""
    return DefaultList(owner, schema or "", _WORDS[letter])


def parse_list(key: str) -> DefaultList:
    """Raises ValueError when `key` is not that of a list."""
    match = _KEY.fullmatch(key)
    if match is None or match[3] not in DEFAULTS:
        raise ValueError(f"{key!r} is not the key of a list of default privileges")
    schema = "" if match[2] == ALL_SCHEMAS else unpart(match[2])
    one = DefaultList(unpart(match[1]), schema, match[3])
    if one.key != key or (one.schema and not one.defaults.in_schema):
        raise ValueError(f"{key!r} is not the key of a list of default privileges")
    return one


class DefaultPrivilegesReader(ReaderBase):
    type = DEFAULT_PRIVILEGES

    def query(self, facts: Facts) -> str:
        query = """
SELECT r.rolname AS owner, n.nspname AS schema, d.defaclobjtype AS letter, ({items}) AS acl
  FROM pg_catalog.pg_default_acl AS d
  JOIN {roles} AS r ON r.oid = d.defaclrole
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
 WHERE d.defaclnamespace = 0 OR n.oid IS NOT NULL
"""
        return sql.SQL(query).format(items=items("d.defaclacl", facts), roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(())
        for row in rows:
            yield _found(list_of(row["owner"], row["schema"], row["letter"]), lists.made(row["acl"]))

    def implied(self, key: str, facts: Facts) -> Found | None:
        try:
            one = parse_list(key)
        except ValueError:
            return None
        return _found(one, one.without_row(facts.version)) if facts.version // 10000 >= one.defaults.since else None

    def unheeded(self, key: str, forbidden: Collection[Item], after: Callable[[str], AccessList]) -> Iterable[tuple[str, str]]:
        """An empty list for all schemas, and a schema's list that is not to give what the one for all schemas gives."""
        one = parse_list(key)
        if not one.schema:
            if not after(key).privileges:
                yield _EMPTY.format(one.objects), _GIVE_BACK.format(toml(one.owner), one.objects)
            return
        everywhere = after(DefaultList(one.owner, "", one.objects).key)
        for item in sorted(item for item in forbidden if item in everywhere.rows):
            yield vain(item.privilege, one.objects, item.grantee)


def vain(privileges: str, objects: str, grantee: str) -> tuple[str, str]:
    """What to say where a schema's list is to withhold what every schema's objects get: message and hint."""
    given = f"{privileges} on {objects} is {grantee}'s in all schemas"
    return f"{given}: what a schema's list lacks takes nothing away", "write global = true, which counts in this schema too"


def _found(one: DefaultList, acl: AccessList) -> Found:
    return Found(DEFAULT_PRIVILEGES, one.key, 0, one, owner=one.owner, acl=acl)


def without_list(type_: str, key: str, owner: str, facts: Facts) -> AccessList:
    """What holds on an object, or for a list of default privileges, as long as nobody granted or revoked anything."""
    if type_ == DEFAULT_PRIVILEGES:
        return parse_list(key).without_row(facts.version)
    return built_in(type_, owner, facts.version) if type_ in GRANTABLE else NO_LIST


def born_by(type_: str, key: str, owner: str) -> list[Reference]:
    """The lists that say what an object has that `owner` has just made: the one for all schemas, then that of its schema."""
    defaults = GRANTABLE[type_].defaults if type_ in GRANTABLE else None
    if defaults is None:
        return []
    schemas = ["", schema_of(key)] if defaults.in_schema else [""]
    return [Reference(DEFAULT_PRIVILEGES, DefaultList(owner, schema, defaults.word).key) for schema in schemas]


def born(type_: str, key: str, owner: str, catalog: Catalog) -> AccessList:
    """What an object has that `owner` has just made.

    The role's default privileges for all schemas replace the built-in ones, and those for the object's schema add to them.
    """
    if type_ not in GRANTABLE:
        return NO_LIST
    start = built_in(type_, owner, catalog.facts.version)
    found = [catalog.get(one.type, one.key) for one in born_by(type_, key, owner)]
    everywhere, here, *_ = (*(one.acl if one is not None else NO_LIST for one in found), NO_LIST, NO_LIST)
    return _added(everywhere if everywhere.privileges else start, here)


def _added(one: AccessList, other: AccessList) -> AccessList:
    if not other.privileges:
        return one
    rows = {(row.item, row.grantor): row for row in one.privileges}
    for row in other.privileges:
        before = rows.get((row.item, row.grantor))
        rows[row.item, row.grantor] = row if before is None or row.grantable else before
    return AccessList(tuple(sorted(rows.values())))
