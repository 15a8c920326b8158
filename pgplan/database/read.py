"""Reading the catalogs: one query a reader, whatever the number of objects.

`read` sees one moment: a REPEATABLE READ READ ONLY snapshot. `read_now` sees the newest committed state, statement by statement,
in the transaction that changes it; see docs/explanation/apply.md for why apply needs that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import psycopg
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from pgplan.database.alive import kept_alive
from pgplan.database.connection import Session, facts, pin_local
from pgplan.database.scrub import server_error
from pgplan.kind import Facts, Found, Reader, Scope, Snapshot
from pgplan.registry import Registry
from pgplan.snapshot import Tally, part_of


def readers(registry: Registry, types: Collection[str]) -> tuple[Reader, ...]:
    """The readers that a run needs: those of every run and those of `types`, by name. A type without a reader is none of ours."""
    return tuple(reader for name, reader in sorted(registry.readers.items()) if reader.always or name in types)


def read(
    connection: Session,
    registry: Registry,
    types: Collection[str],
    scopes: Collection[Scope] = ("cluster", "database"),
    counted: Collection[str] = (),
) -> Snapshot:
    """Everything that the readers of these scopes show, in one read-only snapshot. The connection must be idle, and is idle again
    after.

    Of types that are `counted` and not read only numbers are read, if their provider has a way to count them.

    Raises PgplanError when the server refuses a query.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise RuntimeError("a snapshot needs a transaction of its own")
    before = connection.isolation_level, connection.read_only
    connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        pin_local(connection)
        return _snapshot(connection, registry, types, scopes, counted)
    finally:
        if not connection.closed:
            connection.rollback()
            connection.isolation_level, connection.read_only = before


def read_now(connection: Session, registry: Registry, types: Collection[str]) -> Snapshot:
    """The same queries in the caller's open, pinned READ COMMITTED transaction: each sees what is committed as it starts.

    Raises PgplanError when the server refuses a query.
    """
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise RuntimeError("there is no transaction to read in")
    return _snapshot(connection, registry, types, ("cluster", "database"))


def _snapshot(
    connection: Session, registry: Registry, types: Collection[str], scopes: Collection[Scope], counted: Collection[str] = ()
) -> Snapshot:
    wanted = [reader for reader in readers(registry, types) if reader.scope in scopes]
    tallies = registry.tallies(set(counted) - {reader.type for reader in wanted})
    try:
        known = facts(connection)
        rows = _rows(connection, [*(reader.query(known) for reader in wanted), *tallies])
    except psycopg.Error as error:
        raise server_error(error, doing="cannot read the catalogs") from None
    with kept_alive(connection, after_pipeline=True):
        return Snapshot(
            known,
            part_of(_found(wanted, rows, known, "cluster")),
            {known.database: part_of(_found(wanted, rows, known, "database"))},
            registry.implied,
            tuple(Tally(known.database, *row.values()) for numbers in rows[len(wanted) :] for row in numbers),
        )


def _found(wanted: Sequence[Reader], rows: Sequence[Sequence[DictRow]], known: Facts, scope: Scope) -> Iterator[Found]:
    for reader, of_reader in zip(wanted, rows, strict=False):
        if reader.scope == scope:
            yield from reader.load(of_reader, known)


def _rows(connection: Session, queries: Sequence[str]) -> list[list[DictRow]]:
    """All queries are sent before the first answer is awaited: a distant server costs one round trip."""
    with connection.pipeline():
        cursors = [connection.cursor(row_factory=dict_row).execute(query.encode()) for query in queries]
    return [cursor.fetchall() for cursor in cursors]
