"""What the connected role may do, asked of each provider once, and whom it must become for what it may not do as itself. Pure."""

from __future__ import annotations

from typing import Any

from attrs import evolve, field, frozen

from pgplan.address import role_grantee
from pgplan.kind import EdgeChange
from pgplan.plan.consequences import Decisions
from pgplan.plan.edges import Privileges
from pgplan.plan.objects import Decision
from pgplan.plan.outlook import Outlook


@frozen
class Known:
    """`gaining`: the plan may give the connected role something, so that only the server can tell what it will lack."""

    outlook: Outlook
    gaining: bool
    _rights: dict[tuple[int, str], Any] = field(factory=dict[tuple[int, str], Any])

    def of(self, name: str, database: str) -> Any:
        """The rights that count for a kind or type, by its name, in a database."""
        provider = self.outlook.registry.providers[name]
        key = id(provider), database or self.outlook.snapshot.facts.database
        if key not in self._rights:
            self._rights[key] = provider.rights(self.outlook.snapshot.catalog(key[1]), gaining=self.gaining)
        return self._rights[key]


def known(decisions: Decisions, privileges: Privileges, outlook: Outlook) -> Known:
    return Known(outlook, _gains(decisions, privileges, outlook))


def _gains(decisions: Decisions, privileges: Privileges, outlook: Outlook) -> bool:
    """Whether the connected role may get rights by this plan: by what comes early, an object of another role, a grant."""
    me = role_grantee(outlook.snapshot.facts.role)
    if any(change.edge.item.grantee == me for change in privileges.changes):
        return True
    return any(_gives_to(me, decision, outlook) for decision in decisions.values() if decision.makes)


def _gives_to(me: str, decision: Decision, outlook: Outlook) -> bool:
    role = outlook.snapshot.facts.role
    if decision.found is not None and decision.found.owner != role and decision.kind.owner(decision.made_spec) == role:
        return True
    grantee = outlook.registry.grantee(decision.object, me, decision.object.database)
    return decision.kind.early and any(need.object == grantee for need in decision.needs.after)


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
