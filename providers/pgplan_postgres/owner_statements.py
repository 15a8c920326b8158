"""ALTER … OWNER TO, of every type of object that has an owner.

https://www.postgresql.org/docs/current/sql-altertable.html, and the same of each other type
"""

from __future__ import annotations

from collections.abc import Sequence

from pgplan.sdk import OwnerChange, Statement
from pgplan_postgres.grantable import GRANTABLE
from pgplan_postgres.sql import name
from pgplan_postgres.targets import object_sql

_KEYWORDS = {"server": "SERVER"}
"""Where ALTER calls a type otherwise than GRANT does. ALTER TABLE takes views and foreign tables too, ALTER TYPE domains."""
_FIRST = ("database", "schema")
"""Who is to own what is in a schema must be able to create there, which owning the schema brings."""


def owner_statements(changes: Sequence[OwnerChange]) -> list[tuple[OwnerChange, Statement]]:
    """One for each, in the order in which they must run."""
    ordered = sorted(changes, key=lambda change: (change.object.type not in _FIRST, change.object))
    return [(change, Statement(_alter(change))) for change in ordered]


def _alter(change: OwnerChange) -> str:
    type_, key, _ = change.object
    keyword = _KEYWORDS.get(type_, GRANTABLE[type_].keyword)
    return f"ALTER {keyword} {object_sql(type_, key)} OWNER TO {name(change.after).text}"
