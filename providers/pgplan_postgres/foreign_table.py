"""https://www.postgresql.org/docs/current/sql-createforeigntable.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, field, frozen

from pgplan.sdk import (
    Catalog,
    Declaration,
    Found,
    InvalidBlockError,
    Mistakes,
    Outcome,
    Reasons,
    Reference,
    Secret,
    SpecOf,
    Statement,
    Wanted,
    named,
    part,
    sorted_dict,
    split,
    sql,
)
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.column_types import column_type, type_sql
from pgplan_postgres.options import changes, check_readable, clause, plain
from pgplan_postgres.renaming import RenamedInSchema
from pgplan_postgres.rights import Rights, owners_lack
from pgplan_postgres.sql import comment_and_owner, name, statement, words
from pgplan_postgres.targets import object_key, schema_of
from pgplan_postgres.wrapper_options import found_spec, refused, trials, validated_by


@frozen
class ColumnBlock:
    """One of `columns`. Omitted, and enforced: `not_null` is false, and there are no options."""

    name: str
    type: str
    not_null: bool = False
    options: dict[str, str] = field(factory=dict[str, str])
    """Text only: the decoder refuses a sensitive value here."""


@frozen
class Column:
    name: str
    type: str
    """As PostgreSQL spells it (`pgplan_postgres.column_types`)."""
    not_null: bool = False
    options: dict[str, str | Secret] = field(factory=dict[str, "str | Secret"], converter=sorted_dict)
    """No declared one is secret; a found one that looks so is masked."""


@frozen
class ForeignTableBlock:
    """``[foreign_table."SCHEMA.NAME"]``. `columns` are all columns in their order. Of the rest, what is omitted is not managed;
    ``options = {}`` means that there are none."""

    server: str
    columns: list[ColumnBlock]
    options: dict[str, str] | None = None
    """Text only: the decoder refuses a sensitive value here."""
    owner: str | None = None
    comment: str | None = None


@frozen
class ForeignTable:
    name: str
    """With its schema, as in the key."""
    server: str
    columns: tuple[Column, ...]
    options: dict[str, str | Secret] | None = field(default=None, converter=sorted_dict)
    """No declared one is secret; a found one that looks so is masked."""
    owner: str | None = None
    comment: str | None = None


class ForeignTableKind(RenamedInSchema, OwnedKind):
    name = "foreign_table"
    block = ForeignTableBlock
    spec = ForeignTable
    # DROP EXTENSION takes along the tables that it brought, and may take the type of a column.
    stands_on = ("extension", "schema", "server", "role")
    # The table has an access list, which a new one gets by its owner's default privileges.
    reads = ("table", "default_privileges", "extension", "foreign_data_wrapper")
    replace_when = ("server",)
    keyword = sql.SQL("FOREIGN TABLE")
    type = "table"

    def object(self, key: str) -> tuple[str, str]:
        return "table", key

    def columns(self, spec: ForeignTable) -> frozenset[str] | None:
        return frozenset(column.name for column in spec.columns)

    def declare(self, name: str, block: ForeignTableBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        key = _key(mistakes, name)
        mistakes.names(("server", block.server))
        check_readable(mistakes, ("options",), "a foreign table", block.options or {})
        owner = mistakes.optional_role("owner", block.owner)
        columns = tuple(_column(mistakes, index, column) for index, column in enumerate(block.columns))
        names = [column.name for column in columns]
        for index, column in enumerate(names):
            if column in names[:index]:
                mistakes.add(("columns", index, "name"), f"there are two columns {column!r}")
        mistakes.done()
        return [Declaration(self.name, key, named(ForeignTable, block, key, owner=owner, columns=columns))]

    def meaning(self, spec: ForeignTable, spec_of: SpecOf) -> Mapping[str, str]:
        server = spec_of("server", part(spec.server))
        return {} if server is None else {"options": server.fdw}

    def references(self, spec: ForeignTable) -> Sequence[Reference]:
        schema = Reference("schema", part(schema_of(spec.name)), "name")
        return [schema, Reference("server", part(spec.server), "server"), *to_role(spec.owner, "owner")]

    def create(self, spec: ForeignTable) -> Sequence[Statement]:
        columns = sql.SQL(", ").join(_definition(column) for column in spec.columns)
        created = words(
            sql.SQL("CREATE"),
            _target(spec),
            sql.SQL("({})").format(columns),
            sql.SQL("SERVER {}").format(name(spec.server)),
            clause(plain(spec.options or {})),
        )
        return [statement("{}", created), *comment_and_owner(_target(spec), spec, ("comment", "owner"))]

    def alter(self, found: Found, spec: ForeignTable, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        before: ForeignTable = found.spec
        actions = list(_column_actions(before.columns, spec.columns)) if "columns" in changed else []
        options = changes(before.options or {}, spec.options or {}) if "options" in changed else None
        actions += [] if options is None else [options]
        altered = [statement("ALTER {} {}", _target(spec), sql.SQL(", ").join(actions))] if actions else []
        return [*altered, *comment_and_owner(_target(spec), spec, changed)]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def trials(self, specs: Mapping[str, ForeignTable], catalog: Catalog) -> Iterator[str]:
        for key, spec in specs.items():
            found, server = catalog.get(self.name, key), catalog.get("server", part(spec.server))
            if server is not None and (found is None or spec.options not in (None, found.spec.options)):
                by = validated_by(server.spec.fdw, found_spec(catalog), lambda _, __: False)
                yield from trials(by, "foreign_table", spec.options, catalog)

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        yield from owners_lack(wanted, "CREATE", lambda spec: ("schema", part(schema_of(spec.name))), outcome)
        for key, (found, spec) in wanted.items():
            server = outcome.spec("server", part(spec.server))
            by = validated_by(server.fdw, outcome.spec, outcome.is_made) if server is not None else None
            if found is None or spec.options not in (None, found.spec.options):
                yield from ((key, *mistake) for mistake in refused(by, "foreign_table", spec.options, outcome.catalog))
            columns = found.spec.columns if found is not None else ()
            for column in spec.columns:
                if column.options and column not in columns:
                    for message, hint in refused(by, "column", column.options, outcome.catalog):
                        yield key, f"column {column.name}: {message}", hint

    def missing_rights(self, found: Found | None, spec: ForeignTable | None, rights: Rights) -> Sequence[str]:
        lacks = missing_to_make(spec.name, spec.server, rights) if found is None and spec is not None else []
        # To make it takes no USAGE on the schema; to name it afterwards does.
        if found is not None:
            lacks += missing_to_name(found.key, rights)
        elif spec is not None and (spec.owner or spec.comment is not None):
            lacks += missing_to_name(spec.name, rights)
        return [*lacks, *super().missing_rights(found, spec, rights)]


def missing_to_make(name: str, server: str, rights: Rights) -> list[str]:
    """https://www.postgresql.org/docs/current/sql-createforeigntable.html"""
    schema = schema_of(name)
    lacks = [] if rights.has("schema", part(schema), "CREATE") else [f"CREATE on schema {schema}"]
    return lacks if rights.has("server", part(server), "USAGE") else [*lacks, f"USAGE on server {server}"]


