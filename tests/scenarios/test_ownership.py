"""Objects that pgplan does not make get their owners: what follows them, what their access lists become, who may do it."""

from __future__ import annotations

import json

import pytest

from tests.project import Project
from tests.servers import Server

HEAD = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
OWNERS = """
SELECT c.relname::text, r.rolname::text FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
 WHERE c.relnamespace = 's'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
"""


def _own(on: str, owner: str) -> str:
    return f'[[ownership]]\non = {{ {on} }}\nowner = "{owner}"\n'


def _grant(to: str, on: str, *privileges: str, more: str = "") -> str:
    return f'[[grant]]\nto = "{to}"\non = {{ {on} }}\nprivileges = {json.dumps(privileges)}\n{more}'


def _owners(cluster: Server) -> dict[str, str]:
    return dict(cluster.rows(OWNERS))


@pytest.mark.enough(14, 18)
def test_a_schema_of_tables_moves_from_a_role_that_goes_with_all_that_is_granted_on_them(
    project: Project, cluster: Server
) -> None:
    cluster.execute(
        "CREATE ROLE old",
        "CREATE ROLE reader",
        "CREATE SCHEMA s AUTHORIZATION old",
        "SET ROLE old; CREATE TABLE s.t (a serial, b int GENERATED ALWAYS AS IDENTITY); CREATE VIEW s.v AS SELECT 1 AS x;"
        "CREATE TABLE s.parted (a int) PARTITION BY LIST (a); CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS x;"
        "CREATE SEQUENCE s.alone; GRANT SELECT ON s.t TO reader WITH GRANT OPTION; GRANT UPDATE (b) ON s.t TO reader;"
        "RESET ROLE; CREATE TABLE s.one PARTITION OF s.parted FOR VALUES IN (1)",
        "CREATE ROLE new",
        "GRANT USAGE ON SCHEMA s TO new",
        "GRANT SELECT, INSERT ON s.t TO new WITH GRANT OPTION",
        "SET ROLE new; GRANT INSERT ON s.t TO reader",
    )
    before = HEAD + '[role.old]\n[role.new]\n[role.reader]\n[policy]\nexisting = "adopt"\n'
    grants = (
        _grant("reader", 'table = "s.t"', "SELECT", more="grantable = true\n")
        + _grant("reader", 'table = "s.t"', "INSERT")
        + _grant("reader", 'sequence = "s.t_a_seq"', "USAGE")
        + _grant("new", 'table = "s.v"', "SELECT")
    )
    project.write(before + grants)
    project.plan_and_apply()
    moved = _own('schema = "s"', "new") + _own('tables_in = "s", except = ["s.m", "s.one"]', "new") + _own('table = "s.m"', "new")
    moved += _own('sequences_in = "s"', "new")
    project.write(before.replace("[role.old]\n", "") + grants + moved)
    statements = project.sql()
    assert statements == [
        'ALTER SCHEMA "s" OWNER TO "new"',
        'ALTER SEQUENCE "s"."alone" OWNER TO "new"',
        'ALTER TABLE "s"."m" OWNER TO "new"',
        'ALTER TABLE "s"."parted" OWNER TO "new"',
        'ALTER TABLE "s"."t" OWNER TO "new"',
        'ALTER TABLE "s"."v" OWNER TO "new"',
        'DROP ROLE "old"',
    ]
    shown = json.loads(project.run("plan", "--format", "json").out)["resource_changes"]
    assert next(one["owners"] for one in shown if one["address"] == "ownership.sequences_in:s") == [
        {"type": "sequence", "key": "s.alone", "before": "old", "after": "new"}
    ]
    project.plan_and_apply()
    others = {"one": "postgres"}
    assert _owners(cluster) == {name: others.get(name, "new") for name in _owners(cluster)}
    acl = cluster.rows("SELECT relacl::text FROM pg_class WHERE oid = 's.t'::regclass")[0][0]
    assert "old" not in acl
    assert "reader=ar*/new" in acl


@pytest.mark.enough(18)
@pytest.mark.pg(">= 17")
def test_privileges_of_either_owner_are_what_is_declared_after_one_plan(project: Project, cluster: Server) -> None:
    cluster.execute(
        "CREATE ROLE a",
        "CREATE ROLE b",
        "CREATE ROLE c",
        "CREATE SCHEMA s",
        "GRANT USAGE ON SCHEMA s TO PUBLIC",
        "CREATE TABLE s.t (x int)",
    )
    cluster.execute(
        "ALTER TABLE s.t OWNER TO a", "GRANT SELECT ON s.t TO b WITH GRANT OPTION", "SET ROLE b; GRANT SELECT ON s.t TO c"
    )
    roles = HEAD + _grant("a", 'table = "s.t"', "SELECT", "INSERT") + _grant("b", 'table = "s.t"', "SELECT")
    project.write(roles + "grantable = true\n" + _grant("c", 'table = "s.t"', "SELECT"))
    project.plan_and_apply()
    project.write(roles + _grant("c", 'table = "s.t"', "SELECT") + _own('table = "s.t"', "b"))
    project.plan_and_apply()
    assert cluster.rows("SELECT relacl::text FROM pg_class WHERE oid = 's.t'::regclass") == [("{b=arwdDxtm/b,c=r/b,a=ar/b}",)]
    project.write(roles + _own('table = "s.t"', "a"))
    project.plan_and_apply()
    assert cluster.rows("SELECT relacl::text FROM pg_class WHERE oid = 's.t'::regclass") == [("{a=arwdDxtm/a,b=r/a}",)]


