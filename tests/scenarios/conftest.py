"""Each scenario has a server of its own, whose log tells everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import Server, versions

TALKATIVE = {"log_statement": "all", "log_min_duration_statement": "0", "log_lock_waits": "on", "log_error_verbosity": "verbose"}


@pytest.fixture(params=versions(), ids=lambda version: f"pg{version}")
def cluster(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param, settings=TALKATIVE).create()
    yield server
    server.destroy()


@pytest.fixture
def project(cluster: Server, tmp_path: Path) -> Project:
    return Project(tmp_path, cluster.url())
