"""What the connected role may do, asked of each provider once, whom it must become for what it may not do as itself, and which
of the rights that it has by others it loses on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen

from pgplan.kind import EdgeChange
from pgplan.plan.edges import Privileges
from pgplan.plan.foreseen import with_what_is_made
from pgplan.plan.objects import Decision
from pgplan.plan.outlook import Outlook
from pgplan.snapshot import Snapshot

Key = tuple[str, str]
"""Type and key of an object."""


@frozen(slots=False)
class Known:
    outlook: Outlook
    _before: Known | None = None
    _dropped: frozenset[Key] = frozenset()
    _altered: frozenset[Key] = frozenset()
    _rights: dict[tuple[int, str, bool], Any] = field(factory=dict[tuple[int, str, bool], Any])

    @cached_property
    def _made(self) -> Snapshot:
        return with_what_is_made(self.outlook)

    def of(self, name: str, database: str, *, later: bool = False) -> Any:
        """The rights that count for a kind or type, by its name, in a database: now, or when objects have their owners."""
        key = id(self.outlook.registry.providers[name]), database or self.outlook.snapshot.facts.database, later
        if key not in self._rights:
            self._rights[key] = self._asked(name, key[1], later=later)
        return self._rights[key]

    def _asked(self, name: str, database: str, *, later: bool) -> Any:
        if self._before is not None:
            return self._before.of(name, database, later=later).without(self._dropped, self._altered)
        snapshot = self.outlook.given if later else self.outlook.snapshot
        return self.outlook.registry.providers[name].rights(snapshot.catalog(database), self._made.catalog(database))

    def without(self, dropped: Iterable[Key], altered: Iterable[Key]) -> Known:
        """The same once some objects, by type and key, are dropped and altered."""
        return Known(self.outlook, self, frozenset(dropped), frozenset(altered))


def leading(decisions: Mapping[str, Decision], rights: Known) -> list[str]:
    """Addresses of what leads the connected role to rights that it loses with it, in the order in which they may go."""
    if rights.outlook.snapshot.facts.superuser:
        return []
    providers = rights.outlook.registry.providers
    going: dict[int, dict[Key, Decision]] = {}
    for one in decisions.values():
        if (one.drops and not one.goes_with) or one.action == "update":
            going.setdefault(id(providers[one.kind.name]), {})[one.found_as.type, one.found_as.key] = one
    found: list[str] = []
    for of_provider in going.values():
        dropped = {key for key, one in of_provider.items() if one.drops}
        held = rights.of(next(iter(of_provider.values())).kind.name, "")
        found += [of_provider[key].address for key in held.leading(dropped, of_provider.keys() - dropped)]
    return found


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
