"""The decision table, object by object: declared x recorded x found -> action. Pure.

declared  recorded  found      action
yes       no        no         create
yes       no        yes        adopt (and update), if policy or kind allow it; else an error with the import command
yes       yes       no         create: it had disappeared
yes       yes       equal      none
yes       yes       different  update or replace; says which side moved
no        yes       yes        by policy: delete, forget or error; protected: error
no        yes       no         forget
no        no        yes        pgplan.plan.undeclared
yes       yes       other OID  pgplan.plan.anew
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Any, cast

import attrs
from attrs import evolve, field, frozen

from pgplan.address import Address, Identity
from pgplan.configuration.model import Declared, Policy
from pgplan.errors import Exit, Problem, Source
from pgplan.images import Image, image
from pgplan.kind import Found, MadeApart, ObjectKind, Reference, Selective, Spec, SpecOf
from pgplan.plan.ignored import as_found, parts_of, without
from pgplan.plan.model import Action, Side, Slot
from pgplan.plan.observed import agrees, found_image
from pgplan.plan.recorded import as_recorded, with_recorded
from pgplan.registry import Registry
from pgplan.state.model import Entry

SENT: tuple[Slot, ...] = ("new", "changed", "deferred")
"""Slots whose secret goes to the server."""
_NOTHING: tuple[Any, ...] = (None, "", {}, ())


@frozen(order=True)
class Need:
    """An object that a spec refers to, and the attribute that does."""

    object: Identity
    attribute: str = ""


@frozen
class Needs:
    """What the new spec and the found one refer to, and what else they stand on."""

    after: tuple[Need, ...] = ()
    before: tuple[Need, ...] = ()
    grounds_after: tuple[Need, ...] = ()
    grounds_before: tuple[Need, ...] = ()


NEEDS_NOTHING = Needs()


@frozen
class Another:
    """What is found under the address of a recorded object, and is another one (pgplan.plan.anew)."""

    entry: Entry
    """What is recorded of the one that was there."""
    oid: int
    """Of the one that is there."""
    renamed: str
    """The key under which the recorded one lives on, "" if it is gone."""
    equal: bool
    """Whether it is just as the other is recorded."""

    @property
    def anew(self) -> bool:
        """Whether it is the recorded one, dropped and made anew as it was."""
        return self.equal and not self.renamed


@frozen
class Decision:
    """What the plan says of one address of an object kind."""

    address: str
    kind: ObjectKind
    found_as: Identity
    """Under which the reader of the kind finds it."""
    object: Identity
    """What it means in the catalogs: what references and access lists speak of."""
    declared: Declared | None
    entry: Entry | None
    found: Found | None
    """As found, hidden attributes filled in from what is recorded, and in the words of that."""
    shown: Found | None = None
    """As found, and nothing else."""
    action: Action = "none"
    changed: tuple[str, ...] = ()
    slots: Mapping[str, Slot] = field(factory=dict[str, Slot])
    moved: Side = ""
    reason: str = ""
    after: Image | None = None
    needs: Needs = NEEDS_NOTHING
    goes_with: str = ""
    """The address of what takes it along when it is dropped."""
    members: tuple[Identity, ...] = ()
    """What it takes along itself, managed or not."""
    former: str = ""
    """The address under which it is found, "" if that is this one: it is renamed."""
    undeclared: bool = False
    """Neither declared nor recorded, and deleted because policy says so."""
    another: Another | None = None
    """Declared, and `found` is not what was recorded under the address, so that `entry` is None."""
    estranged: tuple[str, ...] = ()
    """Attributes that nothing is said of, and whose values as found mean nothing to what is declared (`Kind.meaning`)."""
    kept: Spec = None
    """What is declared, with those parts as found that its block ignores; None if it ignores none, or where it is made."""

    @property
    def spec(self) -> Spec:
        if self.kept is not None:
            return self.kept
        return self.declared.spec if self.declared else None

    @property
    def made_spec(self) -> Spec:
        """What is created: a replacement keeps what nothing is said of, as far as the server shows it."""
        if self.action != "replace" or self.found is None or self.declared is None:
            return self.spec
        names = (each.name for each in attrs.fields(self.kind.spec) if each.name not in self.estranged)
        unsaid = (name for name in names if getattr(self.spec, name) is None)
        kept = {name: value for name in unsaid if (value := getattr(self.found.spec, name)) not in _NOTHING}
        told = found_image(evolve(self.spec, **kept))
        return evolve(self.spec, **{name: value for name, value in kept.items() if _is_clear(told[name])})

    @property
    def adopting(self) -> bool:
        return self.entry is None and self.found is not None and self.declared is not None

    @property
    def makes(self) -> bool:
        """Whether there are statements that create or alter."""
        return self.action in ("create", "update", "replace")

    @property
    def drops(self) -> bool:
        return self.action in ("delete", "replace")

    @property
    def creates(self) -> bool:
        return self.action in ("create", "replace")

    @property
    def protected(self) -> bool:
        return bool((self.entry and self.entry.protected) or (self.declared and self.declared.protect))

    @property
    def source(self) -> Source | None:
        return source_of(self.declared)

    def sent_slots(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, slot in self.slots.items() if slot in SENT))


def source_of(declared: Declared | None) -> Source | None:
    return declared.sources[0] if declared and declared.sources else None


def _is_clear(told: Any) -> bool:
    """Whether an image holds no secret: what is hidden cannot be given again."""
    if isinstance(told, dict):
        values = cast("Image", told)
        return "sensitive" not in values and all(map(_is_clear, values.values()))
    return True


def estranged(
    kind: ObjectKind, declared: Declared | None, found: Found | None, spec_of: SpecOf, found_of: SpecOf
) -> tuple[str, ...]:
    """What a replacement would not keep. `spec_of` tells specs as declared, else as found; `found_of` only as found."""
    if declared is None or found is None:
        return ()
    before, after = kind.meaning(found.spec, found_of), kind.meaning(declared.spec, spec_of)
    return tuple(
        name
        for name, meant in before.items()
        if meant != after.get(name) and getattr(declared.spec, name) is None and getattr(found.spec, name) not in _NOTHING
    )


def needs_of(
    kind: ObjectKind,
    declared: Declared | None,
    found: Found | None,
    spec_of: SpecOf,
    registry: Registry,
    database: str,
) -> Needs:
    def resolved(references: Collection[Reference]) -> tuple[Need, ...]:
        return tuple(Need(registry.target(one, database), one.attribute) for one in references)

    return Needs(
        resolved(kind.references(declared.spec)) if declared else (),
        resolved(kind.references(found.spec)) if found else (),
        resolved(kind.grounds(declared.spec, None, spec_of)) if declared else (),
        resolved(kind.grounds(found.spec, found, spec_of)) if found else (),
    )


def _changed(declared: Image, found: Found, shown: Image, ignore: Collection[str]) -> tuple[str, ...]:
    """Attributes to be set. What is hidden and was never recorded cannot be compared: it is set."""
    return tuple(
        name
        for name, value in sorted(declared.items())
        if value is not None and name not in ignore and (name in found.hidden or not agrees(value, shown.get(name)))
    )


def _moved(declared: Image, recorded: Image, found: Image, changed: tuple[str, ...]) -> Side:
    configuration = any(not agrees(declared[name], recorded.get(name)) for name in changed)
    database = any(recorded.get(name) is not None and not agrees(recorded[name], found.get(name)) for name in changed)
    if configuration and database:
        return "both"
    return "database" if database else "configuration"


def decide_object(
    address: str,
    kind: ObjectKind,
    found_as: Identity,
    meant: Identity,
    declared: Declared | None,
    entry: Entry | None,
    found: Found | None,
    slots: Mapping[str, Slot],
    needs: Needs = NEEDS_NOTHING,
    equal: Entry | None = None,
) -> Decision:
    """One row of the table for a declared or recorded object; policy is applied by `refusals` and `removed`.

    `equal` records another object that was just as what is found here.
    """
    shown = found
    if found is not None:
        found = as_recorded(with_recorded(found, entry, kind), equal or entry, kind)
    after = image(declared.spec) if declared is not None else None
    decision = Decision(address, kind, found_as, meant, declared, entry, found, shown, slots=slots, after=after, needs=needs)
    if declared is None:
        reason = "no longer declared" if found else "no longer declared, and gone from the database"
        return evolve(decision, action="delete" if found else "forget", reason=reason)
    if found is None:
        reason = "had disappeared from the database" if entry else ""
        return evolve(decision, action="create", reason=reason, moved="database" if entry else "")
    return _compared(decision, declared, found)


def _compared(decision: Decision, declared: Declared, found: Found) -> Decision:
    after, kind = cast("Image", decision.after), decision.kind
    recorded = decision.entry.spec if decision.entry else None
    ignored = declared.ignore if decision.entry else ()
    parts = parts_of(ignored)
    shown: Image = without(found_image(found.spec, after, recorded), parts)
    if parts:
        kept = as_found(declared.spec, found.spec, parts)
        decision = evolve(decision, kept=kept, after=image(kept))
        after, recorded = without(after, parts), without(recorded or {}, parts)
    changed = _changed(after, found, shown, (*kind.creation_only, *ignored))
    if not changed and not decision.sent_slots():
        return evolve(decision, action="adopt") if decision.entry is None else decision
    fixed = kind.fixed(found, declared.spec, changed)
    blind = [name for name in changed if name in kind.replace_when_hidden and name in found.hidden]
    reason = ""
    if fixed:
        reason = f"{', '.join(fixed)} cannot be altered"
    elif blind:
        reason = f"{', '.join(blind)} is hidden from this role and was never recorded, so it cannot be altered"
    return evolve(
        as_declared(decision) if reason else decision,
        changed=changed,
        action="replace" if reason else "update",
        reason=reason,
        moved=_moved(after, recorded, shown, changed) if recorded is not None and changed else "",
    )


def as_declared(decision: Decision) -> Decision:
    """For what is made anew: nothing of what it ignores is kept."""
    declared = decision.declared
    return decision if declared is None or decision.kept is None else evolve(decision, kept=None, after=image(declared.spec))


def needs_record(decision: Decision) -> bool:
    """Whether the state says something else than what holds, although the database needs nothing."""
    entry = decision.entry
    if entry is None or decision.declared is None or decision.found is None:
        return True
    parts = parts_of(decision.declared.ignore)
    return (
        without(entry.spec, parts) != without(decision.after or {}, parts)
        or entry.protected != decision.declared.protect
        or entry.oid != decision.found.oid
        or entry.depends != depends_on(decision.address, decision.needs.after)
        or entry.kind_version != decision.kind.version
        # An adopted secret whose value the server shows to be the declared one, but of which no digest is recorded yet.
        or any(slot == "same" and name not in entry.secrets for name, slot in decision.slots.items())
    )


def depends_on(address: str, needs: Collection[Need]) -> tuple[str, ...]:
    """What `address` needs, as addresses of its database."""
    database = Address.parse(address).database
    known = (need.object for need in needs)
    return tuple(sorted({str(Address(one.type, one.key, database if one.database else "")) for one in known}))


def removed(decision: Decision, policy: Policy, *, destroy: bool, include_adopted: bool) -> Decision:
    """Apply the policy to what is recorded and found but not declared: delete, or only forget."""
    if destroy and decision.declared is None:
        # It may well be declared still.
        decision = evolve(decision, reason="" if decision.found else "gone from the database")
    if decision.action != "delete" or decision.entry is None:
        return decision
    if destroy and decision.entry.origin == "adopted" and not include_adopted:
        return evolve(decision, action="forget", reason="was adopted, not created, by pgplan")
    if destroy and isinstance(decision.kind, MadeApart) and policy.of(decision.kind.name).removed != "delete":
        reason = f'what it holds would be lost with it; [policy.{decision.kind.name}] does not say removed = "delete"'
        return evolve(decision, action="forget", reason=reason)
    if not destroy and policy.of(decision.kind.name).removed == "forget":
        return evolve(decision, action="forget", reason='no longer declared; policy removed = "forget"')
    return decision


def refusals(decision: Decision, policy: Policy, *, destroy: bool) -> list[tuple[Exit, Problem]]:
    """Why this must not be planned, each with its exit code."""
    adoption = _adoption(decision, policy)
    if adoption is not None:
        return [(Exit.ERROR, adoption)]
    return _drop(decision, policy, destroy=destroy) if decision.drops else []


def _adoption(decision: Decision, policy: Policy) -> Problem | None:
    """Why what exists is not adopted."""
    source, address = decision.source, decision.address
    unmanageable = _unmanageable(decision)
    if unmanageable:
        return Problem(f"exists already and cannot be managed: it {unmanageable}", source, address)
    unasked = decision.kind.adopted_silently or decision.another is not None  # about the latter: pgplan.plan.anew
    if decision.adopting and not unasked and policy.of(decision.kind.name).existing == "error":
        imported = shlex.quote(decision.former or address)
        hint = f'adopt it with: pgplan import {imported}   (or set existing = "adopt" under [policy])'
        return Problem("exists already and is not managed by this configuration", source, address, hint)
    return None


def _drop(decision: Decision, policy: Policy, *, destroy: bool) -> list[tuple[Exit, Problem]]:
    source, address = decision.source, decision.address
    if decision.protected:
        hint = "set protect = false in its block, apply that, and then remove or change it"
        return [(Exit.REFUSED, Problem(f"is protected; this plan would {decision.action} it", source, address, hint))]
    removes = decision.action == "delete" and not decision.undeclared and not destroy
    if removes and policy.of(decision.kind.name).removed == "error":
        return [(Exit.REFUSED, still_recorded(decision.kind.name, address, source))]
    return []


def _unmanageable(decision: Decision) -> str:
    """Why what is found cannot be adopted, "" if it can or need not be."""
    if not decision.adopting or decision.found is None or not isinstance(decision.kind, Selective):
        return ""
    return decision.kind.unmanageable(decision.found)


def still_recorded(kind: str, address: str, source: Source | None) -> Problem:
    hint = f'declare it again, or say removed = "forget" or "delete" under [policy.{kind}]'
    return Problem('is recorded but no longer declared, and policy removed = "error"', source, address, hint)
