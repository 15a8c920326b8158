"""https://www.postgresql.org/docs/current/sql-createforeigndatawrapper.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from pgplan.sdk import (
    Declaration,
    Facts,
    Found,
    InvalidBlockError,
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
    join,
    named,
    part,
    sorted_dict,
    split,
    sql,
)
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.options import changes, check_readable, clause, plain, query_column, readable_options
from pgplan_postgres.renaming import Renamed
from pgplan_postgres.rights import Rights
from pgplan_postgres.signatures import argument_list, split_signature
from pgplan_postgres.sql import comment_and_owner, name, roles, statement, words
from pgplan_postgres.targets import object_key
from pgplan_postgres.wrapper_options import refused, validated_by

ARGUMENTS = {"handler": argument_list(()), "validator": argument_list(("text[]", "oid"))}
"""What PostgreSQL passes to a wrapper's functions, as it stands in their keys."""


@frozen
class _Attributes:
    """What block and spec say alike."""

    handler: str | None = None
    """A function's name with its schema; "" means none."""
    validator: str | None = None
    """A function's name with its schema; "" means none."""


@frozen
class ForeignDataWrapperBlock(_Attributes):
    """``[foreign_data_wrapper.NAME]``. An omitted attribute is not managed; ``options = {}`` means that there are none."""

    options: dict[str, str] | None = None
    """Text only: the decoder refuses a sensitive value here."""
    owner: str | None = None
    comment: str | None = None


@frozen
class ForeignDataWrapper(_Attributes):
    name: str = field(kw_only=True)
    options: dict[str, str | Secret] | None = field(default=None, converter=sorted_dict)
    """No declared one is secret; a found one that looks so is masked."""
    owner: str | None = None
    comment: str | None = None


