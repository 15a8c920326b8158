"""What runs in no transaction: making databases, under names of their own until the transaction that does all else, and dropping
them when all else is done.

https://www.postgresql.org/docs/current/sql-createdatabase.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import psycopg
from attrs import evolve

from pgplan.address import Address, Identity
from pgplan.database.commit import save
from pgplan.database.connection import Session, reading
from pgplan.database.read import read
from pgplan.database.scrub import server_error, server_message
from pgplan.database.working import Working
from pgplan.errors import PgplanError, Problem, raise_all
from pgplan.kind import Found, MadeApart
from pgplan.plan.model import Plan
from pgplan.plan.parts import temporary_key
from pgplan.registry import Registry
from pgplan.state.model import State


def make(working: Working, part: Plan, state: State, version: str | None) -> tuple[State, str | None]:
    """Make what the phase `part` makes apart, once the state says so: whatever happens then, the next run drops it.

    Raises PgplanError when the server refuses. What was made until then is there, and noted.
    """
    names = tuple(_names(part))
    there = [str(one) for one, _ in _found(names, working.connection, working.registry)]
    if there:
        hint = "remove it by hand (`pgplan psql`), or give it another name"
        raise PgplanError(
            *(Problem("has the name that something new would have until it gets its own", None, one, hint) for one in there)
        )
    noted = evolve(state, unnamed=names)
    version = save(working, noted, version)
    working.checkpoint("announced")
    with closing(working.connect(apart=True)) as session:
        _send(session, part, working.steps)
    working.checkpoint("made")
    return noted, version


def _names(part: Plan) -> Iterator[str]:
    """The addresses of what is made, under the names that it has first."""
    for step in part.steps:
        (address,) = step.addresses
        key = temporary_key(part.decided.name, part.decided.state.serial, address)
        yield str(Address(Address.parse(address).kind, key))


def drop(working: Working, part: Plan) -> None:
    """Drop what the phase `part` drops apart. Raises PgplanError when the server refuses."""
    with closing(working.connect(apart=True)) as session:
        _send(session, part, working.steps)
    working.checkpoint("dropped")


def _send(session: Session, part: Plan, total: int) -> None:
    for step in part.steps:
        for statement in step.statements:
            try:
                # Asking for binary results makes psycopg use the extended protocol, which takes one statement and no more.
                session.execute(statement.sql.encode(), binary=True)
            except psycopg.Error as error:
                message = f"step {step.number} of {total} failed: {server_message(error)}\nstatement: {statement.sql}"
                raise PgplanError(Problem(message, address=", ".join(step.addresses))) from None


def leave_none(working: Working, state: State, version: str | None) -> tuple[State, str | None]:
    """Drop what a run made apart and gave no name, this one or an earlier one, and say so in the state."""
    if not state.unnamed:
        return state, version
    left = list(_found(state.unnamed, working.connection, working.registry))
    with closing(working.connect(apart=True)) as session:
        for one, found in left:
            for statement in working.registry.object_kind(one.type).drop(found):
                try:
                    session.execute(statement.sql.encode())
                except psycopg.Error as error:
                    said = "an interrupted apply left it half made, and it cannot be dropped"
                    hint = "the next apply tries it again; it is noted in the state"
                    raise PgplanError(Problem(f"{said}: {server_message(error)}", address=str(one), hint=hint)) from None
    cleared = evolve(state, unnamed=())
    return cleared, save(working, cleared, version)


def _found(names: Sequence[str], connection: Session, registry: Registry) -> Iterator[tuple[Identity, Found]]:
    addresses = [Address.parse(name) for name in names]
    snapshot = read(connection, registry, {address.kind for address in addresses})
    for address in addresses:
        one = Identity(address.kind, address.key)
        found = snapshot.get(one)
        if found is not None:
            yield one, found


def refuse_use(working: Working) -> None:
    """Raise PgplanError with all that keeps the server from dropping what the plan drops apart."""
    raise_all(PgplanError, _uses(working))


def _uses(working: Working) -> Iterator[Problem]:
    plan = working.plan
    going = [
        address for phase in plan.decided.phases if phase.apart == "drop" for step in phase.steps for address in step.addresses
    ]
    if not going:
        return
    with reading(working.connection):
        for address in going:
            parsed = Address.parse(address)
            kind = working.registry.object_kind(parsed.kind)
            assert isinstance(kind, MadeApart)
            try:
                rows = working.connection.execute(kind.in_use(parsed.key).encode()).fetchall()
            except psycopg.Error as error:
                raise server_error(error, doing="cannot look who uses it", address=address) from None
            if rows:
                listed = "; ".join(row["what"] for row in rows)
                hint = "end that, and apply this again; nothing was changed"
                yield Problem(f"it cannot be dropped now: {listed}", address=address, hint=hint)
