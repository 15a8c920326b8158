"""The command line is tested on one version: what differs between servers is tested below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server(18).create()
    yield running
    running.destroy()


@pytest.fixture
def project(tmp_path: Path, database: str) -> Project:
    return Project(tmp_path, database)


@pytest.fixture
def offline(tmp_path: Path) -> Project:
    """A project whose server does not exist."""
    return Project(tmp_path, f"postgresql://nobody@/nowhere?host={tmp_path}")
