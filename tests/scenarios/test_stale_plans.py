"""A saved plan is applied as it was reviewed, or not at all: exit code 3, nothing changed, the object named."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server, binaries

pytestmark = pytest.mark.enough(18)

TOML = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[extension.postgres_fdw]
[server.s1]
fdw = "postgres_fdw"
options = { host = "one" }
[role.app]
login = true
[role.extra]
[schema.billing]
comment = "money"
[[membership]]
role = "extra"
member = "app"
[[user_mapping]]
server = "s1"
user = "app"
options = { user = "remote" }
[[grant]]
to = "app"
on = { schema = "billing" }
privileges = ["USAGE"]
[[grant]]
to = "app"
on = { server = "s1" }
privileges = ["USAGE"]
"""
CHANGED = (
    TOML.replace('host = "one"', 'host = "two"')
    .replace("login = true", "login = true\ncreatedb = true")
    .replace('comment = "money"', 'comment = "cash"')
    .replace('user = "remote"', 'user = "other"')
    .replace('member = "app"', 'member = "app"\nadmin = true')
    .replace('["USAGE"]', '["USAGE", "CREATE"]', 1)
)


@pytest.fixture
def planned(project: Project) -> Project:
    """Everything applied once, then a plan saved that changes every object."""
    project.write(TOML)
    project.plan_and_apply()
    project.write(CHANGED)
    project.run("plan", "--out", project.plan_file)
    return project


def _catalogs(server: Server) -> list[object]:
    queries = (
        "SELECT rolname::text, rolcreatedb FROM pg_roles ORDER BY 1",
        "SELECT srvname::text, srvoptions FROM pg_foreign_server",
        "SELECT nspname::text, nspacl::text, obj_description(oid) FROM pg_namespace ORDER BY 1",
        "SELECT umoptions FROM pg_user_mappings",
        "SELECT admin_option FROM pg_auth_members WHERE roleid::regrole::text = 'extra'",
    )
    return [row for query in queries for row in server.rows(query)]


def _refused(planned: Project, server: Server, *words: str, arguments: tuple[str, ...] = ()) -> None:
    before, state = _catalogs(server), (planned.directory / ".pgplan" / "state.json").read_bytes()
    error = planned.run("apply", planned.plan_file, *arguments, expect=3).err
    for word in words:
        assert word in error
    assert _catalogs(server) == before
    assert (planned.directory / ".pgplan" / "state.json").read_bytes() == state


def test_the_plan_is_good_as_long_as_nothing_moved(planned: Project, cluster: Server) -> None:
    planned.run("apply", planned.plan_file)
    planned.nothing_to_do()
    assert cluster.rows("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'app'") == [(True,)]


@pytest.mark.parametrize(
    ("by_hand", "address", "attribute"),
    [
        ("ALTER SERVER s1 OPTIONS (ADD port '1')", "server.s1", "options"),
        ("ALTER ROLE app CREATEROLE", "role.app", "createrole"),
        ("COMMENT ON SCHEMA billing IS 'x'", "schema.billing", "comment"),
        ("ALTER SCHEMA billing OWNER TO extra", "schema.billing", "owner"),
        ("GRANT CREATE ON SCHEMA billing TO app", "schema.billing", "CREATE"),
        ("ALTER USER MAPPING FOR app SERVER s1 OPTIONS (SET \"user\" 'eve')", "user_mapping.s1/app", "options"),
        ("REVOKE extra FROM app", "membership.extra/app", "gone"),
        ("DROP USER MAPPING FOR app SERVER s1; CREATE USER MAPPING FOR app SERVER s1 OPTIONS (\"user\" 'remote')",
         "user_mapping.s1/app", "OID"),
        ("ALTER ROLE extra LOGIN", "role.extra", "login"),
    ],
)  # fmt: skip
def test_a_touched_or_relied_upon_object_was_altered(
    planned: Project, cluster: Server, by_hand: str, address: str, attribute: str
) -> None:
    cluster.execute(*by_hand.split("; "))
    _refused(planned, cluster, address, attribute)


def test_what_others_are_granted_meanwhile_is_no_concern_of_the_plan(planned: Project, cluster: Server) -> None:
    cluster.execute("GRANT USAGE ON SCHEMA billing TO extra")
    planned.run("apply", planned.plan_file)
    planned.nothing_to_do()
    assert "extra=U/" in str(cluster.rows("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'billing'"))


