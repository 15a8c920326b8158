"""plan --rehearse sends secrets as apply does: they are in no log. What has no value is left out, and named."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = [pytest.mark.enough(18), pytest.mark.usefixtures("cheap_digests")]

TOML = """
[pgplan]
name = "secrets"
[connection]
url = "${env.DATABASE_URL}"
[policy]
existing = "adopt"
[variables.p]
sensitive = true
from = { env = "P" }
[variables.q]
sensitive = true
from = { env = "Q" }
[role."an app"]
login = true
password = "${var.p}"
[role.other]
password = "${var.q}"
[server.s]
fdw = "w"
[[user_mapping]]
server = "s"
user = "an app"
"""
OPTIONS = (
    'options = { password = "${var.p}" }\n',
    'options = { user = "u", password = "${var.p}", jwt = "${var.q}" }\n',
    'options = { user = "v", password = "${var.q}" }\n',
    "",
)
CATALOGS = (
    "SELECT usename, umoptions FROM pg_user_mappings",
    "SELECT rolname, rolpassword FROM pg_authid",
    "SELECT relname FROM pg_class WHERE relname LIKE 'pgplan%'",
)


def _everything(cluster: Server) -> list[object]:
    return [sorted(map(str, cluster.rows(query))) for query in CATALOGS]


@pytest.mark.parametrize("superuser", [True, False], ids=["superuser", "owner"])
def test_from_any_secrets_to_any_other(project: Project, cluster: Server, superuser: bool) -> None:
    cluster.execute(
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE ROLE deployer LOGIN CREATEROLE",
        "ALTER DATABASE postgres OWNER TO deployer",
        "GRANT USAGE ON FOREIGN DATA WRAPPER w TO deployer",
        # Recorded nowhere, so that what is deferred cannot count as unchanged.
        *(["CREATE SERVER s FOREIGN DATA WRAPPER w", "CREATE ROLE \"an app\" LOGIN PASSWORD 'by hand'"] if superuser else []),
        *(["CREATE USER MAPPING FOR \"an app\" SERVER s OPTIONS (password 'found')"] if superuser else []),
    )
    if not superuser:
        project.url = cluster.url(user="deployer")
    for number, options in enumerate((*OPTIONS, OPTIONS[0])):
        project.write(TOML + options)
        before = _everything(cluster)
        project.environment.pop("P", None)
        project.environment.pop("Q", None)
        shown = project.run("plan", "--rehearse").out
        assert number > 0 or 'Note: not rehearsed: secrets that have no value here: password of role."an app"' in shown
        project.environment.update(P=f"secret-p-{number}", Q="secret-q")
        assert "no value here" not in project.run("plan", "--rehearse", "--out", project.plan_file).out
        assert _everything(cluster) == before
        project.run("apply", project.plan_file)
    log = cluster.log.read_text(errors="replace")
    assert superuser or "pgplan_secrets_in_transit" in log
    assert "secret-" not in project.everything + log
