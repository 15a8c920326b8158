"""Running a plan's steps in the open transaction, and saying which one failed and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psycopg
from attrs import frozen

from pgplan.database.connection import Session, acting_as
from pgplan.database.notices import Notice
from pgplan.database.scrub import server_message
from pgplan.database.transport import Channel, open_channel
from pgplan.database.working import Work
from pgplan.errors import PgplanError, Problem, StaleError
from pgplan.events import Ran
from pgplan.kind import SecretUse, Statement
from pgplan.plan.model import Plan, Step
from pgplan.secret import Secret

BATCH = 200
"""Statements sent before the first answer is awaited: a distant server costs few round trips."""

_ADVICE = {
    "42501": "the role that pgplan connects as lacks this right: grant it, or connect as a role that has it",
    "55P03": "another session holds a lock on it: wait for that session, or raise lock_timeout in [connection].settings",
    "57014": "raise statement_timeout in [connection].settings if the server needs more time",
    "2BP01": "remove or declare first what depends on it",
    "53200": "raise max_locks_per_transaction on the server, or apply fewer changes at once",
    "58P01": "install the extension's files on the server first",
    "0A000": "install what is missing on the server, or declare something that its version supports",
}
"""What to do, by SQLSTATE."""
_AGAIN = "correct the cause and plan again"
_ANOTHER = "another session is at work on the same rows"
_ROLLED_BACK = "everything was rolled back: the database and the state are as before"

UNSURE = ("23505", "42P01")
"""What another session may have caused, or the plan itself: a row that is there already, a relation that is not."""

_DROPPED = "shdepLockAndCheckObject"
"""The function of the server that reports 42704 "was concurrently dropped", whatever the language of its messages."""


# Whatever would end the transaction would also escape the comparison after the steps. No plan that pgplan makes has any of these,
# or begins with a comment.
_ENDS_TRANSACTION = re.compile(
    r"\s*(abort|begin|call|commit|end|prepare|release|rollback|savepoint|start)\b|\s*[^\sa-z]|\s*$", re.IGNORECASE
)


def check_statements(plan: Plan) -> None:
    """Raise StaleError unless every statement leaves the transaction alone: else somebody else wrote it."""
    for step in (step for phase in plan.decided.phases if not phase.apart for step in phase.steps):
        for statement in step.statements:
            if _ENDS_TRANSACTION.match(statement.sql):
                message = f"step {step.number} is not one that pgplan makes: {statement.sql}"
                hint = "the plan file was edited: make a new plan"
                raise StaleError(Problem(message, address=", ".join(step.addresses), hint=hint))


@frozen
class _Item:
    step: Step
    statement: Statement


class StepError(Exception):
    """A step failed. `problem` may be shown; `retry` says whether another session's change is the cause; `sqlstate` is "" where
    the server did not call it an error."""

    def __init__(self, problem: Problem, *, retry: bool = False, sqlstate: str = "") -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.retry = retry
        self.sqlstate = sqlstate


class UnattributedError(Exception):
    """A notice that means failure came with a batch of statements; running them one by one tells which it was."""


def run(work: Work, *, one_by_one: bool) -> tuple[Notice, ...]:
    """Run every statement in order, and what triggers put off until COMMIT; return the notices that are only to be shown.

    Raises StepError, UnattributedError (never with `one_by_one`), and PgplanError when a secret has no value.
    """
    connection = work.connection
    items = [_Item(step, statement) for step in work.plan.steps for statement in step.statements]
    channel = _channel(connection, items, work.secret_of)
    connection.notices.take()
    notices: list[Notice] = []
    done = 0
    for batch in _batches(items, 1 if one_by_one else BATCH):
        _run_batch(connection, batch, channel, work.steps)
        notices += _harmless(connection.notices.take(), batch, work.steps)
        done += len(batch)
        connection.tell(Ran(done, len(items), work.phase))
    _fire_deferred(connection, channel)
    return tuple(notices)


def _fire_deferred(connection: Session, channel: Channel) -> None:
    """An event trigger may write where a constraint is checked at COMMIT only: better now, while nothing is noted yet.

    https://www.postgresql.org/docs/current/sql-set-constraints.html
    """
    try:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        said, retry = server_message(error, channel.secrets), retryable(error)
        hint = f"{_ROLLED_BACK}; {_ANOTHER if retry else 'look at what event triggers of this database write'}"
        problem = Problem(f"a constraint that is checked at COMMIT fails: {said}", hint=hint)
        raise StepError(problem, retry=retry, sqlstate=error.sqlstate or "") from None


def _channel(connection: Session, items: list[_Item], secret_of: Callable[[str, str], Secret]) -> Channel:
    uses: dict[tuple[str, str], tuple[str, SecretUse, Secret]] = {}
    for item in items:
        use, address = item.statement.secret, item.step.addresses[0]
        if use is not None and (address, use.slot) not in uses:
            uses[address, use.slot] = (address, use, secret_of(address, use.slot))
    try:
        return open_channel(connection, uses.values())
    except psycopg.Error as error:
        text = server_message(error, [secret for _, _, secret in uses.values()])
        raise PgplanError(Problem(f"cannot bring the secrets to the server: {text}", hint=_ROLLED_BACK)) from None


def _batches(items: list[_Item], size: int) -> Iterator[list[_Item]]:
    """Runs of statements that can be sent together: one that runs as another role stands alone."""
    batch: list[_Item] = []
    for item in items:
        alone = bool(item.statement.run_as)
        if batch and (alone or len(batch) >= size or batch[-1].statement.run_as):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _run_batch(connection: Session, batch: list[_Item], channel: Channel, total: int) -> None:
    if len(batch) == 1:
        item = batch[0]
        try:
            with acting_as(connection, item.statement.run_as):
                # Asking for binary results makes psycopg use the extended protocol, which takes one statement and no more.
                connection.execute(channel.sql(item.statement, item.step.addresses[0]), binary=True)
        except psycopg.Error as error:
            raise _failed(item, error, channel, total) from None
        return
    cursors: list[psycopg.Cursor[dict[str, object]]] = []
    failure = _send(connection, [channel.sql(item.statement, item.step.addresses[0]) for item in batch], cursors)
    if failure is not None:
        # The statement that failed is the first without a result.
        answered = sum(1 for cursor in cursors if cursor.statusmessage is not None)
        raise _failed(batch[min(answered, len(batch) - 1)], failure, channel, total)


def _send(connection: Session, texts: list[bytes], cursors: list[psycopg.Cursor[dict[str, object]]]) -> psycopg.Error | None:
    """Send all and await all, filling `cursors`; return the first error. It is caught inside, since psycopg logs what is not."""
    first: psycopg.Error | None = None
    try:
        with connection.pipeline() as pipeline:
            try:
                for text in texts:
                    cursor = connection.cursor()
                    cursors.append(cursor)
                    cursor.execute(text)
                pipeline.sync()
            except psycopg.Error as error:
                first = error
    except psycopg.Error as error:
        first = first or error
    return first


def _harmless(notices: tuple[Notice, ...], batch: list[_Item], total: int) -> list[Notice]:
    failures = [notice for notice in notices if notice.failure]
    if failures and len(batch) > 1:
        raise UnattributedError
    if failures:
        notice = failures[0]
        said = f"{notice.failure}: the server says {notice.message!r} (SQLSTATE {notice.sqlstate})"
        raise StepError(_problem(batch[0], said, total, _ADVICE["42501"]))
    return [notice for notice in notices if not notice.failure]


def _failed(item: _Item, error: psycopg.Error, channel: Channel, total: int) -> StepError:
    said, retry = server_message(error, channel.secrets), retryable(error)
    another = retry and error.sqlstate not in UNSURE
    advice = _ANOTHER if another else _ADVICE.get(error.sqlstate or "", _AGAIN)
    return StepError(_problem(item, said, total, advice), retry=retry, sqlstate=error.sqlstate or "")


def _problem(item: _Item, said: str, total: int, advice: str) -> Problem:
    step = item.step
    as_role = f"  -- as {item.statement.run_as}" if item.statement.run_as else ""
    message = f"step {step.number} of {total} failed: {said}\nstatement: {item.statement.sql}{as_role}"
    return Problem(message, address=", ".join(step.addresses), hint=f"{_ROLLED_BACK}; {advice}")


def retryable(error: psycopg.Error) -> bool:
    """Whether another session changed the same rows at the same time, so that the whole transaction may be tried again."""
    message = error.diag.message_primary or ""
    match error.sqlstate:
        case "40P01":
            return True
        case code if code in UNSURE:
            return True
        case "XX000":
            # Internal errors are never translated.
            return message.startswith("tuple concurrently ")
        case "42704":
            return error.diag.source_function == _DROPPED or "concurrently dropped" in message
        case _:
            return False
