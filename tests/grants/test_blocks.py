"""What a block of TOML declares: addresses, products, sums; and every mistake that needs no server."""

from __future__ import annotations

from typing import Any

import pytest

from pgplan.configuration.decode import decode
from pgplan.images import image, restore
from pgplan.kind import InvalidBlockError, Reference
from pgplan_postgres.access import Access, parse_key
from pgplan_postgres.grant import GrantKind
from pgplan_postgres.privileges import Right
from tests.grants.bench import declared

ADDRESSES: list[tuple[dict[str, Any], list[str]]] = [
    ({"to": "dba", "on": {"schema": "billing"}}, ["grant.dba/schema:billing"]),
    ({"from": "PUBLIC", "on": {"schema": "public"}}, ["revoke.PUBLIC/schema:public"]),
    ({"to": ["PUBLIC", '"PUBLIC"'], "on": {"server": "s.1"}}, ['grant."PUBLIC"/server:"s.1"', 'grant.PUBLIC/server:"s.1"']),
    ({"to": "a/b", "on": {"table": 'billing."Weird.Table"'}}, ['grant."a/b"/table:billing."Weird.Table"']),
    (
        {"to": "dba", "on": {"function": "billing.f(int, varchar[])"}},
        ["grant.dba/function:billing.f(integer,character varying[])"],
    ),
    ({"to": "dba", "on": {"function": "billing.f"}}, ["grant.dba/function:billing.f"]),
    (
        {"to": "app", "on": {"tables_in": ["billing", "app_*", "*"]}},
        [f"grant.app/tables_in:{s}" for s in ("*", "app_*", "billing")],
    ),
    (
        {"to": "app", "on": {"tables_in": ['"app_*"', "a.b*", "a.b"]}},
        [f"grant.app/tables_in:{s}" for s in ('"a.b"', '"a.b"*', '"app_*"')],
    ),
    ({"to": "x", "on": {"foreign_data_wrapper": "f"}}, ["grant.x/foreign_data_wrapper:f"]),
    (
        {"to": ["a", "b"], "on": [{"database": "d"}, {"schema": ["s", "t"]}], "privileges": ["CREATE"]},
        [f"grant.{who}/{what}" for who in "ab" for what in ("database:d", "schema:s", "schema:t")],
    ),
]


@pytest.mark.parametrize(("block", "addresses"), ADDRESSES, ids=str)
def test_addresses(block: dict[str, Any], addresses: list[str]) -> None:
    found = declared({"privileges": ["ALL"], **block})
    assert [one.address for one in found] == addresses
    for one in found:
        # An address names its spec, but for the rights; a spec survives the state.
        parsed = parse_key(one.key)
        assert (parsed.grantee, parsed.type, parsed.object) == (one.spec.grantee, one.spec.type, one.spec.object)
        assert parsed.key == one.key
        assert restore(image(one.spec), Access) == one.spec


MISTAKES: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"to": "public"}, ("to", 0), "PostgreSQL reserves the name"),
    ({"to": "x" * 64}, ("to", 0), "64 bytes long"),
    ({"on": {"table": "t"}}, ("on", 0, "table", 0), "write schema.name"),
    ({"on": {"table": "a.b.c"}}, ("on", 0, "table", 0), "write schema.name"),
    ({"on": {"table": f"s.{'ü' * 32}"}}, ("on", 0, "table", 0), "64 bytes long"),
    ({"on": {"tabel": "s.t"}}, ("on", "tabel"), "unknown key 'tabel'"),
    ({"on": {}}, ("on", 0), "on names no object"),
    ({"on": {"table": "s.t", "schema": "s"}}, ("on", 0), "on names schema and table at once"),
    ({"on": {"table": "s.t", "except": ["s.u"]}}, ("on", 0, "except"), "except goes with functions_in"),
    ({"on": {"table": "s.t", "extension_members": True}}, ("on", 0, "extension_members"), "extension_members goes with"),
    ({"on": {"tables_in": "s", "except": ["s.*"]}}, ("on", 0, "except", 0), "not patterns"),
    ({"on": {"tables_in": "s", "except": ["t"]}}, ("on", 0, "except", 0), "names t, which is not in s: write schema.name"),
    ({"on": {"tables_in": ["s", "a*"], "except": ["s.t", "b.t"]}}, ("on", 0, "except", 1), "not in s or a*"),
    ({"on": {"functions_in": "s", "except": ["b.f(int)"]}}, ("on", 0, "except", 0), "not in s"),
    ({"on": {"tables_in": "*", "except": ["pg_catalog"]}}, ("on", 0, "except", 0), "pg_catalog, which is not in *"),
    ({"on": {"tables_in": "pg_catalog"}}, ("on", 0, "tables_in", 0), "system schema"),
    ({"on": {"tables_in": "information_schema"}}, ("on", 0, "tables_in", 0), "system schema"),
    (
        {"on": {"functions_in": "s"}, "columns": ["a"], "privileges": ["EXECUTE"]},
        ("columns",),
        "columns go with table and tables_in",
    ),
    (
        {"on": {"tables_in": "s"}, "columns": ["a"], "privileges": ["DELETE"]},
        ("privileges", 0),
        "a column has no privilege 'DELETE'",
    ),
    ({"on": {"schema": "s"}, "columns": ["a"], "privileges": ["USAGE"]}, ("columns",), "columns go with table"),
    ({"columns": []}, ("columns",), "columns is empty"),
    ({"columns": ["a"], "privileges": ["DELETE"]}, ("privileges", 0), "a column has no privilege 'DELETE'"),
    ({"privileges": []}, ("privileges",), "privileges is empty"),
    ({"privileges": ["ALL", "SELECT"]}, ("privileges",), "ALL stands alone"),
    ({"privileges": ["USAGE"]}, ("privileges", 0), "a table has no privilege 'USAGE'"),
    ({"on": [{"table": "s.t"}, {"sequence": "s.q"}], "privileges": ["DELETE"]}, ("privileges", 0), "a sequence has no"),
    ({"on": {"functions_in": "s"}, "privileges": ["SELECT"]}, ("privileges", 0), "a function has no privilege"),
    ({"on": {"function": "s.f(varchar(20))"}, "privileges": ["EXECUTE"]}, ("on", 0, "function", 0), "no length"),
    ({"to": "PUBLIC", "grantable": True}, ("grantable",), "PUBLIC with grant option"),
    ({"grantable": "yes"}, ("grantable",), "expected a boolean"),
]


