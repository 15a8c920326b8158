"""A role that is really called PUBLIC is an ordinary role, wherever it stands; every role is meant by the keyword alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgplan.address import grantee_part, grantee_role, part_grantee, role_grantee
from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

HEAD = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
"""
ROLES = """
[role.'"PUBLIC"']
superuser = true
login = true
member_of = ["group"]
comment = "an ordinary one"
[role.group]
[role.other]
[[membership]]
role = '"PUBLIC"'
member = "other"
"""
OBJECTS = """
[schema.s]
owner = '"PUBLIC"'
[schema.PUBLIC]
owner = "other"
[foreign_data_wrapper.fdw]
owner = '"PUBLIC"'
[server.srv]
fdw = "fdw"
owner = '"PUBLIC"'
[foreign_table."s.ft"]
server = "srv"
owner = '"PUBLIC"'
columns = [{ name = "a", type = "integer" }, { name = "b", type = "text" }]
[[user_mapping]]
server = "srv"
user = ['"PUBLIC"', "other"]
options = { user = "role" }
[[user_mapping]]
server = "srv"
user = "PUBLIC"
options = { user = "everybody" }
"""
GRANTS = """
[[grant]]
to = '"PUBLIC"'
on = [{ schema = "PUBLIC" }, { database = "shop" }]
privileges = ["ALL"]
grantable = true
[[grant]]
to = "PUBLIC"
on = { schema = ["PUBLIC", "s"] }
privileges = ["USAGE"]
[[grant]]
to = ["PUBLIC", '"PUBLIC"']
on = { function = "public.f(integer)" }
privileges = ["EXECUTE"]
[[grant]]
to = '"PUBLIC"'
on = { tables_in = "*" }
privileges = ["SELECT"]
columns = ["a"]
[[grant]]
to = '"PUBLIC"'
on = [{ server = "srv" }, { foreign_data_wrapper = "fdw" }]
privileges = ["USAGE"]
[[grant]]
to = ["other", "PUBLIC"]
on = { table = "s.ft" }
privileges = ["SELECT"]
[[revoke]]
from = '"PUBLIC"'
on = { table = "public.t" }
privileges = ["INSERT"]
[[revoke]]
from = "PUBLIC"
on = { table = "public.t" }
privileges = ["INSERT", "DELETE"]
[[revoke]]
from = "other"
on = { table = "public.t" }
privileges = ["DELETE"]
[[default_privileges]]
owner = '"PUBLIC"'
global = true
objects = ["functions", "tables"]
to = ['"PUBLIC"', "PUBLIC", "other"]
privileges = ["ALL"]
[[default_privileges]]
owner = "other"
schema = "s"
objects = "tables"
to = '"PUBLIC"'
privileges = ["SELECT"]
[[default_privileges]]
owner = "postgres"
global = true
objects = "functions"
from = "PUBLIC"
privileges = ["EXECUTE"]
"""
EVERYBODY = """
SELECT 'class', c.relname, e.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS e
 WHERE e.grantee = 0 AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
UNION ALL SELECT 'schema', n.nspname, e.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS e
 WHERE e.grantee = 0 AND n.nspname !~ '^(pg_|information_schema)'
UNION ALL SELECT 'function', p.proname, e.privilege_type
  FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e
 WHERE e.grantee = 0 AND p.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
UNION ALL SELECT 'database', d.datname, e.privilege_type
  FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS e
 WHERE e.grantee = 0 AND d.datname = current_database()
UNION ALL SELECT 'mapping', s.srvname, array_to_string(u.umoptions, ',')
  FROM pg_user_mapping AS u JOIN pg_foreign_server AS s ON s.oid = u.umserver WHERE u.umuser = 0
ORDER BY 1, 2, 3
"""
ALL = ("DELETE", "INSERT", "MAINTAIN", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE")
WITH_INSERT = [("class", "t", "INSERT")]


@pytest.fixture
def world(project: Project, cluster: Server) -> Project:
    cluster.execute("CREATE DATABASE shop")
    project.url = cluster.url("shop")
    cluster.execute(
        "CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE public.t (a int)",
        "GRANT INSERT ON public.t TO PUBLIC",
        database="shop",
    )
    project.write(HEAD + ROLES + OBJECTS + GRANTS)
    return project


def of_everybody(cluster: Server) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in cluster.rows(EVERYBODY, database="shop")]


