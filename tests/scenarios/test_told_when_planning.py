"""What a snapshot can tell is an error of the plan, all at once, before anything changes; and what is green applies."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

HEAD = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
ADOPT = '[policy]\nexisting = "adopt"\n'

WRONG = """
[role.settings]
[role.settings.config]
statement_timeot = 1
work_mem = "much"
random_page_cost = -1
port = 1
log_connections = true
"a-b.c" = 1
transaction_isolation = "serializable"
[role.settings.database_config.postgres]
synchronous_commit = "perhaps"
sort_mem = 1
"my.own" = 1
TimeZone = "Mars/Base"
geqo = "tru"
[function."public.f()"]
language = "sql"
returns = "integer"
body = "SELECT 1"
config = { plan_cache_mode = "automatic" }
[extension.hstor]
[extension.hstore]
version = "9"
[extension.earthdistance]
[extension.postgres_fdw]
[server.s]
fdw = "postgres_fdw"
options = { hots = "h", user = "u", port = "http", fetch_size = 0, use_scram_passthrough = true, extensions = "cube" }
[[user_mapping]]
server = "s"
user = "PUBLIC"
options = { user = "u", dbname = "d", password_required = "no" }
[foreign_table."public.t"]
server = "s"
columns = [{ name = "a", type = "integer", options = { colum_name = "b" } }]
options = { table_name = "t", schema = "s" }
[foreign_data_wrapper.mine]
validator = "public.postgres_fdw_validator"
[server.by_function]
fdw = "mine"
options = { table_name = "t" }
[foreign_data_wrapper.dblink_fdw]
[server.not_by_name]
fdw = "dblink_fdw"
options = { anything = "goes" }
"""
TOLD = (
    "role.settings: config: statement_timeot is no setting that this server knows",
    "did you mean statement_timeout?",
    "role.settings: config: work_mem cannot be 'much'",
    "it takes a whole number from 64 to 2147483647 kB, with a unit or without",
    "role.settings: config: random_page_cost cannot be '-1'",
    "role.settings: config: port is the whole server's, and cannot be set for a role, a database or a function",
    "role.settings: config: log_connections counts from the first moment of a session",
    "role.settings: config: a-b.c is no setting that this server knows",
    "role.settings: database_config.postgres: synchronous_commit cannot be 'perhaps'",
    "role.settings: database_config.postgres: sort_mem is no setting that this server knows",
    "did you mean work_mem?",
    "role.settings: database_config.postgres: timezone cannot be 'Mars/Base': invalid value for parameter",
    "role.settings: config: transaction_isolation is of one transaction, and cannot be set here",
    "did you mean default_transaction_isolation?",
    "function.public.f(): config: plan_cache_mode cannot be 'automatic'",
    "it takes one of auto, force_generic_plan, force_custom_plan",
    "extension.hstor: the server does not offer the extension hstor",
    "did you mean hstore?",
    "extension.hstore: the server has no version 9 of the extension hstore",
    "extension.earthdistance: it requires the extension cube, which is not installed",
    "declare [extension.cube], or say cascade = true",
    "server.s: postgres_fdw knows no option hots of a [server]",
    "did you mean host?",
    "server.s: postgres_fdw knows no option user of a [server]",
    "it belongs to a [[user_mapping]]",
    "server.s: the option port cannot be 'http'",
    "server.s: the option fetch_size cannot be '0'",
    "user_mapping.s/PUBLIC: postgres_fdw knows no option dbname of a [[user_mapping]]",
    "user_mapping.s/PUBLIC: the option password_required cannot be 'no'",
    "foreign_table.public.t: postgres_fdw knows no option schema of a [foreign_table]",
    "foreign_table.public.t: column a: postgres_fdw knows no option colum_name of a column",
    "server.by_function: postgres_fdw knows no option table_name of a [server]",
)


@pytest.mark.enough(14, 18)
def test_all_that_the_server_would_refuse_is_said_at_once(project: Project, cluster: Server) -> None:
    project.write(HEAD + WRONG)
    error = project.run("plan", expect=1).err
    assert [words for words in TOLD if words not in error] == []
    newer = "server.s: postgres_fdw knows no option use_scram_passthrough of a [server]\n  it came with PostgreSQL 18"
    assert (newer in error) == (cluster.version < 18)
    assert error.count("Error: ") == sum(": " in words for words in TOLD) + (cluster.version < 18)
    assert error.count("Error: pgplan.toml:") == error.count("Error: ")


SPELLED = """
[role.app]
config = { random_page_cost = 1.1, synchronous_commit = "on", geqo_threshold = 12, log_min_messages = "debug2" }
[role.app.database_config.postgres]
work_mem = "64MB"
"""


@pytest.mark.enough(18)
@pytest.mark.pg(">= 16")
def test_another_spelling_of_a_setting_is_no_change(project: Project, cluster: Server) -> None:
    cluster.execute(
        "CREATE ROLE app",
        "ALTER ROLE app SET random_page_cost TO '11e-1'",
        "ALTER ROLE app IN DATABASE postgres SET work_mem TO 0x10000",
    )
    cluster.execute("ALTER ROLE app SET synchronous_commit TO 'YES'", "ALTER ROLE app SET geqo_threshold TO '014'")
    cluster.execute("ALTER ROLE app SET log_min_messages TO 'Debug'")
    project.write(HEAD + SPELLED + ADOPT)
    project.run("apply", "--yes")
    project.nothing_to_do()
    assert "geqo_threshold=014" in cluster.rows("SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 0")[0][0]


LOOP = '[[membership]]\nrole = "c"\nmember = "a"\n'


@pytest.mark.enough(14, 18)
def test_a_loop_through_what_is_there(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE a", "CREATE ROLE b", "CREATE ROLE c", "GRANT a TO b", "GRANT b TO c")
    project.write(HEAD + LOOP)
    error = project.run("plan", expect=1).err
    assert "pgplan.toml:5: membership.c/a: dependency cycle: a → c → b → a (member → role)" in error
    # It is none any more once the plan takes one of the others away, as a whole or by its grantor.
    project.write(HEAD + LOOP.replace('"c"', '"b"').replace('"a"', '"c"'))
    project.run("apply", "--yes")
    project.write(HEAD + LOOP)
    project.plan_and_apply()
    if cluster.version >= 16:
        one = LOOP.replace('"c"', '"b"').replace('"a"', '"c"') + 'granted_by = "postgres"\n'
        project.write(HEAD)
        project.run("apply", "--yes")
        project.write(HEAD + one)
        project.run("apply", "--yes")
        project.write(HEAD + LOOP)
        project.plan_and_apply()
    # What only goes with a role is there still when memberships are made, if nothing here manages it.
    cluster.execute("REVOKE c FROM a", "GRANT b TO c", "CREATE ROLE gone_soon")
    project.write(HEAD + "[role.b]\n" + ADOPT)
    project.run("apply", "--yes")
    project.write(HEAD + LOOP)
    error = project.run("plan", expect=1).err
    assert "dependency cycle" in error
    assert "apply this without the membership first: it drops b, and with that what closes the loop" in error
    project.write(HEAD + "[role.b]\n" + LOOP.replace('"c"', '"b"').replace('"a"', '"c"') + "[role.d]\n" + ADOPT)
    project.run("apply", "--yes")
    cluster.execute("GRANT d TO b")
    project.edit("[role.d]", '[role.d]\n[[membership]]\nrole = "d"\nmember = "b"')
    project.run("apply", "--yes")
    project.write(HEAD + LOOP + ADOPT)
    assert project.sql() == [
        'REVOKE "b" FROM "c"' + (' GRANTED BY "postgres"' if cluster.version >= 16 else ""),
        'GRANT "c" TO "a"' + (" WITH INHERIT TRUE, SET TRUE" if cluster.version >= 16 else ""),
        'DROP ROLE "b"',
        'DROP ROLE "d"',
    ]
    project.plan_and_apply()


GRANTED = """
[[membership]]
role = "team"
member = "lead"
admin = true
"""
BY_OTHER = """
[[membership]]
role = "team"
member = "lead"
granted_by = "other"
"""
ODD = '"o\'brien ""x"""'


