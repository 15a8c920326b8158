from __future__ import annotations

from pathlib import Path

import pytest

from tests.apply.world import World
from tests.servers import Server


@pytest.fixture
def world(server: Server, database: str, unique: str, tmp_path: Path) -> World:
    assert database
    return World(server, tmp_path, f"{unique}_db")
