"""https://www.postgresql.org/docs/current/sql-createfunction.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from attrs import evolve, field, fields, frozen

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
    SpecOf,
    Statement,
    TextFile,
    Wanted,
    part,
    sorted_dict,
    sql,
)
from pgplan_postgres import setting, settings
from pgplan_postgres.base import OwnedKind, to_role
from pgplan_postgres.function_arguments import (
    SETOF,
    Argument,
    ArgumentBlock,
    declared_arguments,
    declared_result,
    definition,
    may_become,
    own_types,
    signature,
)
from pgplan_postgres.function_defaults import called_first, unknown_names
from pgplan_postgres.renaming import RenamedInSchema
from pgplan_postgres.rights import SUPERUSER, Rights, owners_lack
from pgplan_postgres.sql import comment_and_owner, name, statement, text, words
from pgplan_postgres.targets import is_system, object_key, schema_of

Volatility = Literal["volatile", "stable", "immutable"]
Parallel = Literal["unsafe", "restricted", "safe"]
Security = Literal["invoker", "definer"]

ROWS = 1000.0
_FOR_SUPERUSERS = ("c", "internal")
_MADE_AGAIN = ("arguments", "body", "language", "beyond")
"""What only CREATE OR REPLACE changes; everything else of a function ALTER does, without touching the rest."""
REPAIRABLE = ("a support function", "transforms", "a body of BEGIN ATOMIC", "a body in a library")
"""What `Function.beyond` may hold that CREATE OR REPLACE takes away."""


@frozen
class _Attributes:
    """What block and spec say alike. Omitted, and enforced: the default of PostgreSQL."""

    language: str
    volatility: Volatility = "volatile"
    strict: bool = False
    parallel: Parallel = "unsafe"
    leakproof: bool = False
    security: Security = "invoker"
    cost: float = 0
    """0 means PostgreSQL's default for the language."""
    rows: float = 0
    """0 means PostgreSQL's default: `ROWS` for a set, none for anything else."""


@frozen
class FunctionBlock(_Attributes):
    """``[function."SCHEMA.NAME(TYPES)"]``. There is a `body` or a `file`. Omitted `arguments` are those of the name, and have no
    names; an omitted `returns` is what follows from output arguments. Omitted `config`, `owner` and `comment` are not managed;
    ``config = {}`` means none."""

    body: str | None = None
    file: TextFile | None = None
    """The body, in a file."""
    arguments: list[ArgumentBlock] | None = None
    returns: str | None = None
    config: dict[str, str | list[str]] | None = None
    owner: str | None = None
    comment: str | None = None


def _real(value: float | None) -> float | None:
    """pg_proc keeps single precision, of which six digits are certain."""
    return None if value is None else float(f"{value:.6g}")


@frozen
class Function:
    """Of procedures, aggregates and window functions, and of what an extension or PostgreSQL brings, only name, owner and
    `beyond` are found: they may be granted on."""

    name: str
    """With schema and types, as in the key."""
    arguments: tuple[Argument, ...] | None = None
    returns: str | None = None
    """``integer`` or ``SETOF integer``."""
    language: str | None = None
    body: str | None = None
    volatility: Volatility | None = None
    strict: bool | None = None
    parallel: Parallel | None = None
    leakproof: bool | None = None
    security: Security | None = None
    cost: float | None = field(default=None, converter=_real)
    rows: float | None = field(default=None, converter=_real)
    config: dict[str, str] | None = field(default=None, converter=sorted_dict)
    owner: str | None = None
    comment: str | None = None
    beyond: tuple[str, ...] = ()
    """What it is or has that no block can say, in words: never declared."""
    types: tuple[tuple[str, str], ...] | None = None
    """Its types that are not PostgreSQL's own, by type and key: tables, for their rows, and types. Looked up, not declared."""


