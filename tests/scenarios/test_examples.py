"""Examples whose point is who may do what: each role logs in and tries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.project import Project
from tests.servers import Server, versions

pytestmark = pytest.mark.enough(14, 18)

EXAMPLES = Path(__file__).parents[2] / "examples"
CONNECTION = '[connection]\nurl = "${env.DATABASE_URL}"\n'


@pytest.fixture(scope="module", params=versions(), ids=lambda version: f"pg{version}")
def cluster(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One for all examples of this page: their roles have different names."""
    server = Server(request.param).create()
    yield server
    server.destroy()


class Tried:
    """What roles may do in one database."""

    def __init__(self, server: Server, database: str) -> None:
        self.server, self.database = server, database

    def by(self, user: str, *statements: str) -> None:
        self.server.execute(*statements, database=self.database, user=user)

    def rows(self, user: str, query: str) -> list[tuple[object, ...]]:
        return list(self.server.rows(query, database=self.database, user=user))

    def refused(self, user: str, *statements: str) -> None:
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                self.by(user, statement)


def example(name: str, cluster: Server, directory: Path) -> tuple[Project, Tried]:
    """The example in a database of its own, with what it finds there."""
    database = name.replace("-", "_")
    cluster.execute(f"CREATE DATABASE {database}")
    setup = EXAMPLES / name / "setup.sql"
    if setup.exists():
        cluster.execute(setup.read_text(), database=database)
    project = Project(directory, cluster.url(database))
    project.write((EXAMPLES / name / "pgplan.toml").read_text())
    project.write(CONNECTION, "connection.pgplan.toml")
    return project, Tried(cluster, database)


def test_hardened_defaults(cluster: Server, tmp_path: Path) -> None:
    project, may = example("hardened-defaults", cluster, tmp_path)
    may.by("postgres", "CREATE ROLE stranger LOGIN", "CREATE ROLE another LOGIN")
    project.plan_and_apply()
    total, close = "SELECT public.total(1)", "CALL public.close_year(1)"
    may.refused("app", total, close)
    page = (EXAMPLES / "hardened-defaults" / "README.md").read_text()
    project.write(page.partition("```toml\n")[2].partition("```")[0], "more.pgplan.toml")
    assert project.sql() == ['GRANT EXECUTE ON ROUTINE "public"."total"(IN integer) TO PUBLIC']
    project.plan_and_apply()
    may.by("app", total)
    may.refused("app", close)
    may.refused("stranger", total)
    # Who makes a function decides, not where it is.
    may.by("postgres", "GRANT CREATE, USAGE ON SCHEMA public TO another")
    for owner in ("migrator", "another"):
        may.by(owner, f"CREATE FUNCTION public.by_{owner}() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    may.refused("app", "SELECT public.by_migrator()")
    may.by("app", "SELECT public.by_another()")
    assert project.sql() == ['REVOKE EXECUTE ON ROUTINE "public"."by_another"() FROM PUBLIC']
    project.edit("global = true", 'schema = "public"')
    refused = project.run("plan", expect=1).all
    assert "EXECUTE on functions is PUBLIC's in all schemas: what a schema's list lacks takes nothing away" in refused
    assert "pgplan.toml:" in refused


def test_private_foreign_schema(cluster: Server, tmp_path: Path) -> None:
    project, may = example("private-foreign-schema", cluster, tmp_path)
    # A role that is no superuser must log in with a password on the other side.
    hba = cluster.directory / "data" / "pg_hba.conf"
    hba.write_text("local ledger ledger_reader scram-sha-256\n" + hba.read_text())
    cluster.execute("SELECT pg_reload_conf()", "CREATE DATABASE ledger", "CREATE ROLE stranger_to_ledger LOGIN")
    cluster.execute((EXAMPLES / "private-foreign-schema" / "remote.sql").read_text(), database="ledger")
    project.environment |= {"LEDGER_PASSWORD": "change-me", "PGPLAN_VAR_ledger_host": str(cluster.directory)}
    project.plan_and_apply()
    table, gateway = "SELECT * FROM ledger_private.payments", "SELECT api.payments_of('a-1')"
    assert may.rows("authenticated", f"{gateway}::integer") == [(10,), (40,)]
    for user in ("authenticated", "anon", "stranger_to_ledger"):
        may.refused(
            user, table, "CREATE TABLE ledger_private.mine (id int)", "CREATE USER MAPPING FOR CURRENT_USER SERVER ledger"
        )
    may.refused("anon", gateway)
    may.refused("stranger_to_ledger", gateway)
    may.by("postgres", "GRANT USAGE ON SCHEMA ledger_private TO anon", "GRANT SELECT ON ledger_private.payments TO anon")
    assert all(statement.startswith("REVOKE ") for statement in project.sql())
    project.plan_and_apply()
    may.refused("anon", table)
    assert "change-me" not in project.everything


MAY = {
    "billing": {"billing_migrator": "SIUD", "billing_api": "SIUD", "billing_worker": "SU", "ann": "S", "bob": "S"},
    "shipping": {"shipping_migrator": "SIUD", "shipping_api": "SIUD", "shipping_reports": "S", "bob": "S"},
}
"""By schema, what each role may do with tables that were made after the plan was applied; who is not named may do nothing."""


def test_two_services(cluster: Server, tmp_path: Path) -> None:
    project, may = example("two-services", cluster, tmp_path)
    project.plan_and_apply()
    for schema in MAY:
        made = f"CREATE TABLE {schema}.t (id serial, note text)", f"INSERT INTO {schema}.t (note) VALUES ('first')"
        function = f"CREATE FUNCTION {schema}.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'"
        may.by(f"{schema}_migrator", *made, function)
    # What is born right needs no plan.
    project.nothing_to_do()
    for schema, roles in MAY.items():
        statements = {
            "S": f"SELECT * FROM {schema}.t",
            "I": f"INSERT INTO {schema}.t (note) VALUES ('x')",
            "U": f"UPDATE {schema}.t SET note = ''",
            "D": f"DELETE FROM {schema}.t",
        }
        for role in sorted({role for of_schema in MAY.values() for role in of_schema}):
            for letter, statement in statements.items():
                (may.by if letter in roles.get(role, "") else may.refused)(role, statement)
            if role != f"{schema}_migrator":
                may.refused(role, f"SELECT {schema}.f()", f"DROP TABLE {schema}.t", f"CREATE TABLE {schema}.mine (id int)")
