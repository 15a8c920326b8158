"""A provider in a package of its own: installed, it passes the suite, and every command knows its kind."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgplan import registry
from tests.project import Project
from tests.servers import Server

PACKAGE = Path(__file__).parent / "package"
OURS = Path(__file__).parents[2]
PUBLIC = {"pgplan.sdk", "pgplan.testing", "pgplan_postgres.sdk"}
TOML = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"

[role.%(u)s_app]
[schema.billing]
owner = "%(u)s_app"
[statistics."public.orders_place"]
table = "public.orders"
columns = ["zip", "city"]
kinds = ["dependencies"]
comment = "they go together"
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed, with its entry point and without a network."""
    source, target = tmp_path_factory.mktemp("source") / "package", tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    how = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *how, "--target", str(target), str(source)], check=True)
    assert (target / "pgplan_statistics" / "py.typed").exists()
    return target


def _path(site: Path) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}


def _look_in(monkeypatch: pytest.MonkeyPatch, path: list[str]) -> None:
    """For packages; no process of pgplan's looks for providers twice."""
    monkeypatch.setattr(sys, "path", path)
    registry._providers.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def project(
    database: str, site: Path, unique: str, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    _look_in(monkeypatch, [str(site), *sys.path])
    server.execute("CREATE TABLE public.orders (id int, city text, zip text)", database=f"{unique}_db")
    made = Project(tmp_path, database)
    made.write(TOML % {"u": unique})
    yield made
    registry._providers.cache_clear()  # pyright: ignore[reportPrivateUsage]
    server.execute(f"DROP DATABASE {unique}_db WITH (FORCE)", f"DROP ROLE IF EXISTS {unique}_app")


@pytest.mark.enough(18)
def test_the_suite_passes(server: Server, site: Path, tmp_path: Path) -> None:
    shutil.copy(PACKAGE / "test_statistics.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | _path(site) | {"DATABASE_URL": server.url()},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_knows_its_kind(project: Project, server: Server, unique: str) -> None:
    database = f"{unique}_db"
    address = "statistics.public.orders_place"
    project.run("validate")
    assert f"+ {address}" in project.run("plan").out
    assert 'CREATE STATISTICS "public"."orders_place" ("dependencies") ON "city", "zip" FROM "public"."orders"' in project.sql()
    project.plan_and_apply()
    assert server.rows("SELECT stxname, stxkind FROM pg_statistic_ext", database) == [("orders_place", ["f"])]

    assert "No drift" in project.run("drift").out
    server.execute("COMMENT ON STATISTICS public.orders_place IS 'no more'", database=database)
    assert address in project.run("drift", expect=2).out
    project.edit('kinds = ["dependencies"]', 'kinds = ["mcv", "dependencies"]\ntarget = 200')
    assert f"-/+ {address}" in project.run("plan").out
    project.plan_and_apply()
    assert f'"{address}"' in project.run("graph").out

    server.execute("CREATE STATISTICS public.other (mcv) ON id, city FROM public.orders", database=database)
    project.write(project.run("import", "statistics.public.other").out, "imported.pgplan.toml")
    project.nothing_to_do()

    project.run("destroy", "--yes", "--include-adopted")
    assert server.rows("SELECT stxname FROM pg_statistic_ext", database) == []


GATEWAY = """
[foreign_data_wrapper.w]
[server.far]
fdw = "w"
[foreign_table."billing.far"]
server = "far"
columns = [{ name = "a", type = "int" }, { name = "b", type = "int" }]
[statistics."billing.far"]
table = "billing.far"
columns = ["a", "b"]
"""


@pytest.mark.enough(18)
def test_it_goes_with_its_table(project: Project) -> None:
    project.write(GATEWAY, "gateway.pgplan.toml")
    project.plan_and_apply()
    project.write("[foreign_data_wrapper.w]\n", "gateway.pgplan.toml")
    assert [line for line in project.sql() if "far" in line] == ['DROP FOREIGN TABLE "billing"."far"', 'DROP SERVER "far"']
    project.plan_and_apply()
    project.run("destroy", "--yes")


@pytest.mark.enough(18)
def test_without_the_package_it_is_missed_by_name(
    project: Project, site: Path, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.plan_and_apply()
    _look_in(monkeypatch, [entry for entry in sys.path if entry != str(site)])
    assert "unknown table [statistics]" in project.run("validate", expect=1).err
    project.write((TOML % {"u": unique}).partition("[statistics.")[0])
    assert "the kind 'statistics', which no installed provider knows" in project.run("plan", expect=1).err


@pytest.mark.enough(18)
def test_a_mistake_has_its_line(project: Project) -> None:
    project.edit('columns = ["zip", "city"]', 'columns = ["zip"]')
    assert "pgplan.toml:12" in project.run("validate", expect=1).err


def test_its_modules_import_only_what_is_public() -> None:
    sources = sorted(PACKAGE.rglob("*.py"))
    assert len(sources) == 4
    for source in sources:
        assert _imported(source) <= PUBLIC, source.name


@pytest.mark.parametrize("source", sorted((OURS / "providers").rglob("*.py")), ids=lambda path: path.name)
def test_the_built_in_kinds_need_no_more_of_the_engine(source: Path) -> None:
    assert {module for module in _imported(source) if module.partition(".")[0] == "pgplan"} <= {"pgplan.sdk"}


def _imported(source: Path) -> set[str]:
    """The modules of pgplan that a file imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {module for module in found if module.partition(".")[0] in ("pgplan", "pgplan_postgres", "pgplan_backends")}