def test_something_stands_where_an_object_was_to_be_made(planned: Project, cluster: Server) -> None:
    planned.write(CHANGED + "[role.fresh]\n")
    planned.run("plan", "--out", planned.plan_file)
    cluster.execute("CREATE ROLE fresh")
    _refused(planned, cluster, "role.fresh", "exists now")


def test_the_state_moved(planned: Project, cluster: Server) -> None:
    shutil.copy(planned.plan_file, planned.directory / "first.bin")
    planned.run("apply", planned.plan_file)
    shutil.move(planned.directory / "first.bin", planned.plan_file)
    _refused(planned, cluster, "state")


@pytest.mark.pg("== 18")
def test_the_state_was_edited_under_the_same_serial(planned: Project, cluster: Server) -> None:
    path = planned.directory / ".pgplan" / "state.json"
    path.write_text(path.read_text().replace('"money"', '"funny"'))
    _refused(planned, cluster, "state")


def test_another_cluster(planned: Project, cluster: Server) -> None:
    other = Server(cluster.version).create(identity=True)
    try:
        error = planned.run("apply", planned.plan_file, "--url", other.url(), expect=3).err
        assert "cluster" in error
        assert other.rows("SELECT 1 FROM pg_roles WHERE rolname = 'app'") == []
    finally:
        other.destroy()


def test_another_database(planned: Project, cluster: Server) -> None:
    cluster.execute("CREATE DATABASE elsewhere")
    error = planned.run("apply", planned.plan_file, "--url", cluster.url("elsewhere"), expect=3).err
    assert "elsewhere" in error


def test_another_role(planned: Project, cluster: Server) -> None:
    cluster.execute("CREATE ROLE second SUPERUSER LOGIN")
    error = planned.run("apply", planned.plan_file, "--url", cluster.url(user="second"), expect=3).err
    assert "second" in error


