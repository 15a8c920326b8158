"""The suite finds kinds that are wrong: each of these is the schema, or the user mapping, with one fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from pgplan import testing
from pgplan.registry import registry_of
from pgplan.sdk import Found, ObjectKind, Secret, Statement
from pgplan_postgres.provider import provider
from pgplan_postgres.schema import Schema, SchemaKind
from pgplan_postgres.user_mapping import UserMapping, UserMappingKind

pytestmark = pytest.mark.enough(18)


class AltersNothing(SchemaKind):
    def alter(self, found: Found, spec: Schema, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        return []


class ForgetsTheComment(SchemaKind):
    def create(self, spec: Schema) -> Sequence[Statement]:
        return super().create(evolve(spec, comment=None))


class DropsNothing(SchemaKind):
    def drop(self, found: Found) -> Sequence[Statement]:
        return []


class MissesNoRight(SchemaKind):
    def missing_rights(self, found: Found | None, spec: Schema | None, rights: Any) -> Sequence[str]:
        return []


class ShowsTheSecret(UserMappingKind):
    def create(self, spec: UserMapping) -> Sequence[Statement]:
        return [Statement(f"SELECT '{secret.reveal()}'") for secret in self.secrets(spec).values()]


class RecordsTheSecret(UserMappingKind):
    def secrets(self, spec: UserMapping) -> Mapping[str, Secret]:
        return {"options.user": Secret(str(spec.options["user"]))} if spec.options else {}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (SchemaKind(), ""),
        (AltersNothing(), "still something to update"),
        (ForgetsTheComment(), "still something to update|still something to adopt"),
        (DropsNothing(), "is still there"),
        (MissesNoRight(), "is not said to be missing"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_states_of_a_schema(database: str, kind: ObjectKind, fault: str) -> None:
    registry = registry_of([evolve(provider, kinds=(kind, *(one for one in provider.kinds if one.name != "schema")))])
    with testing.bench(database, registry) as b:
        states = [testing.declare(registry, "schema", "s", **block)[0] for block in ({}, {"comment": "c"}, {"comment": "d"})]
        if not fault:
            b.check_states(*states)
            return
        with pytest.raises(AssertionError, match=fault):
            b.check_states(*states)


@pytest.mark.parametrize("kind", [ShowsTheSecret(), RecordsTheSecret()], ids=lambda kind: type(kind).__name__)
def test_a_secret_that_is_seen(database: str, kind: ObjectKind) -> None:
    registry = registry_of([evolve(provider, kinds=(kind, *(one for one in provider.kinds if one.name != "user_mapping")))])
    block = {"server": "s", "user": "PUBLIC", "options": {"user": "somebody", "password": "s3cret"}}
    with testing.bench(database, registry) as b:
        b.run("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w")
        with pytest.raises(AssertionError, match="the secret options"):
            b.reach(testing.declare(registry, "user_mapping", "", **block)[0])


def test_an_attribute_that_nothing_changes_by_hand(database: str) -> None:
    registry = registry_of([provider])
    with testing.bench(database, registry) as b, pytest.raises(AssertionError, match="nothing changes owner of schema"):
        b.check_by_hand(testing.declare(registry, "schema", "s", comment="c")[0], {"comment": "COMMENT ON SCHEMA s IS 'd'"})
