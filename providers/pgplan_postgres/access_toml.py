"""Grants and revokes as the blocks that declare them: the reverse of `pgplan_postgres.access_block`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pgplan.sdk import unpart
from pgplan_postgres.access import Access
from pgplan_postgres.grantable import BULK, GRANTABLE
from pgplan_postgres.privileges import ALL, Right


def access_blocks(spec: Access, attribute: str) -> list[dict[str, Any]]:
    """One block for all privileges that agree in columns, grant option and what they leave out; ALL stands alone."""
    ordered = sorted(spec.rights, key=lambda right: (*_alike(right), right.privilege))
    return [_block(spec, attribute, list(rights)) for _, rights in groupby(ordered, key=_alike)]


def _alike(right: Right) -> tuple[Any, ...]:
    where = right.columns, right.excepted, right.extension_members
    return *where, right.grantable, right.with_sequences, right.privilege == ALL


def _block(spec: Access, attribute: str, rights: list[Right]) -> dict[str, Any]:
    first = rights[0]
    on = on_table(spec.type, spec.object, first.excepted)
    if first.extension_members:
        on["extension_members"] = True
    block: dict[str, Any] = {attribute: spec.grantee, "on": on, "privileges": [right.privilege for right in rights]}
    if first.columns:
        block["columns"] = list(first.columns)
    if first.grantable:
        block["grantable"] = True
    if first.with_sequences:
        block["with_sequences"] = True
    return block


def on_table(type_: str, target: str, excepted: Sequence[str]) -> dict[str, Any]:
    """``on``, with the object as TOML names it: a one-part name is literal there, and a pattern or a dotted name is not."""
    literal = "*" not in target if type_ in BULK else not GRANTABLE[type_].in_schema
    return {type_: unpart(target) if literal else target} | ({"except": list(excepted)} if excepted else {})
