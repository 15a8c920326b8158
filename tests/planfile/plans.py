"""A plan that has something in every field."""

from __future__ import annotations

from pgplan.images import MARKER
from pgplan.kind import SecretUse, Statement
from pgplan.plan.model import Change, Plan, PlanState, PlanTarget, Relied, Step

STATE = PlanState("lineage", 3, "ab" * 32)
TARGET = PlanTarget("7300000000000000000", 1, "app", 16384, "deployer", "login", 180004)


def plan(changes: int = 2) -> Plan:
    numbers = range(changes)
    return Plan(
        "warehouse",
        "apply",
        STATE,
        TARGET,
        tuple(_change(number) for number in numbers),
        tuple(_step(number) for number in numbers),
        tuple(_relied(number) for number in numbers),
        notes=('role "Ünï" is not checked',),
        hidden=1,
    )


def _change(number: int) -> Change:
    return Change(
        f"role.user_{number:06}",
        "role",
        "",
        "update",
        "login differs",
        "database",
        before={"login": False, "comment": None, "config": {"search_path": "a, b"}},
        after={"login": True, "comment": None, "password": MARKER, "connection_limit": -1},
        changed=("login",),
        slots={"password": "changed"},
        sources={"password": "${var.password}", "other": None},
        steps=(number,),
        depends=("schema.public",),
        edges=({"action": "grant", "key": "billing.t", "privilege": "SELECT", "grantable": False},),
    )


def _step(number: int) -> Step:
    use = SecretUse("password", "verifier", f"user_{number:06}")
    sql = f"ALTER ROLE user_{number:06} LOGIN PASSWORD :'password'"
    return Step(number, (f"role.user_{number:06}",), (Statement(sql, use), Statement("SELECT 1", run_as="ann")))


def _relied(number: int) -> Relied:
    image = {"login": False, "superuser": False, "comment": ""}
    return Relied("role", f"user_{number:06}", 16400 + number, image, ({"grantee": "PUBLIC"},), {"login": True}, None, ({},))
