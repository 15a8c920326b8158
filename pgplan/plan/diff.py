"""The decision table, object by object: declared x recorded x found -> action. Pure.

declared  recorded  found      action
yes       no        no         create
yes       no        yes        adopt (and update), if policy or kind allow it; else an error with the import command
yes       yes       no         create: it had disappeared
yes       yes       equal      none
yes       yes       different  update or replace; says which side moved
no        yes       yes        by policy: delete, forget or error; protected: error
no        yes       no         forget
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, cast

from attrs import define, evolve, field

from pgplan.configuration.model import Declared, Policy
from pgplan.errors import Exit, Problem
from pgplan.images import MARKER, Image, image, restore
from pgplan.kind import Found, ObjectKind, Spec
from pgplan.plan.model import Action, Side, Slot
from pgplan.plan.observed import found_image
from pgplan.state.model import Entry

Removal = Literal["delete", "forget", "error"]
SENT: tuple[Slot, ...] = ("new", "changed", "deferred")
"""Slots whose secret goes to the server."""


@define
class Draft:
    """What the plan will say of one address, while it is being decided."""

    address: str
    key: str
    kind: ObjectKind
    declared: Declared | None
    entry: Entry | None
    found: Found | None
    """As found, hidden attributes filled in from what is recorded."""
    shown: Found | None = None
    """As found, and nothing else."""
    action: Action = "none"
    changed: tuple[str, ...] = ()
    slots: Mapping[str, Slot] = field(factory=dict[str, Slot])
    moved: Side = ""
    reason: str = ""
    after: Image | None = None
    goes_with: str = ""
    """The address of what takes it along when it is dropped."""
    members: tuple[Found, ...] = ()
    """What it takes along itself, managed or not: the members of an extension."""

    @property
    def spec(self) -> Spec:
        return self.declared.spec if self.declared else None

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
    def protected(self) -> bool:
        return bool((self.entry and self.entry.protected) or (self.declared and self.declared.protect))

    def sent_slots(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, slot in self.slots.items() if slot in SENT))


def agrees(declared: Any, found: Any) -> bool:
    """Whether a found value is what is declared. A declared secret agrees with any value: its slot decides about that."""
    if declared == MARKER:
        return found is not None
    if isinstance(declared, dict) and isinstance(found, dict):
        one, other = cast("Image", declared), cast("Image", found)
        return one.keys() == other.keys() and all(agrees(value, other[key]) for key, value in one.items())
    return bool(declared == found)


def _with_recorded(found: Found, entry: Entry | None, kind: ObjectKind) -> Found:
    """Fill what the server hides with what is recorded: hidden, never empty."""
    if not found.hidden or entry is None:
        return found
    recorded = restore(entry.spec, kind.spec)
    known = {name: getattr(recorded, name) for name in found.hidden if getattr(recorded, name) is not None}
    still = tuple(name for name in found.hidden if name not in known)
    return evolve(found, spec=evolve(found.spec, **known), hidden=still)


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


def draft_object(
    address: str,
    key: str,
    kind: ObjectKind,
    declared: Declared | None,
    entry: Entry | None,
    found: Found | None,
    slots: Mapping[str, Slot],
) -> Draft:
    """One row of the table for a declared or recorded object; policy is applied by `refusals` and `removal`."""
    shown = found
    if found is not None:
        found = _with_recorded(found, entry, kind)
    draft = Draft(address, key, kind, declared, entry, found, shown, slots=slots)
    if declared is None:
        draft.action = "delete" if found else "forget"
        draft.reason = "no longer declared" if found else "no longer declared, and gone from the database"
        return draft
    draft.after = image(declared.spec)
    if found is None:
        draft.action = "create"
        draft.reason = "had disappeared from the database" if entry else ""
        draft.moved = "database" if entry else ""
        return draft
    _compare(draft, declared, found)
    return draft


def _compare(draft: Draft, declared: Declared, found: Found) -> None:
    after = cast("Image", draft.after)
    recorded = draft.entry.spec if draft.entry else None
    ignored = declared.ignore if draft.entry else ()
    shown = found_image(found.spec, after, recorded)
    draft.changed = _changed(after, found, shown, (*draft.kind.creation_only, *ignored))
    if draft.changed or draft.sent_slots():
        fixed = [name for name in draft.changed if name in draft.kind.replace_when]
        blind = [name for name in draft.changed if name in draft.kind.replace_when_hidden and name in found.hidden]
        draft.action = "replace" if fixed or blind else "update"
        if fixed:
            draft.reason = f"{', '.join(fixed)} cannot be altered"
        elif blind:
            draft.reason = f"{', '.join(blind)} is hidden from this role and was never recorded, so it cannot be altered"
        if recorded is not None:
            draft.moved = _moved(after, recorded, shown, draft.changed) if draft.changed else ""
    elif draft.entry is None:
        draft.action = "adopt"


def needs_record(draft: Draft, depends: tuple[str, ...]) -> bool:
    """Whether the state says something else than what holds, although the database needs nothing."""
    entry = draft.entry
    if entry is None or draft.declared is None or draft.found is None:
        return True
    return (
        entry.spec != draft.after
        or entry.protected != draft.declared.protect
        or entry.oid != draft.found.oid
        or entry.depends != depends
        or entry.kind_version != draft.kind.version
        # An adopted secret whose value the server shows to be the declared one, but of which no digest is recorded yet.
        or any(slot == "same" and name not in entry.secrets for name, slot in draft.slots.items())
    )


def removal(draft: Draft, policy: Policy, *, destroy: bool, include_adopted: bool) -> None:
    """Apply the policy to what is recorded and found but not declared: delete, or only forget."""
    if destroy and draft.declared is None:
        # It may well be declared still.
        draft.reason = "" if draft.found else "gone from the database"
    if draft.action != "delete" or draft.entry is None:
        return
    if destroy and draft.entry.origin == "adopted" and not include_adopted:
        draft.action, draft.reason = "forget", "was adopted, not created, by pgplan"
    elif not destroy and policy.of(draft.kind.name).removed == "forget":
        draft.action, draft.reason = "forget", 'no longer declared; policy removed = "forget"'


def refusals(draft: Draft, policy: Policy, *, destroy: bool) -> list[tuple[Exit, Problem]]:
    """Why this draft must not be planned, each with its exit code."""
    source = draft.declared.sources[0] if draft.declared and draft.declared.sources else None
    if draft.adopting and not draft.kind.adopts and policy.of(draft.kind.name).existing == "error":
        hint = f'adopt it with: pgplan import {quote(draft.address)}   (or set existing = "adopt" under [policy])'
        return [(Exit.ERROR, Problem("exists already and is not managed by this configuration", source, draft.address, hint))]
    if not draft.drops:
        return []
    if draft.protected:
        hint = "set protect = false in its block, apply that, and then remove or change it"
        return [(Exit.REFUSED, Problem(f"is protected; this plan would {draft.action} it", source, draft.address, hint))]
    if draft.action == "delete" and not destroy and policy.of(draft.kind.name).removed == "error":
        hint = f'declare it again, or say removed = "forget" or "delete" under [policy.{draft.kind.name}]'
        problem = Problem('is recorded but no longer declared, and policy removed = "error"', source, draft.address, hint)
        return [(Exit.REFUSED, problem)]
    return []


def quote(address: str) -> str:
    """An address as a word of a POSIX shell."""
    import shlex  # noqa: PLC0415 (only needed for messages)

    return shlex.quote(address)