def missing_to_name(name: str, rights: Rights) -> list[str]:
    schema = schema_of(name)
    return [] if rights.has("schema", part(schema), "USAGE") else [f"USAGE on schema {schema}"]


def _key(mistakes: Mistakes, text: str) -> str:
    try:
        return object_key("table", text)
    except ValueError as error:
        mistakes.add((), str(error))
        return text


def _column(mistakes: Mistakes, index: int, block: ColumnBlock) -> Column:
    path = ("columns", index)
    mistakes.name((*path, "name"), block.name)
    check_readable(mistakes, (*path, "options"), "a column", block.options)
    column = Column(block.name, block.type, block.not_null, dict(block.options))
    try:
        return evolve(column, type=column_type(block.type))
    except ValueError as error:
        mistakes.add((*path, "type"), str(error))
        return column


def _target(spec: ForeignTable) -> sql.Composable:
    return sql.SQL("FOREIGN TABLE {}").format(name(*split(spec.name)))


def _definition(column: Column) -> sql.Composable:
    not_null = sql.SQL("NOT NULL") if column.not_null else None
    return words(name(column.name), type_sql(column.type), clause(plain(column.options)), not_null)


def _column_actions(before: Sequence[Column], after: Sequence[Column]) -> Iterable[sql.Composable]:
    """What ALTER FOREIGN TABLE does to columns. Raises InvalidBlockError when a column would have to change its place."""
    old = {column.name: column for column in before}
    new = {column.name: column for column in after}
    possible = [*(each for each in old if each in new), *(each for each in new if each not in old)]
    if possible != list(new):
        hint = f"list them as {', '.join(possible)}, or remove the block, apply that, and then declare the table anew"
        raise InvalidBlockError((("columns",), "PostgreSQL can neither move a column nor add one but at the end", hint))
    for column in before:
        if column.name not in new:
            yield sql.SQL("DROP COLUMN {}").format(name(column.name))
        else:
            yield from _alterations(column, new[column.name])
    for column in after:
        if column.name not in old:
            yield sql.SQL("ADD COLUMN {}").format(_definition(column))


def _alterations(before: Column, after: Column) -> Iterable[sql.Composable]:
    column = sql.SQL("ALTER COLUMN {}").format(name(after.name))
    if before.type != after.type:
        yield words(column, sql.SQL("TYPE"), type_sql(after.type))
    if before.not_null != after.not_null:
        yield words(column, sql.SQL("SET NOT NULL") if after.not_null else sql.SQL("DROP NOT NULL"))
    options = changes(before.options, after.options)
    if options is not None:
        yield words(column, options)
