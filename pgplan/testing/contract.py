"""What can be told of a provider without a server: that its kinds and readers are what the engine takes them for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, get_args, get_type_hints

import attrs
from attrs import evolve

from pgplan.configuration.decode import decode
from pgplan.kind import EdgeKind, Facts, InvalidBlockError, Kind, MadeApart, ObjectKind, Provider, Reader, Renamable
from pgplan.registry import Registry, is_edge_kind

_FACTS = Facts(180000, "", 1, "postgres", 5, "postgres", "postgres", superuser=True)
VARIANTS = [evolve(_FACTS, version=v * 10000, superuser=s, reads_secrets=s) for v in (14, 15, 16, 17, 18) for s in (True, False)]
"""Of each supported version, with superuser and without: the catalogs that hold secrets are read only with."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ATTRIBUTES = ("replace_when", "replace_when_hidden", "creation_only", "rewritten", "goes_with", "grantees", "private")
"""Members of an object kind that name attributes of its specs."""
_TYPES = ("stands_on", "reads")
"""Members of an object kind that name types."""

# These look at their arguments only, but for the names in an expression.
_ALLOWED = frozenset(
    (
        "aclexplode",
        "acldefault",
        "pg_options_to_table",
        "pg_get_expr",
        "unnest",
        "array_agg",
        "count",
        "json_agg",
        "row_to_json",
        "json_build_array",
        "coalesce",
        "to_char",
        "lower",
        "row_number",
        "pg_encoding_to_char",
    )
)
_BANNED = re.compile(
    r"pg_get_(?!expr\b)\w+|has_\w+_privilege|pg_has_role|oidvectortypes"
    r"|\b(to_)?reg(class|collation|config|database|dictionary|namespace|oper|operator|proc|procedure|role|type)\b"
    r"|pg_identify_object\w*|pg_describe_object|information_schema\s*\.|format_type|acl\w*\s*::\s*text|\bpg_\w+_is_visible\b"
    r"|obj_description|shobj_description|col_description|current_setting|pg_tables\b|pg_indexes\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"--[^\n]*")
_STRING = re.compile(r"'(?:[^']|'')*'")
_CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(", re.IGNORECASE)
_KEYWORDS = frozenset(
    [
        "as",
        "over",
        "ordinality",
        "and",
        "or",
        "in",
        "on",
        "from",
        "where",
        "select",
        "join",
        "when",
        "then",
        "exists",
        "lateral",
        "any",
    ]
)
_COLUMNS = re.compile(r"\bAS\s+\w+\s*\(", re.IGNORECASE)


def check_contract(provider: Provider, registry: Registry, functions: Iterable[str] = ()) -> None:
    """Each kind and each reader is as `pgplan.kind` says. `registry` has the provider, and those whose types its kinds refer to.

    `functions` are SQL functions that look at their arguments only, which its readers may use besides the common ones.
    """
    _has_all(provider, Provider)
    for reader in provider.readers:
        _has_all(reader, Reader)
        assert reader.scope in ("cluster", "database"), f"the reader of {reader.type}: its scope is {reader.scope!r}"
        check_query(reader, functions)
    for kind in provider.kinds:
        _check_kind(kind)
        if is_edge_kind(kind):
            _has_all(kind, EdgeKind)
        else:
            _check_object_kind(registry.object_kind(kind.name), registry)


def _check_kind(kind: Kind) -> None:
    assert _NAME.fullmatch(kind.name), f"{kind.name!r} is no key of TOML without quotes"
    assert kind.form in ("table", "array"), f"{kind.name}: its form is {kind.form!r}"
    assert kind.version >= 1, f"{kind.name}: its version is {kind.version}"
    for cls in (kind.block, kind.spec):
        assert attrs.has(cls), f"{kind.name}: {cls.__name__} is no attrs class"
        loose = [name for name, hint in get_type_hints(cls).items() if {set, frozenset} & set(_origins(hint))]
        assert not loose, f"{kind.name}: {', '.join(loose)} of {cls.__name__} is a set, whose order differs in each process"
    try:
        decode(kind.block, {"no such key": 1})
        told = ""
    except InvalidBlockError as error:
        told = str(error)
    assert "no such key" in told, f"{kind.name}: what is told of a key that its block does not know: {told!r}"


def _check_object_kind(kind: ObjectKind, registry: Registry) -> None:
    _has_all(kind, ObjectKind)
    assert kind.name in registry.readers, f"{kind.name} has no reader"
    reader = registry.readers[kind.name]
    assert reader.scope == kind.scope, f"{kind.name} belongs to the {kind.scope}, and its reader to the {reader.scope}"
    attributes = {field.name for field in attrs.fields(kind.spec)}
    for member in _ATTRIBUTES:
        unknown = sorted(set(getattr(kind, member, ())) - attributes)
        assert not unknown, f"{kind.name}: {member} has {', '.join(unknown)}, which {kind.spec.__name__} has not"
    types = registry.kinds.keys() | registry.readers.keys()
    for member in _TYPES:
        unknown = sorted(set(getattr(kind, member)) - types)
        assert not unknown, f"{kind.name}: {member} has {', '.join(unknown)}, which nobody reads"
    if isinstance(kind, MadeApart):
        assert isinstance(kind, Renamable), f"{kind.name}: it is made apart, under another name, so it must be Renamable"
        replaced = [member for member in ("replace_when", "replace_when_hidden") if getattr(kind, member)]
        assert not replaced, (
            f"{kind.name}: it is made apart, so that {', '.join(replaced)} cannot be heeded: alter refuses instead"
        )


def check_query(reader: Reader, functions: Iterable[str] = ()) -> None:
    """The query uses nothing that ignores the snapshot: docs/explanation/transactions.md."""
    for facts in VARIANTS:
        query = _STRING.sub("''", _COMMENT.sub("", reader.query(facts)))
        assert re.match(r"\s*(SELECT|WITH)\b", query), f"the reader of {reader.type}: this is no SELECT: {query[:40]}"
        banned = _BANNED.search(query)
        assert banned is None, f"the reader of {reader.type} uses {banned[0]}, which ignores the snapshot"
        called = {name.lower() for name in _CALL.findall(_COLUMNS.sub("(", query))}
        unknown = sorted(called - _ALLOWED - _KEYWORDS - set(functions))
        assert not unknown, f"the reader of {reader.type} uses {', '.join(unknown)}: say so if it looks at its arguments only"


def _has_all(one: object, contract: type[Any]) -> None:
    """Every member of the contract is there, and what is called takes the arguments that the engine gives."""
    for name, promised in _members(contract):
        missing = f"{type(one).__name__} lacks {name} of {contract.__name__}"
        assert hasattr(one, name), missing
        if not inspect.isfunction(promised):
            continue
        assert callable(getattr(one, name)), missing
        _, *parameters = inspect.signature(promised).parameters.values()
        by_name = {each.name: None for each in parameters if each.kind is each.KEYWORD_ONLY}
        try:
            inspect.signature(getattr(one, name)).bind(*[None] * (len(parameters) - len(by_name)), **by_name)
        except TypeError as error:
            raise AssertionError(f"{type(one).__name__}.{name} does not take what the engine gives: {error}") from None


def _members(contract: type[Any]) -> Iterator[tuple[str, Any]]:
    for cls in contract.__mro__:
        if cls not in (object, Protocol) and getattr(cls, "_is_protocol", False):
            yield from ((name, member) for name, member in vars(cls).items() if not name.startswith("_"))


def _origins(hint: Any) -> Iterator[Any]:
    yield getattr(hint, "__origin__", hint)
    for inner in get_args(hint):
        yield from _origins(inner)