@pytest.mark.enough(18)
def test_what_is_forgotten_stays_and_what_drifts_comes_back(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE a", "CREATE SCHEMA s", "CREATE TABLE s.t (x int)", "CREATE TABLE s.u (x int)")
    project.write(HEAD + _own('tables_in = "s"', "a"))
    assert "owner of table s.t = " in project.run("plan").out
    project.plan_and_apply()
    cluster.execute("CREATE TABLE s.new (x int)")
    assert "No drift" in project.run("drift").out
    assert project.sql() == ['ALTER TABLE "s"."new" OWNER TO "a"']
    cluster.execute("ALTER TABLE s.t OWNER TO postgres")
    out = project.run("drift", expect=2).out
    assert 'owner of table s.t = "a" -> "postgres"' in out
    assert "s.new" not in out
    project.plan_and_apply()
    project.run("destroy", "--yes")
    assert set(_owners(cluster).values()) == {"a"}
    assert project.run("state", "list").out == ""
    project.write(HEAD)
    block = project.run("import", "ownership.tables_in:s", "ownership.schema:s").out
    assert 'tables_in = "s"' in block
    assert 'owner = "postgres"' in block
    project.write(HEAD + block)
    project.nothing_to_do()
    cluster.execute("ALTER TABLE s.t OWNER TO postgres")
    project.write(HEAD)
    project.run("apply", "--yes")
    assert "several roles" in project.run("import", "ownership.tables_in:s", expect=1).err


WRONG = [
    (_own('table = "s.t"', "a") + _own('table = "s.t"', "b"), "ownership.table:s.t: it is declared in "),
    ('[schema.s]\nowner = "a"\n' + _own('schema = "s"', "b"), "schema.s gives schema s to another role: a"),
    ('[schema.s]\nowner = "a"\n' + _own('schema = "s"', "b"), "ownership.schema:s gives schema s to another role: b"),
    (_own('parameter = "work_mem"', "a"), "a parameter has no owner"),
    (_own('tables_in = "s", extension_members = true', "a"), "members of an extension get no other owner"),
    (_own('table = "s.t"', "PUBLIC"), "PUBLIC is not a role"),
]
UNFIT = [
    (_own('sequence = "s.t_a_seq"', "a"), 'sequence s.t_a_seq always has the owner of table s.t\n  write on = { table = "s.t" }'),
    (_own('type = "s.t"', "a"), "there is no type s.t"),
    (_own('type = "s._e"', "a"), "there is no type s._e"),
    (_own('function = "pg_catalog.abs(integer)"', "a"), "is PostgreSQL's own"),
    (_own('function = "s.postgres_fdw_handler()"', "a"), "belongs to the extension postgres_fdw"),
    (_own('table = "s.t"', "nobody"), "owner names role.nobody, which is neither declared nor in the database"),
    (_own('table = "s.x"', "a"), "there is no table s.x"),
    (_own('foreign_data_wrapper = "w"', "a"), "only a superuser can own a foreign-data wrapper, and a is none"),
    (_own('table = "s.t_a_seq"', "a"), "s.t_a_seq is a sequence, not a table"),
    (_own('tables_in = "s"', "a") + _own('tables_in = "s*"', "b"), "ownership.tables_in:s gives table s.t to another role: a"),
    (
        _own('tables_in = "s"', "a")
        + '[server.w]\nfdw = "postgres_fdw"\n[foreign_table."s.f"]\nserver = "w"\ncolumns = []\nowner = "b"\n',
        "ownership.tables_in:s gives table s.f to another role: a",
    ),
]


@pytest.mark.enough(18)
def test_what_cannot_be_is_told_before_anything_is_done(project: Project, cluster: Server) -> None:
    cluster.execute(
        "CREATE ROLE a", "CREATE ROLE b", "CREATE SCHEMA s", "CREATE TABLE s.t (a serial)", "CREATE TYPE s.e AS ENUM ()"
    )
    cluster.execute("CREATE EXTENSION postgres_fdw SCHEMA s", "CREATE FOREIGN DATA WRAPPER w")
    for text, message in WRONG:
        project.write(HEAD + text)
        assert message in project.run("validate", expect=1).err
    for text, message in UNFIT:
        project.write(HEAD + text)
        assert message in project.run("plan", expect=1).err
    # A block that names the object beats a pattern, and members are not matched.
    project.write(HEAD + _own('tables_in = "s"', "a") + _own('table = "s.t"', "b") + _own('functions_in = "s"', "a"))
    project.plan_and_apply()
    assert _owners(cluster) == {"t": "b", "t_a_seq": "b"}


OWN = """[foreign_data_wrapper.w]\n[server.one]\nfdw = "w"\n[server.two]\nfdw = "w"\n[schema.s]
[foreign_table."s.f"]\nserver = "one"\ncolumns = [{ name = "a", type = "integer" }]
"""


@pytest.mark.enough(18)
def test_what_has_a_block_of_its_own_that_says_no_owner_may_be_given_away_too(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE a", "CREATE ROLE b")
    both = _own('schema = "s"', "a") + _own('tables_in = "s"', "a") + _grant("a", 'table = "s.f"', "SELECT")
    project.write(HEAD + OWN + both + _grant("b", 'table = "s.f"', "SELECT"))
    project.plan_and_apply()
    owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'f'"
    assert cluster.rows(owner) == [("a",)]
    # Replaced, it keeps its owner; altered and given away at once, both.
    project.edit('server = "one"', 'server = "two"')
    project.plan_and_apply()
    assert cluster.rows(owner) == [("a",)]
    project.edit("columns = [", 'columns = [{ name = "b", type = "text" }, ')
    project.edit('{ name = "b", type = "text" }, { name = "a", type = "integer" }', '{ name = "a", type = "bigint" }')
    project.edit('tables_in = "s" }\nowner = "a"', 'tables_in = "s" }\nowner = "b"')
    project.run("plan", "--out", project.plan_file)
    project.run("apply", project.plan_file)
    project.nothing_to_do()
    assert cluster.rows(owner) == [("b",)]
    # What moved since the plan is found by apply.
    project.edit('tables_in = "s" }\nowner = "b"', 'tables_in = "s" }\nowner = "a"')
    project.run("plan", "--out", project.plan_file)
    cluster.execute("ALTER FOREIGN TABLE s.f OWNER TO postgres")
    assert "table.s.f" in project.run("apply", "--trust-plan", project.plan_file, expect=3).err


EVERY = """
CREATE SCHEMA "S.s"; CREATE TABLE "S.s"."t ""q" (a int); CREATE VIEW "S.s"."Ünï.v" AS SELECT 1 AS x; CREATE SEQUENCE "S.s"."q]";
CREATE FUNCTION "S.s".f(int, text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE "S.s".p() LANGUAGE sql AS '';
CREATE AGGREGATE "S.s".agg(*) (sfunc = int8inc, stype = int8, initcond = '0');
CREATE AGGREGATE "S.s".total(int) (sfunc = int4pl, stype = int);
CREATE TYPE "S.s"."e,e" AS ENUM (); CREATE TYPE "S.s".c AS (a int); CREATE DOMAIN "S.s".d AS int;
CREATE TYPE "S.s".r AS RANGE (subtype = int);
CREATE FOREIGN DATA WRAPPER "w/w"; CREATE SERVER "s@s" FOREIGN DATA WRAPPER "w/w";
"""


@pytest.mark.enough(14, 18)
def test_every_type_of_object_and_names_of_every_sort(project: Project, cluster: Server) -> None:
    role = "o \"x'.ü"
    cluster.execute(*EVERY.strip().split(";")[:-1], "SELECT lo_create(4711)", "CREATE DATABASE other")
    cluster.execute('CREATE ROLE "o ""x\'.ü" SUPERUSER')
    quoted = json.dumps(role, ensure_ascii=False)
    on = [
        {"schema": "S.s"},
        {"tables_in": "S.s"},
        {"sequence": '"S.s"."q]"'},
        {"functions_in": "S.s"},
        {"types_in": "S*"},
        {"foreign_data_wrapper": "w/w"},
        {"server": "s@s"},
        {"large_object": "4711"},
        {"database": "other"},
    ]
    tables = ", ".join(f"{{ {key} = {json.dumps(name)} }}" for one in on for key, name in one.items())
    project.write(HEAD + f"[[ownership]]\non = [{tables}]\nowner = {quoted}\n")
    before = project.sql()
    # The range has five constructors.
    assert len(before) == 1 + 2 + 1 + 4 + 5 + 4 + 1 + 1 + 1 + 1
    project.plan_and_apply()
    for listed in project.run("state", "list").out.splitlines():
        project.run("state", "show", listed)
    printed = project.run("plan", "--format", "json").out
    assert json.loads(printed)["resource_changes"] == []
    project.write(HEAD)
    project.plan_and_apply()
    assert _owners_of_all(cluster) == {role}


def _owners_of_all(cluster: Server) -> set[str]:
    rows = cluster.rows(
        """SELECT r.rolname::text FROM pg_roles AS r WHERE r.oid IN (
             SELECT relowner FROM pg_class WHERE relnamespace = '"S.s"'::regnamespace
             UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = '"S.s"'::regnamespace
             UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = '"S.s"'::regnamespace AND typname !~ 'multirange$'
             UNION ALL SELECT srvowner FROM pg_foreign_server UNION ALL SELECT fdwowner FROM pg_foreign_data_wrapper
             UNION ALL SELECT lomowner FROM pg_largeobject_metadata
             UNION ALL SELECT datdba FROM pg_database WHERE datname = 'other')"""
    )
    return {name for (name,) in rows}


WEAK = """
CREATE SCHEMA mine AUTHORIZATION weak; CREATE SCHEMA other; CREATE TABLE mine.t (a serial); ALTER TABLE mine.t OWNER TO weak;
CREATE TABLE mine.theirs (a int); CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w; ALTER SERVER s OWNER TO weak;
CREATE TABLE other.t (a int); ALTER TABLE other.t OWNER TO weak; CREATE SCHEMA given AUTHORIZATION weak;
CREATE TABLE given.t (a int); ALTER TABLE given.t OWNER TO weak
"""


@pytest.mark.enough(14, 18)
def test_without_superuser_what_is_missing_is_told_and_what_is_not_is_done(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE weak LOGIN", "CREATE ROLE app", "CREATE ROLE stranger", "CREATE ROLE boss SUPERUSER")
    cluster.execute("CREATE DATABASE shop OWNER weak")
    cluster.execute(*WEAK.split(";"), database="shop")
    project.url = cluster.url("shop", "weak")
    stranger = "the right to SET ROLE stranger, which is to own it: declare a [[membership]]"
    text = _own('schema = ["mine", "given"]', "app") + _own('table = ["mine.theirs", "other.t"]', "stranger")
    text += _own('server = "s"', "app") + _own('foreign_data_wrapper = "w"', "boss") + _own('database = "shop"', "app")
    project.write(HEAD + text)
    error = project.run("plan", expect=1).err
    for words in (
        "ownership.schema:mine: the connected role weak lacks the right to SET ROLE app",
        "ownership.table:mine.theirs: the connected role weak lacks ownership of table mine.theirs (its owner is postgres)",
        f"ownership.table:mine.theirs: the connected role weak lacks {stranger}",
        "ownership.table:other.t: the connected role weak lacks USAGE on schema other",
        "stranger, which is to own it, has no CREATE on schema other (grant that first, in a plan of its own)",
        "app, which is to own it, has no USAGE on foreign-data wrapper w",
        "ownership.foreign_data_wrapper:w: the connected role weak lacks the attribute SUPERUSER",
        "ownership.database:shop: the connected role weak lacks the attribute CREATEDB",
        "would take the ownership of its own database from the role that pgplan is connected as",
    ):
        assert words in error
    # To be able to SET ROLE is enough to give, and for what comes after it.
    only_set = "GRANT app TO weak WITH INHERIT FALSE" if cluster.version >= 16 else "GRANT app TO weak"
    cluster.execute("ALTER ROLE weak NOINHERIT", only_set)
    project.write(HEAD + _own('table = "mine.t"', "app"))
    assert "app, which is to own it, has no CREATE on schema mine" in project.run("plan", expect=1).err
    cluster.execute("GRANT CREATE, USAGE ON SCHEMA mine TO app", database="shop")
    grant = _grant("stranger", 'table = "mine.t"', "SELECT")
    project.write(HEAD + _own('table = "mine.t"', "app") + grant)
    assert 'SET LOCAL ROLE "app"' in project.sql()
    project.plan_and_apply()
    cluster.execute("ALTER ROLE weak INHERIT", *(["GRANT app TO weak WITH INHERIT TRUE"] if cluster.version >= 16 else []))
    # Who owns the schema may create there, and what app is given it may grant.
    project.write(HEAD + _own('schema = ["mine", "given"]', "app") + _own('tables_in = "given"', "app") + grant)
    project.plan_and_apply()


@pytest.mark.enough(16, 18)
def test_the_multirange_of_a_range_follows_from_17_on(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE a", "CREATE SCHEMA s", "CREATE TYPE s.r AS RANGE (subtype = integer)")
    project.write(HEAD + _own('types_in = "s"', "a"))
    project.plan_and_apply()
    rows = cluster.rows("SELECT typowner::regrole::text FROM pg_type WHERE typname = 'r_multirange'")
    assert rows == [("a" if cluster.version >= 17 else "postgres",)]
