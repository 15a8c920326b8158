"""The demo, and what becomes of an earlier one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pgplan.database import embedded
from pgplan.demo import TOML, clear, is_left_over
from pgplan.errors import PgplanError
from tests.project import Project


def test_a_demo_starts_over_once_the_earlier_one_is_cleared(directory: Path) -> None:
    project = Project(directory, "")
    played = project.apart("demo").out
    assert "Drift: 3 changed" in played
    assert played.rstrip().count("No changes. The database matches the configuration.") == 1
    assert "is not empty" in project.apart("demo", expect=1).err
    assert is_left_over(directory)
    running = project.process("psql", "--", "-c", "SELECT pg_sleep(60)")
    while not (embedded.data_directory(directory) / "postmaster.pid").exists():
        assert running.poll() is None
    with pytest.raises(PgplanError, match="is running\n  end the pgplan that still uses it"):
        clear(directory)
    running.terminate()
    running.communicate(timeout=60)
    clear(directory)
    assert list(directory.iterdir()) == []
    assert not embedded.data_directory(directory).exists()
    assert re.search(r"Apply complete! [1-9]\d* added", project.apart("demo").out)


def test_only_what_a_demo_left_is_cleared(tmp_path: Path) -> None:
    assert not is_left_over(tmp_path)
    assert not is_left_over(tmp_path / "absent")
    (tmp_path / "pgplan.toml").write_text('[pgplan]\nname = "demo"\n')
    assert not is_left_over(tmp_path)
    (tmp_path / "pgplan.toml").write_text(TOML)
    assert is_left_over(tmp_path)
    (tmp_path / "mine.txt").touch()
    assert not is_left_over(tmp_path)
