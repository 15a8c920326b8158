"""Access lists that are unset, empty, given by others, on columns, of extensions: what they mean, and what SQL they lead to."""

from __future__ import annotations

import pytest

from pgplan.errors import PgplanError
from pgplan.snapshot import NO_LIST, Privilege
from pgplan_postgres.grantable import every
from tests.grants.bench import Block, bench, found, rights
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


def grant(to: str, type_: str, key: str, *privileges: str, **more: object) -> Block:
    return {"to": to, "on": {type_: key}, "privileges": list(privileges), **more}


def revoke(from_: str, type_: str, key: str, *privileges: str, **more: object) -> Block:
    return {"from": from_, "on": {type_: key}, "privileges": list(privileges), **more}


def test_an_unset_list_is_the_built_in_default(server: Server, database: str, unique: str) -> None:
    setup = [
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (i int)",
        "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]
    with bench(database, setup) as b:
        assert rights(b.catalog("table"), "table", "s.t") == set()
        owned = found(b.catalog("table"), "table", "s.t").acl
        assert owned.privileges == tuple(Privilege("", "postgres", p, "postgres") for p in every("table", server.version * 10000))
        assert rights(b.catalog("function"), "function", "s.f()") == {("", "PUBLIC", "EXECUTE", False)}
        here = f"{unique}_db"
        assert rights(b.catalog("database"), "database", here) == {
            ("", "PUBLIC", "CONNECT", False),
            ("", "PUBLIC", "TEMPORARY", False),
        }
        # what is there already is no change; what is not wanted there goes
        assert b.apply(grant("PUBLIC", "database", here, "CONNECT"), grant("PUBLIC", "function", "s.f", "EXECUTE")) == []
        b.recorded = []
        assert b.apply(revoke("PUBLIC", "database", here, "TEMP"), revoke("PUBLIC", "function", "s.f()", "EXECUTE")) == [
            f'REVOKE TEMPORARY ON DATABASE "{here}" FROM PUBLIC',
            'REVOKE EXECUTE ON ROUTINE "s"."f"() FROM PUBLIC',
        ]


def test_an_empty_list_is_nothing_even_for_the_owner(database: str, unique: str) -> None:
    setup = [f"CREATE ROLE {unique}_a", "CREATE SCHEMA s", "CREATE TABLE s.t (i int)", "REVOKE ALL ON s.t FROM postgres"]
    with bench(database, setup) as b:
        assert found(b.catalog("table"), "table", "s.t").acl is NO_LIST
        b.apply(grant(f"{unique}_a", "table", "s.t", "SELECT"), grant("postgres", "table", "s.t", "INSERT"))
        assert [(p.grantee, p.privilege) for p in found(b.catalog("table"), "table", "s.t").acl.privileges] == [
            ("postgres", "INSERT"),
            (f"{unique}_a", "SELECT"),
        ]


def test_objects_with_the_same_list_share_it(database: str, unique: str) -> None:
    """Also where the same privileges are on the same columns, and where the grants came in another order."""
    a, c = f"{unique}_a", f"{unique}_c"
    on_columns = [f"GRANT SELECT (x), UPDATE (y) ON {table} TO {a}" for table in ("s.t", "s.u")]
    setup = [
        *(f"CREATE ROLE {name}" for name in (a, c)),
        "CREATE SCHEMA s",
        *(f"CREATE TABLE s.{table} (x int, y int)" for table in "tuvw"),
        *on_columns,
        f"GRANT SELECT ON s.t, s.u, s.v TO {a}, {c}",
        f"GRANT SELECT ON s.w TO {c}, {a}",
        "CREATE TEMPORARY TABLE t (x int)",
        f"GRANT SELECT ON pg_temp.t TO {a}, {c}",
    ]
    with bench(database, setup) as b:
        catalog = b.catalog("table")
        one, two, three, four = (found(catalog, "table", f"s.{table}") for table in "tuvw")
        assert one.acl is two.acl
        assert three.acl is four.acl
        assert one.spec is two.spec is three.spec
        assert one.columns is four.columns
        assert set(one.acl.privileges) - set(three.acl.privileges) == {
            Privilege("x", a, "SELECT", "postgres"),
            Privilege("y", a, "UPDATE", "postgres"),
        }
        b.run(f"DELETE FROM pg_authid WHERE rolname = '{c}'")
        grantees = {p.grantee for p in found(b.catalog("table"), "table", "s.t").acl.privileges}
        assert any(grantee.startswith("unknown (OID=") for grantee in grantees)


def test_columns_survive_what_is_revoked_from_their_table(database: str, unique: str) -> None:
    role = f"{unique}_a"
    setup = [f"CREATE ROLE {role}", "CREATE SCHEMA s", 'CREATE TABLE s.t (a int, "b c" int, d int)']
    columns = grant(role, "table", "s.t", "SELECT", "UPDATE", columns=["a", "b c"])
    with bench(database, setup) as b:
        assert b.apply(columns, grant(role, "table", "s.t", "SELECT", "DELETE")) == [
            f'GRANT DELETE, SELECT, SELECT ("a", "b c"), UPDATE ("a", "b c") ON TABLE "s"."t" TO "{role}"'
        ]
        assert b.apply(columns) == [
            f'REVOKE DELETE, SELECT ON TABLE "s"."t" FROM "{role}"',
            f'GRANT SELECT ("a", "b c") ON TABLE "s"."t" TO "{role}"',
        ]
        assert b.apply(grant(role, "table", "s.t", "SELECT", columns=["b c"])) == [
            f'REVOKE SELECT ("a"), UPDATE ("a", "b c") ON TABLE "s"."t" FROM "{role}"'
        ]


def test_an_absence_on_a_table_holds_for_its_columns(database: str, unique: str) -> None:
    role = f"{unique}_a"
    setup = [
        f"CREATE ROLE {role}",
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (a int, b int)",
        f"GRANT SELECT (a, b), UPDATE (a) ON s.t TO {role}",
    ]
    absent = revoke(role, "table", "s.t", "SELECT")
    with bench(database, setup) as b:
        assert b.apply(absent, grant(role, "table", "s.t", "SELECT", columns=["b"])) == [
            f'REVOKE SELECT ("a") ON TABLE "s"."t" FROM "{role}"'
        ]
        assert b.apply(absent) == [f'REVOKE SELECT ("b") ON TABLE "s"."t" FROM "{role}"']
        assert rights(b.catalog("table"), "table", "s.t") == {("a", role, "UPDATE", False)}


def test_an_absence_on_a_column_does_not_hold_under_a_grant_on_its_table(database: str, unique: str) -> None:
    """The server shows what the error says: the revoke is done, and the column still read."""
    role = f"{unique}_a"
    setup = [f"CREATE ROLE {role}", "CREATE SCHEMA s", "CREATE TABLE s.t (a int, b int)", f"GRANT SELECT ON s.t TO {role}"]
    column: Block = {"from": role, "on": {"table": "s.t"}, "privileges": ["SELECT"], "columns": ["b"]}
    with bench(database, setup) as b:
        b.run(f"REVOKE SELECT (b) ON s.t FROM {role}")
        still = b.session.execute(f"SELECT has_column_privilege('{role}', 's.t', 'b', 'SELECT') AS it".encode()).fetchone()
        assert still == {"it": True}
        with pytest.raises(PgplanError, match=f"but {role} has SELECT on the whole table, granted by"):
            b.plan(column)
        with pytest.raises(PgplanError, match=f"by grant.{role}/tables_in:s"):
            b.plan(column, {"to": role, "on": {"tables_in": "s"}, "privileges": ["ALL"]})
        b.apply(column, revoke(role, "table", "s.t", "SELECT"), {**grant(role, "table", "s.t", "SELECT"), "columns": ["a"]})
        assert rights(b.catalog("table"), "table", "s.t") == {("a", role, "SELECT", False)}


def test_chains_of_grantors_are_taken_apart_from_the_end(database: str, unique: str) -> None:
    """Revoking from the first while the last stands on it would fail: dependent privileges exist."""
    a, c, d = (f"{unique}_{name}" for name in "acd")
    setup = [
        *(f"CREATE ROLE {name}" for name in (a, c, d)),
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (x int)",
        f"GRANT USAGE ON SCHEMA s TO {a}, {c}, {d}",
        f"GRANT SELECT ON s.t TO {d} WITH GRANT OPTION",
        f"SET ROLE {d}",
        f"GRANT SELECT ON s.t TO {a} WITH GRANT OPTION",
        f"SET ROLE {a}",
        f"GRANT SELECT ON s.t TO {c}",
        "RESET ROLE",
    ]
    with bench(database, setup) as b:
        list_ = found(b.catalog("table"), "table", "s.t").acl
        assert {(p.grantee, p.grantor) for p in list_.privileges if p.privilege == "SELECT"} == {
            ("postgres", "postgres"),
            (d, "postgres"),
            (a, d),
            (c, a),
        }
        block = {"from": [a, c, d], "on": {"table": "s.t"}, "privileges": ["SELECT"]}
        assert b.apply(block) == [f'REVOKE SELECT ON TABLE "s"."t" FROM "{name}"' for name in (c, a, d)]
        assert rights(b.catalog("table"), "table", "s.t") == set()


def test_patterns_mean_what_is_there_now(database: str, unique: str) -> None:
    role = f"{unique}_a"
    setup = [
        f"CREATE ROLE {role}",
        "CREATE SCHEMA app_one",
        'CREATE SCHEMA "app_t.wo"',
        "CREATE SCHEMA other",
        "CREATE TABLE app_one.t (i int)",
        "CREATE TABLE app_one.secret (i int)",
        'CREATE TABLE "app_t.wo"."T" (i int)',
        "CREATE TABLE other.t (i int)",
        "CREATE EXTENSION pg_stat_statements SCHEMA app_one",
    ]
    every_table: Block = {"tables_in": "app_*", "except": ["app_one.secret"]}
    with bench(database, setup) as b:

        def having() -> list[str]:
            return [one.key for one in b.catalog("table").of("table") if any(p.grantee == role for p in one.acl.privileges)]

        block: Block = {"to": role, "on": every_table, "privileges": ["SELECT"]}
        assert b.apply(block) == [f'GRANT SELECT ON TABLE "app_t.wo"."T", "app_one"."t" TO "{role}"']
        assert having() == ['"app_t.wo".T', "app_one.t"]
        b.run("CREATE TABLE app_one.late (i int)")
        assert b.sql(block) == [f'GRANT SELECT ON TABLE "app_one"."late" TO "{role}"']
        with_members = {"to": role, "on": {**every_table, "extension_members": True}, "privileges": ["SELECT"]}
        b.apply(with_members)
        assert "app_one.pg_stat_statements" in having()
        b.apply({"to": role, "on": {"tables_in": "*", "except": ['"app_t.wo"']}, "privileges": ["SELECT"]})
        assert "other.t" in having()
        assert '"app_t.wo".T' not in having()
        assert not any(key.startswith(("pg_", "information_schema")) for key in having())
        b.apply()
        assert having() == []


@pytest.mark.parametrize(
    ("in_", "name", "message"),
    [
        ("tables_in", "s.tt", "leaves out the table s.tt, which is neither declared nor in the database\n  did you mean s.t?"),
        ("tables_in", "s.q", "leaves out the table s.q"),
        ("functions_in", "s.f(text)", r"leaves out the function s.f\(text\)"),
        ("functions_in", "s.g", "leaves out the function s.g"),
    ],
)
def test_what_is_left_out_must_be_something_that_the_pattern_could_match(
    database: str, unique: str, in_: str, name: str, message: str
) -> None:
    setup = [
        f"CREATE ROLE {unique}_a",
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (i int)",
        "CREATE SEQUENCE s.q",
        "CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]
    privileges = ["EXECUTE" if in_ == "functions_in" else "SELECT"]
    with bench(database, setup) as b:
        for good in ("s.t",) if in_ == "tables_in" else ("s.f", "s.f(int)"):
            assert b.sql({"to": f"{unique}_a", "on": {in_: "s", "except": [good]}, "privileges": privileges}) == []
        with pytest.raises(PgplanError, match=message):
            b.plan({"to": f"{unique}_a", "on": {in_: "s", "except": [name]}, "privileges": privileges})
        with pytest.raises(PgplanError, match="leaves out the schema s2"):
            b.plan({"from": f"{unique}_a", "on": {in_: "s*", "except": ["s2"]}, "privileges": privileges})


def test_a_block_that_names_the_object_beats_one_for_the_schema(database: str, unique: str) -> None:
    role = f"{unique}_a"
    setup = [f"CREATE ROLE {role}", "CREATE SCHEMA s", "CREATE TABLE s.t (i int)", "CREATE TABLE s.u (i int)"]
    with bench(database, setup) as b:
        b.apply(
            {"to": role, "on": {"tables_in": "s"}, "privileges": ["SELECT"]},
            {"from": role, "on": {"table": "s.t"}, "privileges": ["SELECT"]},
        )
        assert rights(b.catalog("table"), "table", "s.t") == set()
        assert rights(b.catalog("table"), "table", "s.u") == {("", role, "SELECT", False)}


def test_objects_of_pg_catalog_can_be_named(database: str, unique: str) -> None:
    role = f"{unique}_a"
    with bench(database, [f"CREATE ROLE {role}"]) as b:
        assert b.apply(grant(role, "function", "pg_catalog.pg_ls_logdir", "EXECUTE")) == [
            f'GRANT EXECUTE ON ROUTINE "pg_catalog"."pg_ls_logdir"() TO "{role}"'
        ]
        b.apply(revoke("PUBLIC", "table", "pg_catalog.pg_roles", "SELECT"))


@pytest.mark.pg("< 17")
def test_maintain_is_not_known_before_17(database: str) -> None:
    with bench(database, ["CREATE SCHEMA s", "CREATE TABLE s.t (i int)"]) as b:
        with pytest.raises(PgplanError, match="MAINTAIN exists from 17 on"):
            b.plan(grant("postgres", "table", "s.t", "MAINTAIN"))
        b.apply(grant("PUBLIC", "table", "s.t", "ALL"))


MISSING = [
    (grant("postgres", "table", "s.nix", "SELECT"), "there is no table s.nix"),
    (grant("postgres", "table", "s.t", "SELECT", columns=["nix"]), "there is no column nix in table s.t"),
    (grant("postgres", "table", "s.q", "SELECT"), "s.q is a sequence, not a table"),
    (grant("postgres", "sequence", "s.t", "SELECT"), "s.t is a table, not a sequence"),
    (grant("postgres", "function", "s.nix", "EXECUTE"), "there is no function s.nix"),
    (grant("postgres", "function", "s.f(text)", "EXECUTE"), r"there is no function s.f\(text\)"),
    (grant("postgres", "function", "s.f", "EXECUTE"), r"2 functions called s.f: s.f\(\), s.f\(integer\)"),
    (grant("nobody_here", "table", "s.t", "SELECT"), "role"),
]


@pytest.mark.parametrize(("block", "message"), MISSING, ids=[message for _, message in MISSING])
def test_what_is_not_there_is_an_error_of_the_plan(database: str, block: Block, message: str) -> None:
    setup = [
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (i int)",
        "CREATE SEQUENCE s.q",
        "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]
    with bench(database, setup) as b, pytest.raises(PgplanError, match=message):
        b.plan(block)


def test_a_recorded_column_that_is_gone_does_not_hide_the_others(database: str, unique: str) -> None:
    role = f"{unique}_a"
    setup = [f"CREATE ROLE {role}", "CREATE SCHEMA s", "CREATE TABLE s.t (a int, b int)"]
    with bench(database, setup) as b:
        b.apply(grant(role, "table", "s.t", "SELECT", columns=["a", "b"]))
        b.run("ALTER TABLE s.t DROP COLUMN b")
        assert b.apply() == [f'REVOKE SELECT ("a") ON TABLE "s"."t" FROM "{role}"']