@pytest.mark.pg(">= 16")
@pytest.mark.enough(18)
def test_memberships_that_stand_on_one_another(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE team", "CREATE ROLE lead", f"CREATE ROLE {ODD}", "CREATE ROLE other")
    cluster.execute("GRANT team TO lead WITH ADMIN OPTION", f"SET ROLE lead; GRANT team TO {ODD}")
    project.write(HEAD + GRANTED)
    project.run("apply", "--yes")
    project.edit("admin = true", "admin = false")
    error = project.run("plan", expect=1).err
    assert 'lead has granted team to o\'brien "x" by it' in error
    assert f'REVOKE "team" FROM {ODD} GRANTED BY "lead"' in error
    project.write(HEAD)
    assert "membership.team/lead: cannot delete it: membership team/" in project.run("plan", expect=1).err
    project.write(HEAD + GRANTED + BY_OTHER)
    assert "which means those of all grantors together" in project.run("validate", expect=1).err
    project.write(HEAD + GRANTED + BY_OTHER.replace('"other"', '"nobody"').replace('"lead"', '"other"') + "[role.nobody]\n")
    assert "nobody has no ADMIN OPTION on team, so it cannot be granted_by that role" in project.run("plan", expect=1).err
    # What stands on it comes after it and goes before it, and nobody else's membership is touched.
    project.write(
        HEAD + GRANTED + BY_OTHER.replace('"lead"', '"lead_"').replace('"other"', '"lead"').replace('"lead_"', '"other"')
    )
    project.plan_and_apply()
    cluster.execute(f"REVOKE team FROM {ODD} GRANTED BY lead", f"GRANT team TO {ODD}")
    project.write(HEAD)
    project.plan_and_apply()
    rows = cluster.rows(
        "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member WHERE roleid = 'team'::regrole"
    )
    assert rows == [('o\'brien "x"',)]


@pytest.mark.enough(14, 18)
def test_a_membership_comes_before_what_needs_it_where_another_goes(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE", "CREATE DATABASE shop OWNER deployer")
    project.url = cluster.url("shop", "deployer")
    roles = "[role.holder]\n[role.reader]\n[role.alice]\n"
    project.write(HEAD + roles + '[[membership]]\nrole = "reader"\nmember = "alice"\n')
    project.plan_and_apply()
    project.write(HEAD + roles + '[schema.a]\nowner = "holder"\n')
    assert "the right to SET ROLE holder" in project.run("plan", expect=1).err
    project.write(HEAD + roles + '[schema.a]\nowner = "holder"\n[[membership]]\nrole = "holder"\nmember = "deployer"\n')
    project.plan_and_apply()
    if cluster.version >= 16:
        # Who granted it is said later: it is the same membership, and nothing is revoked.
        project.edit('member = "deployer"', 'member = "deployer"\ngranted_by = "deployer"\nadmin = false')
        project.plan_and_apply()
        project.edit('\ngranted_by = "deployer"\nadmin = false', "")
        project.plan_and_apply()


REQUIRING = "[extension.cube]\n[extension.earthdistance]\n"


@pytest.mark.enough(18)
@pytest.mark.pg(">= 17")
def test_extensions_come_after_those_that_they_require_and_go_before_them(project: Project) -> None:
    project.write(HEAD + REQUIRING)
    project.plan_and_apply()
    project.write(HEAD + "[extension.earthdistance]\n")
    assert "cannot delete it: extension earthdistance stands on it" in project.run("plan", expect=1).err
    project.write(HEAD + '[extension.earthdistance]\nversion = "0.1"\n[extension.cube]\nversion = "1.4"\n')
    error = project.run("plan", expect=1).err
    assert "extension.cube: there is no update from version 1.5 of the extension cube to 1.4" in error
    assert "extension.earthdistance: there is no update from version 1.2 of the extension earthdistance to 0.1" in error
    project.write(HEAD)
    assert project.sql() == ['DROP EXTENSION "earthdistance"', 'DROP EXTENSION "cube"']
    project.run("apply", "--yes")
    project.write(HEAD + '[extension.earthdistance]\ncascade = true\nversion = "1.1"\n')
    project.plan_and_apply()
    project.edit('"1.1"', '"1.2"')
    project.plan_and_apply()


WEAK = """
[extension.hstore]
[extension.pageinspect]
[extension.owned]
schema = "elsewhere"
[role.deployer]
login = true
config = { log_statement = "all", "my.own" = "1", work_mem = "1MB" }
[role.owner_to_be]
[schema.one]
owner = "owner_to_be"
[server.s]
fdw = "postgres_fdw"
owner = "holder"
[[user_mapping]]
server = "theirs"
user = "deployer"
options = { password_required = false, sslcert = "file", user = "u" }
[foreign_table."two.t"]
server = "theirs"
columns = [{ name = "a", type = "integer" }]
owner = "holder"
"""


def test_what_the_connected_role_may_not_do(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE deployer LOGIN", "CREATE ROLE holder", "CREATE DATABASE shop")
    cluster.execute("GRANT holder TO deployer")
    cluster.execute(
        "CREATE EXTENSION postgres_fdw",
        "CREATE EXTENSION citext SCHEMA public",
        "CREATE SERVER theirs FOREIGN DATA WRAPPER postgres_fdw",
        "GRANT USAGE ON FOREIGN SERVER theirs TO deployer",
        "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO deployer",
        "CREATE SCHEMA two AUTHORIZATION deployer",
        database="shop",
    )
    project.url = cluster.url("shop", "deployer")
    project.write(HEAD + WEAK.replace("extension.owned", "extension.citext").replace('"elsewhere"', '"two"') + ADOPT)
    error = project.run("plan", expect=1).err
    lacks = "the connected role deployer lacks "
    by_15 = "SET on the parameter {}, which only superusers set otherwise"
    by_14 = "the attribute SUPERUSER, which it takes to set {}"
    parameter = by_15 if cluster.version >= 15 else by_14
    for words in (
        f"extension.hstore: {lacks}CREATE on database shop",
        f"extension.pageinspect: {lacks}the attribute SUPERUSER, which it takes to install or update pageinspect",
        f"extension.citext: {lacks}ownership of extension citext (its owner is postgres)",
        f"role.deployer: {lacks}{parameter.format('log_statement')}",
        f"role.deployer: {lacks}{parameter.format('my.own')}",
        f"schema.one: {lacks}the right to SET ROLE owner_to_be, which is to own it",
        "server.s: the role holder lacks USAGE on foreign-data-wrapper postgres_fdw",
        f"user_mapping.theirs/deployer: {lacks}the attribute SUPERUSER, which postgres_fdw wants for sslcert",
        f"user_mapping.theirs/deployer: {lacks}the attribute SUPERUSER, which postgres_fdw wants for password_required = false",
        "foreign_table.two.t: the role holder lacks CREATE on schema two",
    ):
        assert words in error, words
    assert "work_mem" not in error
    cluster.execute("GRANT CREATE ON DATABASE shop TO deployer", "ALTER ROLE deployer CREATEROLE")
    if cluster.version >= 15:
        cluster.execute("GRANT SET ON PARAMETER log_statement, my.own TO deployer")
    cluster.execute(
        "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO holder", "GRANT CREATE ON SCHEMA two TO holder", database="shop"
    )
    mended = WEAK.replace("[extension.pageinspect]\n", "").replace('[extension.owned]\nschema = "elsewhere"\n', "")
    mended = mended.replace('password_required = false, sslcert = "file", ', "").replace(
        "[role.deployer]\nlogin = true", "[role.other]"
    )
    if cluster.version < 15:
        mended = mended.replace('log_statement = "all", "my.own" = "1", ', "")
    project.write(HEAD + mended + '[[membership]]\nrole = "owner_to_be"\nmember = "deployer"\n' + ADOPT)
    project.plan_and_apply()


@pytest.mark.enough(14, 18)
def test_validators_that_are_there_are_asked(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE EXTENSION file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    table = '[foreign_table."public.t"]\nserver = "files"\ncolumns = [{ name = "a", type = "text" }]\n'
    project.write(HEAD + table + 'options = { filename = "/f", format = "csv", delimiter = "ab" }\n')
    error = project.run("plan", expect=1).err
    assert "foreign_table.public.t: file_fdw refuses its options: COPY delimiter must be a single one-byte character" in error
    project.write(HEAD + table + 'options = { filename = "/f", format = "csv", delimiter = ";" }\n')
    project.plan_and_apply()


@pytest.mark.enough(18)
def test_what_an_extension_takes_along_is_still_named(project: Project) -> None:
    """Its wrapper goes with it, and nobody declares that."""
    server = '[server.s]\nfdw = "postgres_fdw"\n'
    project.write(f"{HEAD}[extension.postgres_fdw]\n{server}")
    project.plan_and_apply()
    project.write(HEAD + server)
    refused = project.run("plan", expect=1)
    assert "server.s: fdw names foreign_data_wrapper.postgres_fdw, which this plan deletes" in refused.err
    assert "keep what it belongs to declared" in refused.err
    assert "extension.postgres_fdw (because of server.s)" in project.run("plan", "--exclude", "server.s").out
