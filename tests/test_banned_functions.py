"""Readers use nothing that ignores the snapshot: see docs/explanation/transactions.md."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from pgplan.kind import Facts, Reader
from pgplan_postgres.provider import provider

FACTS = Facts(180000, "", 1, "postgres", 5, "postgres", "postgres", superuser=True)
VARIANTS = [evolve(FACTS, version=v * 10000, superuser=s) for v in (14, 15, 16, 17, 18) for s in (True, False)]
ALLOWED = frozenset(
    # These look at their arguments only.
    (
        "aclexplode",
        "acldefault",
        "pg_options_to_table",
        "unnest",
        "array_agg",
        "json_agg",
        "json_build_array",
        "coalesce",
        "to_char",
    )
)
BANNED = re.compile(
    r"pg_get_\w+|has_\w+_privilege|pg_has_role|\breg(class|proc|procedure|role|type|namespace|oper|operator)\b|oidvectortypes"
    r"|pg_identify_object\w*|pg_describe_object|information_schema\s*\.|format_type|acl\w*\s*::\s*text|\bpg_\w+_is_visible\b"
    r"|obj_description|shobj_description|col_description|current_setting|pg_tables\b|pg_indexes\b"
)
_COMMENT = re.compile(r"--[^\n]*")
_STRING = re.compile(r"'(?:[^']|'')*'")
_CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(", re.IGNORECASE)
_KEYWORDS = frozenset(
    ("as", "ordinality", "and", "or", "in", "on", "from", "where", "select", "join", "when", "then", "exists", "lateral", "any")
)
_COLUMNS = re.compile(r"\bAS\s+\w+\s*\(", re.IGNORECASE)


@pytest.mark.parametrize("reader", provider.readers, ids=lambda reader: reader.type)
def test_queries_use_only_what_the_snapshot_holds(reader: Reader) -> None:
    for facts in VARIANTS:
        query = _STRING.sub("''", _COMMENT.sub("", reader.query(facts)))
        assert BANNED.search(query) is None
        unknown = {name.lower() for name in _CALL.findall(_COLUMNS.sub("(", query))} - ALLOWED - _KEYWORDS
        assert unknown == set()


@pytest.mark.parametrize("text", ["a::regclass", "has_schema_privilege(x)", "nspacl::text", "pg_get_userbyid(1)"])
def test_the_pattern_finds_what_it_should(text: str) -> None:
    assert BANNED.search(text)
