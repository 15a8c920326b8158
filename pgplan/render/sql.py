"""A plan as a script for psql: what apply would send, in order, without its checks and without the state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import LiteralString

from pgplan import sql
from pgplan.kind import SecretUse, Statement
from pgplan.plan.model import Phase, Plan, Remarks
from pgplan.render.changes import summary
from pgplan.render.escape import visible
from pgplan.render.scripts import plain_sql
from pgplan.slots import split

_NOT_A_WORD = re.compile(r"[^A-Za-z0-9_]+")


def sql_text(plan: Plan, remarks: Remarks, digest: str) -> str:
    """The script. Secrets are psql variables, listed at the top: set them with ``\\set`` or ``-v`` before it runs."""
    return "\n".join(_lines(plan, remarks, digest)) + "\n"


def variable(address: str, slot: str) -> str:
    """The name of the psql variable for a secret; psql allows letters, digits and underscores only."""
    return _NOT_A_WORD.sub("_", f"{address}_{slot}").strip("_").lower()


def _lines(plan: Plan, remarks: Remarks, digest: str) -> Iterator[str]:
    role = plan.observed.role
    database, _ = plan.observed.databases[0]
    yield f"-- pgplan: {visible(plan.decided.name)}, {digest}"
    yield f"-- for database {visible(database)}, as {visible(role)}. It changes no state: `pgplan apply` does."
    yield from (f"-- {line}" for line in summary(plan))
    if not plan.steps:
        return
    variables = {variable(step.addresses[0], s.secret.slot) for step in plan.steps for s in step.statements if s.secret}
    if variables:
        yield "-- Set these psql variables first, such as with \\set, \\getenv or -v:"
        yield from (f"--   {name}" for name in sorted(variables))
    yield "\\set ON_ERROR_STOP on"
    become, connected = role != remarks.session_role, database
    for phase in plan.decided.phases:
        if phase.database != connected:
            yield f"\\connect -reuse-previous=on {_argument(phase.database)}"
            connected = phase.database
        yield from _phase(phase, role, become=become)


def _phase(phase: Phase, role: str, *, become: bool) -> Iterator[str]:
    if not phase.apart:
        yield "BEGIN;"
    if become:
        yield _set_role(role, "SET ROLE {};" if phase.apart else "SET LOCAL ROLE {};")
    for step in phase.steps:
        yield ""
        yield from (f"-- {visible(address)}" for address in step.addresses)
        for statement in step.statements:
            yield from _statement(statement, step.addresses[0], role)
    yield ""
    if not phase.apart:
        yield "COMMIT;"
    elif become:
        yield "RESET ROLE;"


def _argument(name: str) -> str:
    """A name as an argument of a psql command that takes a connection string: whatever it holds, it is no such string.

    https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMAND-CONNECT
    """
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    conninfo = f"dbname='{escaped}'"
    return "'" + visible(conninfo).replace("\\", "\\\\").replace("'", "''") + "'"


def _statement(statement: Statement, address: str, role: str) -> Iterator[str]:
    text = _with_variable(statement.sql, statement.secret, address) if statement.secret else statement.sql
    if statement.run_as:
        yield _set_role(statement.run_as)
    yield plain_sql(text.rstrip().removesuffix(";")) + ";"
    if statement.run_as:
        yield _set_role(role)


def _set_role(role: str, command: LiteralString = "SET LOCAL ROLE {};") -> str:
    return plain_sql(sql.SQL(command).format(sql.Identifier(role)).text)


def _with_variable(text: str, secret: SecretUse, address: str) -> str:
    """Name the variable after the address too: one script has many slots called ``password``."""
    return f":'{variable(address, secret.slot)}'".join(split(text, secret.slot))
