"""A CREATEROLE role that owns its database, and has USAGE on the wrapper, is a normal user of pgplan."""

from __future__ import annotations

import json
import shutil

import psycopg
import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

HEAD = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
"""
TOML = (
    HEAD
    + """
[variables.p]
type = "string"
sensitive = true
from = { env = "P" }
[variables.q]
type = "string"
sensitive = true
from = { env = "Q" }
[role.owner]
[role.app]
login = true
password = "${var.p}"
config = { search_path = ["billing"] }
[role.readers]
[[membership]]
role = "readers"
member = "app"
[[membership]]
role = "owner"
member = "deployer"
[schema.billing]
comment = "money"
[server.s1]
fdw = "postgres_fdw"
options = { host = "one" }
[[user_mapping]]
server = "s1"
user = "app"
options = { user = "remote", password = "${var.q}" }
[[user_mapping]]
server = "s1"
user = "PUBLIC"
[[grant]]
to = ["app", "readers"]
on = { schema = "billing" }
privileges = ["USAGE"]
[[grant]]
to = "app"
on = { server = "s1" }
privileges = ["USAGE"]
[[grant]]
to = "app"
on = { database = "shop" }
privileges = ["CREATE"]
[[revoke]]
from = "PUBLIC"
on = { database = "shop" }
privileges = ["CONNECT", "TEMPORARY"]
"""
)


@pytest.fixture
def deployer(project: Project, cluster: Server) -> Project:
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE CREATEDB", "CREATE DATABASE shop OWNER deployer")
    cluster.execute(
        "CREATE EXTENSION postgres_fdw", "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO deployer", database="shop"
    )
    project.url = cluster.url("shop", "deployer")
    project.environment.update(P="app-password-1", Q="mapping-password-1")
    project.write(TOML)
    return project


def test_the_whole_round(deployer: Project, cluster: Server) -> None:
    deployer.plan_and_apply()
    deployer.edit('options = { user = "remote"', 'options = { user = "other"')
    deployer.plan_and_apply()
    deployer.environment.update(P="app-password-2", Q="mapping-password-2")
    assert "Note: rehearsed: " in deployer.run("plan", "--rehearse", "--out", deployer.plan_file).out
    shown = json.loads(deployer.run("show", deployer.plan_file, "--format", "json").out)
    assert [change["address"] for change in shown["resource_changes"]] == ["role.app", "user_mapping.s1/app"]
    deployer.plan_and_apply()
    rows = cluster.rows("SELECT umoptions FROM pg_user_mappings WHERE usename = 'app'", database="shop")
    assert rows == [(["user=other", "password=mapping-password-2"],)]
    log = cluster.log.read_text(errors="replace")
    assert "CREATE USER MAPPING" in log
    for secret in ("app-password-1", "app-password-2", "mapping-password-1", "mapping-password-2"):
        assert secret not in log
        assert secret not in deployer.everything
    deployer.write(HEAD + '[[membership]]\nrole = "owner"\nmember = "deployer"\n[role.owner]\n')
    deployer.plan_and_apply()
    assert cluster.rows("SELECT 1 FROM pg_roles WHERE rolname IN ('app', 'readers')") == []


def test_who_may_read_all_data_sees_secrets_that_changed_by_hand(deployer: Project, cluster: Server) -> None:
    """The views hide from such a member what the catalogs show."""
    cluster.execute("GRANT pg_read_all_data TO deployer")
    assert "Note: deployer can read what pg_user_mapping keeps" in deployer.run("plan").out
    deployer.plan_and_apply()
    cluster.execute("ALTER USER MAPPING FOR app SERVER s1 OPTIONS (SET password 'x', SET \"user\" 'y')", database="shop")
    cluster.execute("ALTER ROLE app PASSWORD 'x'")
    drift = deployer.run("drift", expect=2).out
    assert "role.app" in drift
    assert "user_mapping.s1/app" in drift
    deployer.plan_and_apply()
    # Without a state it is all compared with the server, and nothing is left to do.
    shutil.rmtree(deployer.directory / ".pgplan")
    deployer.write(TOML + '[policy]\nexisting = "adopt"\n')
    assert deployer.sql() == []


def test_rights_held_through_others_count_without_any_declared_membership(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE team", "CREATE ROLE deployer LOGIN CREATEROLE IN ROLE team", "CREATE DATABASE shop OWNER team")
    cluster.execute("CREATE TABLE public.t (a int)", "ALTER TABLE public.t OWNER TO team", database="shop")
    project.url = cluster.url("shop", "deployer")
    project.write(
        HEAD + '[role.app]\n[schema.app]\n[[grant]]\nto = "app"\non = { table = "public.t" }\nprivileges = ["SELECT"]\n'
    )
    project.plan_and_apply()
    project.run("destroy", "--yes")
    assert cluster.rows("SELECT 1 FROM pg_roles WHERE rolname = 'app'") == []


MISSING = (
    HEAD
    + """
