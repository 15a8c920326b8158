"""SQL that several kinds need: names, values, comments and owners. A plan holds it in its final form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from pgplan.sdk import Facts, SecretUse, Statement, grantee_role, sql


def name(*parts: str) -> sql.Identifier:
    """A name, always quoted: ``name("billing", "t")`` is ``"billing"."t"``."""
    return sql.Identifier(*parts)


def text(value: str) -> sql.Literal:
    """A string literal. With a backslash in it, it is ``E'…'``, which means the same under any session setting."""
    return sql.Literal(value)


def text_or_null(value: str) -> sql.Composable:
    """A string literal; NULL for the empty string, which is how a spec says that there is none."""
    return text(value) if value else sql.SQL("NULL")


def grantee(value: str) -> sql.Composable:
    """A role specification: the keyword PUBLIC, or a role's name."""
    role = grantee_role(value)
    return sql.SQL("PUBLIC") if role is None else name(role)


def words(*parts: sql.Composable | None) -> sql.Composed:
    """The parts that are there, with a blank between them."""
    return sql.SQL(" ").join(part for part in parts if part is not None)


def roles(facts: Facts) -> sql.SQL:
    """Where the names of roles are: the catalog itself for who may read it, because queries with the view take longer to plan."""
    return sql.SQL("pg_catalog.pg_authid" if facts.reads_secrets else "pg_catalog.pg_roles")


def statement(template: LiteralString, *args: sql.Composable, secret: SecretUse | None = None) -> Statement:
    """`template` with its ``{}`` filled in by SQL that is composed already."""
    return Statement(sql.SQL(template).format(*args).text, secret)


def comment(on: sql.Composable, value: str | None) -> list[Statement]:
    """``COMMENT ON``: None is not managed, "" takes the comment away."""
    if value is None:
        return []
    return [statement("COMMENT ON {} IS {}", on, text_or_null(value))]


def comment_and_owner(target: sql.Composable, spec: Any, attributes: Sequence[str]) -> list[Statement]:
    """What sets `comment` and `owner` of a spec, those of them that `attributes` names."""
    statements = comment(target, spec.comment) if "comment" in attributes else []
    if "owner" in attributes and spec.owner is not None:
        # Last: the connected role may lose its rights with it.
        statements.append(statement("ALTER {} OWNER TO {}", target, name(spec.owner)))
    return statements
