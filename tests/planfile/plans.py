"""A plan that has something in every field."""

from __future__ import annotations

from pgplan.images import MARKER
from pgplan.kind import SecretUse, Statement
from pgplan.plan.model import (
    Change,
    Check,
    Decided,
    ItemCheck,
    Observations,
    Observed,
    Options,
    Phase,
    Plan,
    PlanState,
    Remarks,
    Secrecy,
    Step,
)
from pgplan.state.model import Adopted, Fold

REMARKS = Remarks(('role "Ünï" is not checked',), 1, 3, "0/1A2B3C4", 180004, "login")
EXPIRES = "2026-01-02T04:04:05+00:00"


def plan(changes: int = 2, expires: str | None = EXPIRES) -> Plan:
    numbers = range(changes)
    decided = Decided(
        name='warehouse "Ünï"',
        options=Options(destroy=False, include_adopted=True),
        state=PlanState("lineage", 3, "ab" * 32),
        changes=tuple(_change(number) for number in numbers),
        phases=(Phase("app", tuple(_step(number) for number in numbers)),),
        checks=tuple(_check(number) for number in numbers),
        slots=tuple(Secrecy(f"role.user_{number:06}", "password", "changed", "${var.password}") for number in numbers),
        origins={"password": "cd" * 32},
        expires=expires,
    )
    observed = Observations(
        "7300000000000000000", 18, "deployer", (("app", 16384), ("other", 16385)), tuple(_observed(number) for number in numbers)
    )
    return Plan(decided, observed)


def _change(number: int) -> Change:
    return Change(
        f"role.user_{number:06}",
        "role",
        "",
        "update",
        "login differs",
        "database",
        "role.before",
        before={"login": False, "comment": None, "config": {"search_path": "a, b"}},
        after={"login": True, "comment": None, "password": MARKER, "connection_limit": -1},
        changed=("login",),
        steps=(number,),
        depends=("schema.public",),
        grantors=("ann",),
        edges=({"action": "grant", "key": "billing.t", "privilege": "SELECT", "grantable": False},),
        adopted=Adopted(all=True, listed=(Fold((("", "SELECT"), ("a", "UPDATE")), ("billing.t", "billing.u")),)),
    )


def _step(number: int) -> Step:
    use = SecretUse("password", "verifier", f"user_{number:06}")
    sql = f"ALTER ROLE user_{number:06} LOGIN PASSWORD :'password'"
    return Step(number, (f"role.user_{number:06}",), (Statement(sql, use), Statement("SELECT 1", run_as="ann")))


def _check(number: int) -> Check:
    items = (ItemCheck("", "PUBLIC", "SELECT", present=False), ItemCheck("a", "ann", "UPDATE", present=True, grantable=True))
    return Check("role", f"user_{number:06}", "", image={"login": True}, items=items)


def _observed(number: int) -> Observed:
    image = {"login": False, "superuser": False, "comment": ""}
    row = {"column": "", "grantee": "PUBLIC", "privilege": "SELECT", "grantor": "ann", "grantable": False}
    return Observed("role", f"user_{number:06}", "", 16400 + number, image, (row,), whole=number > 0)
