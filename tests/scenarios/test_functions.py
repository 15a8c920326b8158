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


BODY = "BEGIN\n  RETURN of_day::text || mark;\nEND\n"
DEFAULTS = """
[role.{0}_a]
[schema.app]
[foreign_data_wrapper.{0}_w]
[server.s]
fdw = "{0}_w"
[foreign_table."app.t"]
server = "s"
columns = [{{ name = "id", type = "int" }}]
[function."app.f(date, text)"]
arguments = [
  {{ name = "of_day", type = "date", default = "now()" }},
  {{ name = "mark", type = "text", default = "'x'" }},
]
returns = "text"
language = "plpgsql"
security = "definer"
file = "f.sql"
[function."app.g(app.t)"]
returns = "int"
language = "sql"
body = "SELECT 1"
[[grant]]
to = "{0}_a"
on = {{ function = "app.f(date, text)" }}
privileges = ["EXECUTE"]
"""


@pytest.mark.enough(18)
def test_body_in_a_file_and_defaults(tmp_path: Path, server: Server, database: str, unique: str) -> None:
    def execute(*statements: str) -> None:
        for each in statements:
            server.execute(each, database=f"{unique}_db")

    project = Project(tmp_path, database)
    project.write(HEAD + DEFAULTS.format(unique))
    assert 'pgplan.toml:22: function."app.f(date, text)": file: f.sql is not a file' in project.run("validate", expect=1).err
    project.write(BODY, "f.sql")
    made = project.run("plan", "--out", project.plan_file).out
    assert 'Note: function.app.f(date,text): security = "definer" without owner' in made
    assert 'Note: function.app.f(date,text): security = "definer" without a search_path' in made
    # What was approved is what stood in the file.
    project.write(BODY.replace("mark", "'!'"), "f.sql")
    assert "the configuration differs: f.sql was changed" in project.run("apply", project.plan_file, expect=3).err
    project.write(BODY, "f.sql")
    project.run("apply", project.plan_file)
    # The server says now()::date and 'x'::text instead.
    project.nothing_to_do()
    project.run("drift")

    project.write(BODY.replace("|| mark", "|| mark || '!'"), "f.sql")
    changed = project.run("plan").out.splitlines()
    at = changed.index("      ~ body:")
    assert changed[at + 2 : at + 6] == [
        "          BEGIN",
        "      -     RETURN of_day::text || mark;",
        "      +     RETURN of_day::text || mark || '!';",
        "          END",
    ]
    project.plan_and_apply()
    execute(
        "CREATE OR REPLACE FUNCTION app.f(of_day date DEFAULT now(), mark text DEFAULT 'y') RETURNS text LANGUAGE plpgsql"
        f" SECURITY DEFINER AS '{BODY.replace('|| mark', '|| mark || chr(33)')}'"
    )
    drifted = project.run("drift", expect=2).out
    assert "arguments.mark.default = \"'x'\" -> \"'y'::text\"" in drifted
    assert "arguments.of_day" not in drifted
    project.plan_and_apply()

    # Made anew as it was, it is adopted as it is.
    made = "SELECT pg_get_functiondef('app.f(date,text)'::regprocedure)"
    (definition,) = server.rows(made, f"{unique}_db")[0]
    execute("DROP FUNCTION app.f(date, text)", str(definition), f"GRANT EXECUTE ON FUNCTION app.f(date, text) TO {unique}_a")
    assert "= function.app.f(date,text)  # will be adopted: made anew" in project.run("plan").out
    assert project.sql() == []
    project.plan_and_apply()

    # A default that goes is a replacement: refused while a view calls the function, else its privileges are given again.
    project.edit(""", default = "now()" """, "")
    execute("CREATE VIEW app.v AS SELECT app.f()")
    refused = project.run("plan", expect=1).err
    assert "cannot replace it: table app.v stands on it" in refused
    execute("DROP VIEW app.v")
    assert [one.split("(")[0] for one in project.sql()] == [
        'DROP FUNCTION "app"."f"',
        'CREATE FUNCTION "app"."f"',
        'ALTER FUNCTION "app"."f"',
        'GRANT EXECUTE ON ROUTINE "app"."f"',
    ]
    project.plan_and_apply()

    # A function of rows goes and comes with their table.
    project.edit("[server.s]", f'[server.s2]\nfdw = "{unique}_w"\n[server.s]')
    project.edit('server = "s"', 'server = "s2"')
    sent = [one.split(" ")[0] for one in project.sql() if '"t"' in one or '"g"' in one]
    assert sent == ["DROP", "DROP", "CREATE", "ALTER", "CREATE", "ALTER"]
    project.plan_and_apply()
    project.edit("g(app.t)", "g(app.tt)")
    assert "arguments names type.app.tt, which is neither declared nor in the database" in project.run("plan", expect=1).err
    project.edit("g(app.tt)", "g(app.t)")
    project.run("destroy", "--include-adopted", "--yes")
