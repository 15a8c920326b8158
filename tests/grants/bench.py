"""Grants and revokes on a real server, by way of the real planner: plan, run, read back. All in one transaction."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from psycopg.errors import Diagnostic

from pgplan import sql
from pgplan.configuration.decode import decode
from pgplan.configuration.model import Configuration, Connection, Declared, Policy, StateSettings
from pgplan.database.connection import Session, connect, pin_local
from pgplan.database.read import read_now
from pgplan.images import image, restore
from pgplan.kind import Catalog, Found
from pgplan.plan.build import build
from pgplan.plan.model import Plan, Remarks
from pgplan.registry import Registry, registry_of
from pgplan.secret import Secret
from pgplan.state.model import Entry, State
from pgplan_postgres.provider import provider

REGISTRY: Registry = registry_of([provider])
Block = dict[str, Any]
Right = tuple[str, str, str, bool]
"""(column, grantee, privilege, grantable)"""


def declared(*blocks: Block) -> list[Declared]:
    """What blocks in TOML declare, those of one address added up. With ``owner`` a block is an ownership or about default
    privileges, with ``from`` alone it is a revoke."""
    merged: dict[str, Declared] = {}
    for block in blocks:
        owner = "ownership" if "on" in block else "default_privileges"
        kind = REGISTRY.edge_kind(owner if "owner" in block else "revoke" if "from" in block else "grant")
        for one in kind.declare("", decode(kind.block, block)):
            new = Declared(f"{one.kind}.{one.key}", one.kind, one.key, one.spec)
            old = merged.get(new.address)
            merged[new.address] = evolve(new, spec=kind.merge(old.spec, new.spec)) if old else new
    return [merged[address] for address in sorted(merged)]


def _types(one: Declared) -> Iterator[str]:
    kind = REGISTRY.edge_kind(one.kind)
    yield from kind.reads(one.spec)
    for reference in kind.references(one.spec):
        yield from REGISTRY.readers_of(reference.type, reference.key)


@define
class Bench:
    """`recorded` is what was applied last, `seen` what was read last."""

    session: Session
    recorded: list[Declared] = field(factory=list[Declared])
    warnings: list[str] = field(factory=list[str])
    seen: Catalog | None = None

    def run(self, *statements: str) -> None:
        for text in statements:
            self.session.execute(text.encode())

    def catalog(self, *types: str) -> Catalog:
        snapshot = read_now(self.session, REGISTRY, types)
        self.seen = snapshot.catalog(snapshot.facts.database)
        return self.seen

    def plan(self, *blocks: Block) -> Plan:
        return self.both(*blocks)[0]

    def both(self, *blocks: Block) -> tuple[Plan, Remarks]:
        wanted = declared(*blocks)
        configuration = Configuration(Path(), "test", (), Connection(), StateSettings(), Policy(), tuple(wanted))
        types = {type_ for one in (*wanted, *self.recorded) for type_ in _types(one)}
        entries = tuple(Entry(one.address, self.session.info.dbname, 0, image(one.spec)) for one in self.recorded)
        state = State("test", "lineage", 1, entries=entries)
        return build(configuration, state, self.catalog(*types).snapshot, REGISTRY, {}, state_hash="")

    def sql(self, *blocks: Block) -> list[str]:
        return [statement.sql for step in self.plan(*blocks).steps for statement in step.statements]

    def apply(self, *blocks: Block) -> list[str]:
        """Bring the server to what the blocks say, and return the SQL. Nothing must be left to do."""
        plan = self.plan(*blocks)
        statements = [statement for step in plan.steps for statement in step.statements]
        for statement in statements:
            if statement.run_as:
                self.run(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(statement.run_as)).text)
            self.run(statement.sql)
            self.run("RESET ROLE")
        self.recorded = declared(*blocks)
        assert self.warnings == []
        assert self.sql(*blocks) == []
        for one in self.recorded:
            assert restore(image(one.spec), REGISTRY.kinds[one.kind].spec) == one.spec
        return [statement.sql for statement in statements]

    def note(self, diagnostic: Diagnostic) -> None:
        """01006 and 01007: a REVOKE or GRANT that had no right, or not every right, to what it did."""
        if diagnostic.sqlstate in ("01006", "01007"):
            self.warnings.append(str(diagnostic.message_primary))


def found(catalog: Catalog, type_: str, key: str) -> Found:
    one = catalog.get(type_, key)
    assert one is not None, f"there is no {type_} {key}"
    return one


def rights(catalog: Catalog, type_: str, key: str) -> set[Right]:
    """An access list, without the owner's own rights."""
    one = found(catalog, type_, key)
    return {(p.column, p.grantee, p.privilege, p.grantable) for p in one.acl.privileges if p.grantee != one.owner}


@contextmanager
def bench(url: str, setup: Iterable[str] = ()) -> Generator[Bench]:
    """Nothing of what is done stays."""
    with connect(Connection(url=Secret(url)), Path(), "test") as session:
        pin_local(session)
        made = Bench(session)
        session.add_notice_handler(made.note)
        made.run(*setup)
        yield made
        session.rollback()
