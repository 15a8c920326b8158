"""``renamed_from``: one ALTER … RENAME, and whatever names the object follows, in the database and in the state."""

from __future__ import annotations

import json

import pytest

from tests.project import Project
from tests.servers import Server

HEAD = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
EVERYTHING = """
[variables.p]
type = "string"
sensitive = true
from = {{ env = "P" }}
[role."{role}"]
login = true
password = "${{var.p}}"
database_config = {{ postgres = {{ work_mem = "1MB" }} }}
{role_from}
[role.reader]
[[membership]]
role = {role_ref}
member = "reader"
[foreign_data_wrapper."{wrapper}"]
{wrapper_from}
[server."{server}"]
fdw = "{wrapper}"
owner = {role_ref}
{server_from}
[[user_mapping]]
server = "{server}"
user = {role_ref}
options = {{ user = "remote", secret = "${{var.p}}" }}
[schema."{schema}"]
owner = {role_ref}
{schema_from}
[foreign_table.'"{schema}"."{table}"']
server = "{server}"
columns = [{{ name = "a", type = "integer" }}]
owner = {role_ref}
{table_from}
[function.'"{schema}"."{function}"("{schema}"."{table}", "{schema}".kept[])']
returns = '"{schema}"."{table}"'
language = "sql"
body = "SELECT $1"
owner = {role_ref}
{function_from}
[[grant]]
to = ["reader", {role_ref}]
on = [{{ schema = "{schema}" }}, {{ server = "{server}" }}]
privileges = ["USAGE"]
[[grant]]
to = "reader"
on = {{ table = '"{schema}"."{table}"' }}
privileges = ["SELECT"]
[[grant]]
to = "reader"
on = {{ tables_in = "{schema}", except = '"{schema}"."{table}"' }}
privileges = ["SELECT"]
[[revoke]]
from = "PUBLIC"
on = {{ function = '"{schema}"."{function}"("{schema}"."{table}", "{schema}".kept[])' }}
privileges = ["EXECUTE"]
[[default_privileges]]
owner = {role_ref}
schema = "{schema}"
objects = "tables"
to = "reader"
privileges = ["SELECT"]
[[ownership]]
on = {{ types_in = "{schema}" }}
owner = {role_ref}
"""
OLD = {"role": "old", "wrapper": "w", "server": "s", "schema": "one", "table": "t", "function": "f"}
NEW = {"role": "n.e'w", "wrapper": "W/w", "server": "S@s", "schema": "t.wo", "table": "T(t)", "function": "f.f"}


def _written(names: dict[str, str], before: dict[str, str] | None = None) -> str:
    keys = {f"{one}_from": "" for one in names}
    if before is not None:
        keys |= {f"{one}_from": f'renamed_from = "{before[one]}"' for one in ("role", "wrapper", "server", "schema")}
        schema, table = names["schema"], before["table"]
        keys["table_from"] = f'renamed_from = \'"{schema}"."{table}"\''
        types = f'("{schema}"."{names["table"]}", "{schema}".kept[])'
        keys["function_from"] = f'renamed_from = \'"{schema}"."{before["function"]}"{types}\''
    return HEAD + EVERYTHING.format(**names, **keys, role_ref=json.dumps(names["role"]))


