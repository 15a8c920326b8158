"""The built-in provider keeps the contract, and the suite finds one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from attrs import define, evolve, frozen

from pgplan.registry import registry_of
from pgplan.sdk import Declaration, Facts, Found, ObjectKindBase, Provider, ReaderBase, Reference, Row, Statement
from pgplan.testing import check_contract, check_query
from pgplan_postgres.provider import provider

FILES = ("pg_available_extension_versions", "pg_available_extensions", "pg_extension_update_paths")
"""What these tell stands in files, which no snapshot holds."""


def _check(provider: Provider) -> None:
    check_contract(provider, registry_of([provider]), FILES)


def test_the_built_in_provider_keeps_the_contract() -> None:
    _check(provider)


@frozen
class Block:
    comment: str | None = None


@frozen
class Spec(Block):
    name: str = ""


class Reader(ReaderBase):
    type = "thing"
    text = "SELECT 1 AS oid"

    def query(self, facts: Facts) -> str:
        return self.text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return []


class Kind(ObjectKindBase):
    name = "thing"
    block: type[Any] = Block
    spec: type[Any] = Spec

    def declare(self, name: str, block: Any) -> Iterable[Declaration]:
        return []

    def references(self, spec: Any) -> Sequence[Reference]:
        return []

    def create(self, spec: Any) -> Sequence[Statement]:
        return []

    def alter(self, found: Found, spec: Any, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return []

    def drop(self, found: Found) -> Sequence[Statement]:
        return []


class TakesTooLittle(Kind):
    def alter(self, found: Found, spec: Any, changed: Sequence[str]) -> Sequence[Statement]:  # type: ignore[override]
        return []


@define
class HasASet:
    names: frozenset[str] = frozenset()


@define
class HasSetsWithin:
    by_name: Mapping[str, tuple[set[str], ...]]


def _kind(**members: Any) -> Kind:
    kind = Kind()
    for name, value in members.items():
        setattr(kind, name, value)
    return kind


def test_defaults_keep_it() -> None:
    _check(evolve(provider, kinds=(Kind(),), readers=(Reader(),)))


@pytest.mark.parametrize(
    ("kind", "readers", "message"),
    [
        (Kind(), (), "has no reader"),
        (_kind(name="two words"), (Reader(),), "no key of TOML"),
        (_kind(scope="cluster"), (Reader(),), "belongs to the cluster"),
        (_kind(replace_when=("nme",)), (Reader(),), "replace_when has nme"),
        (_kind(stands_on=("rolle",)), (Reader(),), "stands_on has rolle, which nobody reads"),
        (_kind(apart=str, template=str, in_use=str), (Reader(),), "made apart, under another name, so it must be Renamable"),
        (_kind(spec=dict), (Reader(),), "is no attrs class"),
        (_kind(spec=HasASet), (Reader(),), "names of HasASet is a set"),
        (_kind(spec=HasSetsWithin), (Reader(),), "by_name of HasSetsWithin is a set"),
        (_kind(create=None), (Reader(),), "lacks create of ObjectKind"),
        (TakesTooLittle(), (Reader(),), "does not take what the engine gives"),
    ],
)
def test_what_is_found(kind: Kind, readers: tuple[Reader, ...], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        _check(evolve(provider, kinds=(kind,), readers=readers))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a::regclass",
        "SELECT has_schema_privilege(x)",
        "SELECT nspacl::text",
        "SELECT pg_get_userbyid(1)",
        "SELECT mine(1)",
        "TABLE pg_roles",
    ],
)
def test_a_query_that_ignores_the_snapshot(text: str) -> None:
    reader = Reader()
    reader.text = text
    with pytest.raises(AssertionError):
        check_query(reader)


def test_functions_of_its_own() -> None:
    reader = Reader()
    reader.text = "SELECT upper(spcname) FROM pg_catalog.pg_tablespace"
    check_query(reader, functions=("upper",))
