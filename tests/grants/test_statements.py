"""The fewest statements, in the order in which they must run, the same in every process."""

from __future__ import annotations

import random

import pytest

from pgplan.address import Identity
from pgplan.kind import Edge, EdgeChange, Item
from pgplan_postgres.edge_statements import MAX_NAMES, edge_statements


def change(
    words: str, *, type_: str = "table", grantable: bool = False, only_option: bool = False, run_as: str = ""
) -> EdgeChange:
    """``grant SELECT(a) s.t bob``"""
    action, right, key, grantee = words.split(" ")
    privilege, _, column = right.rstrip(")").partition("(")
    edge = Edge(Identity(type_, key, "here"), Item(column, grantee, privilege))
    return EdgeChange("grant" if action == "grant" else "revoke", edge, grantable, only_option, run_as)


def sql(*changes: EdgeChange) -> list[str]:
    shuffled = list(changes)
    random.Random(len(changes)).shuffle(shuffled)
    statements = edge_statements(shuffled)
    assert [one.statement for one in statements] == [one.statement for one in edge_statements(changes)]
    carried = [change for one in statements for change in one.changes]
    assert len(carried) == len(changes)
    assert set(carried) == set(changes)
    return [f"{one.statement.run_as}: {one.statement.sql}".removeprefix(": ").replace('"', "") for one in statements]


def test_privileges_then_grantees_then_objects_are_merged() -> None:
    rights = ["SELECT", "INSERT", "UPDATE(a)", "UPDATE(b)"]
    many = [change(f"grant {right} s.{key} {who}") for right in rights for key in ("t", "u") for who in ("x", "y")]
    assert sql(*many) == ["GRANT INSERT, SELECT, UPDATE (a, b) ON TABLE s.t, s.u TO x, y"]
    assert sql(*many, change("grant DELETE s.t x")) == [
        "GRANT DELETE, INSERT, SELECT, UPDATE (a, b) ON TABLE s.t TO x",
        "GRANT INSERT, SELECT, UPDATE (a, b) ON TABLE s.u TO x, y",
        "GRANT INSERT, SELECT, UPDATE (a, b) ON TABLE s.t TO y",
    ]


def test_revokes_come_first_and_options_stay_apart() -> None:
    assert sql(
        change("grant SELECT s.t x"),
        change("grant SELECT s.t y", grantable=True),
        change("revoke INSERT s.t x"),
        change("revoke SELECT s.t z", only_option=True),
    ) == [
        "REVOKE INSERT ON TABLE s.t FROM x",
        "REVOKE GRANT OPTION FOR SELECT ON TABLE s.t FROM z",
        "GRANT SELECT ON TABLE s.t TO x",
        "GRANT SELECT ON TABLE s.t TO y WITH GRANT OPTION",
    ]


def test_what_stands_on_a_grant_option_goes_before_it() -> None:
    assert sql(
        change("revoke SELECT s.t a"),
        change("revoke SELECT s.u a", only_option=True),
        change("revoke SELECT s.t b", run_as="a"),
        change("revoke SELECT(x) s.t c", run_as="b"),
        change("revoke SELECT s.u c", run_as="a"),
        change("revoke SELECT s.v c", run_as="a"),
    ) == [
        "b: REVOKE SELECT (x) ON TABLE s.t FROM c",
        "a: REVOKE SELECT ON TABLE s.t FROM b",
        "a: REVOKE SELECT ON TABLE s.u FROM c",
        "REVOKE SELECT ON TABLE s.t FROM a",
        "a: REVOKE SELECT ON TABLE s.v FROM c",
        "REVOKE GRANT OPTION FOR SELECT ON TABLE s.u FROM a",
    ]


def test_types_roles_and_grantors_are_never_mixed() -> None:
    assert sql(
        change("grant USAGE s x", type_="schema"),
        change("grant USAGE s x", type_="server"),
        change("grant USAGE s.q x", type_="sequence"),
        change("grant USAGE f x", type_="foreign_data_wrapper"),
        change("grant CONNECT d PUBLIC", type_="database"),
        change("grant EXECUTE s.f(integer) PUBLIC", type_="function"),
        change('grant EXECUTE s.f() "PUBLIC"', type_="function"),
        change("grant USAGE t x", type_="schema", run_as="owner"),
    ) == [
        "GRANT CONNECT ON DATABASE d TO PUBLIC",
        "GRANT USAGE ON FOREIGN DATA WRAPPER f TO x",
        "GRANT EXECUTE ON ROUTINE s.f() TO PUBLIC",
        "GRANT EXECUTE ON ROUTINE s.f(IN integer) TO PUBLIC",
        "GRANT USAGE ON SCHEMA s TO x",
        "GRANT USAGE ON SEQUENCE s.q TO x",
        "GRANT USAGE ON FOREIGN SERVER s TO x",
        "owner: GRANT USAGE ON SCHEMA t TO x",
    ]


def test_names_are_quoted_and_statements_stay_short() -> None:
    (one,) = edge_statements([change('grant SELECT(a"b) s."x""y" O\'Hara')])
    assert one.statement.sql == 'GRANT SELECT ("a""b") ON TABLE "s"."x""y" TO "O\'Hara"'
    many = edge_statements([change(f"grant SELECT s.t{i:04} r{j:04}") for i in range(450) for j in range(3)])
    assert [one.statement.sql.count('"s".') for one in many] == [MAX_NAMES, MAX_NAMES, 50]
    assert len(edge_statements([change(f"grant SELECT s.t r{j:04}") for j in range(450)])) == 3


def test_one_edge_given_by_two_is_revoked_as_both() -> None:
    assert sql(change("revoke SELECT s.t x"), change("revoke SELECT s.t x", run_as="y")) == [
        "REVOKE SELECT ON TABLE s.t FROM x",
        "y: REVOKE SELECT ON TABLE s.t FROM x",
    ]


def test_a_privilege_that_is_none_is_never_rendered() -> None:
    with pytest.raises(ValueError, match="not a privilege"):
        edge_statements([EdgeChange("grant", Edge(Identity("table", "s.t"), Item("", "x", "SELECT ON TABLE secret TO x; --")))])


def test_a_list_of_default_privileges_has_a_statement_of_its_own() -> None:
    lists = ["o/*/tables", "o/s/tables", 'o/"*"/tables', "o/*/large_objects"]
    made = [
        change(f"grant {right} {key} {who}", type_="default_privileges")
        for key in lists
        for right in ("SELECT", "UPDATE")
        for who in "xy"
    ]
    assert sql(*made, change("revoke EXECUTE o/*/functions PUBLIC", type_="default_privileges")) == [
        "ALTER DEFAULT PRIVILEGES FOR ROLE o REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        "ALTER DEFAULT PRIVILEGES FOR ROLE o IN SCHEMA * GRANT SELECT, UPDATE ON TABLES TO x, y",
        "ALTER DEFAULT PRIVILEGES FOR ROLE o GRANT SELECT, UPDATE ON LARGE OBJECTS TO x, y",
        "ALTER DEFAULT PRIVILEGES FOR ROLE o GRANT SELECT, UPDATE ON TABLES TO x, y",
        "ALTER DEFAULT PRIVILEGES FOR ROLE o IN SCHEMA s GRANT SELECT, UPDATE ON TABLES TO x, y",
    ]


def test_databases_are_never_mixed() -> None:
    edges = [Edge(Identity("table", "s.t", database), Item("", "x", "SELECT")) for database in ("one", "two")]
    statements = edge_statements([EdgeChange("grant", edge) for edge in edges])
    assert [[change.edge.object.database for change in one.changes] for one in statements] == [["one"], ["two"]]