@pytest.mark.pg(">= 17")
def test_from_nothing_to_everything_and_back(world: Project, cluster: Server) -> None:
    before = of_everybody(cluster)
    world.plan_and_apply()
    assert of_everybody(cluster) == sorted(
        {
            *before,
            # Its owner's default privileges, which the same plan declares, give all of them to everybody.
            *(("class", "ft", privilege) for privilege in ALL),
            ("schema", "PUBLIC", "USAGE"),
            ("schema", "s", "USAGE"),
            ("mapping", "srv", "user=everybody"),
        }
        - set(WITH_INSERT)
    )
    world.run("drift")
    cluster.execute("ALTER SCHEMA s OWNER TO other", database="shop")
    assert '~ owner = "\\"PUBLIC\\"" -> "other"' in world.run("drift", expect=2).out
    assert '~ owner = "other" -> "\\"PUBLIC\\""' in world.run("plan").out
    world.run("apply", "--yes")
    world.run("destroy", "--yes")
    assert of_everybody(cluster) == sorted(set(before) - set(WITH_INSERT))
    assert cluster.rows("SELECT rolname FROM pg_roles WHERE rolname IN ('PUBLIC', 'group', 'other')") == []


def test_a_revoke_runs_as_the_role(world: Project, cluster: Server) -> None:
    world.write(HEAD + '[[revoke]]\nfrom = ["other", "PUBLIC"]\non = { table = "public.t" }\nprivileges = ["DELETE"]\n')
    cluster.execute('CREATE ROLE "PUBLIC"', "CREATE ROLE other")
    cluster.execute("CREATE TABLE public.mine (a int)", 'ALTER TABLE public.mine OWNER TO "PUBLIC"', database="shop")
    cluster.execute('GRANT DELETE ON public.t TO "PUBLIC" WITH GRANT OPTION', database="shop")
    cluster.execute('SET ROLE "PUBLIC"', "GRANT DELETE ON public.t TO other, PUBLIC", database="shop")
    shown = world.run("plan").out
    assert 'DELETE on table public.t from other, granted by "PUBLIC"' in shown
    world.plan_and_apply()
    query = "SELECT e.grantee::regrole::text FROM pg_class AS c, aclexplode(c.relacl) AS e WHERE c.relname = 't'"
    rows = cluster.rows(f"{query} AND e.privilege_type = 'DELETE' ORDER BY 1", database="shop")
    assert rows == [('"PUBLIC"',), ("postgres",)]


@pytest.mark.parametrize(("first", "second"), [('"PUBLIC"', "other"), ("other", '"PUBLIC"'), ("third", "other")])
def test_an_owner_that_comes_or_goes_is_not_everybody(world: Project, cluster: Server, first: str, second: str) -> None:
    grants = """
[[grant]]
to = "PUBLIC"
on = { table = "s.ft" }
privileges = ["SELECT"]
[[grant]]
to = ["group", '"PUBLIC"', "other"]
on = { table = "s.ft" }
privileges = ["SELECT", "UPDATE"]
"""
    owned = OBJECTS.replace("""owner = '"PUBLIC"'\ncolumns""", "owner = 'OWNER'\ncolumns")
    roles = ROLES.replace("[role.other]", "[role.third]\n[role.other]\nsuperuser = true")
    assert owned != OBJECTS

    def given() -> set[tuple[str, str]]:
        query = "SELECT coalesce(r.rolname, ''), e.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS e"
        found = cluster.rows(f"{query} LEFT JOIN pg_roles AS r ON r.oid = e.grantee WHERE c.relname = 'ft'", database="shop")
        return {(role, privilege) for role, privilege in found if role in ("", "group")}

    wanted = {("", "SELECT"), ("group", "SELECT"), ("group", "UPDATE")}
    for owner in (first, second, first):
        world.write(HEAD + roles + owned.replace("OWNER", owner) + grants)
        world.plan_and_apply()
        assert given() == wanted
    world.write(HEAD + roles + owned.replace("OWNER", second))
    world.plan_and_apply()
    assert given() == set()


def test_what_is_there_is_imported_as_what_it_is(world: Project, cluster: Server, tmp_path: Path) -> None:
    world.plan_and_apply()
    state = json.loads((tmp_path / ".pgplan" / "state.json").read_text())
    addresses = sorted(entry["address"] for entry in state["entries"])
    assert 'role."PUBLIC"' in addresses
    other = tmp_path / "other"
    other.mkdir()
    again = Project(other, world.url)
    again.write(HEAD)
    again.write(HEAD + again.run("import", *addresses).out)
    again.nothing_to_do()
    before = of_everybody(cluster)
    again.run("apply", "--yes")
    assert of_everybody(cluster) == before
    again.run("destroy", "--include-adopted", "--yes")
    assert cluster.rows("SELECT rolname FROM pg_roles WHERE rolname IN ('PUBLIC', 'group', 'other')") == []