@pytest.mark.pg("== 18")
def test_damage_is_found(planned: Project, cluster: Server) -> None:
    data = bytearray(Path(planned.plan_file).read_bytes())
    for position in range(0, len(data), max(1, len(data) // 12)):
        damaged = bytearray(data)
        damaged[position] ^= 0x20
        Path(planned.plan_file).write_bytes(bytes(damaged))
        _refused(planned, cluster)


def _forge(plan: Path, old: str, new: str) -> None:
    """Change the plan on purpose, with hashes that fit again."""
    with zipfile.ZipFile(plan) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    assert old in members["plan.json"]
    before = hashlib.sha256(members["plan.json"].encode()).hexdigest()
    members["plan.json"] = members["plan.json"].replace(old, new)
    after = hashlib.sha256(members["plan.json"].encode()).hexdigest()
    members["manifest.json"] = members["manifest.json"].replace(before, after)
    with zipfile.ZipFile(plan) as archive:
        infos = archive.infolist()
    with zipfile.ZipFile(plan, "w") as archive:
        for info in infos:
            archive.writestr(info, members[info.filename])


@pytest.mark.pg("== 18")
def test_a_forged_plan_does_not_pass_the_expected_digest(planned: Project, cluster: Server) -> None:
    digest = re.findall(r"sha256:[0-9a-f]{64}", planned.run("show", planned.plan_file).all)[0]
    _forge(Path(planned.plan_file), "CREATEDB", "SUPERUSER")
    _refused(planned, cluster, "digest", arguments=("--expect-digest", digest))


def test_a_forged_statement_is_found_out_by_the_database(planned: Project, cluster: Server) -> None:
    """Without an expected digest: what the plan says it does and what it did must be the same."""
    _forge(Path(planned.plan_file), "CREATEDB", "SUPERUSER")
    before = _catalogs(cluster)
    result = planned.process("apply", planned.plan_file)
    _, error = result.communicate(timeout=60)
    assert result.returncode not in (0, None)
    assert "role.app" in error
    assert _catalogs(cluster) == before
    assert cluster.rows("SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == [(False,)]


@pytest.mark.pg("== 18")
@pytest.mark.parametrize("forged", ["COMMIT", "  end", "/* */ COMMIT", "-- x\\nCOMMIT", "ROLLBACK", ""])
def test_a_forged_end_of_the_transaction_is_refused(planned: Project, cluster: Server, forged: str) -> None:
    _forge(Path(planned.plan_file), r"COMMENT ON SCHEMA \"billing\" IS 'cash'", forged)
    _refused(planned, cluster, "is not one that pgplan makes")


@pytest.mark.pg("== 18")
def test_two_statements_in_one_are_refused(planned: Project, cluster: Server) -> None:
    _forge(Path(planned.plan_file), "IS 'cash'", "IS 'cash'; COMMIT")
    before = _catalogs(cluster)
    assert "the plan runs what is not planned here" in planned.run("apply", planned.plan_file, expect=3).err
    planned.run("apply", planned.plan_file, "--trust-plan", expect=1)
    assert _catalogs(cluster) == before


def test_the_digest_is_printed_and_stable(planned: Project) -> None:
    digests: set[str] = set()
    for seed in ("0", "1", "4711"):
        out = planned.run("plan", "--out", planned.plan_file, environment={"PYTHONHASHSEED": seed}).all
        digests.update(re.findall(r"sha256:[0-9a-f]{64}", out))
    assert len(digests) == 1
    planned.run("apply", planned.plan_file, "--expect-digest", digests.pop())


@pytest.mark.pg("== 18")
def test_the_plan_file_is_for_its_owner_only_and_tells_no_address(planned: Project) -> None:
    path = Path(planned.plan_file)
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["manifest.json", "plan.json"]
        plan = archive.read("plan.json").decode()
    assert planned.url not in plan
    assert json.dumps(json.loads(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == plan


@pytest.mark.skipif(16 not in binaries(), reason="needs a server that is built with ICU")
def test_the_order_does_not_depend_on_the_collation_of_the_database(tmp_path: Path) -> None:
    """In Swedish ä comes after z, in German before b, in C after all of ASCII; upper case before, between or after lower."""
    server = Server(16).create()
    names = ("ä", "z", "Z", "a", "B", "b", "_x", "a-b", "ab", "å")
    blocks = "".join(f'[role."{name}"]\n[schema."{name}"]\nowner = "{name}"\n' for name in names)
    grants = "".join(f'[[grant]]\nto = "{name}"\non = {{ schema = ["a", "Z", "ä"] }}\nprivileges = ["USAGE"]\n' for name in names)
    shown: set[str] = set()
    try:
        for locale in ("sv", "de", "C"):
            how = "LOCALE 'C'" if locale == "C" else f"LOCALE_PROVIDER icu ICU_LOCALE '{locale}' LOCALE 'C'"
            server.execute(f"CREATE DATABASE shop TEMPLATE template0 {how}")
            directory = tmp_path / locale
            directory.mkdir()
            project = Project(directory, server.url("shop"))
            project.write(f'[pgplan]\nname = "t"\n[connection]\nurl = "${{env.DATABASE_URL}}"\n{blocks}{grants}')
            project.run("plan", "--out", project.plan_file)
            with zipfile.ZipFile(project.plan_file) as archive:
                plan = json.loads(archive.read("plan.json"))
            shown.add(json.dumps(plan["decided"]))
            server.execute("DROP DATABASE shop")
    finally:
        server.destroy()
    assert len(shown) == 1


SECRETS = """
[variables.p]
sensitive = true
from = { env = "P" }
[variables.q]
sensitive = true
from = { command = ["printenv", "Q"] }
[[user_mapping]]
server = "s1"
user = "PUBLIC"
options = { password = "${var.p}", sslpassword = "${var.q}" }
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('env = "P"', 'env = "Q"', "var.p: the configuration does not take this secret from where it did"),
        ('env = "P"', 'file = "P"', "var.p: the configuration does not take this secret from where it did"),
        ('"printenv", "Q"', '"printenv", "P"', "var.q: the configuration does not take this secret from where it did"),
        (
            '{ password = "${var.p}"',
            '{ password = "${var.q}"',
            "pgplan.toml:39: user_mapping.s1/PUBLIC: the secret options.password is taken from ${var.q}; the plan took it from ",
        ),
    ],
)
def test_a_secret_from_elsewhere_is_not_the_one_that_was_approved(planned: Project, old: str, new: str, said: str) -> None:
    planned.write(CHANGED + SECRETS)
    planned.environment.update(P="approved-p", Q="approved-q")
    planned.run("plan", "--out", planned.plan_file)
    planned.edit(old, new)
    assert f"Error: {said}" in planned.run("apply", planned.plan_file, expect=3).err
    planned.edit(new, old)
    planned.run("apply", planned.plan_file, "--var", "p=approved-p")
