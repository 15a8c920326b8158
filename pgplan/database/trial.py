"""What the server's own code would refuse, found out by trying it, when planning, in a transaction that may write nothing.

Each query runs in a subtransaction that is rolled back, all of them in one round trip; what fails is not logged as an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import psycopg

from pgplan.database.connection import Session, reading
from pgplan.snapshot import Refusal

_TRY = b"""DO $pgplan$
DECLARE
    one record;
    asked jsonb := pg_catalog.current_setting('pgplan.trials');
    refused jsonb := '{}';
BEGIN
    FOR one IN SELECT t.sql, t.at - 1 AS at FROM pg_catalog.jsonb_array_elements_text(asked) WITH ORDINALITY AS t (sql, at)
    LOOP
        BEGIN
            EXECUTE one.sql;
            RAISE EXCEPTION USING ERRCODE = 'PGPLN';
        EXCEPTION
            WHEN SQLSTATE 'PGPLN' THEN NULL;
            WHEN OTHERS THEN
                refused := refused || pg_catalog.jsonb_build_object(one.at, pg_catalog.jsonb_build_array(SQLSTATE, SQLERRM));
        END;
    END LOOP;
    PERFORM pg_catalog.set_config('pgplan.refused', refused::text, true);
END $pgplan$"""


def tried(connection: Session, queries: Iterable[str]) -> Mapping[str, Refusal | None]:
    """By query, what the server says to it, None where it takes it. The connection must be idle, and is idle again after.

    Nothing where the role may not use PL/pgSQL, or there is none: then only apply finds out.
    Raises PgplanError when the server is gone.
    """
    queries = list(dict.fromkeys(queries))
    if not queries:
        return {}
    with reading(connection):
        try:
            with connection.pipeline():
                connection.execute("SELECT pg_catalog.set_config('pgplan.trials', %s, true)", (json.dumps(queries),))
                connection.execute(_TRY)
                told = connection.execute("SELECT pg_catalog.current_setting('pgplan.refused')")
            row = told.fetchone()
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
            return {}
    found: Mapping[str, tuple[str, str]] = json.loads(next(iter(dict(row).values())) if row is not None else "{}")
    return dict.fromkeys(queries) | {queries[int(number)]: Refusal(*said) for number, said in found.items()}
