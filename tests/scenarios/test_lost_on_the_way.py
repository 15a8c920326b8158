"""Rights that the connected role has by others' memberships, and that the same plan takes away."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 16, 18)

HEAD = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[role."the owner"]
"""
LEAD = '[role.lead]\n[[membership]]\nrole = "lead"\nmember = "deployer"\n'
LED = '[[membership]]\nrole = "the owner"\nmember = "lead"\n'
OWNED = """
[schema.kept]
owner = "the owner"
comment = "one"
[schema.s]
owner = "the owner"
[[default_privileges]]
owner = "the owner"
schema = "kept"
objects = "tables"
privileges = ["SELECT"]
to = ["PUBLIC"]
[[grant]]
on = { schema = "kept" }
privileges = ["USAGE"]
to = ["PUBLIC"]
"""


@pytest.fixture
def led(project: Project, cluster: Server) -> Project:
    """What the owner has is the deployer's by way of another role."""
    cluster.execute("CREATE ROLE deployer LOGIN CREATEROLE", "CREATE DATABASE shop OWNER deployer")
    project.url = cluster.url("shop", "deployer")
    project.write(HEAD + LEAD + LED)
    project.plan_and_apply()
    project.write(HEAD + LEAD + LED + OWNED)
    project.plan_and_apply()
    return project


@pytest.mark.parametrize("left", [LEAD, ""], ids=["the membership goes", "the role between them goes"])
def test_a_right_is_used_before_it_is_lost(led: Project, left: str) -> None:
    kept = '[schema.kept]\ncomment = "two"\n'
    led.write(HEAD + left + kept)
    led.plan_and_apply()
    assert "No changes" in led.run("plan").out


@pytest.mark.pg(">= 16")
def test_what_no_longer_inherits_does_so_last(led: Project) -> None:
    led.write(HEAD + LEAD + LED + "inherit = false\nset = false\n" + '[schema.kept]\ncomment = "two"\n')
    led.plan_and_apply()
    assert "No changes" in led.run("plan").out


def test_what_must_be_lost_before_is_refused(led: Project) -> None:
    """A membership that is turned round is in the way of the new one, for which privileges wait."""
    turned = '[[membership]]\nrole = "lead"\nmember = "the owner"\n'
    led.write(HEAD + LEAD + turned + '[schema.kept]\ncomment = "two"\n')
    error = led.run("plan", expect=1).err
    taken = 'once this plan has taken away membership."the owner"/lead, which must come before, the connected role deployer lacks'
    assert f"grant.PUBLIC/schema:kept: {taken} the rights of the role the owner, which granted USAGE on schema kept" in error
    assert f'default_privileges."the owner"/kept/tables/PUBLIC: {taken}' in error
    assert 'leave membership."the owner"/lead as it is, apply that, and change it in a plan of its own' in error
    led.write(HEAD + LEAD + LED)
    led.plan_and_apply()
    led.write(HEAD + LEAD + turned)
    led.plan_and_apply()


@pytest.mark.enough(18)
def test_who_owns_a_schema_may_lack_usage_on_it(led: Project, cluster: Server) -> None:
    function = '[function."kept.f()"]\nlanguage = "sql"\nreturns = "integer"\nbody = "SELECT 1"\n'
    table = '[server.srv]\nfdw = "w"\n[foreign_table."kept.t"]\nserver = "srv"\ncolumns = []\n'
    cluster.execute("CREATE FOREIGN DATA WRAPPER w", "GRANT USAGE ON FOREIGN DATA WRAPPER w TO PUBLIC", database="shop")
    led.write(HEAD + LEAD + LED + OWNED + function + table)
    led.plan_and_apply()
    cluster.execute('REVOKE USAGE ON SCHEMA kept FROM PUBLIC, "the owner"', database="shop")
    led.write(HEAD + LEAD + LED + OWNED.partition("[[grant]]")[0])
    error = led.run("plan", expect=1).err
    assert "function.kept.f(): the connected role deployer lacks USAGE on schema kept" in error
    assert "foreign_table.kept.t: the connected role deployer lacks USAGE on schema kept" in error


@pytest.mark.enough(14, 18)
def test_who_gives_a_new_server_away_maps_no_users_on_it(led: Project, cluster: Server) -> None:
    """Who may become the new owner may give it; without the owner's rights that is the end of it."""
    cluster.execute(
        "CREATE FOREIGN DATA WRAPPER w",
        "GRANT USAGE ON FOREIGN DATA WRAPPER w TO PUBLIC",
        "CREATE ROLE apart NOINHERIT",
        'GRANT "the owner" TO apart',
        "GRANT apart TO deployer",
        database="shop",
    )
    led.write(HEAD)
    led.plan_and_apply()
    mapping = '[[user_mapping]]\nserver = "srv"\nuser = "lead"\n'
    led.write(HEAD + '[role.lead]\n[server.srv]\nfdw = "w"\nowner = "the owner"\n' + mapping)
    error = led.run("plan", expect=1).err
    told = "lacks ownership of server srv (its owner is the owner)"
    assert f"user_mapping.srv/lead: the connected role deployer {told}" in error
