"""Traps of PostgreSQL that belong to no single kind, each through the whole program. All of them: tests/test_traps.py."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
from attrs import evolve

from pgplan import workflow
from pgplan.errors import LockedError
from tests.apply.world import World
from tests.scenarios.test_semantics import grant, membership, problems, reach
from tests.servers import Server


@pytest.fixture
def world(server: Server, database: str, unique: str, tmp_path: Path) -> World:
    assert database
    return World(server, tmp_path, f"{unique}_db")


def revoke(from_: str, on: str, privilege: str) -> str:
    return f'[[revoke]]\nfrom = "{from_}"\non = {{ {on} }}\nprivileges = ["{privilege}"]\n'


def defaults_of(objects: str, privilege: str, more: str) -> str:
    return f'[[default_privileges]]\nowner = "postgres"\nobjects = "{objects}"\nprivileges = ["{privilege}"]\n{more}\n'


@pytest.mark.pg(">= 15")
@pytest.mark.enough(18)
def test_the_owner_of_the_database_owns_the_schema_public(world: World, unique: str) -> None:
    owner = f"{unique}_owner"
    world.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE", f'ALTER DATABASE "{world.database}" OWNER TO {owner}')
    mine = evolve(world, user=owner)
    blocks = f"[role.{unique}_a]\n" + grant(f"{unique}_a", 'schema = "public"', "CREATE")
    assert f'GRANT CREATE ON SCHEMA "public" TO "{unique}_a"' in reach(mine, blocks)
    reach(mine, "")
    world.execute(f'ALTER DATABASE "{world.database}" OWNER TO postgres')


@pytest.mark.enough(14, 18)
def test_a_multirange_is_no_type_of_its_own(world: World, unique: str) -> None:
    world.execute("CREATE TYPE public.span AS RANGE (SUBTYPE = text)")
    role = f"[role.{unique}_a]\n"
    reach(world, role + grant(f"{unique}_a", 'types_in = "public"', "USAGE"))
    assert world.rows(f"SELECT has_type_privilege('{unique}_a', 'public.span_multirange', 'USAGE')") == [(True,)]
    named = grant(f"{unique}_a", 'type = "public.span_multirange"', "USAGE")
    assert "there is no type public.span_multirange" in problems(world, role + named)
    reach(world, "")


@pytest.mark.enough(18)
def test_names_that_begin_like_those_of_the_system(world: World, unique: str) -> None:
    """`_` is a wildcard of LIKE."""
    blocks = "[role.pgbouncer]\n[schema.pgboss]\n[schema.pg2_x]\n"
    reach(world, blocks)
    world.execute("CREATE TABLE pgboss.job ()", "CREATE TABLE pg2_x.job ()", f"COMMENT ON ROLE pgbouncer IS '{unique}'")
    assert reach(world, blocks + grant("pgbouncer", 'tables_in = "*"', "SELECT")) == [
        'GRANT SELECT ON TABLE "pg2_x"."job", "pgboss"."job" TO "pgbouncer"'
    ]
    reach(world, blocks)
    world.execute("DROP TABLE pgboss.job, pg2_x.job")
    assert set(reach(world, "")) == {'DROP ROLE "pgbouncer"', 'DROP SCHEMA "pgboss"', 'DROP SCHEMA "pg2_x"'}


@pytest.mark.enough(14, 18)
def test_what_stands_on_a_grant_option_stops_its_revoke_when_planning(world: World, unique: str) -> None:
    giver, other = f"{unique}_giver", f"{unique}_other"
    world.execute(f"CREATE ROLE {other}", "CREATE TABLE public.t (x int, y int)")
    role, table = f"[role.{giver}]\n", 'table = "public.t"'
    column = grant(giver, table, "UPDATE", 'columns = ["x"]\ngrantable = true')
    reach(world, role + grant(giver, table, "SELECT", "grantable = true") + column)
    world.execute(f"SET ROLE {giver}; GRANT SELECT, UPDATE (x) ON public.t TO {other}")
    weaker = role + grant(giver, table, "SELECT") + column.replace("true", "false")
    for blocks in (weaker, role, ""):
        said = problems(world, blocks)
        for what in ("SELECT", "UPDATE (x)"):
            assert f"takes the grant option of {what} on table public.t from {giver}, who has granted it to {other}" in said
    # What it says to do is enough, and in one plan.
    absent = revoke(other, table, "SELECT") + revoke(other, table, "UPDATE")
    reach(world, weaker + absent)
    reach(world, "")
    world.execute(f"DROP ROLE {other}")


@pytest.mark.enough(14, 18)
def test_a_second_grantor_of_the_option_keeps_what_stands_on_it(world: World, unique: str) -> None:
    giver, other, second = (f"{unique}_{name}" for name in ("giver", "other", "second"))
    world.execute(*(f"CREATE ROLE {name}" for name in (giver, other, second)), "CREATE TABLE public.t ()")
    world.execute(f"GRANT SELECT ON public.t TO {second} WITH GRANT OPTION")
    reach(world, grant(giver, 'table = "public.t"', "SELECT", "grantable = true"))
    world.execute(f"SET ROLE {second}; GRANT SELECT ON public.t TO {giver} WITH GRANT OPTION")
    world.execute(f"SET ROLE {giver}; GRANT SELECT ON public.t TO {other}")
    assert reach(world, "") == [f'REVOKE SELECT ON TABLE "public"."t" FROM "{giver}"']
    world.execute(f"DROP OWNED BY {giver}, {other}, {second}", *(f"DROP ROLE {name}" for name in (giver, other, second)))


@pytest.mark.enough(14, 18)
@pytest.mark.parametrize("through", ["itself", "PUBLIC"])
def test_a_grantor_revokes_before_the_schema_is_closed_to_it(world: World, unique: str, through: str) -> None:
    giver, other = f"{unique}_giver", f"{unique}_other"
    opened = giver if through == "itself" else "PUBLIC"
    world.execute(f"CREATE ROLE {giver}", f"CREATE ROLE {other}", "CREATE SCHEMA s", "CREATE TABLE s.t ()")
    world.execute(f"GRANT USAGE ON SCHEMA s TO {opened}", f"GRANT SELECT ON s.t TO {giver} WITH GRANT OPTION")
    world.execute(f"SET ROLE {giver}; GRANT SELECT ON s.t TO {other}")
    ran = reach(world, revoke(opened, 'schema = "s"', "USAGE") + revoke(other, 'table = "s.t"', "SELECT"))
    assert [one.split(" ON ")[1].split(" ")[0] for one in ran] == ["TABLE", "SCHEMA"]
    world.execute(f"DROP OWNED BY {giver}", f"DROP ROLE {giver}, {other}")


@pytest.mark.enough(14, 18)
def test_what_a_role_granted_that_one_cannot_become_is_not_to_be_revoked(world: World, unique: str) -> None:
    owner, giver, other = (f"{unique}_{name}" for name in ("owner", "giver", "other"))
    world.execute(f"CREATE ROLE {owner} LOGIN", f"CREATE ROLE {giver}", f"CREATE ROLE {other}")
    world.execute("CREATE TABLE public.t ()", f"ALTER TABLE public.t OWNER TO {owner}")
    world.execute(
        f"GRANT SELECT ON public.t TO {giver} WITH GRANT OPTION", f"SET ROLE {giver}; GRANT SELECT ON public.t TO {other}"
    )
    mine, block = evolve(world, user=owner), revoke(other, 'table = "public.t"', "SELECT")
    assert f"lacks the right to SET ROLE {giver}, which granted SELECT on table public.t" in problems(mine, block)
    world.execute(f"GRANT {giver} TO {owner}")
    reach(mine, block)
    world.execute(f"DROP OWNED BY {owner}, {giver}", f"DROP ROLE {owner}, {giver}, {other}")


@pytest.mark.enough(14, 18)
def test_with_usage_a_role_maps_itself_and_nobody_else(world: World, unique: str) -> None:
    role = f"{unique}_role"
    world.execute("CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER w", f"CREATE ROLE {role} LOGIN")
    world.execute(f"GRANT USAGE ON FOREIGN SERVER s TO {role}")
    mine = evolve(world, user=role)
    own, public = (
        f'[[user_mapping]]\nserver = "s"\nuser = "{user}"\noptions = {{ password = "p" }}\n' for user in (role, "PUBLIC")
    )
    reach(mine, own)
    assert f"the connected role {role} lacks ownership of server s" in problems(mine, own + public)
    reach(mine, "")
    world.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.enough(14, 18)
@pytest.mark.parametrize("option", ['password_required = "false"', 'sslcert = "/x"', 'sslkey = "/x"'])
def test_options_for_superusers_are_refused_when_planning(world: World, unique: str, option: str) -> None:
    """The server refuses what the plan does, and takes what the plan takes."""
    role = f"{unique}_role"
    world.execute(
        "CREATE EXTENSION postgres_fdw", "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw", f"CREATE ROLE {role} LOGIN"
    )
    world.execute(f"GRANT USAGE ON FOREIGN SERVER s TO {role}")
    mine = evolve(world, user=role)
    mapping = f'[[user_mapping]]\nserver = "s"\nuser = "{role}"\n'
    name, _, value = option.replace('"', "").split(" ")
    assert f"lacks the attribute SUPERUSER, which postgres_fdw wants for {name}" in problems(
        mine, mapping + f"options = {{ {option} }}\n"
    )
    made = f"CREATE USER MAPPING FOR {role} SERVER s OPTIONS ({name} '{value}')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.server.execute(made, database=world.database, user=role)
    reach(mine, mapping + 'options = { user = "u", password_required = true }\n')
    reach(mine, "")
    reach(world, mapping + f"options = {{ {option} }}\n")
    reach(world, "")
    world.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.enough(18)
def test_the_owner_of_a_wrapper_is_a_superuser(world: World, unique: str) -> None:
    wrapper = f'[foreign_data_wrapper.w]\nowner = "{unique}_o"\n'
    said = problems(world, f"[role.{unique}_o]\n{wrapper}")
    assert f"foreign_data_wrapper.w: only a superuser can own a foreign-data wrapper, and {unique}_o is none" in said
    reach(world, f"[role.{unique}_o]\nsuperuser = true\n{wrapper}")
    reach(world, "")


@pytest.mark.pg(">= 16")
@pytest.mark.enough(18)
def test_a_membership_follows_its_member_when_that_changes(world: World, unique: str) -> None:
    group, member = f"{unique}_g", f"{unique}_m"
    blocks = f"[role.{group}]\n[role.{member}]\n" + membership(group, member)
    reach(world, blocks)
    assert reach(world, blocks.replace(f"[role.{member}]\n", f"[role.{member}]\ninherit = false\n")) == [
        f'ALTER ROLE "{member}" NOINHERIT',
        f'REVOKE INHERIT OPTION FOR "{group}" FROM "{member}" GRANTED BY "postgres"',
    ]
    reach(world, "")


@pytest.mark.pg(">= 16")
@pytest.mark.enough(18)
def test_what_a_maker_is_granted_by_itself_is_no_drift(world: World, unique: str) -> None:
    maker = f"{unique}_maker"
    world.execute(f"CREATE ROLE {maker} LOGIN CREATEROLE", f"ALTER ROLE {maker} SET createrole_self_grant = 'set, inherit'")
    mine = evolve(world, user=maker)
    assert reach(mine, f"[role.{unique}_a]\n") == [f'CREATE ROLE "{unique}_a"']
    assert world.rows(f"SELECT count(*) FROM pg_auth_members WHERE roleid = '{unique}_a'::regrole") == [(2,)]
    reach(mine, f"[role.{unique}_a]\n" + membership(f"{unique}_a", maker))
    assert reach(mine, "") == [f'DROP ROLE "{unique}_a"']
    world.execute(f"DROP ROLE {maker}")


@pytest.mark.enough(14, 18)
def test_a_new_password_leaves_the_memberships_that_others_gave(world: World, unique: str) -> None:
    role, ours, theirs = (f"{unique}_{name}" for name in ("role", "ours", "theirs"))
    blocks = f'[role.{ours}]\n[role.{role}]\nmember_of = ["{ours}"]\npassword = "%s"\n'
    reach(world, blocks % "one")
    world.execute(f"CREATE ROLE {theirs}", f"GRANT {theirs} TO {role}")
    assert reach(world, blocks % "two") == [f"ALTER ROLE \"{role}\" PASSWORD :'password'"]
    groups = f"SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{role}'::regrole ORDER BY 1"
    assert world.rows(groups) == [(ours,), (theirs,)]
    world.execute(f"REVOKE {theirs} FROM {role}", f"DROP ROLE {theirs}")
    reach(world, "")


@pytest.mark.enough(18)
def test_an_md5_verifier_is_stored_as_it_is(world: World, unique: str) -> None:
    verifier = "md5" + "0123456789abcdef" * 2
    reach(world, f'[role.{unique}_a]\npassword = "{verifier}"\n')
    assert world.rows(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{unique}_a'") == [(verifier,)]
    reach(world, "")


@pytest.mark.enough(18)
def test_a_schema_goes_with_its_default_privileges(world: World, unique: str) -> None:
    defaults = defaults_of("tables", "SELECT", f'schema = "s"\nto = "{unique}_a"')
    reach(world, f"[role.{unique}_a]\n[schema.s]\n{defaults}")
    reach(world, f"[role.{unique}_a]\n")
    assert world.rows("SELECT count(*) FROM pg_default_acl") == [(0,)]
    reach(world, "")


@pytest.mark.enough(18)
def test_functions_of_an_extension_are_not_stripped_by_the_same_plan(world: World) -> None:
    hardened = defaults_of("functions", "EXECUTE", 'global = true\nfrom = "PUBLIC"')
    reach(world, hardened + "[extension.citext]\n")
    assert world.rows("SELECT has_function_privilege('public', 'public.citext_hash(citext)', 'EXECUTE')") == [(True,)]
    reach(world, "")


@pytest.mark.enough(18)
def test_a_plan_opens_one_connection(world: World) -> None:
    world.declare("[schema.s]\n")
    sessions = f"SELECT sessions FROM pg_stat_database WHERE datname = '{world.database}'"

    def opened() -> int:
        return int(world.server.rows(sessions)[0][0])

    before = opened()
    world.plan()
    # A session counts once it has ended; a second one would have ended by then too.
    for _ in range(100):
        if opened() != before:
            break
        time.sleep(0.05)
    assert opened() == before + 1


@pytest.mark.enough(18)
def test_a_plan_needs_no_lock(world: World) -> None:
    with world.declare("[schema.s]\n").opened() as applying, applying.store.lock(0), world.opened() as planning:
        assert workflow.make_plan(planning).plan.changes
    with pytest.raises(LockedError), world.opened() as applying, applying.store.lock(0):
        world.apply()
