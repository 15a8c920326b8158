"""Drives kinds on a real server the way the engine does: decide, run the statements, read back. All in one transaction."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from pgplan import sql
from pgplan.configuration.decode import decode
from pgplan.configuration.model import Connection, Declared
from pgplan.database.connection import Session, connect, pin_local
from pgplan.database.read import read_now
from pgplan.images import image, restore
from pgplan.kind import Catalog, Found, ObjectKind, Snapshot, Statement
from pgplan.plan.model import Slot
from pgplan.plan.objects import Decision, decide_object
from pgplan.registry import Registry, registry_of
from pgplan.secret import Secret
from pgplan.state.digests import slots
from pgplan.state.model import Entry, State
from pgplan_postgres.provider import provider

REGISTRY: Registry = registry_of([provider])


def declare(kind: str, name: str, **block: Any) -> list[Declared]:
    """What a block in TOML declares: decoded strictly, by the kind's own class."""
    known = REGISTRY.object_kind(kind)
    declarations = known.declare(name, decode(known.block, block))
    return [Declared(f"{one.kind}.{one.key}", one.kind, one.key, one.spec) for one in declarations]


def one(kind: str, name: str = "", **block: Any) -> Declared:
    return declare(kind, name, **block)[0]


@frozen
class Bench:
    session: Session

    def run(self, *statements: str) -> None:
        for text in statements:
            self.session.execute(text.encode())

    def send(self, declared: Declared | None, statements: Sequence[Statement]) -> None:
        """Run statements; a secret is put in as a literal, which only a test may do."""
        kind = REGISTRY.object_kind(declared.kind) if declared else None
        for each in statements:
            text = each.sql
            if each.secret is not None:
                assert kind is not None
                assert declared is not None
                before, token, after = text.rpartition(f":'{each.secret.slot}'")
                assert token
                secret = kind.secrets(declared.spec)[each.secret.slot]
                text = before + sql.Literal(secret.reveal()).text + after
            self.session.execute(text.encode())

    def snapshot(self, *types: str) -> Snapshot:
        return read_now(self.session, REGISTRY, types)

    def catalog(self, *types: str) -> Catalog:
        snapshot = self.snapshot(*types)
        return snapshot.catalog(snapshot.facts.database)

    def found(self, declared: Declared) -> Found | None:
        return self.catalog(declared.kind).get(declared.kind, declared.key)

    def completed(self, declared: Declared, catalog: Catalog) -> Declared:
        def spec_of(type_: str, key: str) -> Any:
            found = catalog.get(type_, key)
            return found.spec if found else None

        return evolve(declared, spec=self.kind(declared).complete(declared.spec, catalog.facts, spec_of))

    def kind(self, declared: Declared) -> ObjectKind:
        return REGISTRY.object_kind(declared.kind)

    def decide(self, declared: Declared, recorded: Declared | None = None) -> Decision:
        snapshot = self.snapshot(declared.kind)
        database = snapshot.facts.database
        catalog = snapshot.catalog(database)
        declared = self.completed(declared, catalog)
        found = catalog.get(declared.kind, declared.key)
        entry = None
        if recorded is not None:
            recorded = self.completed(recorded, catalog)
            entry = Entry(declared.address, "", found.oid if found else 0, image(recorded.spec))
        status: dict[str, Slot] = {slot: s for (_, slot), s in slots([declared], State("", "", 0), snapshot, REGISTRY).items()}
        found_as = REGISTRY.identity(declared.kind, declared.key, database)
        meant = REGISTRY.meant(declared.kind, declared.key, database)
        return decide_object(declared.address, self.kind(declared), found_as, meant, declared, entry, found, status)

    def reach(self, declared: Declared, recorded: Declared | None = None) -> list[str]:
        """Bring the database to what is declared, and return the SQL. Nothing must be left to do."""
        decision = self.decide(declared, recorded)
        statements: list[Statement] = []
        if decision.action == "replace":
            assert decision.found is not None
            statements += decision.kind.drop(decision.found)
        if decision.creates:
            statements += decision.kind.create(decision.made_spec)
        elif decision.action == "update":
            statements += altering(decision)
        self.send(declared, statements)
        self.expect_nothing(declared, recorded and declared)
        return [each.sql for each in statements]

    def expect_nothing(self, declared: Declared, recorded: Declared | None = None) -> None:
        left = self.decide(declared, recorded)
        assert left.found is not None
        assert (left.action, left.changed, left.sent_slots()) == ("none" if recorded else "adopt", (), ())
        # What is found and what is declared can be recorded, and come back equal.
        for spec in (left.found.spec, declared.spec):
            assert restore(image(spec), left.kind.spec) == spec

    def drop(self, declared: Declared) -> None:
        found = self.found(declared)
        assert found is not None
        self.send(None, self.kind(declared).drop(found))
        assert self.found(declared) is None


def altering(decision: Decision) -> Sequence[Statement]:
    assert decision.found is not None
    return decision.kind.alter(decision.found, decision.spec, decision.changed, decision.sent_slots())


@contextmanager
def bench(url: str) -> Generator[Bench]:
    """Nothing of what is done stays."""
    with connect(Connection(url=Secret(url)), Path(), "test") as session:
        pin_local(session)
        yield Bench(session)
        session.rollback()
