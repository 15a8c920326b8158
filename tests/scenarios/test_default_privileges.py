"""Default privileges as they count in one plan: what is born with them, when they change, and what becomes of a role's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

HEAD = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
GLOBAL = '[[default_privileges]]\nowner = "@o"\nglobal = true\nobjects = "tables"\nprivileges = ["SELECT"]\n'
FUNCTION = """
[function."{0}.{1}()"]
returns = "integer"
language = "sql"
body = "SELECT 1"
"""


@pytest.fixture
def project(tmp_path: Path, database: str) -> Project:
    return Project(tmp_path, database)


class Here:
    """The database of one test, in which names are told without the test's own prefix."""

    def __init__(self, server: Server, unique: str) -> None:
        self.server, self.database, self.prefix = server, f"{unique}_db", f"{unique}_"

    def execute(self, *statements: str) -> None:
        self.server.execute(*(statement.replace("@", self.prefix) for statement in statements), database=self.database)

    def rights(self, catalog: str, name: str, acl: str, where: str) -> set[tuple[str, str, bool]]:
        """Grantee, privilege and grant option of each item, the owner's own left out."""
        query = f"""SELECT coalesce(g.rolname, 'PUBLIC'), e.privilege_type, e.is_grantable
                      FROM {catalog} AS x, aclexplode({acl}) AS e LEFT JOIN pg_roles AS g ON g.oid = e.grantee
                     WHERE {name} = '{where}' AND e.grantee <> e.grantor"""
        rows = self.server.rows(query, database=self.database)
        return {(str(grantee).removeprefix(self.prefix), privilege, option) for grantee, privilege, option in rows}

    def function(self, name: str) -> set[tuple[str, str, bool]]:
        return self.rights("pg_proc", "proname", "coalesce(proacl, acldefault('f', proowner))", name)

    def schema(self, name: str) -> set[tuple[str, str, bool]]:
        return self.rights("pg_namespace", "nspname", "nspacl", name)

    def lists(self) -> int:
        return int(self.server.rows("SELECT count(*) FROM pg_default_acl", database=self.database)[0][0])


@pytest.fixture
def here(server: Server, unique: str) -> Here:
    return Here(server, unique)


def test_what_a_plan_makes_is_born_with_what_it_declares(project: Project, here: Here) -> None:
    """But for members of extensions, which stay as PostgreSQL makes them."""
    here.execute("CREATE ROLE @app", "CREATE ROLE @other")
    blocks = """
[schema.s]
[extension.pg_trgm]
schema = "s"
[[default_privileges]]
owner = "postgres"
global = true
objects = "functions"
privileges = ["EXECUTE"]
from = "PUBLIC"
[[default_privileges]]
owner = "postgres"
schema = "s"
objects = "functions"
privileges = ["EXECUTE"]
to = "@app"
grantable = true
[[default_privileges]]
owner = "postgres"
global = true
objects = "schemas"
privileges = ["USAGE"]
to = "@app"
[[grant]]
to = "@app"
on = { function = "s.f()" }
privileges = ["EXECUTE"]
"""
    project.write(HEAD + (blocks + FUNCTION.format("s", "f")).replace("@", here.prefix))
    statements = project.sql()
    order = [
        next(i for i, each in enumerate(statements) if each.startswith(first))
        for first in (
            'CREATE SCHEMA "s"',
            "CREATE EXTENSION",
            "ALTER DEFAULT PRIVILEGES",
            'CREATE FUNCTION "s"."f"',
            "REVOKE GRANT OPTION FOR",
        )
    ]
    assert order == sorted(order)
    project.plan_and_apply()
    # The schema is there first, so that its default privileges can be: what is missing is granted.
    assert here.schema("s") == {("app", "USAGE", False)}
    assert here.function("f") == {("app", "EXECUTE", False)}
    assert here.function("similarity") == {("PUBLIC", "EXECUTE", False)}
    project.run("destroy", "--yes")
    # What `from` took is not given back.
    assert here.lists() == 1


def test_what_counts_is_what_its_owner_gives(project: Project, here: Here) -> None:
    """It is born with what its maker's default privileges say, who hands it on."""
    here.execute(
        *(f"CREATE ROLE @{name}" for name in ("keeper", "maker", "app", "other")),
        "CREATE SCHEMA s",
        "GRANT CREATE ON SCHEMA s TO @keeper",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO @other",
        "ALTER DEFAULT PRIVILEGES FOR ROLE @keeper REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        "ALTER DEFAULT PRIVILEGES FOR ROLE @keeper IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO @app WITH GRANT OPTION",
    )
    project.write(HEAD + FUNCTION.format("s", "f") + f'owner = "{here.prefix}keeper"\n')
    shown = project.run("plan").out
    for line in (
        "+ EXECUTE on function s.f() to @app with grant option",
        "- EXECUTE on function s.f() from PUBLIC",
        "- EXECUTE on function s.f() from @other",
        'body = "SELECT 1"',
        "Privileges: 1 granted, 2 revoked.",
    ):
        assert line.replace("@", here.prefix) in shown, shown
    project.plan_and_apply()
    assert here.function("f") == {("app", "EXECUTE", True)}


