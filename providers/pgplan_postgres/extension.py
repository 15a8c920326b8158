"""https://www.postgresql.org/docs/current/sql-createextension.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from pgplan.sdk import (
    Declaration,
    Dependent,
    Facts,
    Found,
    IsThere,
    Mistakes,
    ObjectKindBase,
    Outcome,
    ReaderBase,
    Reasons,
    Reference,
    Row,
    SpecOf,
    Statement,
    Wanted,
    named,
    part,
    sql,
)
from pgplan_postgres import extension_checks
from pgplan_postgres.available_extension import AvailableExtension
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.rights import Rights, ownership
from pgplan_postgres.sql import comment, name, roles, statement, text, words
from pgplan_postgres.targets import schema_of


@frozen
class ExtensionBlock:
    """``[extension.NAME]``. An omitted attribute is not managed; `cascade` installs required extensions when creating.

    Without `schema` the extension is created where it says itself, or in schema public.
    """

    schema: str | None = None
    version: str | None = None
    cascade: bool | None = None
    """Used by CREATE only: None in every found spec."""
    comment: str | None = None


@frozen
class Extension(ExtensionBlock):
    name: str = field(kw_only=True)


_WITHOUT_SCHEMA = ("foreign_data_wrapper", "language", "schema", "server")
_WITHIN_SCHEMA = ("function", "sequence", "table", "type")


class ExtensionKind(ObjectKindBase):
    name = "extension"
    block = ExtensionBlock
    spec = Extension
    stands_on = ("schema",)
    reads = ("available_extension",)
    has_members = True
    creation_only = ("cascade",)

    def declare(self, name: str, block: ExtensionBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.name((), name)
        mistakes.names(("schema", block.schema))
        if block.version is not None and not block.version:
            mistakes.add(("version",), "a version is empty", "leave it out to take the server's default")
        mistakes.done()
        return [Declaration(self.name, part(name), named(Extension, block, name))]

    def references(self, spec: Extension) -> Sequence[Reference]:
        return [Reference("schema", part(spec.schema), "schema")] if spec.schema else []

    def brings(self, spec: Extension, type_: str, key: str, is_there: IsThere) -> bool:
        """Only its script says what an extension holds, so it may be whatever extensions create: a wrapper, a server, a language,
        a schema. Of what lies within a schema it may be what lies in the extension's own (public, if none is declared) or in one
        that is not there yet, and so may come with it. A name in any other schema is a mistake."""
        if type_ in _WITHOUT_SCHEMA:
            return True
        if type_ not in _WITHIN_SCHEMA:
            return False
        schema = schema_of(key)
        return schema == (spec.schema or "public") or not is_there("schema", part(schema))

    def grounds(self, spec: Extension, found: Found | None, spec_of: SpecOf) -> Sequence[Reference]:
        """The extensions that it requires."""
        if found is not None:
            requires: Sequence[str] = found.extra["requires"]
        else:
            offered: AvailableExtension | None = spec_of("available_extension", part(spec.name))
            version = offered.version(spec.version) if offered is not None else None
            requires = version.requires if version is not None else ()
        return [Reference("extension", part(one)) for one in requires]

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        for key, (found, spec) in wanted.items():
            yield from ((key, *one) for one in extension_checks.refused(found, spec, outcome))

    def missing_rights(self, found: Found | None, spec: Extension | None, rights: Rights) -> Sequence[str]:
        lacks = [] if found is None else ownership(found, rights)
        if spec is None:
            return lacks
        moves = found is not None and spec.schema not in (None, found.spec.schema)
        if moves and not rights.has("schema", part(spec.schema or ""), "CREATE"):
            lacks.append(f"CREATE on schema {spec.schema}")
        return [*lacks, *extension_checks.missing(found, spec, rights)]

    def create(self, spec: Extension) -> Sequence[Statement]:
        options = words(
            sql.SQL("CREATE EXTENSION {}").format(name(spec.name)),
            sql.SQL("SCHEMA {}").format(name(spec.schema)) if spec.schema else None,
            sql.SQL("VERSION {}").format(text(spec.version)) if spec.version else None,
            sql.SQL("CASCADE") if spec.cascade else None,
        )
        created = [statement("{}", options)]
        if spec.schema is None:
            # Without SCHEMA an extension that can live anywhere goes where search_path says, and pgplan's holds pg_catalog only.
            # SCHEMA public instead would be refused for one that has its place (pg_cron).
            created = [statement("SET LOCAL search_path TO public"), *created, statement("SET LOCAL search_path TO pg_catalog")]
        return [*created, *self._comment(spec)]

    def alter(self, found: Found, spec: Extension, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        statements: list[Statement] = []
        if "version" in changed and spec.version is not None:
            statements.append(statement("ALTER EXTENSION {} UPDATE TO {}", name(spec.name), text(spec.version)))
        if "schema" in changed and spec.schema is not None:
            statements.append(statement("ALTER EXTENSION {} SET SCHEMA {}", name(spec.name), name(spec.schema)))
        return [*statements, *(self._comment(spec) if "comment" in changed else ())]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP EXTENSION {}", name(found.spec.name))]

    def _comment(self, spec: Extension) -> list[Statement]:
        return comment(words(sql.SQL("EXTENSION"), name(spec.name)), spec.comment)


class ExtensionReader(ReaderBase):
    type = "extension"

    def query(self, facts: Facts) -> str:
        query = """
SELECT x.oid::bigint AS oid, x.extname AS name, n.nspname AS schema, x.extversion AS version, d.description AS comment,
       o.rolname AS owner, x.extrelocatable AS relocatable, r.requires
  FROM pg_catalog.pg_extension AS x
  LEFT JOIN {roles} AS o ON o.oid = x.extowner
  LEFT JOIN (SELECT d.objid, json_agg(y.extname ORDER BY y.extname) AS requires
               FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS y ON y.oid = d.refobjid
              WHERE d.classid = 3079 AND d.refclassid = 3079
              GROUP BY d.objid) AS r ON r.objid = x.oid
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
  -- 3079 is pg_extension's own OID
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = 3079 AND d.objoid = x.oid AND d.objsubid = 0
"""
        return sql.SQL(query).format(roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        standing: dict[str, list[Dependent]] = {}
        for row in rows:
            for one in row["requires"] or ():
                standing.setdefault(one, []).append(Dependent("extension", part(row["name"])))
        return [_found(row, standing.get(row["name"], ())) for row in rows]


def _found(row: Row, standing: Iterable[Dependent]) -> Found:
    spec = Extension(name=row["name"], schema=row["schema"], version=row["version"], comment=row["comment"] or "")
    return Found(
        "extension",
        part(spec.name),
        row["oid"],
        spec,
        extra={"relocatable": row["relocatable"], "requires": row["requires"] or []},
        owner=row["owner"] or "",
        holds=tuple(sorted(standing)),
        # plpgsql is there from the start.
        system=row["oid"] < FIRST_NORMAL_OID,
    )
