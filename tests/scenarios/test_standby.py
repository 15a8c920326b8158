"""Against a standby everything that only reads works; what changes says where to go. After a promotion a person decides."""

from __future__ import annotations

from tests.project import Project
from tests.servers import Server

TOML = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[variables.p]
type = "string"
sensitive = true
from = { env = "P" }
[extension.postgres_fdw]
[server.s1]
fdw = "postgres_fdw"
[[user_mapping]]
server = "s1"
user = "PUBLIC"
options = { password = "${var.p}" }
"""


def test_standby_and_promotion(project: Project, cluster: Server) -> None:
    project.environment["P"] = "password-1"
    project.write(TOML)
    project.plan_and_apply()
    cluster.execute("CREATE SCHEMA by_hand")
    cluster.stop()
    (cluster.directory / "data" / "standby.signal").touch()
    cluster.start()

    project.nothing_to_do()
    project.run("drift")
    project.write(TOML + "[schema.by_hand]\n")
    project.run("import", "schema.by_hand")
    project.edit("[schema.by_hand]", "[schema.new]")
    project.environment["P"] = "password-2"
    shown = project.run("plan", "--out", project.plan_file).out
    assert "secret changed" in shown
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in shown
    for command in (["apply", "--yes"], ["apply", project.plan_file], ["destroy", "--yes"]):
        assert "standby" in project.run(*command, expect=1).err

    cluster.execute("SELECT pg_promote()")
    assert "its timeline is 2, and was 1" in project.run("apply", project.plan_file, expect=3).err
    result = project.run("plan", expect=3)
    assert "restored or failed over" in result.err
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in result.out