def test_a_role_takes_its_own_lists_along(project: Project, here: Here) -> None:
    """Managed or not: they only say what it would have made. Of others' lists it must be taken first."""
    types = GLOBAL.replace("@o", "@a.b").replace('"tables"', '"types"').replace("SELECT", "USAGE")
    project.write(HEAD + f'[role."@a.b"]\n[role."@g"]\n{types}from = "PUBLIC"\n'.replace("@", here.prefix))
    project.plan_and_apply()
    own = 'ALTER DEFAULT PRIVILEGES FOR ROLE "@a.b"'
    here.execute(
        f'{own} REVOKE ALL ON FUNCTIONS FROM PUBLIC, "@a.b"',
        f'{own} IN SCHEMA public GRANT SELECT ON TABLES TO "@g" WITH GRANT OPTION',
        'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "@g"',
    )
    project.write(HEAD)
    refused = project.run("plan", expect=1).all
    assert "it has privileges on default privileges postgres/public/tables" in refused
    here.execute('ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM "@g"')
    shown = project.run("plan").out
    line = f'- SELECT on default privileges "{here.prefix}a.b"/public/tables from {here.prefix}g'
    assert line in shown, shown
    project.plan_and_apply()
    assert here.lists() == 0


@pytest.mark.parametrize("declared", [False, True], ids=["found", "declared"])
def test_what_a_schema_cannot_withhold_is_an_error(project: Project, here: Here, *, declared: bool) -> None:
    here.execute("CREATE ROLE @o", "CREATE ROLE @r", "CREATE SCHEMA s")
    everywhere = GLOBAL + 'to = "@r"\n' if declared else ""
    if not declared:
        here.execute("ALTER DEFAULT PRIVILEGES FOR ROLE @o GRANT SELECT ON TABLES TO @r")
    of_schema = GLOBAL.replace("global = true", 'schema = "s"') + 'from = "@r"\n'
    project.write(HEAD + (everywhere + of_schema).replace("@", here.prefix))
    refused = project.run("plan", expect=1).all
    assert f"SELECT on tables is {here.prefix}r's in all schemas: what a schema's list lacks takes nothing away" in refused
    # Once it is taken everywhere, the schema's block has something to say.
    project.write(HEAD + (GLOBAL + 'from = "@r"\n' + of_schema).replace("@", here.prefix))
    project.plan_and_apply()


def test_a_list_is_never_left_empty(project: Project, here: Here) -> None:
    here.execute("CREATE ROLE @o", "ALTER DEFAULT PRIVILEGES FOR ROLE @o REVOKE ALL ON FUNCTIONS FROM @o")
    block = GLOBAL.replace('"tables"', '"functions"').replace("SELECT", "EXECUTE")
    project.write(HEAD + (block + 'from = "PUBLIC"\n').replace("@", here.prefix))
    refused = project.run("plan", expect=1).all
    assert "leaves the list of default privileges on functions empty" in refused
    hint = 'owner = "@o", global = true, objects = "functions", privileges = ["ALL"], to = "@o"'.replace("@", here.prefix)
    assert hint in " ".join(refused.split())
    project.write(HEAD + (block + 'from = "PUBLIC"\n' + block + 'to = "@o"\n').replace("@", here.prefix))
    project.plan_and_apply()


@pytest.mark.pg(">= 16")
def test_whose_rights_are_not_inherited_is_become(project: Project, here: Here) -> None:
    """To inherit the owner's rights is enough, to be able to become it too; to administer it is not."""
    here.execute(
        "CREATE ROLE @o", "CREATE ROLE @me LOGIN", "CREATE ROLE @r", "GRANT @o TO @me WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
    )
    project.url = project.url.replace("postgres@", f"{here.prefix}me@")
    project.write(HEAD + (GLOBAL + 'to = "@r"\n').replace("@", here.prefix))
    refused = " ".join(project.run("plan", expect=1).all.split())
    assert f'declare a [[membership]] with role = "{here.prefix}o", member = "{here.prefix}me", inherit = true' in refused
    here.execute("GRANT @o TO @me WITH SET TRUE")
    assert f'SET LOCAL ROLE "{here.prefix}o"' in project.sql()
    project.plan_and_apply()
    here.execute("GRANT @o TO @me WITH SET FALSE, INHERIT TRUE")
    project.edit('["SELECT"]', '["SELECT", "INSERT"]')
    assert not any("ROLE" in statement.partition("FOR ROLE")[0] for statement in project.sql())
    project.plan_and_apply()


