"""Functions that a configuration makes, and those that it only grants on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

HEAD = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
GATEWAY = """
[role.{0}_reader]
[role.{0}_keeper]
[schema.app]
owner = "{0}_keeper"
[function."app.rows_of(text)"]
returns = "setof text"
language = "sql"
security = "definer"
stable = 1
config = {{ search_path = ["pg_catalog", "pg_temp"] }}
body = "SELECT $1"
owner = "{0}_keeper"
[[revoke]]
from = "PUBLIC"
on = {{ function = "app.rows_of(text)" }}
privileges = ["EXECUTE"]
[[grant]]
to = "{0}_reader"
on = {{ function = "app.rows_of(text)" }}
privileges = ["EXECUTE"]
[[grant]]
to = "{0}_reader"
on = {{ schema = "app" }}
privileges = ["USAGE"]
""".replace("stable = 1\n", 'volatility = "stable"\n')


def test_a_gateway_in_one_plan(tmp_path: Path, server: Server, database: str, unique: str) -> None:
    project = Project(tmp_path, database)
    project.write(HEAD + GATEWAY.format(unique))
    project.plan_and_apply()
    asked = f"has_function_privilege('{unique}_reader', p.oid, 'EXECUTE'), has_function_privilege('public', p.oid, 'EXECUTE')"
    assert server.rows(f"SELECT {asked} FROM pg_proc AS p WHERE proname = 'rows_of'", f"{unique}_db") == [(True, False)]
    project.edit('"SELECT $1"', "\"SELECT $1 || '!'\"")
    assert "~ function.app.rows_of(text)" in project.run("plan").out
    project.plan_and_apply()
    assert server.rows("SELECT app.rows_of('x')", f"{unique}_db") == [("x!",)]
    server.execute("ALTER FUNCTION app.rows_of SECURITY INVOKER", database=f"{unique}_db")
    assert 'security = "definer" -> "invoker"' in project.run("drift", expect=2).out
    project.plan_and_apply()
    project.run("destroy", "--yes")


def test_a_body_that_is_only_granted_on_is_nobodys_business(tmp_path: Path, server: Server, database: str, unique: str) -> None:
    made = "CREATE OR REPLACE FUNCTION public.f() RETURNS text LANGUAGE sql AS 'SELECT ''{}''::text'"
    server.execute(made.format("m4rker-1"), database=f"{unique}_db")
    project = Project(tmp_path, database)
    grant = f'[role.{unique}_a]\n[[grant]]\nto = "{unique}_a"\non = {{ function = "public.f()" }}\nprivileges = ["EXECUTE"]\n'
    project.write(HEAD + grant)
    project.run("plan", "--out", project.plan_file)
    server.execute(made.format("m4rker-2"), database=f"{unique}_db")
    project.run("apply", project.plan_file)
    project.nothing_to_do()
    for path in (Path(project.plan_file), tmp_path / ".pgplan" / "state.json"):
        assert b"m4rker" not in path.read_bytes()
    project.run("destroy", "--yes")
