"""Which databases there are, and connections to those that a run is about.

https://www.postgresql.org/docs/current/catalog-pg-database.html
"""

from __future__ import annotations

import psycopg

from pgplan.database.connection import Session, reading
from pgplan.database.scrub import server_error
from pgplan.plan.placing import Database

# Whether it takes a connection is not of a snapshot; the server looks at the same right when it is asked for one.
_QUERY = """
SELECT datname::text AS name, oid::int8 AS oid, datistemplate AS template,
       NOT (datallowconn AND pg_catalog.has_database_privilege(oid, 'CONNECT')) AS shut
  FROM pg_catalog.pg_database
"""


def databases(connection: Session) -> list[Database]:
    """All databases of the cluster. The connection must be idle, and is idle again after."""
    with reading(connection):
        try:
            rows = connection.execute(_QUERY).fetchall()
        except psycopg.Error as error:
            raise server_error(error, doing="cannot read which databases there are") from None
    return [Database(**row) for row in rows]
