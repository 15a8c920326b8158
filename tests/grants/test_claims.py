"""What a spec claims, of which objects, and that claims of several grantees on the same objects share their selector."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pgplan.kind import Claim, Facts, Found, InvalidBlockError, Item
from pgplan.snapshot import Catalog, Snapshot, part_of
from pgplan_postgres.selectors import InSchemas, Named
from tests.grants.bench import REGISTRY, Block, declared

FACTS = Facts(170000, "", 1, "here", 5, "me", "me", superuser=False)


def claims(*blocks: Block, version: int = 170000) -> list[Claim]:
    facts = Facts(version, "", 1, "here", 5, "me", "me", superuser=False)
    return [claim for one in declared(*blocks) for claim in REGISTRY.edge_kind(one.kind).claims(one.spec, facts)]


def catalog(found: Iterable[tuple[str, str]], extension: str = "") -> Catalog:
    part = part_of(Found(type_, key, 1, None, extension=extension) for type_, key in found)
    return Snapshot(FACTS, databases={"here": part}).catalog("here")


def test_grantees_of_the_same_objects_share_a_selector() -> None:
    block = {"on": {"tables_in": "s", "except": ["s.b", "s.a"]}, "privileges": ["SELECT"]}
    one, two, three = claims({**block, "to": ["x", "y"]}, {**block, "from": "z"})
    assert one.selector == two.selector == three.selector == InSchemas("table", "s", ("s.a", "s.b"))
    assert len({one.selector, two.selector, three.selector}) == 1
    assert [(c.items, c.forbids) for c in (one, two, three)] == [
        ((Item("", "x", "SELECT"),), False),
        ((Item("", "y", "SELECT"),), False),
        ((Item("", "z", "SELECT"),), True),
    ]


def test_grant_options_are_claims_of_their_own() -> None:
    on = {"table": "s.t"}
    made = claims(
        {"to": "x", "on": on, "privileges": ["ALL"]},
        {"to": "x", "on": on, "privileges": ["SELECT"], "grantable": True},
        {"to": "x", "on": on, "privileges": ["UPDATE"], "columns": ["b", "a"]},
        version=160000,
    )
    whole, option = sorted(made, key=lambda claim: claim.grantable)
    assert option == Claim(Named("table", "s.t"), (Item("", "x", "SELECT"),), grantable=True)
    names = ("DELETE", "INSERT", "REFERENCES", "TRIGGER", "TRUNCATE", "UPDATE")
    assert whole.items == (*(Item("", "x", name) for name in names), Item("a", "x", "UPDATE"), Item("b", "x", "UPDATE"))


def test_all_is_what_the_version_has() -> None:
    def privileges(version: int) -> set[str]:
        (claim,) = claims({"to": "x", "on": {"table": "s.t"}, "privileges": ["ALL"]}, version=version)
        return {item.privilege for item in claim.items}

    assert privileges(170000) - privileges(160000) == {"MAINTAIN"}
    with pytest.raises(InvalidBlockError, match="MAINTAIN exists from 17 on"):
        claims({"to": "x", "on": {"table": "s.t"}, "privileges": ["MAINTAIN"]}, version=160000)


def test_a_name_is_given_found_or_not() -> None:
    assert list(Named("table", "s.t").objects(catalog([]))) == [("table", "s.t")]
    assert list(Named("function", "s.f").objects(catalog([("function", "s.f(integer)")]))) == [("function", "s.f(integer)")]
    assert list(Named("function", "s.f").objects(catalog([("function", "s.ff()")]))) == [("function", "s.f")]


@pytest.mark.parametrize(
    ("selector", "found", "message"),
    [
        (Named("table", "s.q"), [("sequence", "s.q")], "s.q is a sequence, not a table"),
        (Named("sequence", "s.t"), [("table", "s.t")], "s.t is a table, not a sequence"),
        (Named("function", "s.f"), [("function", "s.f()"), ("function", "s.f(text)")], r"2 functions called s.f: s.f\(\), s.f"),
    ],
)
def test_names_that_mean_something_else(selector: Named, found: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InvalidBlockError, match=message):
        selector.objects(catalog(found))


def test_what_is_left_out_is_named() -> None:
    left_out = InSchemas("function", "*", ("a", "s.f", "s.f()", "s.g")).exceptions(catalog([("function", "s.f(integer)")]))
    assert list(left_out) == [("schema", "a"), ("function", "s.f(integer)"), ("function", "s.f()"), ("function", "s.g")]
    assert list(Named("table", "s.t").exceptions(catalog([]))) == []


def test_patterns_leave_out_members_and_exceptions() -> None:
    tables = [("table", key) for key in ("a.t", "a.u", "ab.t", '"a.b".t')]
    assert [key for _, key in InSchemas("table", "a").objects(catalog(tables))] == ["a.t", "a.u"]
    assert [key for _, key in InSchemas("table", "a*", ("ab", "a.u")).objects(catalog(tables))] == ['"a.b".t', "a.t"]
    assert list(InSchemas("table", "a").objects(catalog(tables, extension="x"))) == []
    assert len(list(InSchemas("table", "a", (), extension_members=True).objects(catalog(tables, extension="x")))) == 2