class FunctionKind(RenamedInSchema, OwnedKind):
    name = "function"
    block = FunctionBlock
    spec = Function
    # What a body refers to, nobody knows: PostgreSQL looks it up when the function is made.
    late = True
    # What stops the DROP of its schema or its owner these tell themselves, with all else that they hold.
    # Its access list is that of its owner's default privileges; the others tell what rights it takes.
    reads = ("default_privileges", "language", "multirange", "setting", "table", "type")
    replace_when = ("returns",)
    private = ("body",)
    # Defaults are expressions.
    rewritten = ("arguments",)
    keyword = sql.SQL("FUNCTION")
    type = "function"

    def target(self, key: str) -> sql.Composable:
        return signature(key)

    def unmanageable(self, found: Found) -> str:
        if found.extension:
            return f"belongs to the extension {found.extension}"
        beyond: tuple[str, ...] = found.spec.beyond
        return f"is or has {', '.join(beyond)}, which no block can say" if beyond else ""

    def declare(self, name: str, block: FunctionBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        key = _key(mistakes, name)
        mistakes.names(("language", block.language))
        if block.body is None and block.file is None:
            mistakes.add((), "'body' is missing", 'write body = "…", or file = "NAME.sql" for one in a file beside this one')
        elif block.body is not None and block.file is not None:
            mistakes.add(("file",), "body and file are both given", "keep one of the two")
        arguments: tuple[Argument, ...] = ()
        returns = ""
        if not mistakes.found:
            arguments = declared_arguments(mistakes, key, block.arguments)
            returns = declared_result(mistakes, arguments, block.returns)
        if block.language.lower() == "c":
            mistakes.add(("language",), "a function of a library comes with an extension, and has no body")
        several = returns.startswith(SETOF)
        if block.cost < 0:
            mistakes.add(("cost",), "a cost is positive, or 0 for PostgreSQL's default")
        if block.rows < 0 or (block.rows and returns and not several):
            mistakes.add(("rows",), f"rows are a positive number, and only of a function that returns {SETOF}something")
        config = _settings(mistakes, block.config)
        owner = mistakes.optional_role("owner", block.owner)
        mistakes.done()
        same = {each.name: getattr(block, each.name) for each in fields(_Attributes)}
        same["cost"] = block.cost or _cost(block.language)
        same["rows"] = (block.rows or ROWS) if several else 0
        same["body"] = block.file.text if block.file is not None else block.body
        spec = Function(name=key, arguments=arguments, returns=returns, config=config, owner=owner, comment=block.comment, **same)
        return [Declaration(self.name, key, spec)]

    def complete(self, spec: Function, facts: Facts, spec_of: SpecOf) -> Function:
        """With its types: a table's row is its table's. A multirange belongs to a range, and is looked up by PostgreSQL."""
        known = (key for key in _types(spec) if spec_of("multirange", key) is None)
        return evolve(spec, types=tuple(sorted(("table" if spec_of("table", key) else "type", key) for key in known)))

    def cautions(self, spec: Function) -> Sequence[str]:
        if spec.security != "definer":
            return []
        cautions = [] if spec.owner else ['security = "definer" without owner: its callers become whoever made it.']
        path = None if spec.config is None else spec.config.get("search_path")
        if path is None:
            why = "its callers decide with theirs what the names in its body mean."
            cautions.append(f'security = "definer" without a search_path in config: {why}')
        return cautions

    def references(self, spec: Function) -> Sequence[Reference]:
        result = tuple(own_types((), spec.returns or ""))
        types = [Reference(type_, key, "returns" if key in result else "arguments") for type_, key in spec.types or ()]
        return [Reference("schema", part(schema_of(spec.name)), "name"), *types, *to_role(spec.owner, "owner")]

    def grounds(self, spec: Function, found: Found | None, spec_of: SpecOf) -> Sequence[Reference]:
        """No reference: untrusted languages are read by nobody, so they may well be there."""
        return [Reference("language", part(spec.language))] if spec.language else []

    def fixed(self, found: Found, spec: Function, changed: Sequence[str]) -> Sequence[str]:
        before: Function = found.spec
        kept = "arguments" not in changed or may_become(before.arguments or (), spec.arguments or ())
        return [*super().fixed(found, spec, changed), *([] if kept else ["arguments"])]

    def create(self, spec: Function) -> Sequence[Statement]:
        created = statement("CREATE FUNCTION {}", _definition(spec))
        return [created, *comment_and_owner(_target(spec), spec, ("comment", "owner"))]

    def alter(self, found: Found, spec: Function, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        before: Function = found.spec
        lasting = [one for one in before.beyond if one not in REPAIRABLE]
        if lasting:
            message = f"PostgreSQL cannot make it what is declared: it is or has {', '.join(lasting)}"
            raise InvalidBlockError(((), message, "drop it by hand; the next plan makes it as declared"))
        done: list[Statement] = []
        if not {*_MADE_AGAIN}.isdisjoint(changed):
            # Whatever it does not say is reset.
            whole = evolve(spec, config=before.config if spec.config is None else spec.config)
            done.append(statement("CREATE OR REPLACE FUNCTION {}", _definition(whole)))
        else:
            actions = [action for attribute in changed if (action := _action(spec, attribute)) is not None]
            if "config" in changed:
                actions += settings.actions(before.config or {}, spec.config or {})
            done += [statement("ALTER {} {}", _target(spec), words(*actions))] if actions else []
        return [*done, *comment_and_owner(_target(spec), spec, changed)]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]

    def trials(self, specs: Mapping[str, Function], catalog: Catalog) -> Iterator[str]:
        for key, spec in specs.items():
            found = catalog.get(self.name, key)
            yield from setting.trials(found.spec.config if found is not None else None, spec.config, catalog)

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        yield from owners_lack(wanted, "CREATE", lambda spec: ("schema", part(schema_of(spec.name))), outcome)
        for key, (found, spec) in wanted.items():
            sent = _sent(found.spec if found is not None else None, spec)
            yield from ((key, *one) for one in setting.refused("config", *sent, outcome.catalog, of_function=True))
        made = {key: spec.arguments or () for key, (found, spec) in wanted.items() if found is None or _is_made(found.spec, spec)}
        yield from unknown_names(made, outcome)

    def turns(self, wanted: Wanted, outcome: Outcome) -> Iterable[tuple[str, str]]:
        """What the default of an argument calls is made before it."""
        arguments = {key: spec.arguments or () for key, (_, spec) in wanted.items()}
        return called_first(arguments, [key for key, (found, _) in wanted.items() if found is None])

    def missing_rights(self, found: Found | None, spec: Function | None, rights: Rights) -> Sequence[str]:
        before: Function | None = found.spec if found is not None else None
        lacks = [f"USAGE on schema {one}" for one in _looked_into(before, spec) if not rights.has("schema", part(one), "USAGE")]
        if spec is not None and _is_made(before, spec):
            schema = schema_of(spec.name)
            lacks += [] if rights.has("schema", part(schema), "CREATE") else [f"CREATE on schema {schema}"]
            lacks += _language(spec, rights)
            lacks += [f"USAGE on type {key}" for key in _types(spec) if not rights.has("type", key, "USAGE")]
        if spec is not None and spec.leakproof and (before is None or not before.leakproof) and SUPERUSER not in lacks:
            lacks += [] if rights.attribute("superuser") else [SUPERUSER]
        lacks += [] if spec is None else setting.missing(*_sent(before, spec), rights)
        return [*lacks, *super().missing_rights(found, spec, rights)]


def _sent(before: Function | None, spec: Function) -> tuple[settings.Settings | None, settings.Settings | None]:
    """Its settings before and after, but that what makes it anew names all of them again."""
    after = before.config if before is not None and spec.config is None else spec.config
    return before.config if before is not None and not _is_made(before, spec) else None, after


def _cost(language: str | None) -> float:
    """PostgreSQL's default."""
    return 1 if language in _FOR_SUPERUSERS else 100


def _key(mistakes: Mistakes, written: str) -> str:
    try:
        key = object_key("function", written)
    except ValueError as error:
        mistakes.add((), str(error))
        return written
    if not key.endswith(")"):
        mistakes.add((), f"{written!r} lacks the types of its arguments", f"write {key}() for a function without any")
    elif is_system(schema_of(key)):
        mistakes.add((), f"{schema_of(key)} is a system schema")
    return key


def _settings(mistakes: Mistakes, values: dict[str, str | list[str]] | None) -> dict[str, str] | None:
    try:
        return None if values is None else settings.settings(values)
    except ValueError as error:
        mistakes.add(("config",), str(error))
        return None


def _types(spec: Function) -> list[str]:
    return list(own_types(spec.arguments or (), spec.returns or ""))


def _looked_into(before: Function | None, spec: Function | None) -> list[str]:
    """The schemas in which something is looked up: to make a function in one takes no USAGE, to name it afterwards does."""
    named = [one.name for one in (before, spec) if one is not None and (one is before or one.comment is not None or one.owner)]
    types = _types(spec) if spec is not None and _is_made(before, spec) else []
    return sorted({schema_of(key) for key in (*named, *types)})


def _is_made(before: Function | None, spec: Function) -> bool:
    """Whether it takes a CREATE, with or without OR REPLACE."""
    made = (*_MADE_AGAIN, "returns")
    return before is None or any(getattr(before, each) != getattr(spec, each) for each in made)


def _language(spec: Function, rights: Rights) -> list[str]:
    """Of languages only trusted ones are read; what others there are, and whose, the server knows."""
    if spec.language in _FOR_SUPERUSERS:
        return [] if rights.attribute("superuser") else [SUPERUSER]
    language = spec.language or ""
    return [] if rights.has("language", part(language), "USAGE") else [f"USAGE on language {language}"]


def _target(spec: Function) -> sql.Composable:
    return sql.SQL("FUNCTION {}").format(signature(spec.name))


def _definition(spec: Function) -> sql.Composable:
    """What follows CREATE FUNCTION. What PostgreSQL would take by itself is left out."""
    defaults = {**_DEFAULTS, "cost": _cost(spec.language), "rows": ROWS}
    said = [attribute for attribute, value in defaults.items() if getattr(spec, attribute) != value]
    return words(
        definition(spec.name, spec.arguments or (), spec.returns or ""),
        sql.SQL("LANGUAGE {}").format(name(spec.language or "")),
        *(_action(spec, attribute) for attribute in said),
        *settings.actions({}, spec.config or {}),
        sql.SQL("AS {}").format(text(spec.body or "")),
    )


_DEFAULTS = {
    "volatility": "volatile",
    "strict": False,
    "leakproof": False,
    "security": "invoker",
    "parallel": "unsafe",
}
_ACTIONS = {
    ("volatility", "volatile"): sql.SQL("VOLATILE"),
    ("volatility", "stable"): sql.SQL("STABLE"),
    ("volatility", "immutable"): sql.SQL("IMMUTABLE"),
    ("strict", True): sql.SQL("STRICT"),
    ("strict", False): sql.SQL("CALLED ON NULL INPUT"),
    ("leakproof", True): sql.SQL("LEAKPROOF"),
    ("leakproof", False): sql.SQL("NOT LEAKPROOF"),
    ("security", "definer"): sql.SQL("SECURITY DEFINER"),
    ("security", "invoker"): sql.SQL("SECURITY INVOKER"),
    ("parallel", "unsafe"): sql.SQL("PARALLEL UNSAFE"),
    ("parallel", "restricted"): sql.SQL("PARALLEL RESTRICTED"),
    ("parallel", "safe"): sql.SQL("PARALLEL SAFE"),
}


def _action(spec: Function, attribute: str) -> sql.Composable | None:
    """An attribute as ALTER and CREATE say it; None for what they say otherwise."""
    if attribute == "cost" and spec.cost:
        return sql.SQL("COST {}").format(_number(spec.cost))
    if attribute == "rows" and spec.rows:
        return sql.SQL("ROWS {}").format(_number(spec.rows))
    return _ACTIONS.get((attribute, getattr(spec, attribute))) if attribute in _DEFAULTS else None


def _number(value: float) -> sql.Composable:
    return sql.Literal(int(value) if value.is_integer() else value)
