"""Every TOML block of the documentation loads, and those of the kinds do on a real server what their page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgplan.configuration.load import load
from pgplan.configuration.model import Inputs
from pgplan.registry import installed
from tests.docs.pages import EXAMPLES, KINDS, PAGES, Block, Example, examples, of_file
from tests.project import Project
from tests.servers import Server, versions

pytestmark = pytest.mark.enough(18)

ALL = [example for page in PAGES for example in examples(page)] + [of_file(path) for path in EXAMPLES]
RUNNABLE = [example for page in sorted(KINDS.glob("*.md")) for example in examples(page)] + [of_file(p) for p in EXAMPLES]
CONNECTION = '[connection]\nurl = "${env.DATABASE_URL}"\n'


def _place(example: Example) -> str:
    return example.toml.place


def _complete(block: Block) -> bool:
    return re.search(r"^\[pgplan\]", block.text, re.MULTILINE) is not None


def _environment(text: str) -> dict[str, str]:
    """A value for every variable of the environment that a block names."""
    names = re.findall(r'env = "(\w+)"|\$\{env\.(\w+)\}', text)
    return {name: "postgresql:///x" if name.endswith("URL") else "s3cret-4711" for pair in names for name in pair if name}


def _write(directory: Path, block: Block) -> None:
    """A complete block is pgplan.toml; a fragment stands beside one that names the configuration. What a fragment takes from
    another block of its page is declared for it."""
    if _complete(block):
        (directory / "pgplan.toml").write_text(block.text)
        return
    used = set(re.findall(r"\$\{var\.(\w+)\}", block.text)) - set(re.findall(r"^\[variables\.(\w+)\]", block.text, re.MULTILINE))
    declared = "".join(f'[variables.{name}]\nsensitive = true\nfrom = {{ env = "A_PASSWORD" }}\n' for name in sorted(used))
    (directory / "pgplan.toml").write_text(f'[pgplan]\nname = "docs"\n{declared}')
    (directory / "block.pgplan.toml").write_text(block.text)


@pytest.mark.parametrize("example", ALL, ids=_place)
def test_every_block_loads(example: Example, tmp_path: Path) -> None:
    _write(tmp_path, example.toml)
    environment = {"A_PASSWORD": "s3cret-4711"} | _environment(example.toml.text)
    load(tmp_path, installed(), Inputs(environ=environment), resolve_secrets=False)


@pytest.fixture(scope="module", params=versions(), ids=lambda version: f"pg{version}")
def cluster(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that the pages have to themselves: their roles have the names that a reader would give them."""
    running = Server(request.param).create()
    yield running
    running.destroy()


@pytest.fixture
def project(cluster: Server, tmp_path: Path) -> Iterator[Project]:
    cluster.execute("CREATE DATABASE app")
    yield Project(tmp_path, cluster.url("app"))
    cluster.execute("DROP DATABASE app WITH (FORCE)")
    roles = cluster.rows("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'")
    if roles:
        cluster.execute(f"DROP ROLE {', '.join(role for (role,) in roles)}")


@pytest.mark.parametrize("example", RUNNABLE, ids=_place)
def test_the_blocks_of_kinds_run(example: Example, project: Project, cluster: Server) -> None:
    if cluster.version < example.toml.since:
        pytest.skip(f"the block is about PostgreSQL {example.toml.since} and newer")
    for sql in example.setup:
        cluster.execute(sql, database="app")
    _write(project.directory, example.toml)
    project.environment |= {"A_PASSWORD": "s3cret-4711"} | _environment(example.toml.text)
    if "[connection]" in example.toml.text:
        project.edit('url = "embedded"', 'url = "${env.DATABASE_URL}"')
    else:
        project.write(CONNECTION, "connection.pgplan.toml")
    if example.plan is not None and cluster.version >= example.plan.since:
        assert project.sql() == [line.removesuffix(";") for line in example.plan.text.splitlines()]
    project.plan_and_apply()
    if "[database." in example.toml.text and not re.search(r"^\[policy", example.toml.text, re.MULTILINE):
        # Only who says so loses what a database holds; and only then its owner can go.
        project.write('[policy.database]\nremoved = "delete"\n', "policy.pgplan.toml")
    project.run("destroy", "--yes")


def test_the_marks_are_known() -> None:
    """A mark with a typo would leave its block untested."""
    marks = {match for page in PAGES for match in re.findall(r"^<!-- (.*) -->$", page.read_text(), re.MULTILINE)}
    assert all(re.fullmatch(r"setup|prints|plan( >= \d+)?|pg >= \d+|from \S+", mark) for mark in marks), marks


def test_every_kind_has_an_example_whose_sql_is_shown() -> None:
    shown = {example.toml.page.stem for example in RUNNABLE if example.plan is not None}
    assert shown == set(installed().kinds)
