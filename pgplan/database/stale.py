"""Whether a plan, a state or a pending transaction belongs to the state and the database that are here. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pgplan.errors import Problem, StaleError
from pgplan.plan.model import Plan, Remarks
from pgplan.snapshot import Facts
from pgplan.state.model import State
from pgplan.state.store import content_hash

_STALE = (
    "the saved plan is stale: it can no longer be applied, because the state was changed by another operation after the plan "
    "was created"
)
_AGAIN = "make a new plan"
REBIND = "bind the state to what is here with: pgplan state rebind"


def elsewhere(system_identifier: str, databases: Sequence[tuple[str, int]], known: Facts) -> str:
    """Where something belongs if that is not where the connection leads, to be put after "belongs to"; else "".

    `databases` are names and OIDs, the default one first. Its name counts too: that is what blocks without a database mean.
    """
    if system_identifier != known.system_identifier:
        return f"another cluster: its system identifier is {system_identifier}, here it is {known.system_identifier}"
    (name, oid), here = databases[0], (known.database, known.database_oid)
    if (name, oid) == here:
        return ""
    if oid == known.database_oid:
        return f"another database: {name} (OID {oid}), which is called {known.database} now"
    return f"another database: {name} (OID {oid}), here it is {known.database} (OID {known.database_oid})"


def fell_behind(lsn: str, known: Facts) -> str:
    """In words, how far the server is behind a WAL position that it had reached, "" where it is not.

    A timeline does not tell: every switchover begins a new one, and loses nothing.
    """
    behind = lsn and _position(known.lsn) < _position(lsn)
    return f"its WAL position is {known.lsn}, behind {lsn}" if behind else ""


def _position(lsn: str) -> int:
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def check_target(plan: Plan, remarks: Remarks, known: Facts) -> None:
    """Raise StaleError, with everything that differs, unless the connection leads to what the plan was made for."""
    was = plan.observed
    problems: list[str] = []
    another = elsewhere(was.system_identifier, was.databases, known)
    if another:
        problems.append(f"the plan was made for {another}")
    # The positions and versions of two clusters have nothing to do with each other.
    if was.system_identifier == known.system_identifier:
        behind = fell_behind(remarks.lsn, known)
        if behind:
            problems.append(f"the database was restored or failed over: {behind} of when the plan was made")
        if was.version != known.version // 10000:
            problems.append(f"the plan was made for PostgreSQL {was.version}; here it is {known.version // 10000}")
    if was.role != known.role:
        problems.append(f"the plan was made as another role, whose rights may differ: {was.role}, now {known.role}")
    hint = f"connect to where it was made, or {_AGAIN}" if another else _AGAIN
    if problems:
        raise StaleError(*(Problem(message, address="connection", hint=hint) for message in problems))


def raise_moved(problems: Sequence[Problem]) -> None:
    """Raise StaleError with what the database has otherwise than a plan found it, if there is anything."""
    if problems:
        message = "the plan is stale: the database is not as it was when the plan was made"
        raise StaleError(Problem(message, hint=f"{_AGAIN}; nothing was changed"), *problems)


def check_state(plan: Plan, state: State, known: Facts) -> None:
    """Raise StaleError unless `state` is what the plan was made against, and belongs to this database."""
    another = elsewhere(state.target.system_identifier, state.target.databases, known) if state.target is not None else ""
    if another:
        hint = f"connect to where it was applied; or, if this database took its place, {REBIND}"
        raise StaleError(Problem(f"the state belongs to {another}", address="state", hint=hint))
    said = _moved(plan, state)
    if said:
        raise StaleError(Problem(f"{_STALE}: {said}", address="state", hint=_AGAIN))


def _moved(plan: Plan, state: State) -> str:
    """What moved, in words, "" when nothing did. A state that never recorded anything has no history to differ in."""
    then = plan.decided.state
    untouched = state.serial == 0 and not state.entries
    if then.lineage != state.lineage and not (untouched and then.serial == 0 and not then.lineage):
        return f"its lineage is {state.lineage}, the plan's {then.lineage or 'none: there was no state'}"
    if then.serial != state.serial:
        return f"its serial is {state.serial}, the plan's {then.serial}"
    if then.hash != content_hash(state):
        return f"its content was changed although its serial is still {state.serial}"
    return ""
