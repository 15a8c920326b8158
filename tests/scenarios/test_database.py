"""A database from the day that it is made to the day that pgplan forgets or drops it."""

from __future__ import annotations

import pytest

from pgplan.errors import Exit
from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

HEAD = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
"""
SHOP = """
[database.shop]
owner = "postgres"
encoding = "utf-8"
connection_limit = 7
"""
FORGET = """
[policy.database]
removed = "forget"
"""


def _is_there(cluster: Server) -> bool:
    return bool(cluster.rows("SELECT FROM pg_database WHERE datname = 'shop'"))


def test_a_life(project: Project, cluster: Server) -> None:
    project.write(HEAD + SHOP)
    shown = project.run("plan").out
    assert "  1  in postgres, outside of a transaction, step 1: database.shop, under another name until the next phase" in shown
    project.plan_and_apply()
    assert cluster.rows("SELECT datconnlimit FROM pg_database WHERE datname = 'shop'") == [(7,)]

    project.edit("utf-8", "latin1")
    assert "encoding of a database is settled when it is created, and it is 'UTF8'" in project.run("plan", expect=Exit.ERROR).all
    for policy in ("", '[policy]\nremoved = "delete"\n', FORGET.replace("forget", "error")):
        project.write(HEAD + policy)
        told = project.run("plan", expect=Exit.REFUSED).all
        assert 'is recorded but no longer declared, and policy removed = "error"' in told
        assert 'say removed = "forget" or "delete" under [policy.database]' in told
    project.write(HEAD + FORGET)
    project.plan_and_apply()
    assert "database.shop" not in project.run("state", "list").out
    assert _is_there(cluster)


def test_what_somebody_made_is_imported_and_dropped_where_that_is_said(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE DATABASE shop")
    project.write(HEAD + SHOP)
    assert "exists already and is not managed" in project.run("plan", expect=Exit.ERROR).all
    project.run("import", "database.shop")
    project.plan_and_apply()
    project.write(HEAD + FORGET.replace("forget", "delete"))
    assert "database.shop is dropped" in project.run("plan").out
    project.plan_and_apply()
    assert not _is_there(cluster)


def test_destroy_forgets_it(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE DATABASE shop")
    project.write(HEAD + SHOP + "[policy]\nexisting = 'adopt'\n")
    project.plan_and_apply()
    project.run("destroy", "--include-adopted", "--yes")
    assert "database.shop" not in project.run("state", "list").out
    assert _is_there(cluster)


def test_one_that_is_gone_is_missed(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE DATABASE shop")
    project.write(HEAD + SHOP + "[policy]\nexisting = 'adopt'\n")
    project.plan_and_apply()
    cluster.execute("DROP DATABASE shop")
    assert "database.shop" in project.run("drift", expect=2).out
    assert "had disappeared from the database" in project.run("plan").out
    project.write(HEAD)
    project.plan_and_apply()


def test_its_owner_has_settings_in_it(project: Project, cluster: Server) -> None:
    """The role refers to the database, which refers to the role: no circle, since the database is there."""
    cluster.execute("CREATE DATABASE shop")
    project.write(f"""{HEAD}
[policy.database]
existing = "adopt"
[role.keeper]
database_config = {{ shop = {{ jit = false }} }}
[database.shop]
owner = "keeper"
""")
    project.plan_and_apply()
    assert "role.keeper: cannot delete it: database.shop stands on it" in project.run("destroy", "--yes", expect=Exit.ERROR).all
    cluster.execute("ALTER DATABASE shop OWNER TO postgres")
    project.run("destroy", "--yes")
    assert _is_there(cluster)


def test_what_names_one_that_is_not_there(project: Project) -> None:
    project.write(HEAD + '[role.keeper]\ndatabase_config = { warehouse = { jit = "off" } }\n')
    assert "declare [database.warehouse], or correct the name" in project.run("plan", expect=Exit.ERROR).all


def test_the_connection_is_not_cut(project: Project) -> None:
    project.write(HEAD + "[policy]\nexisting = 'adopt'\n[database.postgres]\nallow_connections = false\n")
    told = project.run("plan", expect=Exit.REFUSED).all
    assert "would take every connection to its own database from the role that pgplan is connected as" in told


def test_the_database_postgres_is_like_any_other(project: Project) -> None:
    project.write(HEAD)
    assert "[database.postgres]" in project.run("import", "database.postgres").out
    assert "is predefined by PostgreSQL" in project.run("import", "database.template1", expect=Exit.ERROR).all
