"""https://www.postgresql.org/docs/current/sql-createserver.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import field, frozen

from pgplan.sdk import (
    Catalog,
    Declaration,
    Facts,
    Found,
    Mistakes,
    Outcome,
    ReaderBase,
    Reasons,
    Reference,
    Row,
    Secret,
    SpecOf,
    Statement,
    Wanted,
    named,
    part,
    sorted_dict,
    sql,
)
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.options import changes, check_readable, clause, plain, query_column, readable_options
from pgplan_postgres.renaming import Renamed
from pgplan_postgres.rights import Rights, owners_lack
from pgplan_postgres.sql import comment_and_owner, name, roles, statement, text, text_or_null, words
from pgplan_postgres.wrapper_options import found_spec, refused, trials, validated_by


@frozen
class _Attributes:
    """What block and spec say alike."""

    fdw: str
    type: str | None = None
    """"" means none."""
    version: str | None = None
    """"" means none."""


@frozen
class ServerBlock(_Attributes):
    """``[server.NAME]``. An omitted attribute is not managed; ``options = {}`` means that there are none."""

    options: dict[str, str] | None = None
    """Text only: the decoder refuses a sensitive value here."""
    owner: str | None = None
    comment: str | None = None


@frozen
class Server(_Attributes):
    name: str = field(kw_only=True)
    options: dict[str, str | Secret] | None = field(default=None, converter=sorted_dict)
    """No declared one is secret; a found one that looks so is masked."""
    owner: str | None = None
    comment: str | None = None


class ServerKind(Renamed, OwnedKind):
    name = "server"
    block = ServerBlock
    spec = Server
    # DROP EXTENSION takes the wrapper along.
    stands_on = ("extension", "foreign_data_wrapper", "role")
    reads = ("extension",)
    replace_when = ("fdw", "type")
    keyword = sql.SQL("SERVER")

    def declare(self, name: str, block: ServerBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.name((), name)
        mistakes.names(("fdw", block.fdw))
        check_readable(mistakes, ("options",), "a server", block.options or {}, "a [[user_mapping]]")
        owner = mistakes.optional_role("owner", block.owner)
        mistakes.done()
        return [Declaration(self.name, part(name), named(Server, block, name, owner=owner))]

    def meaning(self, spec: Server, spec_of: SpecOf) -> Mapping[str, str]:
        return {"options": spec.fdw}

    def references(self, spec: Server) -> Sequence[Reference]:
        return [Reference("foreign_data_wrapper", part(spec.fdw), "fdw"), *to_role(spec.owner, "owner")]

    def create(self, spec: Server) -> Sequence[Statement]:
        created = words(
            sql.SQL("CREATE"),
            _target(spec),
            sql.SQL("TYPE {}").format(text(spec.type)) if spec.type else None,
            sql.SQL("VERSION {}").format(text(spec.version)) if spec.version else None,
            sql.SQL("FOREIGN DATA WRAPPER {}").format(name(spec.fdw)),
            clause(plain(spec.options or {})),
        )
        return [statement("{}", created), *comment_and_owner(_target(spec), spec, ("comment", "owner"))]

    def alter(self, found: Found, spec: Server, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        version = options = None
        if "version" in changed and spec.version is not None:
            version = sql.SQL("VERSION {}").format(text_or_null(spec.version))
        if "options" in changed and spec.options is not None:
            options = changes(found.spec.options or {}, spec.options)
        parts = [part for part in (version, options) if part is not None]
        altered = [statement("ALTER {} {}", _target(spec), words(*parts))] if parts else []
        return [*altered, *comment_and_owner(_target(spec), spec, changed)]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def trials(self, specs: Mapping[str, Server], catalog: Catalog) -> Iterator[str]:
        for key, spec in specs.items():
            found = catalog.get(self.name, key)
            if found is None or spec.options not in (None, found.spec.options):
                by = validated_by(spec.fdw, found_spec(catalog), lambda _, __: False)
                yield from trials(by, "server", spec.options, catalog)

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        yield from owners_lack(wanted, "USAGE", lambda spec: ("foreign_data_wrapper", part(spec.fdw)), outcome)
        for key, (found, spec) in wanted.items():
            if found is None or spec.options not in (None, found.spec.options):
                by = validated_by(spec.fdw, outcome.spec, outcome.is_made)
                mistakes = refused(by, "server", spec.options, outcome.catalog)
                yield from ((key, *one) for one in mistakes)

    def missing_rights(self, found: Found | None, spec: Server | None, rights: Rights) -> Sequence[str]:
        lacks: list[str] = []
        if found is None and spec is not None and not rights.has("foreign_data_wrapper", part(spec.fdw), "USAGE"):
            lacks.append(f"USAGE on foreign-data wrapper {spec.fdw}")
        return [*lacks, *super().missing_rights(found, spec, rights)]


def _target(spec: Server) -> sql.Composable:
    return sql.SQL("SERVER {}").format(name(spec.name))


_QUERY = """
WITH {listed}
SELECT s.oid::bigint AS oid, s.srvname AS name, w.fdwname AS fdw, s.srvtype AS type, s.srvversion AS version,
       o.rolname AS owner, d.description AS comment,
       {extension} AS extension,
       {options} AS options,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_foreign_server AS s ON s.oid = listed.oid
  LEFT JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
  LEFT JOIN {roles} AS o ON o.oid = s.srvowner
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = s.tableoid AND d.objoid = s.oid AND d.objsubid = 0
"""


class ServerReader(ReaderBase):
    type = "server"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "s", "srvacl", "srvowner", "pg_catalog.pg_foreign_server AS s", facts)
        options = query_column("s.srvoptions")
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("s"), options=options, roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _found(row: Row, lists: Lists) -> Found:
    spec = Server(
        name=row["name"],
        fdw=row["fdw"],
        type=row["type"] or "",
        version=row["version"] or "",
        options=readable_options(row["options"]),
        owner=row["owner"] or "",
        comment=row["comment"] or "",
    )
    return found_with_list("server", part(spec.name), spec, row, lists)
