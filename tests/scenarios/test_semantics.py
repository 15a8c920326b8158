"""Rules of PostgreSQL that a plan must know of, each through the whole program on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from pgplan import execution, workflow
from pgplan.errors import PgplanError
from pgplan.plan.model import Options
from tests.apply.world import World
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


@pytest.fixture
def world(server: Server, database: str, unique: str, tmp_path: Path) -> World:
    assert database
    return World(server, tmp_path, f"{unique}_db")


def reach(world: World, blocks: str, *, destroy: bool = False) -> list[str]:
    """Apply; afterwards there is nothing left to do. What it ran."""
    with world.declare(blocks).opened() as run:
        planned = workflow.make_plan(run, Options(destroy=destroy))
        execution.apply_plan(run, planned.plan, planned.remarks)
        assert destroy or workflow.make_plan(run).plan.changes == ()
    return [statement.sql for step in planned.plan.steps for statement in step.statements]


def problems(world: World, blocks: str) -> str:
    """What the plan says that stands in its way."""
    world.declare(blocks)
    with pytest.raises(PgplanError) as raised:
        world.plan()
    return str(raised.value)


def grant(to: str, on: str, privilege: str, more: str = "") -> str:
    return f'[[grant]]\nto = "{to}"\non = {{ {on} }}\nprivileges = ["{privilege}"]\n{more}\n'


def membership(role: str, member: str, more: str = "") -> str:
    return f'[[membership]]\nrole = "{role}"\nmember = "{member}"\n{more}\n'


def test_a_column_keeps_the_grant_option_that_its_table_loses(world: World, unique: str) -> None:
    world.execute("CREATE TABLE public.t (x int, y int)")
    role, table, option = f"[role.{unique}_a]\n", 'table = "public.t"', "grantable = true\n"
    column = grant(f"{unique}_a", table, "SELECT", option + 'columns = ["x"]')
    reach(world, role + grant(f"{unique}_a", table, "SELECT", option) + column)
    reach(world, role + grant(f"{unique}_a", table, "SELECT") + column)
    assert f"{unique}_a=r/postgres" in world.rows("SELECT relacl::text FROM pg_class WHERE oid = 'public.t'::regclass")[0][0]
    column_list = "SELECT attacl::text FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attname = 'x'"
    assert world.rows(column_list) == [(f"{{{unique}_a=r*/postgres}}",)]
    reach(world, "")


def test_a_server_is_replaced_while_one_of_its_grants_goes(world: World, unique: str) -> None:
    world.execute("CREATE FOREIGN DATA WRAPPER w")
    roles = f'[role.{unique}_a]\n[role.{unique}_b]\n[server.s]\nfdw = "w"\n'
    stays, goes = (grant(f"{unique}_{name}", 'server = "s"', "USAGE") for name in "ab")
    reach(world, roles + 'type = "1"\n' + stays + goes)
    reach(world, roles + 'type = "2"\n' + stays)
    assert world.rows("SELECT srvacl::text FROM pg_foreign_server") == [(f"{{postgres=U/postgres,{unique}_a=U/postgres}}",)]
    reach(world, roles + 'type = "3"\n[policy.grant]\nremoved = "forget"\n')
    assert world.rows("SELECT srvacl::text FROM pg_foreign_server") == [(f"{{postgres=U/postgres,{unique}_a=U/postgres}}",)]
    reach(world, "")


def test_a_grant_on_what_an_extension_brings(world: World, unique: str) -> None:
    blocks = f'[role.{unique}_a]\n[extension.pg_trgm]\nschema = "public"\n'
    reach(world, blocks + grant(f"{unique}_a", 'function = "public.similarity(text, text)"', "EXECUTE"))
    assert reach(world, "") == ['DROP EXTENSION "pg_trgm"', f'DROP ROLE "{unique}_a"']


def test_a_grant_on_a_wrapper_goes_with_its_extension(world: World, unique: str) -> None:
    blocks = f'[role.{unique}_a]\n[extension.postgres_fdw]\n[server.s]\nfdw = "postgres_fdw"\n'
    mapping = f'[[user_mapping]]\nserver = "s"\nuser = "{unique}_a"\n'
    reach(world, blocks + mapping)
    reach(world, blocks + mapping + grant(f"{unique}_a", 'foreign_data_wrapper = "postgres_fdw"', "USAGE"))
    reach(world, "")


def test_destroy_revokes_from_adopted_roles_and_leaves_them(world: World, unique: str) -> None:
    world.execute(f"CREATE ROLE {unique}_a", "CREATE TABLE public.t (x int)")
    reach(world, f"[role.{unique}_a]\nlogin = true\n" + grant(f"{unique}_a", 'table = "public.t"', "SELECT"))
    assert reach(world, "", destroy=True) == [f'REVOKE SELECT ON TABLE "public"."t" FROM "{unique}_a"']
    assert world.rows(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{unique}_a'") == [(True,)]
    world.execute(f"DROP ROLE {unique}_a")


def test_destroy_leaves_the_privileges_that_were_there_before_and_removal_does_not(world: World, unique: str) -> None:
    role = f"{unique}_a"
    world.execute(f"CREATE ROLE {role}", "CREATE TABLE public.a (x int)", "CREATE TABLE public.b (x int)")
    world.execute(f"GRANT SELECT ON public.a TO {role}")
    block = grant(role, 'tables_in = "public"', "SELECT")
    on_b = f'ON TABLE "public"."b" TO "{role}"'
    assert reach(world, block) == [f"GRANT SELECT {on_b}"]
    assert reach(world, "", destroy=True) == [f"REVOKE SELECT {on_b}".replace(" TO ", " FROM ")]
    reach(world, block)
    (revoke,) = reach(world, "")
    assert all(f'"public"."{table}"' in revoke for table in "ab")
    world.execute(f"DROP ROLE {role}")


def test_a_built_in_default_that_was_adopted_stays_when_its_block_goes(world: World) -> None:
    default = f"SELECT datacl FROM pg_database WHERE datname = '{world.database}'"
    assert world.rows(default) == [(None,)]
    assert reach(world, grant("PUBLIC", f'database = "{world.database}"', "TEMPORARY")) == []
    assert reach(world, "") == []
    assert world.rows(default) == [(None,)]


def test_destroy_is_no_removal_that_policy_refuses(world: World, unique: str) -> None:
    world.execute("CREATE TABLE public.t (x int)")
    blocks = f"[role.{unique}_a]\n" + grant(f"{unique}_a", 'table = "public.t"', "SELECT")
    refuse = '[policy.grant]\nremoved = "error"\n'
    reach(world, blocks + refuse)
    assert "no longer declared" in problems(world, f"[role.{unique}_a]\n" + refuse)
    reach(world, blocks + refuse, destroy=True)
    assert world.rows(f"SELECT FROM pg_roles WHERE rolname = '{unique}_a'") == []


def test_a_protected_grant_does_not_go_with_its_object(world: World, unique: str) -> None:
    blocks = f"[role.{unique}_a]\n"
    reach(world, blocks + "[schema.s]\n" + grant(f"{unique}_a", 'schema = "s"', "USAGE", "protect = true"))
    assert f"grant.{unique}_a/schema:s: is protected" in problems(world, blocks)
    reach(world, blocks + "[schema.s]\n" + grant(f"{unique}_a", 'schema = "s"', "USAGE"))
    reach(world, "")


def test_years_have_four_digits(world: World, unique: str) -> None:
    for moment in ("0987-06-05T04:03:02Z", "9999-12-31T23:59:59.123456Z"):
        reach(world, f'[role.{unique}_a]\nvalid_until = "{moment}"\n')
    reach(world, "")


@pytest.mark.pg(">= 16")
def test_memberships_stand_on_those_of_their_grantors(world: World, unique: str) -> None:
    group, first, last = (f"{unique}_{name}" for name in ("group", "a", "z"))
    roles = "".join(f"[role.{name}]\n" for name in (group, first, last))
    reach(world, roles + membership(group, first, f'granted_by = "{last}"') + membership(group, last, "admin = true"))
    reach(world, roles)
    world.execute(f"GRANT {group} TO {first} WITH ADMIN OPTION", f"GRANT {group} TO {last} GRANTED BY {first}")
    reach(world, roles + membership(group, first, "admin = true") + membership(group, last))
    assert reach(world, roles) == [
        f'REVOKE "{group}" FROM "{last}" GRANTED BY "{first}"',
        f'REVOKE "{group}" FROM "{first}" GRANTED BY "postgres"',
    ]
    world.execute(f"GRANT {group} TO {last} WITH ADMIN OPTION", f"GRANT {group} TO {first} GRANTED BY {last}")
    reach(world, roles + membership(group, first) + membership(group, last, "admin = true"))
    reach(world, "")


def test_who_is_no_superuser_destroys_what_it_owned_through_a_membership(world: World, unique: str) -> None:
    admin, owner = f"{unique}_admin", f"{unique}_owner"
    world.execute(f"CREATE ROLE {admin} LOGIN CREATEROLE", f'ALTER DATABASE "{world.database}" OWNER TO {admin}')
    mine = evolve(world, user=admin)
    blocks = f'[role.{owner}]\n[schema.s]\nowner = "{owner}"\n{membership(owner, admin)}'
    reach(mine, blocks)
    assert "would take the membership" in problems(mine, f"[role.{owner}]\n")
    assert reach(mine, "") == ['DROP SCHEMA "s"', f'DROP ROLE "{owner}"']
    world.execute(f'ALTER DATABASE "{world.database}" OWNER TO postgres', f"DROP ROLE {admin}")


@pytest.mark.pg(">= 16")
def test_what_others_granted_takes_their_rights_to_revoke(world: World, unique: str) -> None:
    admin, group, member = (f"{unique}_{name}" for name in ("admin", "group", "member"))
    world.execute(f"CREATE ROLE {admin} LOGIN CREATEROLE", f"CREATE ROLE {group}", f"CREATE ROLE {member}")
    world.execute(f"GRANT {group} TO {admin} WITH ADMIN OPTION", f"GRANT {group} TO {member}", "CREATE TABLE public.t (x int)")
    world.execute(f"GRANT SELECT ON public.t TO {admin} WITH GRANT OPTION", f"GRANT SELECT ON public.t TO {member}")
    mine = evolve(world, user=admin)
    reach(mine, membership(group, member))
    revoke = f'[[revoke]]\nfrom = "{member}"\non = {{ table = "public.t" }}\nprivileges = ["SELECT"]\n'
    said = problems(mine, revoke)
    assert f"membership.{group}/{member}: the connected role {admin} lacks the rights of the role postgres" in said
    assert "lacks the rights of the role postgres, which granted SELECT on table public.t" in said
    world.execute(f"DROP OWNED BY {admin}, {member}", *(f"DROP ROLE {name}" for name in (admin, member, group)))


def test_a_grant_follows_its_replaced_server_and_a_forgotten_revoke_grants_nothing(world: World, unique: str) -> None:
    server = f'[role.{unique}_a]\n[extension.postgres_fdw]\n[server.s]\nfdw = "postgres_fdw"\n'
    granted = grant(f"{unique}_a", 'server = "s"', "USAGE")
    revoked = f'[[revoke]]\nfrom = "PUBLIC"\non = {{ database = "{unique}_db" }}\nprivileges = ["TEMPORARY"]\n'
    reach(world, f'{server}type = "a"\n{granted}{revoked}')
    plan = world.declare(f'{server}type = "b"\n{granted}').plan()
    lines = {change.kind: change for change in plan.changes}
    assert (lines["grant"].reason, lines["grant"].moved) == ("server.s is replaced", "")
    assert (lines["revoke"].action, lines["revoke"].reason) == ("forget", "no longer declared; nothing is granted")