@pytest.mark.parametrize(
    ("block", "address"),
    [
        ("[role.PUBLIC]", "role"),
        ('[schema.x]\nowner = "PUBLIC"', "schema.x"),
        ('[[membership]]\nrole = "PUBLIC"\nmember = "a"', "membership"),
        ('[[membership]]\nrole = "a"\nmember = "PUBLIC"', "membership"),
        ('[role.a]\nmember_of = ["PUBLIC"]', "role.a"),
        ('[server.x]\nfdw = "f"\nowner = "PUBLIC"', "server.x"),
        ('[foreign_data_wrapper.x]\nowner = "PUBLIC"', "foreign_data_wrapper.x"),
        (
            '[[default_privileges]]\nowner = "PUBLIC"\nglobal = true\nobjects = "tables"\nto = "a"\nprivileges = ["ALL"]',
            "default_privileges",
        ),
    ],
)
def test_the_keyword_is_no_role(tmp_path: Path, block: str, address: str) -> None:
    project = Project(tmp_path, "postgresql://nowhere")
    project.write(HEAD + block + "\n")
    error = project.run("validate", expect=1).err
    assert address in error
    assert "PUBLIC is not a role" in error
    assert "a role that is really called so is written '\"PUBLIC\"'" in error


@given(st.text(st.sampled_from('"PUBLICx'), min_size=1) | st.integers(0, 5).map(lambda n: '"' * n + "PUBLIC" + '"' * n))
def test_every_name_is_one_grantee(role: str) -> None:
    grantee = role_grantee(role)
    assert grantee != "PUBLIC"
    assert grantee_role(grantee) == role
    assert part_grantee(grantee_part(grantee)) == grantee


AS_IT = """
[schema.s]
[role.group]
[schema.t]
owner = "group"
[[grant]]
to = ["PUBLIC", "group"]
on = { schema = "s" }
privileges = ["USAGE"]
[[grant]]
to = "group"
on = { table = "public.t" }
privileges = ["SELECT"]
"""


def test_it_may_be_the_connected_role(world: Project, cluster: Server) -> None:
    """What everybody may do, or has, is not what it may do."""
    cluster.execute('CREATE ROLE "PUBLIC" LOGIN CREATEROLE', 'ALTER DATABASE shop OWNER TO "PUBLIC"')
    cluster.execute("GRANT SELECT ON public.t TO PUBLIC", "CREATE FOREIGN DATA WRAPPER fdw", database="shop")
    cluster.execute("CREATE SERVER srv FOREIGN DATA WRAPPER fdw", "GRANT USAGE ON FOREIGN SERVER srv TO PUBLIC", database="shop")
    world.url = cluster.url("shop", "PUBLIC")
    mapping = '[[user_mapping]]\nserver = "srv"\nuser = "PUBLIC"\n'
    world.write(HEAD + AS_IT + mapping)
    error = world.run("plan", expect=1).err
    assert "grant.group/table:public.t: the connected role PUBLIC lacks ownership of table public.t" in error
    assert "user_mapping.srv/PUBLIC: the connected role PUBLIC lacks ownership of server srv" in error
    cluster.execute('CREATE ROLE "PUBLIC2"')
    world.write(HEAD + '[schema.t]\nowner = "PUBLIC2"\n')
    assert 'declare a [[membership]] with role = "PUBLIC2", member = "\\"PUBLIC\\""' in world.run("plan", expect=1).err
    world.write(HEAD + mapping.replace('"PUBLIC"', "'\"PUBLIC\"'"))
    world.plan_and_apply()
    world.write(HEAD + AS_IT.replace('[schema.t]\nowner = "group"\n', "").partition('[[grant]]\nto = "group"')[0])
    world.plan_and_apply()
    assert ("schema", "s", "USAGE") in of_everybody(cluster)
    world.run("destroy", "--yes")


@pytest.mark.pg(">= 16")
def test_it_may_grant_memberships(project: Project, cluster: Server, tmp_path: Path) -> None:
    memberships = """
[role.'"PUBLIC"']
[role.group]
[role.other]
member_of = ['"PUBLIC"']
[[membership]]
role = "group"
member = '"PUBLIC"'
admin = true
[[membership]]
role = "group"
member = "other"
granted_by = '"PUBLIC"'
"""
    project.write(HEAD + memberships)
    project.plan_and_apply()
    query = "SELECT member::regrole::text FROM pg_auth_members WHERE grantor::regrole::text = '\"PUBLIC\"'"
    assert cluster.rows(query) == [("other",)]
    address = 'membership.group/other/"PUBLIC"'
    again = Project(tmp_path / "again", project.url)
    again.directory.mkdir()
    again.write(HEAD)
    block = again.run("import", address).out
    assert 'granted_by = "\\"PUBLIC\\""' in block
    again.write(HEAD + block)
    again.nothing_to_do()
    project.run("destroy", "--yes")
