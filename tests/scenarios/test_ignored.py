"""Parts of tables that somebody else changes on purpose: declared once, and left alone from then on."""

from __future__ import annotations

import re

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

TOML = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[variables.p]
sensitive = true
from = { env = "P" }

[extension.postgres_fdw]
[server.s]
fdw = "postgres_fdw"
options = { host = "one", port = 1 }
ignore = ["options.host", "options.fetch_size"]
[role.app]
config = { work_mem = "1MB", "my.Own" = "1", statement_timeout = "1s" }
database_config = { postgres = { work_mem = "1MB", geqo = false } }
ignore = ["config.work_mem", "config.my.own", "database_config.postgres.work_mem"]
[[user_mapping]]
server = "s"
user = "app"
options = { user = "me", password = "${var.p}" }
ignore = ["options.password"]
"""
BY_HAND = (
    "ALTER SERVER s OPTIONS (SET host 'two', ADD fetch_size '7')",
    "ALTER ROLE app SET work_mem = '2MB'",
    "ALTER ROLE app RESET my.own",
    "ALTER ROLE app IN DATABASE postgres SET work_mem = '2MB'",
    "ALTER USER MAPPING FOR app SERVER s OPTIONS (SET password 'by hand')",
)


def stored(cluster: Server) -> dict[str, list[str]]:
    queries = {
        "server": "SELECT srvoptions FROM pg_foreign_server",
        "mapping": "SELECT umoptions FROM pg_user_mapping",
        "role": "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 0",
        "database": "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0",
    }
    return {name: sorted(cluster.rows(query)[0][0]) for name, query in queries.items()}


def test_what_others_change_stays_and_is_no_drift(project: Project, cluster: Server) -> None:
    project.environment["P"] = "declared"
    project.write(TOML)
    project.plan_and_apply()
    assert stored(cluster)["mapping"] == ["password=declared", "user=me"]
    assert stored(cluster)["server"] == ["host=one", "port=1"]
    cluster.execute(*BY_HAND)
    changed = stored(cluster)
    assert "No drift." in project.run("drift").out
    project.environment["P"] = "rotated"
    project.nothing_to_do()
    for old, new in (("port = 1", "port = 5"), ('"1s"', '"5s"'), ("geqo = false", "geqo = true"), ('user = "me"', 'user = "us"')):
        project.edit(old, new)
    assert [re.sub(r'[.\w]*"public"[.]', "", one) for one in project.sql()] == [
        """ALTER ROLE "app" SET "statement_timeout" TO '5s'""",
        """ALTER ROLE "app" IN DATABASE "postgres" SET "geqo" TO 'on'""",
        """ALTER SERVER "s" OPTIONS (SET "port" '5')""",
        """ALTER USER MAPPING FOR "app" SERVER "s" OPTIONS (SET "user" 'us')""",
    ]
    project.plan_and_apply()
    others = {"port=1": "port=5", "user=me": "user=us", "statement_timeout=1s": "statement_timeout=5s", "geqo=off": "geqo=on"}
    assert stored(cluster) == {name: sorted(others.get(one, one) for one in options) for name, options in changed.items()}
    assert "No drift." in project.run("drift").out
    project.run("apply", "--yes", "--replace", "user_mapping.s/app")
    assert stored(cluster)["mapping"] == ["password=rotated", "user=us"]
    project.write(re.sub("ignore = .*", "", (project.directory / "pgplan.toml").read_text()))
    project.plan_and_apply()
    assert stored(cluster)["server"] == ["host=one", "port=5"]
    assert "by hand" not in project.everything