[role.strong]
bypassrls = true
[schema.billing]
[extension.postgres_fdw]
[server.s1]
fdw = "postgres_fdw"
[server.others]
fdw = "postgres_fdw"
options = { host = "elsewhere" }
[[user_mapping]]
server = "others"
user = "somebody"
[[membership]]
role = "group"
member = "somebody"
[[grant]]
to = "somebody"
on = { table = "public.t" }
privileges = ["SELECT"]
"""
)


def test_which_rights_are_missing_is_said_all_at_once_when_planning(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE weak LOGIN", 'CREATE ROLE "group"', "CREATE ROLE somebody", "CREATE DATABASE shop")
    cluster.execute("CREATE EXTENSION postgres_fdw", "CREATE SERVER others FOREIGN DATA WRAPPER postgres_fdw", database="shop")
    cluster.execute("CREATE TABLE public.t (a int)", database="shop")
    project.url = cluster.url("shop", "weak")
    project.write(MISSING + '[policy]\nexisting = "adopt"\n')
    error = project.run("plan", expect=1).err
    for words in (
        "role.strong: the connected role weak lacks the attribute CREATEROLE",
        "schema.billing: the connected role weak lacks CREATE on database shop",
        "server.s1: the connected role weak lacks USAGE on foreign-data wrapper postgres_fdw",
        "server.others: the connected role weak lacks ownership of server others (its owner is postgres)",
        "user_mapping.others/somebody: the connected role weak lacks ownership of server others",
        "membership.group/somebody: the connected role weak lacks ADMIN OPTION on the role group",
        "grant.somebody/table:public.t: the connected role weak lacks ownership of table public.t (its owner is postgres)",
    ):
        assert words in error


@pytest.mark.parametrize(
    ("version", "words"),
    [(16, "ADMIN OPTION on the role postgres_made"), (16, "the attribute BYPASSRLS, to give BYPASSRLS")],
)
def test_createrole_is_not_enough_from_16_on(project: Project, cluster: Server, version: int, words: str) -> None:
    if cluster.version < version:
        pytest.skip("before 16 CREATEROLE is enough")
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE", "CREATE ROLE postgres_made", "CREATE DATABASE shop OWNER deployer")
    project.url = cluster.url("shop", "deployer")
    project.write(HEAD + '[role.postgres_made]\nlogin = true\n[role.fresh]\nbypassrls = true\n[policy]\nexisting = "adopt"\n')
    assert words in project.run("plan", expect=1).err


OWNERS = HEAD + '[schema.one]\nowner = "group"\n[schema.two]\nowner = "group"\n[foreign_table."three.t"]\nserver = "s"\n'


def test_all_that_a_role_lacks_for_one_object_and_to_hand_it_on_is_said_when_planning(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE weak LOGIN", 'CREATE ROLE "group"', "CREATE DATABASE shop")
    cluster.execute(
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE SCHEMA three",
        "CREATE SCHEMA two AUTHORIZATION weak",
        database="shop",
    )
    project.url = cluster.url("shop", "weak")
    project.write(OWNERS + 'columns = [{ name = "a", type = "integer" }]\n[policy]\nexisting = "adopt"\n')
    error = project.run("plan", expect=1).err
    hand_on = "the right to SET ROLE group, which is to own it: declare a [[membership]]"
    for words in (
        "schema.one: the connected role weak lacks CREATE on database shop",
        f'schema.one: the connected role weak lacks {hand_on} with role = "group", member = "weak"',
        "schema.two: the connected role weak lacks CREATE on database shop",
        f"schema.two: the connected role weak lacks {hand_on}",
        "foreign_table.three.t: the connected role weak lacks CREATE on schema three",
        "foreign_table.three.t: the connected role weak lacks USAGE on server s",
    ):
        assert words in error
    cluster.execute('GRANT "group" TO weak', 'GRANT CREATE ON DATABASE shop TO weak, "group"')
    cluster.execute("GRANT CREATE ON SCHEMA three TO weak", "GRANT USAGE ON FOREIGN SERVER s TO weak", database="shop")
    project.plan_and_apply()


ROLES = """
[role.replicates]
replication = true
[role.passes]
bypassrls = true
[role.rules]
superuser = true
[role.altered]
login = true
replication = true
[role.lowered]
[role.weaker]
[role.set]
replication = true
config = { work_mem = "1MB" }
[role.own]
createdb = true
[[membership]]
role = "boss"
member = "own"
"""
NEEDS_SUPERUSER = (
    "role.replicates: the connected role deployer lacks the attribute SUPERUSER, to give REPLICATION",
    "role.passes: the connected role deployer lacks the attribute SUPERUSER, to give BYPASSRLS",
    "role.rules: the connected role deployer lacks the attribute SUPERUSER, to give SUPERUSER",
    "role.altered: the connected role deployer lacks the attribute SUPERUSER, which altering a role with REPLICATION needs",
    "role.lowered: the connected role deployer lacks the attribute SUPERUSER, to take away BYPASSRLS",
    "role.weaker: the connected role deployer lacks the attribute SUPERUSER, which altering a role with REPLICATION needs",
    "role.weaker: the connected role deployer lacks the attribute SUPERUSER, to take away REPLICATION",
    "membership.boss/own: the connected role deployer lacks the attribute SUPERUSER, to give or take away the membership",
)
NEEDS_THE_SAME = (
    "role.replicates: the connected role deployer lacks the attribute REPLICATION, to give REPLICATION",
    "role.passes: the connected role deployer lacks the attribute BYPASSRLS, to give BYPASSRLS",
    "role.rules: the connected role deployer lacks the attribute SUPERUSER, to give SUPERUSER",
    "role.lowered: the connected role deployer lacks the attribute BYPASSRLS, to take away BYPASSRLS",
    "role.weaker: the connected role deployer lacks the attribute REPLICATION, to take away REPLICATION",
    "membership.boss/own: the connected role deployer lacks the attribute SUPERUSER, to give or take away the membership",
)


def test_attributes_that_the_connected_role_cannot_give_or_take_are_refused_when_planning(
    project: Project, cluster: Server
) -> None:
    """The server is the referee: a statement that it refuses is told by the plan, and no other."""
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE CREATEDB", "CREATE DATABASE shop OWNER deployer")
    made = ("altered REPLICATION", "lowered BYPASSRLS", "weaker REPLICATION", '"set" REPLICATION', "own CREATEDB")
    cluster.execute("CREATE ROLE boss SUPERUSER", *(f"CREATE ROLE {one}" for one in made))
    if cluster.version >= 16:
        cluster.execute('GRANT altered, lowered, weaker, "set", own TO deployer WITH ADMIN OPTION')
    project.url = cluster.url("shop", "deployer")
    project.write(HEAD + ROLES + '[policy]\nexisting = "adopt"\n')
    error = project.run("plan", expect=1).err
    # A membership that the plan gives to the connected role brings no attribute along.
    project.write(HEAD + ROLES + '[[membership]]\nrole = "own"\nmember = "deployer"\n[policy]\nexisting = "adopt"\n')
    assert project.run("plan", expect=1).err.count("lacks ") == error.count("lacks ")
    told = NEEDS_THE_SAME if cluster.version >= 16 else NEEDS_SUPERUSER
    assert [words for words in told if words not in error] == []
    assert error.count("lacks ") == len(told)
    assert "give deployer that right, or connect as a role that has it" in error
    statements = (
        "CREATE ROLE x REPLICATION",
        "CREATE ROLE x BYPASSRLS",
        "CREATE ROLE x SUPERUSER",
        "ALTER ROLE lowered NOBYPASSRLS",
        "ALTER ROLE weaker NOREPLICATION",
        "GRANT boss TO own",
        *(("ALTER ROLE altered LOGIN",) if cluster.version < 16 else ()),
    )
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            cluster.execute(statement, user="deployer")
    project.write(HEAD + ROLES[ROLES.index("[role.set]") : ROLES.index("[[membership]]")] + '[policy]\nexisting = "adopt"\n')
    project.plan_and_apply()
    project.run("destroy", "--include-adopted", "--yes")


def test_a_role_sets_its_own_password_and_settings_and_nothing_else(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE weak LOGIN")
    project.url = cluster.url(user="weak")
    own = HEAD + '[role.weak]\nlogin = true\nconfig = { work_mem = "1MB" }\n[policy]\nexisting = "adopt"\n'
    project.write(own)
    project.plan_and_apply()
    project.edit("login = true", "login = true\nconnection_limit = 3")
    error = project.run("plan", expect=1).err
    assert "role.weak: the connected role weak lacks the attribute CREATEROLE" in error
    assert ("ADMIN OPTION on the role weak" in error) == (cluster.version >= 16)


def test_what_a_plan_gives_to_the_connected_role_counts_and_nothing_else(project: Project, cluster: Server) -> None:
    """It becomes a member of a role whose rights it needs while another membership goes; what it lacks besides is said."""
    made = "CREATE ROLE deployer LOGIN CREATEROLE", "CREATE ROLE other", "CREATE DATABASE shop OWNER deployer"
    cluster.execute(*made)
    project.url = cluster.url("shop", "deployer")
    roles = HEAD + "[role.a]\n[role.b]\n"
    project.write(roles + '[[membership]]\nrole = "a"\nmember = "b"\n')
    project.plan_and_apply()
    member = '[role.owner]\n[[membership]]\nrole = "owner"\nmember = "deployer"\n[schema.s]\nowner = "owner"\n'
    granted = '[[grant]]\nto = "a"\non = { schema = "s" }\nprivileges = ["USAGE"]\n'
    beyond = (
        '[[grant]]\nto = "a"\non = { language = "plpgsql" }\nprivileges = ["USAGE"]\n'
        '[[grant]]\nto = "a"\non = { tablespace = "pg_default" }\nprivileges = ["CREATE"]\n[schema.t]\nowner = "other"\n'
    )
    own = '[[grant]]\nto = "a"\non = { parameter = "my.param" }\nprivileges = ["SET"]\n' if cluster.version >= 15 else ""
    project.write(roles + member + granted + beyond + own)
    error = project.run("plan", expect=1).err
    for words in (
        "grant.a/language:plpgsql: the connected role deployer lacks ownership of language plpgsql (its owner is postgres)",
        "grant.a/tablespace:pg_default: the connected role deployer lacks ownership of tablespace pg_default",
        "schema.t: the connected role deployer lacks the right to SET ROLE other",
    ):
        assert words in error
    assert ("lacks ownership of parameter my.param (which superusers have)" in error) == (cluster.version >= 15)
    assert error.count("lacks ") == (4 if own else 3)
    project.write(roles + member + granted)
    project.plan_and_apply()


@pytest.mark.enough(16, 18)
@pytest.mark.pg(">= 16")
def test_a_membership_that_leads_to_a_right_comes_before_what_takes_it(project: Project, cluster: Server) -> None:
    """By another's grant, and by another's ADMIN OPTION: whatever order their names are in."""
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE", *(f"CREATE ROLE {one}" for one in ("a", "b", "y", '"Z z"', "m")))
    cluster.execute(
        'GRANT "Z z", y TO deployer WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', 'GRANT a, b TO "Z z" WITH ADMIN OPTION'
    )
    cluster.execute('GRANT "Z z" TO y WITH INHERIT TRUE', 'GRANT b TO m GRANTED BY "Z z"')
    project.url = cluster.url(user="deployer")
    by_other = '[[membership]]\nrole = "a"\nmember = "m"\ngranted_by = "Z z"\n'
    lowered = '[[membership]]\nrole = "b"\nmember = "m"\ninherit = false\n'
    project.write(HEAD + by_other + lowered)
    assert "lacks the rights of the role Z z, which is to grant it" in project.run("plan", expect=1).err
    led = '[[membership]]\nrole = "y"\nmember = "deployer"\n'
    project.write(HEAD + by_other + lowered + led)
    project.plan_and_apply()
    # What goes does so before anything is given.
    project.write(HEAD + led)
    project.plan_and_apply()


@pytest.mark.enough(16, 18)
@pytest.mark.pg(">= 16")
def test_what_is_taken_away_is_so_before_a_membership_gives_a_right(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE", "CREATE ROLE a", "CREATE ROLE boss", "CREATE ROLE m")
    cluster.execute("GRANT a, boss TO deployer WITH ADMIN TRUE, INHERIT FALSE")
    project.url = cluster.url(user="deployer")
    project.write(HEAD + '[[membership]]\nrole = "a"\nmember = "m"\n')
    project.plan_and_apply()
    cluster.execute("REVOKE ADMIN OPTION FOR a FROM deployer CASCADE", "GRANT a TO boss WITH ADMIN OPTION")
    cluster.execute("GRANT a TO m GRANTED BY boss")
    project.write(HEAD + '[[membership]]\nrole = "boss"\nmember = "deployer"\n')
    assert "membership.a/m: the connected role deployer lacks the rights of the role boss" in project.run("plan", expect=1).err


@pytest.mark.enough(14, 18)
def test_what_is_made_for_a_role_that_one_may_only_become_gets_its_list_as_that_role(project: Project, cluster: Server) -> None:
    """What the maker's default privileges give it, and what its owner's would have given."""
    cluster.execute("CREATE ROLE deployer LOGIN NOINHERIT CREATEROLE", 'CREATE ROLE "O ""w"', "CREATE ROLE reader")
    cluster.execute("CREATE DATABASE shop OWNER deployer")
    cluster.execute('GRANT "O ""w" TO deployer')
    cluster.execute(
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
        'GRANT USAGE ON FOREIGN SERVER s TO deployer, "O ""w"',
        "ALTER DEFAULT PRIVILEGES FOR ROLE deployer GRANT SELECT ON TABLES TO reader",
        'ALTER DEFAULT PRIVILEGES FOR ROLE "O ""w" GRANT INSERT ON TABLES TO reader',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "O ""w" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
        "CREATE SCHEMA x AUTHORIZATION deployer",
        'GRANT CREATE ON SCHEMA x TO "O ""w"',
        database="shop",
    )
    project.url = cluster.url("shop", "deployer")
    made = (
        '[foreign_table."x.t"]\nserver = "s"\ncolumns = []\nowner = \'O "w\'\n'
        '[function."x.f()"]\nlanguage = "sql"\nreturns = "integer"\nbody = "SELECT 1"\nowner = \'O "w\'\n'
    )
    project.write(HEAD + made)
    error = project.run("plan", expect=1).err
    for address in ("foreign_table.x.t", "function.x.f()"):
        assert (
            f'{address}: the connected role deployer lacks the rights for it: O "w, as which it must run, has no USAGE' in error
        )
    granted = """[[grant]]\nto = 'O "w'\non = { schema = "x" }\nprivileges = ["USAGE"]\n"""
    project.write(HEAD + granted)
    project.plan_and_apply()
    project.write(HEAD + made + granted)
    project.plan_and_apply()
    lists = "SELECT relacl FROM pg_class WHERE relname = 't' UNION ALL SELECT proacl FROM pg_proc WHERE proname = 'f'"
    query = (
        "SELECT privilege_type, grantee::regrole::text, grantor::regrole::text"
        f" FROM ({lists}) AS x (acl) CROSS JOIN aclexplode(acl) WHERE grantee <> grantor"
    )
    assert cluster.rows(query, database="shop") == [("INSERT", "reader", '"O ""w"')]
