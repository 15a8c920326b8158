"""https://www.postgresql.org/docs/current/sql-importforeignschema.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from pgplan.sdk import (
    Declaration,
    Facts,
    Form,
    Found,
    Mistakes,
    ReaderBase,
    Reference,
    Row,
    Statement,
    join,
    part,
    sorted_dict,
    split,
    sql,
)
from pgplan_postgres.acl import extension
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.dependents import OF_FOREIGN_TABLES, dependents, held
from pgplan_postgres.foreign_table import missing_to_make, missing_to_name
from pgplan_postgres.options import check_readable, clause, query_column
from pgplan_postgres.rights import Rights
from pgplan_postgres.sql import comment_and_owner, name, roles, statement, text, words
from pgplan_postgres.targets import is_system, schema_of


@frozen
class ImportBlock:
    """``[[import_foreign_schema]]``: each table of `limit_to` is one foreign table in the schema `into`.

    Omitted, and enforced: there are no options. An omitted `owner` is not managed.
    """

    server: str
    remote_schema: str
    into: str
    limit_to: list[str]
    options: dict[str, str] = field(factory=dict[str, str])
    """Of the import, not of the tables that it makes."""
    owner: str | None = None


@frozen
class Import:
    """One table of an import. Its columns are what the remote table's were when it was imported, and nobody's here."""

    name: str
    """With its schema, as in the key; without it, the remote table's too."""
    server: str
    remote_schema: str
    options: dict[str, str] = field(factory=dict[str, str], converter=sorted_dict)
    """Found are none: the catalogs do not keep them."""
    owner: str | None = None


class ImportKind(OwnedKind):
    name = "import_foreign_schema"
    form: Form = "array"
    block = ImportBlock
    spec = Import
    reads = ("table", "default_privileges")
    # An import logs in at the server by the connected role's user mapping, which it does not name; functions may name its tables.
    late = True
    early = True
    undeclared = False
    replace_when = ("options", "remote_schema", "server")
    # What the options were is known of the last import alone.
    rewritten = ("options",)

    def object(self, key: str) -> tuple[str, str]:
        return "table", key

    def declare(self, name: str, block: ImportBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.names(("server", block.server), ("remote_schema", block.remote_schema), ("into", block.into))
        if is_system(block.into):
            mistakes.add(("into",), f"{block.into} is a system schema")
        check_readable(mistakes, ("options",), "an import", block.options)
        owner = mistakes.optional_role("owner", block.owner)
        mistakes.some(("limit_to",), block.limit_to)
        for index, table in enumerate(block.limit_to):
            mistakes.name(("limit_to", index), table)
        mistakes.done()
        specs = (
            Import(join(block.into, table), block.server, block.remote_schema, block.options, owner) for table in block.limit_to
        )
        return [Declaration(self.name, spec.name, spec) for spec in specs]

    def blocks(self, spec: Import) -> Sequence[Mapping[str, Any]]:
        into, table = split(spec.name)
        said = {"server": spec.server, "remote_schema": spec.remote_schema, "into": into, "limit_to": [table]}
        more = {"options": dict(spec.options), "owner": spec.owner}
        return [said | {attribute: value for attribute, value in more.items() if value}]

    def references(self, spec: Import) -> Sequence[Reference]:
        schema = Reference("schema", part(schema_of(spec.name)), "into")
        return [schema, Reference("server", part(spec.server), "server"), *to_role(spec.owner, "owner")]

    def create(self, spec: Import) -> Sequence[Statement]:
        into, table = split(spec.name)
        imported = words(
            sql.SQL("IMPORT FOREIGN SCHEMA {} LIMIT TO ({})").format(name(spec.remote_schema), name(table)),
            sql.SQL("FROM SERVER {} INTO {}").format(name(spec.server), name(into)),
            clause(spec.options),
        )
        return [statement("{}", imported), _made(spec), *comment_and_owner(_target(spec), spec, ("owner",))]

    def alter(self, found: Found, spec: Import, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return comment_and_owner(_target(spec), spec, [each for each in changed if each == "owner"])

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def missing_rights(self, found: Found | None, spec: Import | None, rights: Rights) -> Sequence[str]:
        lacks = missing_to_make(spec.name, spec.server, rights) if found is None and spec is not None else []
        name = spec.name if spec is not None else found.key if found is not None else ""
        lacks += missing_to_name(name, rights) if name else []
        return [*lacks, *super().missing_rights(found, spec, rights)]


def _made(spec: Import) -> Statement:
    """An import passes over what the remote schema does not have, in silence: that must end here, and not at what needs it."""
    into, table = split(spec.name)
    missing = words(
        sql.SQL("pg_catalog.to_regclass({}) IS NULL").format(text(name(into, table).text)),
        sql.SQL("THEN RAISE undefined_table USING MESSAGE = {};").format(
            text(f"the server {spec.server} has no table {table} in its schema {spec.remote_schema}, or does not show it")
        ),
    )
    return statement("DO {}", text(sql.SQL("BEGIN IF {} END IF; END").format(missing).text))


def _target(spec: Import) -> sql.Composable:
    return sql.SQL("FOREIGN TABLE {}").format(name(*split(spec.name)))


_QUERY = """
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, s.srvname AS server, o.rolname AS owner,
       {extension} AS extension,
       {options} AS options,
       held.list AS held
  FROM pg_catalog.pg_foreign_table AS f
  JOIN pg_catalog.pg_class AS c ON c.oid = f.ftrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver
  LEFT JOIN {roles} AS o ON o.oid = c.relowner
  LEFT JOIN {held} AS held ON held.object = c.oid
"""


class ImportReader(ReaderBase):
    """Foreign tables that are as postgres_fdw imports them: their options say from which schema, and their own name."""

    type = "import_foreign_schema"

    def query(self, facts: Facts) -> str:
        held_, options = held(OF_FOREIGN_TABLES), query_column("f.ftoptions")
        return sql.SQL(_QUERY).format(extension=extension("c"), options=options, held=held_, roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        for row in rows:
            options: dict[str, str] = dict(row["options"] or ())
            if options.get("schema_name") and options.get("table_name") == row["name"]:
                yield _found(row, options["schema_name"])


def _found(row: Row, remote_schema: str) -> Found:
    key = join(row["schema"], row["name"])
    spec = Import(key, row["server"], remote_schema, owner=row["owner"] or "")
    member = part(row["extension"]) if row["extension"] else ""
    owner, holds = row["owner"] or "", dependents(row["held"])
    return Found("import_foreign_schema", key, row["oid"], spec, owner=owner, extension=member, holds=holds)
