"""examples/migrations-user: who may do what is tried by logging in."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

EXAMPLE = (Path(__file__).parents[2] / "examples" / "migrations-user" / "pgplan.toml").read_text()


@pytest.fixture
def example(project: Project, cluster: Server) -> Project:
    project.write(EXAMPLE)
    project.environment["PGHOST"], project.environment["PGUSER"] = str(cluster.directory), "postgres"
    project.plan_and_apply()
    _run(
        cluster,
        "CREATE TABLE public.orders (id serial PRIMARY KEY, item text)",
        "CREATE VIEW public.items AS SELECT item FROM public.orders",
        user="sqlmigrations",
    )
    return project


def _run(server: Server, *statements: str, user: str = "postgres") -> None:
    server.execute(*statements, database="djangosite", user=user)


def _refused(server: Server, statement: str, user: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _run(server, statement, user=user)


def test_the_database_is_made_for_these_two_alone(example: Project, cluster: Server) -> None:
    example.nothing_to_do()
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'djangosite'"
    assert cluster.rows(owner) == [("sqlmigrations",)]
    cluster.execute("CREATE ROLE other LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        cluster.execute("SELECT 1", database="djangosite", user="other")


@pytest.mark.usefixtures("example")
def test_each_role_may_do_its_work_and_no_more(cluster: Server) -> None:
    _run(cluster, "INSERT INTO public.orders (item) VALUES ('tea')", "UPDATE public.orders SET item = 'coffee'", user="django")
    assert cluster.rows("SELECT item FROM public.items", "djangosite", "django") == [("coffee",)]
    _run(cluster, "DELETE FROM public.orders", user="django")
    for statement in (
        "ALTER TABLE public.orders ADD COLUMN x int",
        "DROP TABLE public.orders",
        "CREATE TABLE public.mine (id int)",
        "TRUNCATE public.orders",
    ):
        _refused(cluster, statement, "django")
    # Without the grant option PostgreSQL only warns, and grants nothing.
    _run(cluster, "GRANT SELECT ON public.orders TO PUBLIC", user="django")
    assert not cluster.rows("SELECT FROM pg_class, aclexplode(relacl) WHERE relname = 'orders' AND grantee = 0", "djangosite")
    _run(cluster, "CREATE TABLE public.new (id int)", "CREATE ROLE made_by_migrations", user="sqlmigrations")
    cluster.execute("CREATE DATABASE made_by_migrations", user="sqlmigrations")
    rows = cluster.rows("SELECT rolcreatedb, rolcreaterole, rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'sqlmigrations'")
    assert rows == [(True, True, True, False)]


def test_what_migrations_make_is_usable_at_once(example: Project, cluster: Server) -> None:
    _run(cluster, "CREATE TABLE public.later (id serial, item text)", user="sqlmigrations")
    _run(
        cluster,
        "INSERT INTO public.later (item) VALUES ('tea')",
        "UPDATE public.later SET item = 'coffee'",
        "SELECT * FROM public.later",
        "DELETE FROM public.later",
        user="django",
    )
    for statement in ("CREATE TABLE public.mine (id int)", "ALTER TABLE public.later ADD x int", "DROP TABLE public.later"):
        _refused(cluster, statement, "django")
    example.nothing_to_do()


def test_a_new_table_gets_its_privileges_with_the_next_plan(example: Project, cluster: Server) -> None:
    _run(cluster, "CREATE TABLE public.later (id int)")
    (statement,) = example.sql()
    assert statement.startswith("GRANT ")
    assert '"later"' in statement
    assert '"orders"' not in statement
    example.plan_and_apply()
    _run(cluster, "SELECT * FROM public.later", user="django")


def test_what_newly_matches_and_is_right_already_is_no_change(example: Project, cluster: Server) -> None:
    _run(cluster, "CREATE TABLE public.later (id int)", "GRANT SELECT, INSERT, UPDATE, DELETE ON public.later TO django")
    example.nothing_to_do()


def test_removing_a_block_revokes_only_its_own(example: Project, cluster: Server) -> None:
    _run(cluster, "CREATE ROLE other", "GRANT SELECT ON public.orders TO other", "GRANT TRUNCATE ON public.orders TO django")
    head, _, rest = EXAMPLE.partition('[[grant]]\ndatabase = "djangosite"\nto = "django"\non = { tables_in = "public" }')
    example.write(head + rest.partition("\n\n")[2])
    example.plan_and_apply()
    rows = cluster.rows(
        "SELECT grantee::regrole::text, privilege_type FROM pg_class, aclexplode(relacl)"
        " WHERE relname = 'orders' AND grantee <> relowner ORDER BY 1, 2",
        "djangosite",
    )
    assert rows == [("django", "TRUNCATE"), ("other", "SELECT")]
