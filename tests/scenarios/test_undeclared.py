"""What is found in [scope] and is neither declared nor recorded: ignored, reported, deleted. By way of the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from attrs import frozen

from tests.project import Project, Result
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

HEAD = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'


@pytest.fixture
def project(tmp_path: Path, database: str) -> Project:
    return Project(tmp_path, database)


class Here:
    """The database of one test, in whose names `%` stands for the test's own prefix."""

    def __init__(self, server: Server, unique: str, project: Project) -> None:
        self.server, self.database, self.prefix, self.project = server, f"{unique}_db", f"{unique}_", project

    def execute(self, *statements: str) -> None:
        self.server.execute(*map(self.named, statements), database=self.database)

    def named(self, text: str) -> str:
        return text.replace("%", self.prefix)

    def write(self, policy: str, case: Case) -> None:
        said = f'[policy]\nexisting = "adopt"\nundeclared = "{policy}"\n{case.policy}\n[scope]\n{case.scope}\n{case.blocks}'
        self.project.write(HEAD + self.named(said))

    def lists(self, table: str) -> set[tuple[str, str, str]]:
        """Grantee, privilege and grantor, but for the owner's own rights."""
        query = f"""SELECT coalesce(g.rolname, 'PUBLIC'), e.privilege_type, o.rolname
                      FROM pg_class AS c, aclexplode(c.relacl) AS e LEFT JOIN pg_roles AS g ON g.oid = e.grantee
                      JOIN pg_roles AS o ON o.oid = e.grantor WHERE c.relname = '{table}' AND e.grantee <> c.relowner"""
        rows = self.server.rows(query, database=self.database)
        return {(to.replace(self.prefix, "%"), privilege, by.replace(self.prefix, "%")) for to, privilege, by in rows}

    def rights(self, function: str) -> set[tuple[str, str]]:
        query = f"""SELECT e.grantee::regrole::text, e.privilege_type
                      FROM pg_proc AS p, aclexplode(p.proacl) AS e WHERE p.proname = '{function}' AND e.grantee <> p.proowner"""
        return set(self.server.rows(query, database=self.database))

    def undeclared(self, result: Result) -> list[str]:
        return sorted(one["address"].replace(self.prefix, "%") for one in json.loads(result.out)["undeclared"])


@pytest.fixture
def here(server: Server, unique: str, project: Project) -> Here:
    return Here(server, unique, project)


@frozen
class Case:
    """What is found in `scope` after `by_hand` is `undeclared`, by address, once `blocks` are applied."""

    scope: str
    by_hand: tuple[str, ...]
    undeclared: tuple[str, ...]
    blocks: str = ""
    policy: str = ""
    """What is not looked for, besides."""


