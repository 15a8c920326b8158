"""What is decided follows from the configuration, the state and the database, and from nothing else."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

CONFIGURATION = """
[pgplan]
name = "same"
[connection]
url = "${env.DATABASE_URL}"
[variables.remote]
sensitive = true
from = { env = "REMOTE" }
[variables.login]
sensitive = true
from = { env = "LOGIN" }
[foreign_data_wrapper.w]
[server.s]
fdw = "w"
[role."ä"]
[role.Z]
[role."a b"]
login = true
password = "${var.login}"
[[user_mapping]]
server = "s"
user = ["ä", "Z", "a b"]
options = { user = "remote", password = "${var.remote}", pin = "${var.remote}" }
[[membership]]
role = "ä"
member = ["Z", "a b"]
[[grant]]
to = ["ä", "Z", "a b", "PUBLIC"]
on = [{ server = "s" }, { schema = "public" }]
privileges = ["USAGE"]
[[default_privileges]]
owner = ["ä", "Z"]
schema = "public"
objects = ["tables", "sequences"]
privileges = ["SELECT"]
to = ["a b"]
"""
SECRETS = {"REMOTE": "r3mote", "LOGIN": "l0gin"}
ADDED = '[role."é"]\n[[grant]]\nto = "é"\non = { schema = "public" }\nprivileges = ["CREATE"]\n'


@pytest.fixture
def declared(project: Project) -> Project:
    project.write(CONFIGURATION)
    return project


def saved(project: Project, **environment: str) -> tuple[bytes, dict[str, Any]]:
    """The bytes of plan.json, and what it says."""
    project.run("plan", "--out", project.plan_file, environment=environment)
    with zipfile.ZipFile(project.plan_file) as archive:
        body = archive.read("plan.json")
    return body, json.loads(body)


def without_slots(plan: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plan["decided"].items() if name != "slots"}


@pytest.mark.parametrize("applied", [False, True], ids=["all new", "nothing new but a role"])
def test_with_and_without_secrets_the_same_is_decided_but_for_the_slots(declared: Project, *, applied: bool) -> None:
    if applied:
        declared.environment.update(SECRETS)
        declared.plan_and_apply()
        declared.environment.clear()
        declared.write(ADDED, "more.pgplan.toml")
    _, without = saved(declared)
    _, full = saved(declared, **SECRETS)
    assert without_slots(without) == without_slots(full)
    assert without["observed"] == full["observed"]
    assert {slot["status"] for slot in without["decided"]["slots"]} == {"unchecked" if applied else "deferred"}
    assert {slot["status"] for slot in full["decided"]["slots"]} == (set() if applied else {"new"})
    # What is planned without its secrets is applied with them.
    saved(declared)
    declared.environment.update(SECRETS)
    declared.run("apply", declared.plan_file)
    declared.nothing_to_do()


def test_processes_hash_seeds_and_locales_give_the_same_bytes(declared: Project) -> None:
    declared.environment.update(SECRETS)
    locales = ("C", "C.UTF-8", "POSIX")
    bodies = {
        saved(declared, PYTHONHASHSEED=str(seed), LC_ALL=locales[seed % 3], PYTHONUTF8="1", TZ=("UTC", "Asia/Tokyo")[seed % 2])[0]
        for seed in range(6)
    }
    assert len(bodies) == 1


def test_collations_of_databases_decide_the_same(cluster: Server, tmp_path: Path) -> None:
    decided: list[dict[str, Any]] = []
    for number, collation in enumerate(("C", "C.UTF-8", "POSIX")):
        options = f"TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE '{collation}' LC_CTYPE '{collation}'"
        cluster.execute(f"CREATE DATABASE d{number} {options}")
        directory = tmp_path / str(number)
        directory.mkdir()
        project = Project(directory, cluster.url(f"d{number}"), dict(SECRETS))
        project.write(CONFIGURATION)
        plan = saved(project)[1]["decided"]
        text = json.dumps(plan, sort_keys=True).replace(f'"d{number}"', '"d"')
        decided.append(json.loads(text))
    assert decided[0] == decided[1] == decided[2]
