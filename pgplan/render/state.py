"""What the state holds, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgplan.images import image
from pgplan.render.escape import key, visible
from pgplan.render.values import value
from pgplan.state.edit import Edit
from pgplan.state.model import Entry, State
from pgplan.state.rebind import Rebinding


def listing(entries: Iterable[Entry]) -> str:
    """Addresses, one a line."""
    return "".join(f"{visible(entry.address)}\n" for entry in entries)


def entry_text(entry: Entry) -> str:
    """One entry with all it records. Of secrets only that there is a digest."""
    return "\n".join(_lines(entry)) + "\n"


def entry_document(entry: Entry) -> dict[str, object]:
    """One entry as JSON values, without the digests of secrets."""
    return {
        "address": entry.address,
        "database": entry.database,
        "oid": entry.oid,
        "spec": entry.spec,
        "depends": list(entry.depends),
        "protected": entry.protected,
        "origin": entry.origin,
        "adopted": image(entry.adopted),
        "grantors": list(entry.grantors),
        "secrets": sorted(entry.secrets),
    }


def state_head(state: State) -> str:
    """One line about the whole."""
    interrupted = ", an apply is in progress or was interrupted" if state.pending else ""
    return f"{visible(state.name)}: serial {state.serial}, {len(state.entries)} objects{interrupted}"


def rebound(shown: Rebinding) -> str:
    """What would be bound to what, one a line, the counts first."""
    return "".join(f"{line}\n" for line in _rebound(shown))


def _rebound(shown: Rebinding) -> Iterator[str]:
    was, target, same = shown.was, shown.target, len(shown.objects) - len(shown.moved) - len(shown.missing)
    yield f"{len(shown.moved)} found with another OID, {same} as recorded, {len(shown.missing)} not there."
    if was.system_identifier != target.system_identifier:
        yield f"cluster: {was.system_identifier} -> {target.system_identifier}"
    if was.databases != target.databases:
        ((name, oid), *_), ((now, here), *_) = was.databases, target.databases
        yield f"database: {visible(name)} (OID {oid}) -> {visible(now)} (OID {here})"
    if was.timeline != target.timeline:
        yield f"timeline: {was.timeline} -> {target.timeline}"
    if shown.back:
        yield f"the database went back in time: {shown.back} of the last apply"
    for one in shown.moved:
        yield f"  {visible(one.address)}: OID {one.was or '(none)'} -> {one.now}"
    for one in shown.missing:
        yield f"  {visible(one.address)}: not there; it stays recorded, and the next plan says so"


def edited(shown: Edit) -> str:
    """What would be taken out of the state, or be put elsewhere in it, one a line."""
    if shown.to:
        lines = [f"  > {visible(entry.address)} -> {visible(shown.to)}" for entry in shown.entries]
        return "\n".join(["To be managed under another address; the database stays as it is:", *lines, ""])
    lines = [f"  . {visible(entry.address)}{PROTECTED if entry.protected else ''}" for entry in shown.entries]
    return "\n".join(["To be forgotten; the database stays as it is, and pgplan leaves this alone:", *lines, ""])


PROTECTED = "  # protected: that ends here too"


def _origin(entry: Entry) -> str:
    """Where it comes from; of privileges, how many of those that its address stands for were there before."""
    listed = sum(len(fold.items) * len(fold.keys) for fold in entry.adopted.listed)
    if entry.adopted.all:
        return f"adopted   all of its privileges{f' but {listed}' if listed else ''}"
    return f"adopted   {listed} of its privileges" if listed else f"origin    {entry.origin}"


def _lines(entry: Entry) -> Iterator[str]:
    yield visible(entry.address)
    if entry.database:
        yield f"  database  {visible(entry.database)}"
    if entry.oid:
        yield f"  oid       {entry.oid}"
    yield f"  {_origin(entry)}{', protected' if entry.protected else ''}"
    if entry.depends:
        yield f"  needs     {', '.join(map(visible, entry.depends))}"
    if entry.grantors:
        yield f"  grantors  {', '.join(map(visible, entry.grantors))}"
    said = {name: data for name, data in sorted(entry.spec.items()) if data is not None}
    if said:
        yield ""
        yield from (f"  {key(name)} = {value(data)}" for name, data in said.items())
