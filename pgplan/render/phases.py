"""The phases of a plan, in words: each is committed by itself (docs/explanation/apply.md#phases)."""

from __future__ import annotations

from collections.abc import Iterator

from pgplan.plan.model import Phase, Plan
from pgplan.render.escape import visible


def phase_lines(plan: Plan) -> list[str]:
    """A line for each phase, with a heading; nothing where there is one transaction in the default database, or none."""
    default = plan.observed.databases[0][0]
    first, *more = plan.decided.phases or (Phase(default, ()),)
    if not more and not first.apart and first.database == default:
        return []
    return ["Phases, each of which is committed by itself:", *_numbered(plan)]


def _numbered(plan: Plan) -> Iterator[str]:
    for number, phase in enumerate(plan.decided.phases, 1):
        yield f"{number:>3}  {where(phase)}, {_steps(phase)}{_what(phase)}"


def where(phase: Phase) -> str:
    """The database of a phase, and whether there is a transaction."""
    return f"in {visible(phase.database)}{', outside of a transaction' if phase.apart else ''}"


def _steps(phase: Phase) -> str:
    first, last = phase.steps[0].number, phase.steps[-1].number
    return f"step {first}" if first == last else f"steps {first} to {last}"


def _what(phase: Phase) -> str:
    addresses = ", ".join(visible(address) for step in phase.steps for address in step.addresses)
    match phase.apart:
        case "make":
            return f": {addresses}, under another name until the next phase"
        case "drop":
            return f": {addresses} is dropped"
        case _:
            return ""
