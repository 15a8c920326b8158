"""A gateway to another database from top to bottom, and what must not be pulled from under it."""

from __future__ import annotations

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
GATEWAY = """
[extension.postgres_fdw]
[server.s1]
fdw = "postgres_fdw"
"""
TABLE = """
[foreign_table."public.remote"]
server = "s1"
columns = [{ name = "id", type = "int" }, { name = "note", type = "text" }]
[role.app]
[[grant]]
to = "app"
on = { table = "public.remote" }
privileges = ["SELECT"]
columns = ["note"]
[[grant]]
to = "app"
on = { tables_in = "public" }
privileges = ["TRIGGER"]
"""


def test_a_foreign_table_is_a_table_to_privileges(project: Project, cluster: Server) -> None:
    project.write(HEAD + GATEWAY + TABLE)
    project.plan_and_apply()
    of_column = "has_column_privilege('app', 'public.remote', 'note', 'SELECT')"
    query = f"SELECT {of_column}, has_table_privilege('app', 'public.remote', 'SELECT')"
    assert cluster.rows(query) == [(True, False)]
    project.edit('"s1"\ncolumns', '"s2"\ncolumns')
    project.write('[server.s2]\nfdw = "postgres_fdw"\n', "more.pgplan.toml")
    project.plan_and_apply()
    assert cluster.rows(query) == [(True, False)]


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE USER MAPPING FOR PUBLIC SERVER s1", "user_mapping.s1/PUBLIC"),
        ("CREATE FOREIGN TABLE public.mine () SERVER s1", "public.mine"),
    ],
)
@pytest.mark.parametrize("left", ["", "[extension.postgres_fdw]\n"])
def test_what_stands_on_a_server_stops_its_drop_when_planning(
    project: Project, cluster: Server, made: str, named: str, left: str
) -> None:
    project.write(HEAD + GATEWAY)
    project.plan_and_apply()
    cluster.execute(made)
    project.write(HEAD + left)
    assert named in project.run("plan", expect=1).all


def test_a_new_extension_excuses_no_typing_mistake(project: Project, cluster: Server) -> None:
    cluster.execute("CREATE SCHEMA billing")
    project.write(HEAD + GATEWAY + '[[grant]]\nto = "PUBLIC"\non = { table = "billing.typo" }\nprivileges = ["SELECT"]\n')
    assert "billing.typo" in project.run("plan", expect=1).all


def test_columns_and_privileges_on_them_change_in_one_plan(project: Project, cluster: Server) -> None:
    project.write(HEAD + GATEWAY + TABLE)
    project.plan_and_apply()
    project.edit('{ name = "note", type = "text" }', '{ name = "remark", type = "text" }')
    project.edit('columns = ["note"]', 'columns = ["remark"]')
    project.plan_and_apply()
    assert cluster.rows("SELECT has_column_privilege('app', 'public.remote', 'remark', 'SELECT')") == [(True,)]


def test_a_replaced_foreign_table_has_the_list_that_it_had(project: Project, cluster: Server) -> None:
    """Grants of others are given again, and what new tables are born with by default privileges is not."""
    project.write(HEAD + GATEWAY + TABLE)
    project.write('[server.s2]\nfdw = "postgres_fdw"\n', "more.pgplan.toml")
    project.plan_and_apply()
    cluster.execute(
        "CREATE ROLE other",
        "CREATE ROLE another",
        "GRANT SELECT, UPDATE ON public.remote TO other WITH GRANT OPTION",
        "SET ROLE other; GRANT UPDATE ON public.remote TO another; RESET ROLE",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO another",
    )
    query = """SELECT e.grantee::regrole::text, e.privilege_type, e.is_grantable
                 FROM pg_class AS c, aclexplode(c.relacl) AS e
                WHERE c.oid = 'public.remote'::regclass AND e.grantee <> c.relowner ORDER BY 1, 2"""
    had = cluster.rows(query)
    of_others = [("another", "UPDATE", False), ("other", "SELECT", True), ("other", "UPDATE", True)]
    assert had == [of_others[0], ("app", "TRIGGER", False), *of_others[1:]]
    project.edit('"s1"\ncolumns', '"s2"\ncolumns')
    shown = project.run("plan").out
    assert "+ UPDATE on table public.remote to another" in shown
    assert "- DELETE on table public.remote from another" in shown
    project.plan_and_apply()
    assert cluster.rows(query) == had


def test_who_is_granted_something_on_what_is_replaced_after_planning_stops_the_apply(project: Project, cluster: Server) -> None:
    project.write(HEAD + GATEWAY + TABLE)
    project.write('[server.s2]\nfdw = "postgres_fdw"\n', "more.pgplan.toml")
    project.plan_and_apply()
    project.edit('"s1"\ncolumns', '"s2"\ncolumns')
    project.run("plan", "--out", project.plan_file)
    cluster.execute("CREATE ROLE late", "GRANT DELETE ON public.remote TO late")
    assert "late" in project.run("apply", project.plan_file, expect=3).all
