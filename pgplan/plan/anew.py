"""Another object under the address of a recorded one: dropped and made anew, or renamed so that another took its name. Pure.

An object is its OID, not its name. What was recorded of one is never said of another, and nothing that pgplan did not make is
dropped or altered because it is called like something that it did.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from attrs import evolve

from pgplan.address import Address, Identity
from pgplan.configuration.model import Policy
from pgplan.errors import Exit, Problem
from pgplan.images import Image
from pgplan.kind import ObjectKind
from pgplan.plan.model import Slot
from pgplan.plan.objects import Another, Decision
from pgplan.plan.observed import agrees, found_image
from pgplan.plan.recorded import as_recorded
from pgplan.snapshot import Found, Snapshot
from pgplan.state.model import Entry

SHOWN = 5
"""How many addresses a problem names."""


def another(
    kind: ObjectKind, one: Identity, entry: Entry | None, snapshot: Snapshot, slots: Mapping[str, Slot]
) -> Another | None:
    """What is found as `one` if that is not what `entry` records; None if it is, or if nothing is found.

    `slots` are those of the declared secrets. Kinds that are adopted silently go by name.
    """
    found = snapshot.get(one)
    if entry is None or found is None or kind.adopted_silently or entry.is_of(found.oid):
        return None
    equal = _is_equal(entry, as_recorded(found, entry, kind), slots)
    return Another(entry, found.oid, renamed_to(entry, one, snapshot), equal=equal)


def renamed_to(entry: Entry, one: Identity, snapshot: Snapshot) -> str:
    """The key under which a recorded object lives on, "" if it does not."""
    part = snapshot.databases.get(one.database) if one.database else snapshot.shared
    key = part.keys.get((one.type, entry.oid), "") if part is not None and entry.oid else ""
    return "" if key == one.key else key


def _is_equal(entry: Entry, found: Found, slots: Mapping[str, Slot]) -> bool:
    """Whether what is found is what was recorded of the other: as far as it was, and secrets included."""
    here: Image = found_image(found.spec, entry.spec)
    return (
        not any(name in found.hidden for name, value in entry.spec.items() if value is not None)
        and all(agrees(value, here.get(name)) for name, value in entry.spec.items() if value is not None)
        and all(slots.get(slot) == "same" for slot in entry.secrets)
    )


def told(decision: Decision, one: Another | None, renamed: str) -> Decision:
    """The decision with a reason that tells where the recorded object went. `one` is what is found in its place, if anything."""
    if one is None:
        gone = f"the one recorded is called {renamed} now" if renamed else ""
        return evolve(decision, reason=": ".join(filter(None, (decision.reason, gone)))) if gone else decision
    went = f"the one recorded (OID {one.entry.oid}) is {f'called {renamed} now' if renamed else 'gone'}"
    if decision.declared is None:
        return evolve(decision, action="forget", reason=f"{went}, and the one here (OID {one.oid}) is another one")
    anew = f"made anew: its OID is {one.oid}, and was {one.entry.oid}"
    reason = anew if one.anew else f"{went}, this is another one (OID {one.oid})"
    return evolve(decision, another=one, reason="; ".join(filter(None, (reason, decision.reason))))


def refusals(decisions: Iterable[Decision], policy: Policy, moved: Mapping[str, str]) -> list[tuple[Exit, Problem]]:
    """What stands in the way where a declared object is not the recorded one. `moved` has old addresses by the new ones."""
    refused: list[tuple[Exit, Problem]] = []
    by_kind: dict[str, list[tuple[Decision, Another]]] = {}
    for decision in decisions:
        one = decision.another
        if one is None:
            continue
        if one.renamed:
            refused.append((Exit.ERROR, _renamed(decision, one)))
        elif decision.address in moved:
            refused.append((Exit.ERROR, _not_moved(decision, one, moved[decision.address])))
        elif not one.anew and policy.of(decision.kind.name).existing == "error":
            by_kind.setdefault(decision.kind.name, []).append((decision, one))
    return refused + [(Exit.ERROR, _made_anew(kind, members)) for kind, members in by_kind.items()]


def _renamed(decision: Decision, one: Another) -> Problem:
    message = (
        f"the one recorded (OID {one.entry.oid}) is called {one.renamed} now, and {Address.parse(decision.address).key} "
        f"(OID {one.oid}) is another one"
    )
    hint = f"rename them back by hand; or manage the one found from now on, with: {_rebind(decision.address)}"
    return Problem(message, decision.source, decision.address, hint)


def _not_moved(decision: Decision, one: Another, origin: str) -> Problem:
    message = (
        f"is moved from {origin}, whose object (OID {one.entry.oid}) is gone: what is found here (OID {one.oid}) is another one"
    )
    hint = f"remove the [[moved]], and stop managing the other one with: pgplan forget {shlex.quote(origin)}"
    return Problem(message, decision.source, decision.address, hint)


def _made_anew(kind: str, members: list[tuple[Decision, Another]]) -> Problem:
    """One problem for all of a kind: who makes a database anew does not want to read one for each."""
    first = members[0][0]
    listed = ", ".join(f"{decision.address} (OID {one.oid}, was {one.entry.oid})" for decision, one in members[:SHOWN])
    more = f" and {len(members) - SHOWN} more" if len(members) > SHOWN else ""
    are = "are not the ones" if len(members) > 1 else "is not the one"
    message = f"{are} recorded: dropped and made anew with other content, by somebody else: {listed}{more}"
    pattern = f"{kind}.*" if len(members) > 1 else first.address
    hint = f'manage what is found, with: {_rebind(pattern)}   (or set existing = "adopt" under [policy])'
    return Problem(message, first.source, first.address if len(members) == 1 else kind, hint)


def _rebind(pattern: str) -> str:
    return f"pgplan state rebind {shlex.quote(pattern)}"