class ForeignDataWrapperKind(Renamed, OwnedKind):
    name = "foreign_data_wrapper"
    block = ForeignDataWrapperBlock
    spec = ForeignDataWrapper
    # DROP EXTENSION takes the wrappers along that it brought.
    stands_on = ("extension", "function", "role")
    keyword = sql.SQL("FOREIGN DATA WRAPPER")

    def declare(self, name: str, block: ForeignDataWrapperBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.name((), name)
        check_readable(mistakes, ("options",), "a foreign-data wrapper", block.options or {})
        owner = mistakes.optional_role("owner", block.owner)
        handler = _function_name(mistakes, "handler", block.handler)
        validator = _function_name(mistakes, "validator", block.validator)
        mistakes.done()
        spec = named(ForeignDataWrapper, block, name, owner=owner, handler=handler, validator=validator)
        return [Declaration(self.name, part(name), spec)]

    def references(self, spec: ForeignDataWrapper) -> Sequence[Reference]:
        functions = [
            Reference("function", function + arguments, attribute)
            for attribute, arguments in ARGUMENTS.items()
            if (function := getattr(spec, attribute))
        ]
        return [*functions, *to_role(spec.owner, "owner")]

    def complete(self, spec: ForeignDataWrapper, facts: Facts, spec_of: SpecOf) -> ForeignDataWrapper:
        owner = spec_of("role", part(spec.owner)) if spec.owner else None
        if owner is not None and not owner.superuser:
            hint = "name a superuser, and grant USAGE on the wrapper to who makes servers with it"
            message = f"only a superuser can own a foreign-data wrapper, and {spec.owner} is none"
            raise InvalidBlockError((("owner",), message, hint))
        return spec

    def create(self, spec: ForeignDataWrapper) -> Sequence[Statement]:
        functions = [_function(each, getattr(spec, each)) for each in ARGUMENTS if getattr(spec, each)]
        created = words(sql.SQL("CREATE"), _target(spec), *functions, clause(plain(spec.options or {})))
        return [statement("{}", created), *comment_and_owner(_target(spec), spec, ("comment", "owner"))]

    def alter(self, found: Found, spec: ForeignDataWrapper, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        parts = [_function(each, getattr(spec, each)) for each in ARGUMENTS if each in changed]
        options = changes(found.spec.options or {}, spec.options or {}) if "options" in changed else None
        parts += [] if options is None else [options]
        altered = [statement("{}", words(sql.SQL("ALTER"), _target(spec), *parts))] if parts else []
        return [*altered, *comment_and_owner(_target(spec), spec, changed)]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        for key, (found, spec) in wanted.items():
            if spec.options and (found is None or spec.options != found.spec.options):
                by = validated_by(spec.name, outcome.spec, outcome.is_made)
                mistakes = refused(by, "foreign_data_wrapper", spec.options, outcome.catalog)
                yield from ((key, *one) for one in mistakes)

    def missing_rights(self, found: Found | None, spec: ForeignDataWrapper | None, rights: Rights) -> Sequence[str]:
        """Only superusers make, alter and own wrappers; its owner, who need not be one any more, may drop it."""
        if spec is not None:
            return [] if rights.attribute("superuser") else ["the attribute SUPERUSER"]
        return super().missing_rights(found, spec, rights)


def _function_name(mistakes: Mistakes, attribute: str, value: str | None) -> str | None:
    """A function's name, its parts quoted where they must be."""
    if not value:
        return value
    try:
        function, arguments = split_signature(object_key("function", value))
    except ValueError as error:
        mistakes.add((attribute,), str(error))
        return None
    if arguments is not None:
        mistakes.add((attribute,), f"a {attribute} is named without its arguments: PostgreSQL knows them", f"write {function}")
    return function


def _target(spec: ForeignDataWrapper) -> sql.Composable:
    return sql.SQL("FOREIGN DATA WRAPPER {}").format(name(spec.name))


def _function(attribute: str, function: str) -> sql.Composable:
    handler = attribute == "handler"
    if not function:
        return sql.SQL("NO HANDLER") if handler else sql.SQL("NO VALIDATOR")
    return (sql.SQL("HANDLER {}") if handler else sql.SQL("VALIDATOR {}")).format(name(*split(function)))


_QUERY = """
WITH {listed}
SELECT w.oid::bigint AS oid, w.fdwname AS name, o.rolname AS owner, d.description AS comment,
       h.proname AS handler, hn.nspname AS handler_schema, v.proname AS validator, vn.nspname AS validator_schema,
       {extension} AS extension,
       {options} AS options,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = listed.oid
  LEFT JOIN {roles} AS o ON o.oid = w.fdwowner
  LEFT JOIN pg_catalog.pg_proc AS h ON h.oid = w.fdwhandler
  LEFT JOIN pg_catalog.pg_namespace AS hn ON hn.oid = h.pronamespace
  LEFT JOIN pg_catalog.pg_proc AS v ON v.oid = w.fdwvalidator
  LEFT JOIN pg_catalog.pg_namespace AS vn ON vn.oid = v.pronamespace
  LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = w.tableoid AND d.objoid = w.oid AND d.objsubid = 0
"""


class ForeignDataWrapperReader(ReaderBase):
    type = "foreign_data_wrapper"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "w", "fdwacl", "fdwowner", "pg_catalog.pg_foreign_data_wrapper AS w", facts)
        options = query_column("w.fdwoptions")
        return sql.SQL(_QUERY).format(listed=lists, extension=extension("w"), options=options, roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        return [_found(row, lists) for row in rows]


def _joined(schema: str | None, function: str | None) -> str:
    return join(schema, function) if schema is not None and function is not None else ""


def _found(row: Row, lists: Lists) -> Found:
    spec = ForeignDataWrapper(
        name=row["name"],
        handler=_joined(row["handler_schema"], row["handler"]),
        validator=_joined(row["validator_schema"], row["validator"]),
        options=readable_options(row["options"]),
        owner=row["owner"] or "",
        comment=row["comment"] or "",
    )
    return found_with_list("foreign_data_wrapper", part(spec.name), spec, row, lists)
