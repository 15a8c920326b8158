"""A plan as one comment on a pull request: destroys first, the digest to approve, and never too long to post."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pgplan.plan.model import Change, Plan, Remarks
from pgplan.render import changes as rendered
from pgplan.render.escape import visible
from pgplan.render.phases import phase_lines
from pgplan.render.sql import sql_text

LIMIT = 65_000
"""Characters. GitHub takes 65,536 in a comment."""
_RESERVE = 2_000
_BACKTICKS = re.compile(r"`+")
_FIRST: Mapping[rendered.Seen, str] = {
    "create": "+",
    "update": "!",
    "revokes": "-",
    "replace": "-",
    "delete": "-",
    "adopt": "#",
    "forget": "#",
    "none": "#",
}


def markdown(plan: Plan, remarks: Remarks, digest: str) -> str:
    """The comment, shorter than `LIMIT`. What does not fit is counted, and the way to see it is named."""
    head = list(_head(plan, remarks, digest))
    body, left_out = _body(plan, LIMIT - _RESERVE - len("\n".join(head)))
    lines = [*head, *body]
    if left_out:
        lines += ["", f"**Shortened: {left_out} more changes are not shown here.** See them with `pgplan show plan.bin`."]
    lines += _undeclared(remarks, LIMIT - _RESERVE // 2 - len("\n".join(lines)))
    room = LIMIT - _RESERVE // 4 - len("\n".join(lines))
    lines += _sql(plan, remarks, digest, room)
    return "\n".join(lines) + "\n"


def _head(plan: Plan, remarks: Remarks, digest: str) -> Iterator[str]:
    database, _ = plan.observed.databases[0]
    yield f"### pgplan: {_text(plan.decided.name)}"
    yield ""
    covered = [rendered.covered(remarks.coverage)] if remarks.coverage is not None else []
    yield "\\\n".join([*(f"**{line}**" for line in rendered.summary(plan)), *covered])
    yield ""
    yield f"Digest `{digest}`, database {_code(database)}, role {_code(plan.observed.role)}"
    phases = phase_lines(plan)
    if phases:
        yield from ("", phases[0], "", *_fenced(phases[1:], "text"))
    notes = [f"- {_text(note)}" for note in remarks.notes]
    room = LIMIT // 4
    kept = 0
    while kept < len(notes) and room - len(notes[kept]) > 0:
        room -= len(notes[kept])
        kept += 1
    if notes:
        yield ""
        yield from notes[:kept]
    if kept < len(notes):
        yield f"- Shortened: {len(notes) - kept} more notes"


def _body(plan: Plan, room: int) -> tuple[list[str], int]:
    """The changes that fit into `room` characters as one diff block, and how many do not."""
    shown = rendered.shown(plan.pending_changes, destroys_first=True)
    blocks: list[list[str]] = []
    for change in shown:
        block = list(_change(change, rendered.secrets_of(plan, change)))
        room -= sum(len(line) + 1 for line in block)
        if room < 0:
            break
        blocks.append(block)
    lines = [line for block in blocks for line in block]
    return (["", *_fenced(lines, "diff")] if lines else []), len(shown) - len(blocks)


def _undeclared(remarks: Remarks, room: int) -> list[str]:
    """What nothing is done about, as far as it fits."""
    lines: list[str] = []
    for one in remarks.undeclared:
        lines.append(f"{visible(one.address)}  # {visible(one.reason)}")
        lines += (f"    {line.text}" for line in rendered.found(one))
    kept = 0
    while kept < len(lines) and room > len(lines[kept]) + _RESERVE // 4:
        room -= len(lines[kept]) + 1
        kept += 1
    more = ["", f"Shortened: {len(lines) - kept} more lines. See them with `pgplan show plan.bin`."] if kept < len(lines) else []
    return ["", "**Undeclared, found in [scope]:**", "", *_fenced(lines[:kept], "text"), *more] if lines else []


def _change(change: Change, secrets: rendered.Secrets) -> Iterator[str]:
    seen = rendered.seen(change)
    verb = f"{_VERBS[seen]}{' after adopting' if change.adopting and change.action != 'adopt' else ''}"
    why = rendered.why(change)
    yield f"{_FIRST[seen]} {verb} {rendered.address(change)}" + (f"  # {why}" if why else "")
    for line in rendered.lines(change, secrets):
        first = line.symbol if line.symbol in ("+", "-") else "!" if line.symbol == "~" else " "
        yield f"{first}     {line.text}" + (f"  # {line.remark}" if line.remark else "")


_VERBS: Mapping[rendered.Seen, str] = {
    "create": "create",
    "update": "update",
    "revokes": "revoke by",
    "replace": "replace",
    "delete": "destroy",
    "adopt": "adopt",
    "forget": "forget",
    "none": "move",
}


def _sql(plan: Plan, remarks: Remarks, digest: str, room: int) -> list[str]:
    """The SQL in a closed section, whole or not at all: half a script must not be run."""
    if not plan.steps:
        return []
    script = [visible(line) for line in sql_text(plan, remarks, digest).rstrip("\n").split("\n")]
    lines = ["", "<details><summary>SQL</summary>", "", *_fenced(script, "sql"), "", "</details>"]
    if len("\n".join(lines)) > room:
        return ["", "The SQL is too long to be shown here: `pgplan show --format sql plan.bin` prints it."]
    return lines


def _fenced(lines: list[str], language: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks within."""
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def _code(text: str) -> str:
    shown = visible(text)
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(shown)), default=0) + 1)
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _text(text: str) -> str:
    """Plain text in which nothing is markup or mentions anyone."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", visible(text)).replace(r"\@", "&#64;")