@pytest.mark.enough(18)
def test_everything_is_renamed_at_once_and_all_that_names_it_follows(project: Project, cluster: Server) -> None:
    project.environment["P"] = "a-secret-1"
    cluster.execute("CREATE SCHEMA one", "CREATE TYPE one.kept AS ENUM ()", "CREATE TABLE one.plain (a int)")
    project.write(_written(OLD) + '[policy]\nexisting = "adopt"\n')
    project.plan_and_apply()
    (role,) = cluster.rows("SELECT oid::bigint FROM pg_roles WHERE rolname = 'old'")
    project.write(_written(NEW, OLD))
    assert [line.partition(" RENAME TO ")[2] for line in project.sql()] == [
        '"W/w"', '"n.e\'w"', '"t.wo"', '"S@s"', '"T(t)"', '"f.f"',
    ]  # fmt: skip
    text = project.run("plan").out
    assert '~ role.old -> role."n.e\'w"  # renamed' in text
    assert "Plan: 0 to add, 6 to change, 0 to destroy." in text
    project.plan_and_apply()
    assert cluster.rows("SELECT oid::bigint FROM pg_roles WHERE rolname = 'n.e''w'") == [role]
    out = project.run("plan").out
    assert out.count("renamed_from can be removed") == 6
    assert "No drift" in project.run("drift").out
    listed = project.run("state", "list").out
    assert "old" not in listed
    assert ".one" not in listed
    for address in listed.splitlines():
        shown = project.run("state", "show", address).out
        assert '"old"' not in shown
    project.write(_written(NEW))
    project.nothing_to_do()
    project.write(HEAD)
    cluster.execute('DROP TABLE "t.wo".plain; DROP FUNCTION "t.wo"."f.f"("t.wo"."T(t)", "t.wo".kept[]); DROP TYPE "t.wo".kept')
    project.run("apply", "--yes")
    assert cluster.rows("SELECT 1 FROM pg_roles WHERE rolname = 'n.e''w'") == []


def _role(name: str, more: str = "") -> str:
    return f"[role.{name}]\n{more}"


