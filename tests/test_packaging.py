"""What is in the wheel, and how its parts are found."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = {"pgplan", "pgplan_postgres", "pgplan_backends"}


def test_the_wheel_holds_three_packages_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], check=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert {"pgplan/sdk.py", "pgplan/testing/__init__.py", "pgplan_postgres/sdk.py"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_kinds_and_backends_come_by_entry_point() -> None:
    for group, name in (("pgplan.providers", "postgres"), ("pgplan.state_backends", "local")):
        (point,) = entry_points(group=group, name=name)
        assert point.load() is not None
