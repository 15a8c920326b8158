"""Drives kinds on a real server the way the engine does: decide, run the statements, read back. All in one transaction."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import psycopg
from attrs import evolve, frozen

from pgplan import sql
from pgplan.address import Address
from pgplan.configuration.decode import decode
from pgplan.configuration.load import load
from pgplan.configuration.model import Connection, Declared, Inputs
from pgplan.database.connection import Session, connect, pin_local
from pgplan.database.read import read_now
from pgplan.images import image, restore
from pgplan.kind import Catalog, Found, MadeApart, ObjectKind, Snapshot, Spec, Statement
from pgplan.plan.foreseen import Foreseen
from pgplan.plan.model import Slot
from pgplan.plan.objects import Decision, decide_object
from pgplan.plan.observed import found_image
from pgplan.plan.outlook import outlook_of
from pgplan.registry import Registry, is_edge_kind
from pgplan.render.toml import block_text
from pgplan.secret import Secret
from pgplan.state.digests import slots
from pgplan.state.model import Entry, State

STRANGER = "pgplan_testing_stranger"
"""A role without any right, made and rolled back by `Bench.check_states`."""


def declare(registry: Registry, kind: str, name: str, **block: Any) -> list[Declared]:
    """What a block in TOML declares: decoded strictly, by the kind's own class.

    Raises InvalidBlockError with every mistake.
    """
    known = registry.object_kind(kind)
    declarations = known.declare(name, decode(known.block, block))
    return [Declared(f"{one.kind}.{one.key}", one.kind, one.key, one.spec) for one in declarations]


@contextmanager
def bench(url: str, registry: Registry) -> Generator[Bench]:
    """A connection to a server, as a superuser. Nothing of what is done stays: it is all one transaction, rolled back."""
    with connect(Connection(url=Secret(url)), Path(), "test") as session:
        pin_local(session)
        yield Bench(session, registry)
        session.rollback()


@frozen
class Bench:
    """Methods called `check_…` are the suite; the others are its parts, for tests of what is particular to a kind."""

    session: Session
    registry: Registry

    def check_states(self, *states: Declared, only_the_server_knows: bool = False) -> None:
        """Every state becomes every other. `states` declare one address, as differently as can be: None, "" and {}, an owner and
        another, each attribute there and not there, and whatever must be replaced.

        A right that the server misses is one that `missing_rights` tells, unless `only_the_server_knows` of some.
        What is made apart must be there.
        """
        assert len(states) > 1, "one state becomes no other"
        assert len({state.address for state in states}) == 1, "the states are of several addresses"
        for first in states:
            with self._undone():
                before = self._seen(first)
                self._check_possible(first, before)
                self.reach(first, seen=before)
                after = self._seen(first)
                self._check_import(first, after)
                for second in states:
                    if second is not first:
                        with self._undone():
                            self.reach(second, recorded=first, seen=after)
                if not isinstance(self.kind(first), MadeApart):
                    self.drop(first)
            self._check_rights(first, only_the_server_knows=only_the_server_knows)

    def _undone(self) -> AbstractContextManager[object]:
        """What is done within is undone by a rollback, so that each state is reached from what another one alone has made."""
        return self.session.transaction(force_rollback=True)

    def check_by_hand(self, declared: Declared, by_hand: Mapping[str, str], key: Collection[str] = ("name",)) -> None:
        """What is changed by hand is found as just that, and repaired. `by_hand` is SQL by the attribute that it changes: one for
        each that PostgreSQL keeps and that does not make up the `key`. `declared` says all of them."""
        kind = self.kind(declared)
        attributes = {field.name for field in attrs.fields(kind.spec)} - {*key, *kind.creation_only}
        forgotten = sorted(attributes - by_hand.keys())
        assert not forgotten, f"nothing changes {', '.join(forgotten)} of {kind.name} by hand"
        self.reach(declared)
        for attribute, statement in by_hand.items():
            self.run(statement)
            decision = self.decide(declared, recorded=declared)
            changed = decision.changed, decision.moved
            assert changed == ((attribute,), "database"), f"{attribute} was changed by hand, and found is {changed}"
            self.reach(declared, recorded=declared)

    def check_readers(self) -> None:
        """All that is found has a key that an address can hold, and a spec that can be recorded."""
        everything = self.catalog(*self.registry.readers)
        for type_ in sorted(self.registry.readers):
            for found in everything.of(type_):
                readers = self.registry.readers_of(found.type, found.key)
                assert type_ in readers, f"the reader of {type_} gives {found.type}.{found.key}, which is not its own"
                assert str(Address.parse(f"{type_}.{found.key}")) == f"{type_}.{found.key}", f"{found.key!r} is no key"
                kind = self.registry.kinds.get(type_)
                if kind is not None and not is_edge_kind(kind):
                    self._check_spec(self.registry.object_kind(type_), found.spec)

    def run(self, *statements: str) -> None:
        for text in statements:
            self.session.execute(text.encode())

    def send(self, declared: Declared | None, statements: Sequence[Statement]) -> None:
        """Run statements; a secret is put in as a literal, which only a test may do."""
        secrets: Mapping[str, Secret] = self.kind(declared).secrets(declared.spec) if declared else {}
        for each in statements:
            shown = [slot for slot, secret in secrets.items() if not secret.withheld and _shows(each.sql, secret)]
            assert not shown, f"the statement holds the secret {', '.join(shown)}: {each.sql}"
            text = each.sql
            if each.secret is not None:
                before, token, after = text.rpartition(f":'{each.secret.slot}'")
                assert token, f"the statement has no place for the secret {each.secret.slot}: {text}"
                text = before + sql.Literal(secrets[each.secret.slot].reveal()).text + after
            self.session.execute(text.encode())

    def snapshot(self, *types: str) -> Snapshot:
        return read_now(self.session, self.registry, types)

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
        return self.registry.object_kind(declared.kind)

    def decide(self, declared: Declared, recorded: Declared | None = None, seen: Snapshot | None = None) -> Decision:
        """What the plan would do. `seen` is what was read since the last change, where something was."""
        snapshot = seen or self.snapshot(declared.kind, *self.kind(declared).reads)
        database = snapshot.facts.database
        catalog = snapshot.catalog(database)
        declared = self.completed(declared, catalog)
        found = catalog.get(declared.kind, declared.key)
        entry = None
        if recorded is not None:
            recorded = self.completed(recorded, catalog)
            entry = Entry(declared.address, "", found.oid if found else 0, image(recorded.spec))
        known = slots([declared], State("", "", 0), snapshot, self.registry)
        status: dict[str, Slot] = {slot: s for (_, slot), s in known.items()}
        found_as = self.registry.identity(declared.kind, declared.key, database)
        meant = self.registry.meant(declared.kind, declared.key, database)
        return decide_object(declared.address, self.kind(declared), found_as, meant, declared, entry, found, status)

    @staticmethod
    def statements(decision: Decision) -> list[Statement]:
        """What carries a decision out."""
        kind, found = decision.kind, decision.found
        dropped = kind.drop(found) if decision.action == "replace" and found is not None else ()
        if decision.creates:
            return [*dropped, *kind.create(decision.made_spec)]
        if decision.action != "update" or found is None:
            return []
        return [*kind.alter(found, decision.spec, decision.changed, decision.sent_slots())]

    def reach(self, declared: Declared, recorded: Declared | None = None, seen: Snapshot | None = None) -> list[str]:
        """Bring the database to what is declared, and return the SQL. Nothing must be left to do. `seen` is as for `decide`."""
        statements = self.statements(self.decide(declared, recorded, seen))
        self.send(declared, statements)
        self.expect_nothing(declared, recorded and declared)
        return [each.sql for each in statements]

    def expect_nothing(self, declared: Declared, recorded: Declared | None = None) -> None:
        left = self.decide(declared, recorded)
        assert left.found is not None, f"{declared.address} is not found"
        ends = left.action == ("none" if recorded else "adopt") and not left.changed and not left.sent_slots()
        assert ends, f"{declared.address}: there is still something to {left.action}: {(*left.changed, *left.sent_slots())}"
        for spec in (left.found.spec, declared.spec):
            self._check_spec(left.kind, spec)

    def drop(self, declared: Declared) -> None:
        found = self.found(declared)
        assert found is not None, f"{declared.address} is not found"
        self.send(None, self.kind(declared).drop(found))
        assert self.found(declared) is None, f"{declared.address} is still there"

    def _check_spec(self, kind: ObjectKind, spec: Spec) -> None:
        """It can be recorded and comes back equal; no secret is seen in it; it cannot be changed."""
        assert restore(image(spec), kind.spec) == spec, f"what is recorded of {kind.name} comes back as another: {spec}"
        shown = json.dumps(image(spec), ensure_ascii=False) + repr(spec)
        for slot, secret in kind.secrets(spec).items():
            assert secret.withheld or not _shows(shown, secret), f"the secret {slot} is seen in what is recorded"
        for field in attrs.fields(kind.spec):
            try:
                setattr(spec, field.name, getattr(spec, field.name))
            except attrs.exceptions.FrozenInstanceError:
                continue
            raise AssertionError(f"{kind.spec.__name__} is not frozen")

    def _check_import(self, declared: Declared, seen: Snapshot) -> None:
        """The block that `pgplan import` prints for what is found declares it, so that nothing is left to do."""
        kind, found = self.kind(declared), seen.catalog(seen.facts.database).get(declared.kind, declared.key)
        assert found is not None
        spec = restore(found_image(found.spec), kind.spec)
        text = block_text(kind, Address(declared.kind, declared.key), spec, found.hidden)
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "pgplan.toml").write_text(f'[pgplan]\nname = "import"\n\n{text}')
            (imported,) = load(Path(directory), self.registry, Inputs(), resolve_secrets=False).declared
        assert imported.address == declared.address, f"the block declares {imported.address} instead:\n{text}"
        left = self.decide(imported, seen=seen)
        assert left.found is not None, f"the block declares another object:\n{text}"
        assert not left.changed, f"the block would change {', '.join(left.changed)}:\n{text}"

    def _check_possible(self, declared: Declared, seen: Snapshot) -> None:
        """What the server does is not called impossible."""
        decision = self.decide(declared, seen=seen)
        outcome = Foreseen(outlook_of([decision], seen, self.registry), seen.facts.database)
        wanted = {declared.key: (decision.found if decision.action == "update" else None, decision.made_spec)}
        told = [message for _, message, _ in decision.kind.impossible(wanted, outcome)] if decision.makes else []
        assert not told, f"{declared.address}: this is possible: {', '.join(told)}"

    def _seen(self, declared: Declared) -> Snapshot:
        """All that deciding about it, and about its rights, takes."""
        kind = self.kind(declared)
        return self.snapshot(declared.kind, *kind.reads, *(reference.type for reference in kind.references(declared.spec)))

    def _check_rights(self, declared: Declared, *, only_the_server_knows: bool) -> None:
        """A role without any right is told so by the plan wherever the server would refuse it, and nowhere else."""
        kind = self.kind(declared)
        provider = self.registry.providers[kind.name]
        with self._undone():
            self.run(f"CREATE ROLE {STRANGER}", f"SET LOCAL ROLE {STRANGER}")
            seen = self._seen(declared)
            catalog = seen.catalog(seen.facts.database)
            rights = provider.rights(catalog, catalog)
            decision = self.decide(declared, seen=seen)
            completed = decision.declared
            assert completed is not None
            missing = () if decision.action == "adopt" else kind.missing_rights(decision.found, completed.spec, rights)
            try:
                self.send(completed, self.statements(decision))
                refused = ""
            except psycopg.errors.InsufficientPrivilege as error:
                refused = str(error)
        told = missing or only_the_server_knows
        assert told or not refused, f"{declared.address}: what is refused is not said to be missing: {refused}"
        assert refused or not missing, f"{declared.address}: this is not missing: {', '.join(missing)}"


def _shows(text: str, secret: Secret) -> bool:
    """Whether a secret stands in a text. Of a very short one nobody can tell."""
    value = secret.reveal()
    return len(value) > 3 and value in text  # noqa: PLR2004