@pytest.mark.enough(18)
def test_what_stands_in_the_way_is_told(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE old", "CREATE ROLE new", "CREATE SCHEMA s", "CREATE TABLE s.t (a int)")
    project.write(HEAD + _role("mine"))
    project.plan_and_apply()
    for text, expected in (
        (_role("new", 'renamed_from = "mine"'), "role.new: is to be renamed from mine, and both are in the database"),
        (_role("x", 'renamed_from = "mine"\n') + _role("mine"), "role.x: is renamed from role.mine, which is declared too"),
        (_role("x", 'renamed_from = "mine"\n') + _role("y", 'renamed_from = "mine"'), "from role.mine, and so is role.x"),
        (_role("x", 'renamed_from = "old"'), "adopt it with: pgplan import role.old"),
        (_role("x", 'renamed_from = "postgres"'), "role.postgres is the role that pgplan is connected as"),
        (_role("x", 'renamed_from = "mine"\n') + '[schema.z]\nowner = "mine"', "this plan renames it: write x"),
        ('[database.x]\nrenamed_from = "postgres"', "is what pgplan is connected to"),
    ):
        project.write(HEAD + text + "\n")
        assert expected in project.run("plan", expect=1).err
    project.write(HEAD + _role("x", 'renamed_from = "x"'))
    assert "it is called so already" in project.run("validate", expect=1).err
    project.write(HEAD + '[extension.x]\nrenamed_from = "y"\n')
    assert "renamed_from" in project.run("validate", expect=1).err
    project.write(HEAD + '[function."s.f()"]\nrenamed_from = "z.f()"\nlanguage = "sql"\nbody = ""\nreturns = "void"\n')
    assert "a rename does not lead from z.f() to s.f()" in project.run("validate", expect=1).err
    # With nothing there by the old name it is created, and what was renamed by hand is recorded so.
    project.write(HEAD + _role("fresh", 'renamed_from = "never"\n') + _role("hand", 'renamed_from = "mine"\n'))
    cluster.execute("ALTER ROLE mine RENAME TO hand")
    out = project.run("plan").out
    assert "there is no never to rename, so it is created" in out
    assert "mine was renamed to it by hand" in out
    assert project.sql() == ['CREATE ROLE "fresh"']
    project.plan_and_apply()
    assert project.run("state", "list").out.split() == ["role.fresh", "role.hand"]
    # An unrecorded one is adopted with the rename, where policy says so; what takes the old name later is another one.
    project.write(HEAD + _role("fresh") + _role("hand") + _role("x", 'renamed_from = "old"\n') + '[policy]\nexisting = "adopt"\n')
    project.plan_and_apply()
    cluster.execute("CREATE ROLE old")
    assert "what is called old now is another one" in project.run("plan").out
    assert project.sql() == []


@pytest.mark.enough(18)
def test_a_rename_clears_an_md5_password_and_the_plan_knows(project: Project, cluster: Server) -> None:
    project.environment["P"] = "a-secret-1"
    cluster.execute("SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD 'a-secret-1'")
    secret = '[variables.p]\ntype = "string"\nsensitive = true\nfrom = { env = "P" }\n'
    with_password = 'login = true\npassword = "${var.p}"\n'
    project.write(HEAD + secret + _role("old", with_password) + '[policy]\nexisting = "adopt"\n')
    project.plan_and_apply()
    project.write(HEAD + secret + _role("new", with_password + 'renamed_from = "old"\n'))
    out = project.run("plan").out
    assert "its password is kept as MD5, which PostgreSQL clears" in out
    project.plan_and_apply()
    kept = cluster.rows("SELECT rolpassword::text FROM pg_authid WHERE rolname = 'new'")[0][0]
    assert kept.startswith("SCRAM-SHA-256")
    # A verifier of the other sort stays, and is still known to be the declared value.
    project.write(HEAD + secret + _role("newer", with_password + 'renamed_from = "new"\n'))
    assert project.sql() == ['ALTER ROLE "new" RENAME TO "newer"']
    project.plan_and_apply()
    assert cluster.rows("SELECT rolpassword::text FROM pg_authid WHERE rolname = 'newer'") == [(kept,)]


@pytest.mark.enough(14, 18)
def test_without_superuser_what_is_missing_is_told_and_owners_change_after_renames(project: Project, cluster: Server) -> None:
    cluster.execute(
        "CREATE ROLE weak LOGIN", "CREATE ROLE old", "CREATE ROLE app", "CREATE DATABASE shop", "CREATE DATABASE other"
    )
    cluster.execute("CREATE SCHEMA s AUTHORIZATION old", database="shop")
    project.url = cluster.url("shop", "weak")
    adopt = '[policy]\nexisting = "adopt"\n'
    text = _role("new", 'renamed_from = "old"\n') + '[schema.t]\nowner = "app"\nrenamed_from = "s"\n'
    project.write(HEAD + text + '[database.moved]\nrenamed_from = "other"\n' + adopt)
    error = project.run("plan", expect=1).err
    for words in (
        "role.new: the connected role weak lacks the attribute CREATEROLE",
        "schema.t: the connected role weak lacks ownership of schema t (its owner is new)",
        "schema.t: the connected role weak lacks CREATE on database shop",
        "database.moved: the connected role weak lacks ownership of database moved (its owner is postgres)",
        "database.moved: the connected role weak lacks the attribute CREATEDB, which it takes to rename a database",
    ):
        assert words in error
    assert ("ADMIN OPTION on the role new" in error) == (cluster.version >= 16)
    cluster.execute(
        "ALTER ROLE weak CREATEROLE CREATEDB", "GRANT old, app TO weak WITH ADMIN OPTION", "ALTER DATABASE other OWNER TO weak"
    )
    cluster.execute("ALTER DATABASE shop OWNER TO weak")
    project.plan_and_apply()
    assert cluster.rows("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 't'", database="shop") == [("app",)]
    assert cluster.rows("SELECT 1 FROM pg_database WHERE datname = 'moved'") == [(1,)]


@pytest.mark.enough(18)
def test_a_rename_and_changes_at_once_are_one_plan(project: Project, cluster: Server) -> None:
    """Altered, replaced, granted on, and left by what goes: all under the new name."""
    start = '[foreign_data_wrapper.w]\n[role.old]\n[server.s]\nfdw = "w"\nowner = "old"\n'
    start += '[[user_mapping]]\nserver = "s"\nuser = "old"\n'
    cluster.execute("CREATE ROLE reader")
    project.write(
        HEAD + start + '[schema.a]\nowner = "old"\n[[grant]]\nto = "old"\non = { server = "s" }\nprivileges = ["USAGE"]\n'
    )
    project.plan_and_apply()
    project.write(
        HEAD
        + '[foreign_data_wrapper.w]\n[role.new]\nlogin = true\nrenamed_from = "old"\n'
        + '[server.t]\nfdw = "w"\ntype = "other"\nowner = "new"\nrenamed_from = "s"\n'
        + '[[grant]]\nto = "reader"\non = { server = "t" }\nprivileges = ["USAGE"]\n'
    )
    shown = {one["address"]: one for one in json.loads(project.run("plan", "--format", "json").out)["resource_changes"]}
    assert shown["role.new"]["previous_address"] == "role.old"
    assert shown["role.new"]["changed"] == ["login"]
    assert shown["server.t"]["change"]["actions"] == ["delete", "create"]
    project.plan_and_apply()
    assert cluster.rows("SELECT srvname::text, srvowner::regrole::text FROM pg_foreign_server") == [("t", "new")]
    assert project.run("state", "list").out.split() == ["foreign_data_wrapper.w", "grant.reader/server:t", "role.new", "server.t"]
    # Between plan and apply somebody takes the name, or renames it.
    project.edit('[role.new]\nlogin = true\nrenamed_from = "old"', '[role.last]\nlogin = true\nrenamed_from = "new"')
    project.edit('owner = "new"', 'owner = "last"')
    project.run("plan", "--out", project.plan_file)
    cluster.execute("CREATE ROLE last")
    assert "role.last: exists now" in project.run("apply", "--trust-plan", project.plan_file, expect=3).err
    cluster.execute("DROP ROLE last", "ALTER ROLE new RENAME TO last")
    assert "role.new: is gone" in project.run("apply", "--trust-plan", project.plan_file, expect=3).err
    project.plan_and_apply()


FOLLOWED = """
[schema."{schema}"]
{schema_from}
[function.'"{schema}"."{function}"(integer)']
returns = "integer"
language = "sql"
body = "SELECT 1"
{function_from}
[function.'"{schema}".g(integer)']
arguments = [{{ name = "n", type = "integer", default = '{default}' }}]
returns = "integer"
language = "sql"
body = "SELECT 1"
[[grant]]
to = "pg_monitor"
on = {{ function = '"{schema}"."{function}"' }}
privileges = ["EXECUTE"]
[[revoke]]
from = "PUBLIC"
on = {{ function = '"{schema}"."{function}"' }}
privileges = ["EXECUTE"]
[[ownership]]
on = {{ function = '"{schema}".other' }}
owner = "pg_monitor"
"""


@pytest.mark.enough(14, 18)
def test_what_is_named_without_types_or_in_a_default_follows(project: Project, cluster: Server) -> None:
    """A function that a grant names without its types, and that an expression calls by its schema."""
    cluster.execute("CREATE SCHEMA one", "CREATE FUNCTION one.other(text) RETURNS text LANGUAGE sql AS 'SELECT $1'")
    old = {"schema": "one", "function": "f", "schema_from": "", "function_from": "", "default": "one.f(1)"}
    new = {
        "schema": "T.wo",
        "function": "F (x",
        "schema_from": 'renamed_from = "one"',
        "function_from": """renamed_from = '"T.wo".f(integer)'""",
        "default": '"T.wo"."F (x"(1)',
    }
    project.write(HEAD + FOLLOWED.format(**old) + '[policy]\nexisting = "adopt"\n')
    project.plan_and_apply()
    project.write(HEAD + FOLLOWED.format(**new))
    renames = ['ALTER SCHEMA "one" RENAME TO "T.wo"', 'ALTER FUNCTION "T.wo"."f"(IN integer) RENAME TO "F (x"']
    # An expression follows what it names, as a spec does; who leaves the old name could not have the function made again.
    assert project.sql() == renames
    assert "grant." not in project.run("plan").out
    project.write(HEAD + FOLLOWED.format(**new | {"default": "one.f(1)"}))
    error = project.run("plan", expect=1).err
    assert 'function."T.wo".g(integer): the default of argument n names the schema one, which is neither declared' in error
    project.write(HEAD + FOLLOWED.format(**new | {"default": '"T.wo".f(1)'}))
    assert 'the default of argument n names "T.wo".f, which is neither declared' in project.run("plan", expect=1).err
    project.write(HEAD + FOLLOWED.format(**new))
    project.plan_and_apply()
    assert "adopted" not in project.run("state", "show", 'grant.pg_monitor/function:"T.wo"."F (x"').out
    project.write(HEAD + FOLLOWED.format(**new | {"schema_from": "", "function_from": ""}))
    project.plan_and_apply()
    cluster.execute('DROP FUNCTION "T.wo".other(text)')
    project.write(HEAD)
    project.plan_and_apply()


OUTSIDE = """
[schema.{schema}]
{schema_from}
[schema.outside]
[function."outside.a(integer, regclass)"]
arguments = [
    {{ name = "n", type = "integer", default = '{named}.b(outside.c()) + 1' }},
    {{ type = "regclass", default = ''' '{named}.q'::regclass ''' }},
]
returns = "integer"
language = "sql"
body = "{body}"
[function."outside.c()"]
returns = "integer"
language = "sql"
body = "SELECT 1"
[function.'{schema}.b(integer)']
returns = "integer"
language = "sql"
body = "SELECT 1"
"""


@pytest.mark.enough(14, 18)
def test_what_stands_outside_of_a_renamed_schema_follows_too(project: Project, cluster: Server) -> None:
    """And the functions that a default calls are made before it, whatever their names."""
    cluster.execute("CREATE SCHEMA one", "CREATE SEQUENCE one.q")
    adopt = HEAD + '[policy]\nexisting = "adopt"\n'
    project.write(adopt + OUTSIDE.format(schema="one", named="one", schema_from="", body="SELECT 1"))
    project.plan_and_apply()
    new = {"schema": '"Two"', "schema_from": 'renamed_from = "one"'}
    for body in ("SELECT 1", "SELECT 2"):
        project.write(adopt + OUTSIDE.format(named="one", body=body, **new))
        error = project.run("plan", expect=1).err
        assert "function.outside.a(integer,regclass): the default of argument n names the schema one, which is neither" in error
    project.write(adopt + OUTSIDE.format(named='"Two"', body="SELECT 1", **new))
    assert project.sql() == ['ALTER SCHEMA "one" RENAME TO "Two"']
    project.plan_and_apply()
    project.write(adopt + OUTSIDE.format(named='"Two"', body="SELECT 2", **new))
    project.plan_and_apply()
    project.nothing_to_do()


@pytest.mark.enough(16, 18)
@pytest.mark.pg(">= 16")
def test_what_stands_on_what_goes_is_known_by_its_new_name(project: Project, cluster: Server) -> None:
    """A role with privileges in the list of one that is renamed, and what one that is renamed granted."""
    both = '[role.gone]\n[role.group]\n[role."{0}"]\n{1}'
    led = '[[membership]]\nrole = "group"\nmember = "{0}"\nadmin = true\n'
    led += '[[membership]]\nrole = "group"\nmember = "gone"\ngranted_by = "{0}"\n'
    listed = '[[default_privileges]]\nowner = "{0}"\nglobal = true\nobjects = "tables"\nprivileges = ["SELECT"]\nto = "gone"\n'
    project.write(HEAD + (both + led + listed).format("old", ""))
    project.plan_and_apply()
    project.write(HEAD + '[role.group]\n[role."n/e\'w"]\nrenamed_from = "old"\n')
    project.plan_and_apply()
    assert cluster.rows("SELECT 1 FROM pg_roles WHERE rolname = 'gone'") == []