def test_a_plan_relies_on_the_lists_that_say_what_its_objects_are_born_with(project: Project, here: Here) -> None:
    """Those of who makes them and of who is to own them, and no others."""
    here.execute("CREATE ROLE @keeper", "CREATE ROLE @app", "CREATE SCHEMA s", "GRANT CREATE ON SCHEMA s TO @keeper")
    project.write(HEAD + FUNCTION.format("s", "f") + f'owner = "{here.prefix}keeper"\n')
    for alter, moved in (
        (
            "IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO @app",
            "default_privileges.postgres/s/functions: privilege is new: EXECUTE to @app",
        ),
        ("FOR ROLE @keeper REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", "default_privileges.@keeper/*/functions: privilege is gone"),
    ):
        project.run("plan", "--out", project.plan_file)
        here.execute(f"ALTER DEFAULT PRIVILEGES {alter}")
        assert moved.replace("@", here.prefix) in project.run("apply", "--trust-plan", project.plan_file, expect=3).err
    project.run("plan", "--out", project.plan_file)
    for alter in ("GRANT SELECT ON TABLES TO @app", "IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO @app"):
        here.execute(f"ALTER DEFAULT PRIVILEGES {alter}", f"ALTER DEFAULT PRIVILEGES FOR ROLE @keeper {alter}")
    project.run("apply", "--trust-plan", project.plan_file)
    assert here.function("f") == set()


def test_what_is_made_for_a_renamed_role_in_a_renamed_schema(project: Project, here: Here) -> None:
    """Its lists are called by the old names until the plan is applied, those without a row too."""
    here.execute("CREATE ROLE @old", "CREATE ROLE @app", "CREATE SCHEMA s", "GRANT CREATE ON SCHEMA s TO @old")
    here.execute("ALTER DEFAULT PRIVILEGES FOR ROLE @old IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO @app")
    declared = '[policy]\nexisting = "adopt"\n[role."@old"]\n[schema.s]\n' + GLOBAL.replace("@o", "@old") + 'to = "@app"\n'
    project.write(HEAD + declared.replace("@", here.prefix))
    project.plan_and_apply()
    renamed = declared.replace('[role."@old"]', '[role."@New n"]\nrenamed_from = "@old"').replace('"@old"\ng', '"@New n"\ng')
    renamed = renamed.replace("[schema.s]", '[schema."S s"]\nrenamed_from = "s"').replace('["SELECT"]', '["SELECT", "INSERT"]')
    function = FUNCTION.format("'S s'", "f").replace("'", '\\"') + 'owner = "@New n"\n'
    project.write(HEAD + (renamed + function).replace("@", here.prefix))
    project.plan_and_apply()
    assert here.function("f") == {("app", "EXECUTE", False), ("PUBLIC", "EXECUTE", False)}


def test_what_an_extension_brings_is_not_born_with_privileges_for_a_role_that_goes(project: Project, here: Here) -> None:
    text = '[role."@old"]\n[[default_privileges]]\nowner = "postgres"\nglobal = true\nobjects = "functions"\n'
    text = HEAD + (text + 'privileges = ["EXECUTE"]\nto = "@old"\n').replace("@", here.prefix)
    project.write(text)
    project.plan_and_apply()
    project.write(HEAD + "[extension.pg_trgm]\n")
    error = project.run("plan", expect=1).err
    assert (
        "what extension.pg_trgm brings would be born with privileges for it, by default_privileges.postgres/*/functions" in error
    )
    project.write(HEAD)
    project.plan_and_apply()
    project.write(HEAD + "[extension.pg_trgm]\n")
    project.plan_and_apply()


def test_nothing_that_a_list_says_is_in_the_way_of_a_role_that_goes(project: Project, here: Here) -> None:
    """Its own privileges in its own list, and what the table that secrets travel by is born with."""
    here.execute("CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER w", "CREATE SCHEMA x")
    own = (
        '[[default_privileges]]\nowner = "@r"\nschema = "x"\nobjects = "tables"\nprivileges = ["SELECT"]\nto = ["@r", "PUBLIC"]\n'
    )
    maker = GLOBAL.replace("@o", "postgres") + 'to = ["@r", "PUBLIC"]\n'
    project.write((HEAD + '[role."@r"]\n' + own).replace("@", here.prefix))
    project.plan_and_apply()
    here.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO @r, PUBLIC")
    project.environment["P"] = "a-secret-1"
    secret = '[variables.p]\ntype = "string"\nsensitive = true\nfrom = { env = "P" }\n'
    mapping = '[[user_mapping]]\nserver = "s"\nuser = "PUBLIC"\noptions = { password = "${var.p}" }\n'
    project.write((HEAD + '[role."@r"]\n' + own + maker).replace("@", here.prefix))
    project.plan_and_apply()
    project.write(HEAD + secret + mapping)
    project.plan_and_apply()
    assert here.lists() == 0
