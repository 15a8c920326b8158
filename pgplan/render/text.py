"""A plan as text, in Terraform's manner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pgplan.plan.model import Change, Plan, Remarks, Step, Undeclared
from pgplan.render import changes as rendered
from pgplan.render.escape import visible
from pgplan.render.paint import Paint
from pgplan.render.phases import phase_lines, where

_LEGEND: Mapping[rendered.Seen, str] = {
    "create": "create",
    "update": "update in place",
    "revokes": "revoke: only take privileges away",
    "replace": "destroy and then create replacement",
    "delete": "destroy",
    "adopt": "adopt: manage what exists",
    "forget": "forget: stop managing, touch nothing",
    "none": "move: manage under another address",
}


def text(plan: Plan, remarks: Remarks, *, colour: bool = False) -> str:
    """The whole plan, ending with a line break. Everything that destroys stands last, just above the numbers."""
    return "\n".join(_lines(plan, remarks, Paint(colour))) + "\n"


def _lines(plan: Plan, remarks: Remarks, paint: Paint) -> Iterator[str]:
    shown = rendered.shown(plan.pending_changes)
    if shown:
        yield from _legend(shown, paint)
        yield ""
    for change in shown:
        yield from _change(change, rendered.secrets_of(plan, change), paint)
        yield ""
    yield from _phases(plan, paint)
    yield from undeclared(remarks.undeclared, paint)
    yield from notes(remarks, paint)
    yield from (paint(line, "bold" if shown else "bold green") for line in rendered.summary(plan))
    yield from covered(remarks)


def undeclared(every: Sequence[Undeclared], paint: Paint) -> Iterator[str]:
    """What nothing is done about, with an empty line after it."""
    if every:
        yield "Undeclared, found in [scope]:"
        yield ""
    for one in every:
        yield f"{paint.symbol('?', 3)} {paint(visible(one.address), 'bold')}{paint(f'  # {visible(one.reason)}', 'dim')}"
        for line in rendered.found(one):
            yield f"{paint.symbol(' ', 7)} {line.text}"
    if every:
        yield ""


def covered(remarks: Remarks) -> Iterator[str]:
    """How much was looked at."""
    if remarks.coverage is not None:
        yield rendered.covered(remarks.coverage)


def statements(plan: Plan) -> str:
    """Every statement that apply sends, in order: the changes of a plan that somebody else may have written prove nothing."""
    if not plan.steps:
        return ""
    return "\n".join(["SQL, as apply sends it:", *_sent(plan), "", ""])


def _phases(plan: Plan, paint: Paint) -> Iterator[str]:
    heading, *lines = phase_lines(plan) or [""]
    if heading:
        yield paint(heading, "bold")
        yield from (*lines, "")


def _sent(plan: Plan) -> Iterator[str]:
    headed = len(plan.decided.phases) > 1
    for phase in plan.decided.phases:
        if headed:
            yield f"       -- {where(phase)}"
        yield from _steps(phase.steps)


def _steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        for statement in step.statements:
            as_role = f"  -- as {visible(statement.run_as)}" if statement.run_as else ""
            first, *more = map(visible, statement.sql.split("\n"))
            lines = [f"{step.number:>5}  {first}", *(f"       {line}" for line in more)]
            yield from lines[:-1]
            yield f"{lines[-1]}{as_role}"


def notes(remarks: Remarks, paint: Paint) -> Iterator[str]:
    """What the reader should know, with an empty line after it; nothing where there is none."""
    for note in remarks.notes:
        yield f"{paint('Note:', 'bold')} {visible(note)}"
    if remarks.notes:
        yield ""


def _legend(changes: list[Change], paint: Paint) -> Iterator[str]:
    yield "Actions are indicated with these symbols:"
    present = set(map(rendered.seen, changes))
    for action, words in _LEGEND.items():
        if action in present:
            yield f"{paint.symbol(rendered.SYMBOLS[action], 3)} {words}"


def _change(change: Change, secrets: rendered.Secrets, paint: Paint) -> Iterator[str]:
    symbol = rendered.SYMBOLS[rendered.seen(change)]
    destroys = rendered.destroys(change)
    address = paint(rendered.address(change), "bold red" if destroys else "bold")
    remark = rendered.remark(change)
    yield f"{paint.symbol(symbol, 3)} {address}" + (paint(f"  # {remark}", "red" if destroys else "dim") if remark else "")
    for line in rendered.lines(change, secrets):
        comment = paint(f"  # {line.remark}", "dim") if line.remark else ""
        text = paint(line.text, paint.style(line.symbol)) if line.is_text else line.text
        yield f"{paint.symbol(line.symbol, 7)} {text}{comment}"
