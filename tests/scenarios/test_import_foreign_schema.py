"""Tables of another database, imported: all that is promised is there, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

STATIC = """
[pgplan]
name = "t"
[connection]
url = "${{env.DATABASE_URL}}"
[extension.postgres_fdw]
[schema.staging]
[server.loop]
fdw = "postgres_fdw"
options = {{ host = "{host}", dbname = "{unique}_db" }}
[[user_mapping]]
server = "loop"
user = "postgres"
options = {{ user = "postgres" }}
[role.{unique}_a]
[[grant]]
to = "{unique}_a"
on = {{ tables_in = "staging" }}
privileges = ["SELECT"]
[[grant]]
to = "{unique}_a"
on = {{ table = "staging.one" }}
privileges = ["INSERT"]
[function."staging.sum()"]
returns = "bigint"
language = "sql"
body = "SELECT sum(id) FROM staging.one"
"""
IMPORT = """
[[import_foreign_schema]]
server = "loop"
remote_schema = "Far .away"
into = "staging"
limit_to = ["one", 'T "wo', "view"]
"""


@pytest.fixture
def project(tmp_path: Path, server: Server, database: str, unique: str) -> Project:
    project = Project(tmp_path, database)
    project.write(STATIC.format(unique=unique, host=server.directory))
    project.write(IMPORT, "import.pgplan.toml")
    execute(
        server,
        unique,
        'CREATE SCHEMA "Far .away"',
        'CREATE TABLE "Far .away".one (id int NOT NULL DEFAULT 5)',
        'CREATE TABLE "Far .away"."T ""wo" (at date)',
        'CREATE TABLE "Far .away".three (at date)',
        'CREATE VIEW "Far .away".view AS SELECT 1 AS n',
        'INSERT INTO "Far .away".one VALUES (1), (2)',
    )
    return project


def execute(server: Server, unique: str, *statements: str) -> None:
    for each in statements:
        server.execute(each, database=f"{unique}_db")


def edit(project: Project, old: str, new: str) -> None:
    project.edit(old, new, "import.pgplan.toml")


def test_a_whole_life(project: Project, server: Server, unique: str) -> None:
    project.plan_and_apply()
    privileges = f"SELECT has_table_privilege('{unique}_a', 'staging.one', 'SELECT, INSERT'), staging.sum()"
    assert server.rows(privileges, f"{unique}_db") == [(True, 3)]

    # What is added is imported, and only that; what goes is dropped.
    edit(project, '"view"]', '"three"]')
    three = 'IMPORT FOREIGN SCHEMA "Far .away" LIMIT TO ("three") FROM SERVER "loop" INTO "staging"'
    sent = [one for one in project.sql() if not one.startswith(("DO", "GRANT"))]
    assert sent == ['DROP FOREIGN TABLE "staging"."view"', three]
    project.plan_and_apply()

    # Dropped by hand, and made by hand as an import would.
    execute(server, unique, "DROP FOREIGN TABLE staging.three")
    assert "import_foreign_schema.staging.three" in project.run("drift", expect=2).out
    project.plan_and_apply()

    # Other options are another import. Privileges are given again; a view stops it before anything is done.
    edit(project, "limit_to", "options = { import_default = true }\nlimit_to")
    execute(server, unique, "CREATE VIEW public.v AS SELECT at FROM staging.three")
    assert "cannot replace it: table public.v stands on it" in project.run("plan", expect=1).err
    execute(server, unique, "DROP VIEW public.v")
    project.plan_and_apply()
    defaults = "SELECT count(*) FROM pg_attrdef WHERE adrelid = 'staging.one'::regclass"
    assert server.rows(defaults, f"{unique}_db") == [(1,)]
    assert server.rows(privileges, f"{unique}_db") == [(True, 3)]
    project.run("destroy", "--yes")
    assert server.rows("SELECT count(*) FROM pg_foreign_table", f"{unique}_db") == [(0,)]


def test_what_is_promised_and_not_there_is_rolled_back(project: Project, server: Server, unique: str) -> None:
    edit(project, '"view"', '"nobody"')
    project.run("plan", "--out", project.plan_file)
    refused = project.run("apply", project.plan_file, expect=1).err
    assert "import_foreign_schema.staging.nobody: step" in refused
    assert "the server loop has no table nobody in its schema Far .away" in refused
    assert server.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'staging'", f"{unique}_db") == [(0,)]


def test_what_exists_already(project: Project, server: Server, unique: str) -> None:
    edit(project, '["one", \'T "wo\', "view"]', '["one"]')
    project.plan_and_apply()
    edit(project, '["one"]', '["one", "three", "view"]')
    execute(
        server,
        unique,
        'IMPORT FOREIGN SCHEMA "Far .away" LIMIT TO (three) FROM SERVER loop INTO staging',
        "CREATE TABLE staging.view ()",
    )
    refused = project.run("plan", expect=1).err
    assert "there is a table staging.view already" in refused
    assert "pgplan import import_foreign_schema.staging.three" in refused
    execute(server, unique, "DROP TABLE staging.view")
    assert "limit_to" not in project.run("import", "import_foreign_schema.staging.three").out
    project.plan_and_apply()

    # What is managed under one address is told of under no other.
    project.edit("[server.loop]", "[server.loop2]")
    refused = project.run("plan", expect=1).err
    assert "import_foreign_schema.staging.three" in refused
    assert "foreign_table.staging" not in refused
    project.edit("[server.loop2]", "[server.loop]")

    # One table has one address; another kind may take it over.
    column = '{ name = "at", type = "date", options = { column_name = "at" } }'
    project.write(f'[foreign_table."staging.three"]\nserver = "loop"\ncolumns = [{column}]\n', "table.pgplan.toml")
    assert "it is declared as " in project.run("validate", expect=1).err
    edit(project, '"three", ', "")
    assert "pgplan import foreign_table.staging.three" in project.run("plan", expect=1).err
    project.run("import", "foreign_table.staging.three")
    assert project.sql() == []
    project.plan_and_apply()
    assert "import_foreign_schema.staging.three" not in project.run("state", "list").out


def test_what_was_imported_is_renamed_by_a_block_of_its_own(project: Project, server: Server, unique: str) -> None:
    """As a foreign table, whose columns are declared then; the import no longer names it."""
    project.plan_and_apply()
    table = """