SCHEMA = ("CREATE SCHEMA s", "CREATE TABLE s.t (a int, b int)", *(f"CREATE ROLE %{name}" for name in ("app", "bob", "eve")))
BLOCKS = """
[schema.s]
[role.%app]
[role.%bob]
[role.%eve]
[[grant]]
to = "%app"
on = { table = "s.t" }
privileges = ["SELECT"]
"""
BORN = """
[[default_privileges]]
owner = "postgres"
schema = "s"
objects = "tables"
privileges = "SELECT"
to = "%app"
"""
REVOKE = """
[[revoke]]
from = "%bob"
on = { table = "s.revoked" }
privileges = "ALL"
"""
WRAPPER = ("CREATE FOREIGN DATA WRAPPER %w", "CREATE SERVER %s FOREIGN DATA WRAPPER %w")
FUNCTION = "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
CASES = {
    # Besides: a declared privilege, what a declared default privilege gave, an owner's own and an extension's own, what is built
    # in for PUBLIC, what a revoke names, and what is in no scope.
    "all that stands on a schema": Case(
        'schemas = ["s"]',
        (
            *SCHEMA,
            "CREATE TABLE s.revoked (a int)",
            "CREATE TABLE s.owned (a int)",
            "GRANT SELECT, INSERT ON s.t TO %app",
            "GRANT SELECT ON s.t TO PUBLIC",
            "GRANT UPDATE (a) ON s.t TO %app",
            "GRANT CREATE ON SCHEMA s TO %bob",
            "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA s GRANT SELECT ON TABLES TO %app",
            "CREATE TABLE s.born ()",
            "GRANT UPDATE ON s.born TO %app",
            "ALTER TABLE s.owned OWNER TO %eve",
            "REVOKE UPDATE ON s.owned FROM %eve",
            "GRANT SELECT ON s.owned TO %bob",
            "CREATE EXTENSION pg_stat_statements SCHEMA s",
            "GRANT SELECT ON s.pg_stat_statements TO %bob",
            FUNCTION,
            "CREATE DOMAIN s.d AS int",
            "CREATE SCHEMA other",
            "CREATE TABLE other.t ()",
            "GRANT SELECT ON other.t TO %bob, PUBLIC",
        ),
        (
            "grant.%app/table:s.born",
            "grant.%app/table:s.t",
            "grant.%bob/schema:s",
            "grant.%bob/table:s.owned",
            "grant.%bob/table:s.pg_stat_statements",
            "grant.PUBLIC/table:s.t",
        ),
        BLOCKS + BORN + REVOKE,
        '[policy.function]\nundeclared = "ignore"',
    ),
    "what others granted": Case(
        'schemas = ["s"]',
        (
            *SCHEMA,
            "GRANT USAGE ON SCHEMA s TO %app, %bob",
            "GRANT INSERT ON s.t TO %app WITH GRANT OPTION",
            "SET ROLE %app",
            "GRANT INSERT ON s.t TO %bob WITH GRANT OPTION",
            "SET ROLE %bob",
            "GRANT INSERT ON s.t TO %eve",
        ),
        ("grant.%app/schema:s", "grant.%app/table:s.t", "grant.%bob/schema:s", "grant.%bob/table:s.t", "grant.%eve/table:s.t"),
        BLOCKS,
    ),
    "all that a role has, and who is in what": Case(
        'roles = ["%b*", "%eve"]',
        (
            *SCHEMA,
            "GRANT SELECT ON s.t, pg_authid TO %bob, %app",
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO %bob",
            "GRANT CONNECT ON DATABASE %db, postgres TO %bob",
            "GRANT USAGE ON LANGUAGE plpgsql TO %bob",
            *WRAPPER,
            "GRANT USAGE ON FOREIGN SERVER %s TO %bob",
            "CREATE ROLE %group",
            "GRANT %group TO %app",
            "GRANT %group TO %bob WITH ADMIN OPTION",
            "GRANT %eve TO %app",
            "GRANT pg_read_all_data TO %eve",
            "GRANT %eve TO postgres",
            "GRANT %eve TO pg_monitor",
        ),
        (
            "grant.%bob/database:%db",
            "grant.%bob/database:postgres",
            "grant.%bob/function:pg_catalog.pg_read_file(text)",
            "grant.%bob/language:plpgsql",
            "grant.%bob/server:%s",
            "grant.%bob/table:pg_catalog.pg_authid",
            "grant.%bob/table:s.t",
            "membership.%eve/%app",
            "membership.%group/%bob",
            "membership.pg_read_all_data/%eve",
        ),
        BLOCKS,
    ),
    "PUBLIC by its name, but for what comes with extensions and with PostgreSQL": Case(
        'roles = ["PUBLIC"]',
        (*SCHEMA, FUNCTION, "CREATE DOMAIN s.d AS int", "CREATE EXTENSION pg_stat_statements SCHEMA s"),
        ("grant.PUBLIC/database:%db", "grant.PUBLIC/function:s.f()", "grant.PUBLIC/schema:public", "grant.PUBLIC/type:s.d"),
        BLOCKS,
    ),
    "default privileges": Case(
        'schemas = ["s"]\nroles = ["%app"]',
        (
            *SCHEMA,
            "ALTER DEFAULT PRIVILEGES FOR ROLE %bob IN SCHEMA s GRANT SELECT ON TABLES TO %eve, PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE %app GRANT USAGE ON SCHEMAS TO %eve",
            "ALTER DEFAULT PRIVILEGES FOR ROLE %app REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE %eve GRANT SELECT ON TABLES TO %app, %bob",
        ),
        (
            "default_privileges.%app/*/schemas/%eve",
            "default_privileges.%bob/s/tables/%eve",
            "default_privileges.%bob/s/tables/PUBLIC",
            "default_privileges.%eve/*/tables/%app",
        ),
        BLOCKS,
    ),
    "objects": Case(
        'schemas = ["s"]\nroles = ["%bob", "%eve"]\nobjects = ["server:%*"]',
        (
            *SCHEMA,
            "CREATE SCHEMA other",
            FUNCTION,
            "CREATE FUNCTION other.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            # No block can say these.
            "CREATE PROCEDURE s.p() LANGUAGE sql AS ''",
            "CREATE AGGREGATE s.g(int) (SFUNC = int4pl, STYPE = int)",
            *WRAPPER,
            "CREATE USER MAPPING FOR %bob SERVER %s",
            "CREATE FOREIGN TABLE s.far () SERVER %s",
        ),
        ("foreign_table.s.far", "function.s.f()", "role.%bob", "role.%eve", "server.%s", "user_mapping.%s/%bob"),
        "[schema.s]\n[role.%app]\n",
    ),
    "two configurations keep apart": Case(
        'schemas = ["*"]\nroles = ["*"]\nexclude_schemas = ["o*"]\nexclude_roles = ["%eve"]',
        (
            *SCHEMA,
            "CREATE SCHEMA other",
            "CREATE TABLE other.t ()",
            "GRANT SELECT ON s.t, other.t TO %bob, %eve",
            "GRANT USAGE ON SCHEMA other TO %bob",
            "ALTER DEFAULT PRIVILEGES FOR ROLE %eve IN SCHEMA s GRANT SELECT ON TABLES TO %bob",
        ),
        ("grant.%bob/table:s.t",),
        BLOCKS,
        # Other tests have roles in the same cluster.
        '[policy.role]\nundeclared = "ignore"\n[policy.membership]\nundeclared = "ignore"',
    ),
    "odd names": Case(
        "schemas = ['\"Sch.ema *\"*']\nroles = ['%b@b \"x\"']",
        (
            'CREATE SCHEMA "Sch.ema *"',
            'CREATE TABLE "Sch.ema *"."T(a)@b" ("C ö" int)',
            'CREATE ROLE "%b@b ""x"""',
            'CREATE ROLE "%PUBLIC"',
            'GRANT SELECT ON "Sch.ema *"."T(a)@b" TO "%b@b ""x"""',
            'GRANT UPDATE ("C ö") ON "Sch.ema *"."T(a)@b" TO "%PUBLIC"',
            'GRANT "%PUBLIC" TO "%b@b ""x"""',
        ),
        (
            'grant."%b@b ""x"""/table:"Sch.ema *"."T(a)@b"',
            'grant.%PUBLIC/table:"Sch.ema *"."T(a)@b"',
            'membership.%PUBLIC/"%b@b ""x"""',
        ),
        '[schema."Sch.ema *"]\n[role.\'%b@b "x"\']\n',
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_by_policy(case: Case, here: Here) -> None:
    """Ignored, reported, deleted: and then there is nothing left to do."""
    here.execute(*case.by_hand)
    project, expected = here.project, sorted(case.undeclared)
    here.write("ignore", case)
    project.run("apply", "--yes")
    covered = json.loads(project.run("drift", "--format", "json").out)["scope"]
    here.write("report", case)
    assert here.undeclared(project.run("plan", "--format", "json", "--detailed-exitcode")) == expected
    drift = project.run("drift", "--format", "json", expect=2)
    assert here.undeclared(drift) == expected
    # What is not looked for is only counted, with the same result.
    assert json.loads(drift.out)["scope"] == covered
    here.write("delete", case)
    changes = json.loads(project.run("plan", "--format", "json").out)["resource_changes"]
    assert sorted(one["address"].replace(here.prefix, "%") for one in changes) == expected
    assert all(" in scope by " in one["reason"] for one in changes)
    project.run("apply", "--yes")
    project.nothing_to_do()


def test_what_is_declared_and_stands_on_what_goes_is_granted_by_the_owner_first(here: Here) -> None:
    here.execute(
        *SCHEMA,
        "GRANT USAGE ON SCHEMA s TO %eve, %bob",
        "GRANT SELECT ON s.t TO %eve WITH GRANT OPTION",
        "SET ROLE %eve",
        "GRANT SELECT ON s.t TO %bob WITH GRANT OPTION",
        "SET ROLE %bob",
        "GRANT SELECT ON s.t TO %app",
    )
    bob = '[[grant]]\nto = "%bob"\non = { table = "s.t" }\nprivileges = "SELECT"\ngrantable = true\n'
    here.write("delete", Case('schemas = ["s"]', (), (), BLOCKS + bob))
    assert [one.replace(here.prefix, "%") for one in here.project.sql()] == [
        'GRANT SELECT ON TABLE "s"."t" TO "%bob" WITH GRANT OPTION',
        'SET LOCAL ROLE "%eve"',
        'REVOKE SELECT ON TABLE "s"."t" FROM "%bob"',
        'SET LOCAL ROLE "postgres"',
        'REVOKE USAGE ON SCHEMA "s" FROM "%bob", "%eve"',
        'REVOKE SELECT ON TABLE "s"."t" FROM "%eve"',
    ]
    assert "%eve, who granted it, may grant it no longer".replace("%", here.prefix) in here.project.run("plan").out
    here.project.plan_and_apply()
    assert here.lists("t") == {("%bob", "SELECT", "postgres"), ("%app", "SELECT", "%bob")}


def test_a_grantor_that_cannot_get_at_it_is_told_of_when_planning(here: Here) -> None:
    here.execute(
        *SCHEMA,
        "GRANT USAGE ON SCHEMA s TO %eve",
        "GRANT INSERT ON s.t TO %eve WITH GRANT OPTION",
        "SET ROLE %eve",
        "GRANT INSERT ON s.t TO %bob",
        "SET ROLE postgres",
        "REVOKE USAGE ON SCHEMA s FROM %eve",
    )
    here.write("delete", Case('schemas = ["s"]', (), (), BLOCKS))
    error = here.project.run("plan", expect=1).err.replace(here.prefix, "%")
    assert (
        "grant.%bob/table:s.t: cannot take away what %eve granted on table s.t: %eve, as which it must run, has no USAGE" in error
    )


def test_what_is_back_somebody_else_gives(here: Here) -> None:
    """Also what comes back as another object, and what came after the last apply; and that is all that is said of when."""
    here.execute(*SCHEMA, "GRANT INSERT, UPDATE ON s.t TO %bob", "CREATE ROLE %night", "CREATE SCHEMA other")
    case = Case('schemas = ["s"]\nroles = ["%night", "%bob"]', (), (), BLOCKS)
    here.write("delete", case)
    here.project.plan_and_apply()
    here.execute(
        "GRANT UPDATE ON s.t TO %bob",
        "GRANT SELECT ON s.t TO %eve",
        "CREATE ROLE %night",
        "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "GRANT USAGE ON SCHEMA other TO %bob",
    )
    changes = json.loads(here.project.run("plan", "--format", "json").out.replace(here.prefix, "%"))["resource_changes"]
    back = "; pgplan took it away before (state 1): somebody else gives it"
    assert {one["address"]: one["reason"] for one in changes} == {
        "function.s.f()": 'undeclared, in scope by schemas = ["s"]; it came after the last apply',
        "grant.%bob/schema:other": 'undeclared, in scope by roles = ["%bob"]',
        "grant.%bob/table:s.t": 'undeclared, in scope by schemas = ["s"]' + back,
        "grant.%eve/table:s.t": 'undeclared, in scope by schemas = ["s"]',
        "role.%night": 'undeclared, in scope by roles = ["%night"]' + back,
    }
    here.project.plan_and_apply()


def test_drift_finds_what_happened_by_night(here: Here) -> None:
    here.execute(*SCHEMA)
    case = Case('schemas = ["s"]\nroles = ["%*"]', (), (), BLOCKS)
    here.write("report", case)
    here.project.plan_and_apply()
    here.execute("ALTER ROLE %app SUPERUSER", "GRANT SELECT ON s.t TO PUBLIC", "GRANT %app TO %bob", "CREATE SCHEMA other")
    drift = here.project.run("drift", expect=2).out.replace(here.prefix, "%")
    for line in (
        "  ~ role.%app  # was changed",
        '  ? grant.PUBLIC/table:s.t  # undeclared, in scope by schemas = ["s"]',
        "        SELECT on table s.t to PUBLIC",
        "Drift: 1 changed, 0 disappeared, 2 undeclared.",
    ):
        assert line in drift.splitlines(), drift
    # A table, and schemas besides; other tests have roles of their own.
    assert re.search(r"^5 objects managed, 1 in scope and not managed, [0-9,]+ out of scope\.$", drift, re.MULTILINE)
    membership = next(line for line in drift.splitlines() if "membership" in line)
    assert membership == '  ? membership.%app/%bob  # undeclared, in scope by roles = ["%*"]'
    here.project.run("plan", "--out", here.project.plan_file)
    shown = here.project.run("show", here.project.plan_file)
    assert "grant.PUBLIC/table:s.t" in shown.out
    assert "grant.PUBLIC/table:s.t" in here.project.run("show", here.project.plan_file, "--format", "markdown").out
    # What is declared and not applied yet is not undeclared.
    declared = '[[grant]]\nto = "PUBLIC"\non = { table = "s.t" }\nprivileges = "SELECT"'
    here.write("report", Case(case.scope, (), (), BLOCKS + declared))
    assert "PUBLIC" not in here.project.run("drift", expect=2).out


def test_what_stands_on_something_undeclared_is_not_taken_along(here: Here) -> None:
    here.execute(*SCHEMA)
    here.write("delete", Case('schemas = ["s"]', (), (), "[role.%app]\n"))
    error = here.project.run("plan", expect=1).err
    assert "schema.s: cannot delete it: table s.t stands on it" in error
    assert "declare it (`pgplan import schema.s` prints its block)" in error
    here.write("delete", Case('roles = ["%*"]\nexclude_roles = ["%app"]', (), (), "[role.%app]\n", "max_deletes = 1"))
    assert "this plan deletes 2 objects and revokes 0 privileges; max_deletes allows 1" in here.project.run("plan", expect=5).err


def test_without_superuser(here: Here) -> None:
    """What is hidden is not undeclared; what the connected role has of what it made, and of others, is its own."""
    here.execute(
        *WRAPPER,
        "CREATE ROLE %group",
        "CREATE ROLE %deployer LOGIN CREATEROLE",
        "GRANT %group TO %deployer WITH ADMIN OPTION",
        "GRANT USAGE ON FOREIGN DATA WRAPPER %w TO %deployer",
        "ALTER SERVER %s OWNER TO %deployer",
        "CREATE ROLE %app",
        "CREATE ROLE %bob",
        "GRANT %app, %bob TO %deployer WITH ADMIN OPTION",
        "GRANT %app TO %bob",
        "CREATE USER MAPPING FOR %app SERVER %s OPTIONS (password 'hidden')",
        "CREATE USER MAPPING FOR %bob SERVER %s OPTIONS (password 'hidden')",
        "GRANT CREATE ON DATABASE %db TO %deployer",
        "GRANT USAGE ON FOREIGN SERVER %s TO %app",
    )
    here.project.url = here.server.url(here.database, user=f"{here.prefix}deployer")
    blocks = """
[role.%app]
[role.%made]
[server.%s]
fdw = "%w"
[[user_mapping]]
server = "%s"
user = "%app"
options = { user = "app" }
"""
    case = Case('roles = ["%*"]\nobjects = ["server:%*"]\nexclude_roles = ["%bob"]', (), (), blocks)
    here.write("ignore", case)
    here.project.run("apply", "--yes")
    here.write("report", case)
    assert here.undeclared(here.project.run("plan", "--format", "json")) == ["grant.%app/server:%s"]
    here.write("report", Case(case.scope.replace('["%bob"]', "[]"), (), (), blocks))
    undeclared = here.undeclared(here.project.run("plan", "--format", "json"))
    assert undeclared == ["grant.%app/server:%s", "membership.%app/%bob", "user_mapping.%s/%bob"]
    here.write("delete", case)
    here.project.plan_and_apply()
    # What it lacks the rights to take away is an error of the plan.
    here.execute("CREATE ROLE %other SUPERUSER", "GRANT USAGE ON FOREIGN DATA WRAPPER %w TO %app")
    error = here.project.run("plan", expect=1).err.replace(here.prefix, "%")
    assert "role.%other: the connected role %deployer lacks" in error
    assert "grant.%app/foreign_data_wrapper:%w: the connected role %deployer lacks the rights of the role postgres" in error


def test_what_is_made_is_not_born_with_what_is_undeclared(here: Here) -> None:
    """Nor is what is replaced given back what it had."""
    here.execute(
        *SCHEMA,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO %bob",
        FUNCTION,
        "GRANT EXECUTE ON FUNCTION s.f() TO %eve",
    )
    function = '[function."s.{}()"]\nreturns = "{}"\nlanguage = "sql"\nbody = "SELECT 1"\n'
    policy, scope = '[policy.default_privileges]\nundeclared = "ignore"', 'schemas = ["s"]\nroles = ["PUBLIC"]\n'
    here.write("ignore", Case(scope, (), (), BLOCKS + function.format("f", "integer"), policy))
    here.project.plan_and_apply()
    blocks = BLOCKS + function.format("f", "bigint") + function.format("g", "integer")
    here.write("delete", Case(scope, (), (), blocks, policy))
    here.project.plan_and_apply()
    assert here.rights("f") == here.rights("g") == set()
    # A plan to destroy, or of a part, is about what is managed, and nothing else.
    here.execute("GRANT SELECT ON s.t TO %eve")
    assert "undeclared" not in here.project.run("plan", "--destroy").out + here.project.run("plan", "--target", "role.*").out


@pytest.mark.pg(">= 16")
def test_of_a_membership_the_parts_that_nobody_declares(here: Here) -> None:
    here.execute(
        *SCHEMA,
        "CREATE ROLE %maker CREATEROLE",
        "GRANT %app TO %maker WITH ADMIN OPTION",
        "GRANT %app TO %bob GRANTED BY %maker",
        "GRANT %app TO %bob",
        "GRANT SET ON PARAMETER work_mem TO %bob",
        "SET ROLE %maker",
        "CREATE ROLE %made",
    )
    block = '[[membership]]\nrole = "%app"\nmember = "%bob"\ngranted_by = "%maker"\n'
    here.write("report", Case('roles = ["%bob", "%maker"]', (), (), "[role.%maker]\ncreaterole = true\n[role.%bob]\n" + block))
    here.project.run("apply", "--yes")
    assert here.undeclared(here.project.run("plan", "--format", "json")) == [
        "grant.%bob/parameter:work_mem",
        "membership.%app/%bob/postgres",
        "membership.%app/%maker",
    ]


def test_in_each_database_that_is_managed(here: Here) -> None:
    """But for those that are left out; patterns of blocks leave these out too."""
    here.execute(*SCHEMA[2:], "CREATE DATABASE %more", "CREATE DATABASE %old")
    blocks = '[role.%app]\n[role.%bob]\n[schema.s]\ndatabase = ["%db", "%more", "%ol*"]\n'
    case = Case('schemas = ["s"]\nexclude_databases = ["%ol*"]', (), (), blocks)
    here.write("report", case)
    here.project.run("apply", "--yes")
    for database in (here.database, f"{here.prefix}more"):
        here.server.execute("CREATE TABLE s.t ()", here.named("GRANT SELECT ON s.t TO %bob"), database=database)
    expected = ["grant.%bob/table:s.t", "grant.%bob/table:s.t@%more"]
    assert here.undeclared(here.project.run("drift", "--format", "json", expect=2)) == expected
    here.write("delete", case)
    changes = json.loads(here.project.run("plan", "--format", "json").out)["resource_changes"]
    assert sorted(one["address"].replace(here.prefix, "%") for one in changes) == expected
    here.project.plan_and_apply()
    for name in ("more", "old"):
        here.execute(f"DROP DATABASE %{name}")
