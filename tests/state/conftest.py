"""Every state backend passes the same tests: a new one joins by its name here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pgplan.state.backend import Backend
from pgplan_backends.local import LocalBackend

Open = Callable[[], Backend]
"""Opens the same place again, as another process would. It is handed to processes, so it must be picklable."""


class OpenLocal:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self) -> Backend:
        return LocalBackend({}, self.directory)


@pytest.fixture(params=[OpenLocal], ids=["local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    opener: Open = request.param(tmp_path)
    return opener