[foreign_table.'staging."On e"']
renamed_from = "staging.one"
server = "loop"
columns = [{{ name = "id", type = "integer", not_null = true, options = {{ column_name = "id" }} }}]
options = {{ schema_name = "Far .away", table_name = "one" }}
"""
    edit(project, '"one", ', "")
    project.write(table.format(), "table.pgplan.toml")
    assert "adopt it with: pgplan import foreign_table.staging.one" in project.run("plan", expect=1).err
    edit(project, "[[import", '[policy.foreign_table]\nexisting = "adopt"\n[[import')
    project.edit('on = { table = "staging.one" }', """on = { table = 'staging."On e"' }""")
    project.edit('body = "SELECT sum(id) FROM staging.one"', """body = 'SELECT sum(id) FROM staging."On e"'""")
    sent = project.sql()
    assert sent[0] == 'ALTER FOREIGN TABLE "staging"."one" RENAME TO "On e"'
    assert [one for one in sent[1:] if not one.startswith("CREATE OR REPLACE FUNCTION")] == []
    project.plan_and_apply()
    assert server.rows("SELECT staging.sum()", f"{unique}_db") == [(3,)]
    listed = project.run("state", "list").out.splitlines()
    assert 'foreign_table.staging."On e"' in listed
    assert not any("one" in address or "On e" in address for address in listed if address.startswith("import_foreign_schema"))
    # Named by both: the one that was renamed stays, and another is imported.
    edit(project, "= ['T", """= ["one", 'T""")
    assert project.sql()[0].startswith('IMPORT FOREIGN SCHEMA "Far .away" LIMIT TO ("one")')
    project.run("destroy", "--include-adopted", "--yes")
    assert server.rows("SELECT count(*) FROM pg_foreign_table", f"{unique}_db") == [(0,)]
