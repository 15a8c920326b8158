"""Whether a saved plan still belongs to this state and this database. Pure."""

from __future__ import annotations

from pgplan.errors import Problem, StaleError
from pgplan.kind import Facts
from pgplan.plan.model import Plan
from pgplan.state.model import State
from pgplan.state.store import content_hash

_STALE = (
    "the saved plan is stale: it can no longer be applied, because the state was changed by another operation after the plan "
    "was created"
)
_AGAIN = "make a new plan"


def check_target(plan: Plan, known: Facts) -> None:
    """Raise StaleError, with everything that differs, unless the connection leads to what the plan was made for."""
    target = plan.target
    if target.system_identifier != known.system_identifier:
        message = (
            f"the plan was made for another cluster: system identifier {target.system_identifier}, here {known.system_identifier}"
        )
        raise StaleError(Problem(message, address="connection", hint="connect to that cluster, or make a new plan"))
    problems: list[str] = []
    if target.timeline != known.timeline:
        moved = "restored or failed over"
        problems.append(f"the database was {moved}: its timeline is {known.timeline}, and was {target.timeline}")
    if (target.database, target.database_oid) != (known.database, known.database_oid):
        was = f"{target.database} (OID {target.database_oid})"
        problems.append(f"the plan was made for another database: {was}, here {known.database} (OID {known.database_oid})")
    if (target.role, target.session_role) != (known.role, known.session_role):
        was, now = _role(target.role, target.session_role), _role(known.role, known.session_role)
        problems.append(f"the plan was made as another role, whose rights may differ: {was}, now {now}")
    if problems:
        raise StaleError(*(Problem(message, address="connection", hint=_AGAIN) for message in problems))


def _role(role: str, session_role: str) -> str:
    return role if role == session_role else f"{role} (connected as {session_role})"


def check_state(plan: Plan, state: State, known: Facts) -> None:
    """Raise StaleError unless `state` is what the plan was made against, and belongs to this database."""
    if state.target is not None:
        belongs = state.target.system_identifier, state.target.database_oid
        if belongs != (known.system_identifier, known.database_oid):
            was = f"{state.target.database} (OID {state.target.database_oid}) of cluster {state.target.system_identifier}"
            message = f"the state belongs to database {was}; this is {known.database} of cluster {known.system_identifier}"
            raise StaleError(
                Problem(message, address="state", hint="connect to that database, or keep this one's state elsewhere")
            )
    said = _moved(plan, state)
    if said:
        raise StaleError(Problem(f"{_STALE}: {said}", address="state", hint=_AGAIN))


def _moved(plan: Plan, state: State) -> str:
    """What moved, in words, "" when nothing did. A state that never recorded anything has no history to differ in."""
    untouched = state.serial == 0 and not state.entries
    if plan.state.lineage != state.lineage and not (untouched and plan.state.serial == 0 and not plan.state.lineage):
        return f"its lineage is {state.lineage}, the plan's {plan.state.lineage or 'none: there was no state'}"
    if plan.state.serial != state.serial:
        return f"its serial is {state.serial}, the plan's {plan.state.serial}"
    if plan.state.hash != content_hash(state):
        return f"its content was changed although its serial is still {state.serial}"
    return ""
