"""https://www.postgresql.org/docs/current/sql-createstatistics.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from attrs import field, frozen
from attrs.converters import optional

from pgplan.sdk import Declaration, Facts, Found, Mistakes, ReaderBase, Reference, Row, Statement, join, named, part, split, sql
from pgplan_postgres.sdk import (
    OwnedKind,
    Rights,
    comment_and_owner,
    extension,
    name,
    object_key,
    ownership,
    schema_of,
    statement,
    to_role,
    words,
)

_LETTERS = {"d": "ndistinct", "f": "dependencies", "m": "mcv"}
"""pg_statistic_ext.stxkind"""
_DEFAULT, _MOST = -1, 10000


@frozen
class StatisticsBlock:
    """``[statistics."SCHEMA.NAME"]``. What is omitted, of all but `table` and `columns`, is not managed."""

    table: str
    columns: list[str]
    kinds: list[Literal["dependencies", "mcv", "ndistinct"]] | None = None
    target: int | None = None
    """-1: the server's default."""
    owner: str | None = None
    comment: str | None = None


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(values))


@frozen
class Statistics:
    name: str
    """With its schema, as in the key."""
    table: str
    """The table's key."""
    columns: tuple[str, ...] = field(converter=_sorted)
    """PostgreSQL keeps no order of them."""
    kinds: tuple[str, ...] | None = field(default=None, converter=optional(_sorted))
    target: int | None = None
    owner: str | None = None
    comment: str | None = None


class StatisticsKind(OwnedKind):
    name = "statistics"
    block = StatisticsBlock
    spec = Statistics
    # DROP EXTENSION takes along the tables that it brought.
    stands_on = ("extension", "schema", "table", "role")
    goes_with = ("table",)
    replace_when = ("table", "columns", "kinds")

    def declare(self, name: str, block: StatisticsBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        key = _key(mistakes, (), name)
        table = _key(mistakes, ("table",), block.table)
        for index, column in enumerate(block.columns):
            mistakes.name(("columns", index), column)
            if column in block.columns[:index]:
                mistakes.add(("columns", index), f"{column} stands there twice")
        if len(block.columns) < 2:
            mistakes.add(("columns",), "statistics are about two columns or more")
        mistakes.some(("kinds",), block.kinds)
        if block.target is not None and not _DEFAULT <= block.target <= _MOST:
            mistakes.add(("target",), f"a target is between {_DEFAULT}, the server's default, and {_MOST}")
        owner = mistakes.optional_role("owner", block.owner)
        mistakes.done()
        return [Declaration(self.name, key, named(Statistics, block, key, table=table, owner=owner))]

    def references(self, spec: Statistics) -> Sequence[Reference]:
        schema = Reference("schema", part(schema_of(spec.name)), "name")
        return [schema, Reference("table", spec.table, "table"), *to_role(spec.owner, "owner")]

    def create(self, spec: Statistics) -> Sequence[Statement]:
        created = words(
            sql.SQL("CREATE"),
            _target(spec),
            sql.SQL("({})").format(_names(spec.kinds)) if spec.kinds is not None else None,
            sql.SQL("ON {} FROM {}").format(_names(spec.columns), name(*split(spec.table))),
        )
        return [statement("{}", created), *self._altered(spec, ("target", "comment", "owner"))]

    def alter(self, found: Found, spec: Statistics, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return self._altered(spec, changed)

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def missing_rights(self, found: Found | None, spec: Statistics | None, rights: Rights) -> Sequence[str]:
        lacks: list[str] = []
        if found is None and spec is not None:
            schema = part(schema_of(spec.name))
            lacks += [] if rights.has("schema", schema, "CREATE") else [f"CREATE on schema {schema}"]
            table = rights.catalog.get("table", spec.table)
            lacks += [] if table is None else ownership(table, rights)
        return [*lacks, *super().missing_rights(found, spec, rights)]

    def _altered(self, spec: Statistics, changed: Sequence[str]) -> list[Statement]:
        target = spec.target if "target" in changed else None
        altered = [] if target is None else [statement("ALTER {} SET STATISTICS {}", _target(spec), sql.Literal(target))]
        return [*altered, *comment_and_owner(_target(spec), spec, changed)]


def _key(mistakes: Mistakes, path: tuple[str, ...], text: str) -> str:
    """The key of something within a schema: statistics are named as tables are."""
    try:
        return object_key("table", text)
    except ValueError as error:
        mistakes.add(path, str(error))
        return text


def _target(spec: Statistics) -> sql.Composable:
    return sql.SQL("STATISTICS {}").format(name(*split(spec.name)))


def _names(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(name(one) for one in names)


_QUERY = """
SELECT s.oid::bigint AS oid, n.nspname AS schema, s.stxname AS name, o.rolname AS owner, d.description AS comment,
       tn.nspname AS table_schema, t.relname AS table_name,
       (SELECT json_agg(a.attname) FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)) AS columns,
       (SELECT json_agg(letter) FROM unnest(s.stxkind) AS letter) AS letters,
       -- NULL from version 17 on, -1 before
       coalesce(s.stxstattarget, -1) AS target,
       {extension} AS extension
  FROM pg_catalog.pg_statistic_ext AS s
  JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
  JOIN pg_catalog.pg_class AS t ON t.oid = s.stxrelid
  JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
  LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = s.stxowner
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = s.tableoid AND d.objoid = s.oid AND d.objsubid = 0
 -- those on expressions are none that this kind could declare
 WHERE s.stxexprs IS NULL
"""


class StatisticsReader(ReaderBase):
    type = "statistics"

    def query(self, facts: Facts) -> str:
        return sql.SQL(_QUERY).format(extension=extension("s")).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [_found(row) for row in rows]


def _found(row: Row) -> Found:
    spec = Statistics(
        name=join(row["schema"], row["name"]),
        table=join(row["table_schema"], row["table_name"]),
        columns=row["columns"],
        kinds=tuple(_LETTERS[letter] for letter in row["letters"]),
        target=row["target"],
        owner=row["owner"] or "",
        comment=row["comment"] or "",
    )
    member_of = part(row["extension"]) if row["extension"] else ""
    return Found("statistics", spec.name, row["oid"], spec, owner=spec.owner or "", extension=member_of)