@pytest.mark.parametrize(("block", "path", "message"), MISTAKES, ids=[message for _, _, message in MISTAKES])
def test_mistakes(block: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        declared({"to": "app", "on": {"table": "s.t"}, "privileges": ["SELECT"], **block})
    assert [(found, text) for found, text, _ in caught.value.mistakes if found == path and message in text]


def test_a_misspelt_privilege_is_told_its_name() -> None:
    kind = GrantKind()
    block = decode(kind.block, {"to": "a", "on": {"table": "s.t"}, "privileges": ["select", "TRUNCAT"]})
    with pytest.raises(InvalidBlockError) as caught:
        kind.declare("", block)
    assert [hint for _, _, hint in caught.value.mistakes] == ["did you mean SELECT?", "did you mean TRUNCATE?"]


def test_blocks_of_one_address_add_up() -> None:
    on = {"table": "s.t"}
    (one,) = declared(
        {"to": "a", "on": on, "privileges": ["SELECT", "INSERT"]},
        {"to": "a", "on": on, "privileges": ["SELECT"], "grantable": True},
        {"to": "a", "on": on, "privileges": ["UPDATE"], "columns": ["x"]},
        {"to": "a", "on": on, "privileges": ["UPDATE"], "columns": ["y", "x"]},
        {"to": "a", "on": on, "privileges": ["UPDATE"], "columns": ["z"], "grantable": True},
    )
    assert one.spec.rights == (
        Right("INSERT"),
        Right("SELECT", grantable=True),
        Right("UPDATE", ("x", "y")),
        Right("UPDATE", ("z",), grantable=True),
    )
    rights = [{"tables_in": "s"}, {"tables_in": "s", "except": ["s.secret"]}]
    both = declared(*({"to": "a", "on": on, "privileges": [p]} for on, p in zip(rights, ("SELECT", "INSERT"), strict=True)))
    assert [one.spec.rights for one in both] == [(Right("INSERT", excepted=("s.secret",)), Right("SELECT"))]


def test_each_schema_leaves_out_what_is_in_it() -> None:
    on = {"tables_in": ["a", "b*"], "except": ["a.t", "b.t", "bb", '"b.c".t']}
    found = {one.spec.object: one.spec.rights for one in declared({"to": "x", "on": on, "privileges": ["SELECT"]})}
    assert found == {"a": (Right("SELECT", excepted=("a.t",)),), "b*": (Right("SELECT", excepted=('"b.c".t', "b.t", "bb")),)}


def test_references_are_the_grantee_and_what_is_named() -> None:
    blocks: list[dict[str, Any]] = [
        {"to": '"PUBLIC"', "on": {"table": "s.t"}},
        {"to": "PUBLIC", "on": {"tables_in": "a.b"}},
        {"from": "x", "on": {"functions_in": "*"}},
        {"to": "x", "on": {"function": "s.f"}},
    ]
    found = {
        one.address: GrantKind().references(one.spec) for one in declared(*({**block, "privileges": ["ALL"]} for block in blocks))
    }
    assert found == {
        'grant."PUBLIC"/table:s.t': [Reference("role", '"PUBLIC"', "to"), Reference("table", "s.t", "on")],
        'grant.PUBLIC/tables_in:"a.b"': [Reference("schema", '"a.b"', "tables_in")],
        "revoke.x/functions_in:*": [Reference("role", "x", "to")],
        "grant.x/function:s.f": [Reference("role", "x", "to")],
    }
