"""Against a standby everything that only reads works; what changes says where to go. After a promotion only a loss stops."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

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
    for command in (["apply", "--yes"], ["apply", project.plan_file], ["destroy", "--yes"], ["plan", "--rehearse"]):
        assert "standby" in project.run(*command, expect=1).err

    cluster.execute("SELECT pg_promote()")
    shown = project.run("plan").out
    assert (
        "Note: the database failed over: its timeline is 2, and was 1 at the last apply; nothing that is recorded was lost"
        in shown
    )
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in shown
    # The plan was made before the promotion, which lost nothing.
    project.run("apply", project.plan_file)
    assert "failed over" not in project.run("plan").out


def switched_over(cluster: Server) -> None:
    cluster.stop()
    (cluster.directory / "data" / "standby.signal").touch()
    cluster.start()
    cluster.execute("SELECT pg_promote()")


def test_a_switchover_is_taken_up_by_an_empty_apply(project: Project, cluster: Server) -> None:
    project.environment["P"] = "password-1"
    project.write(TOML)
    project.plan_and_apply()
    project.run("plan", "--out", project.plan_file)
    switched_over(cluster)
    for command in (["plan"], ["drift"]):
        assert "its timeline is 2, and was 1 at the last apply" in project.run(*command).out
    assert "No changes." in project.run("apply", project.plan_file).out
    assert "timeline" not in project.run("plan").out
    switched_over(cluster)
    project.run("apply", "--yes")
    assert "timeline" not in project.run("drift").out


def test_a_failover_that_lost_something_stops_the_pipeline(project: Project, cluster: Server) -> None:
    project.environment["P"] = "password-1"
    project.write(TOML + "[schema.kept]\n[schema.lost]\n")
    project.plan_and_apply()
    project.run("plan", "--out", project.plan_file)
    cluster.execute("DROP SCHEMA lost")
    switched_over(cluster)
    for command in (["apply", project.plan_file], ["apply", "--yes"], ["drift"], ["import", "schema.public"], ["plan"]):
        said = project.run(*command, expect=3).err
        assert "restored or failed over" in said
        assert "its timeline is 2, and was 1 at the last apply, and this is not as it is recorded: schema.lost" in said
    project.run("plan", "--out", project.plan_file, expect=3)
    project.run("apply", project.plan_file)
    project.nothing_to_do()
