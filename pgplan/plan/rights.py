"""What the connected role may do, asked of each provider once, and whom it must become for what it may not do as itself. Pure."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen

from pgplan.kind import EdgeChange
from pgplan.plan.edges import Privileges
from pgplan.plan.foreseen import with_what_is_made
from pgplan.plan.outlook import Outlook
from pgplan.snapshot import Snapshot


@frozen(slots=False)
class Known:
    outlook: Outlook
    _rights: dict[tuple[int, str, bool], Any] = field(factory=dict[tuple[int, str, bool], Any])

    @cached_property
    def _made(self) -> Snapshot:
        return with_what_is_made(self.outlook)

    def of(self, name: str, database: str, *, later: bool = False) -> Any:
        """The rights that count for a kind or type, by its name, in a database: now, or when objects have their owners."""
        provider, snapshot = self.outlook.registry.providers[name], self.outlook.given if later else self.outlook.snapshot
        database = database or snapshot.facts.database
        key = id(provider), database, later
        if key not in self._rights:
            self._rights[key] = provider.rights(snapshot.catalog(database), self._made.catalog(database))
        return self._rights[key]


def with_runners(privileges: Privileges, rights: Known) -> Privileges:
    """Changes that nobody but another role may make run as that one. A superuser may make them all."""
    if rights.outlook.snapshot.facts.superuser:
        return privileges

    def run(changes: tuple[EdgeChange, ...]) -> tuple[EdgeChange, ...]:
        return tuple(change if change.run_as else evolve(change, run_as=runner(change)) for change in changes)

    def runner(change: EdgeChange) -> str:
        role: str = rights.of(change.edge.object.type, change.edge.object.database).runs_as(change)
        return role

    decisions = {address: evolve(one, changes=run(one.changes)) for address, one in privileges.decisions.items()}
    return evolve(privileges, decisions=decisions, again={one: run(changes) for one, changes in privileges.again.items()})
