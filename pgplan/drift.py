"""What was changed in the database since the last apply: what is found against what is recorded, whatever is declared now."""

from __future__ import annotations

from attrs import evolve

from pgplan import planfile
from pgplan.address import Address
from pgplan.configuration.model import Declared
from pgplan.images import restore
from pgplan.plan.model import Slot
from pgplan.state.digests import matches, slots
from pgplan.state.model import State
from pgplan.workflow import Planned, Run, Said, Seen, Slots, build_plan, see, silent


def make_drift(run: Run, said: Said = silent) -> Planned:
    """The plan that would put everything back to what is recorded: what was found differs where it has changes."""
    seen = see(run, said=said)
    said("Comparing")
    recorded = evolve(run.configuration, declared=_recorded(run, seen.state))
    plan, remarks = build_plan(run, seen, recorded, _slots(run, seen, recorded.declared), to_apply=False)
    unchecked = sum(one.status == "unchecked" for one in plan.decided.slots)
    if unchecked:
        note = f"{unchecked} secret{'s' if unchecked > 1 else ''} not compared: nothing here has the value that was applied"
        remarks = evolve(remarks, notes=(*remarks.notes, note))
    return Planned(plan, remarks, planfile.digest(plan), seen)


def _recorded(run: Run, state: State) -> tuple[Declared, ...]:
    """What the state records as if it were declared; attributes that the configuration ignores stay ignored."""
    ignored = {one.address: one.ignore for one in run.configuration.declared}
    declared: list[Declared] = []
    for entry in state.entries:
        address = Address.parse(entry.address)
        if address.kind in run.registry.kinds:
            spec = restore(entry.spec, run.registry.kinds[address.kind].spec)
            ignore = ignored.get(entry.address, ())
            declared.append(Declared(entry.address, address.kind, address.key, spec, protect=entry.protected, ignore=ignore))
    return tuple(declared)


def _slots(run: Run, seen: Seen, recorded: tuple[Declared, ...]) -> Slots:
    """Of a recorded secret only the digest is known. Where the configuration still declares that very value, what the server
    shows can be compared with it; else it is not checked."""
    now = slots(run.configuration.declared, seen.state, seen.snapshot, run.registry)
    entries = seen.state.by_address()
    secret_of = run.secrets()
    decided: dict[tuple[str, str], Slot] = {}
    for (address, slot), unknown in slots(recorded, seen.state, seen.snapshot, run.registry).items():
        digest = entries[address].secrets.get(slot)
        status = now.get((address, slot), "unchecked")
        secret = secret_of(address, slot)
        same_value = status == "changed" and digest is not None and not secret.withheld and matches(digest, secret.reveal())
        decided[address, slot] = status if status == "same" or same_value else "unchecked" if unknown == "deferred" else unknown
    return decided
