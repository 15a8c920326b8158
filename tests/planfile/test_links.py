"""A plan file is written where it was asked for, whoever put a symbolic link in the way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgplan import planfile
from pgplan.errors import PgplanError
from pgplan.files import refuse_foreign_link
from tests.planfile.plans import REMARKS, plan


@pytest.mark.parametrize(("mode", "refused"), [(0o755, False), (0o775, True), (0o777, True), (0o1777, True)])
@pytest.mark.parametrize("through", ["the file", "a directory"])
def test_a_link_where_others_may_write_is_not_followed(tmp_path: Path, mode: int, refused: bool, through: str) -> None:
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    mine.mkdir()
    shared.mkdir()
    target = shared / "plan.bin" if through == "the file" else shared / "out" / "plan.bin"
    (target if through == "the file" else target.parent).symlink_to(mine / "plan.bin" if through == "the file" else mine)
    shared.chmod(mode)
    if not refused:
        refuse_foreign_link(target)
        return
    with pytest.raises(OSError, match="a symbolic link in a directory that others may write to"):
        refuse_foreign_link(target)


def test_no_link_is_no_matter(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    refuse_foreign_link(tmp_path / "plan.bin")


def test_the_plan_is_not_written_then(tmp_path: Path) -> None:
    (tmp_path / "plan.bin").symlink_to(tmp_path / "elsewhere")
    tmp_path.chmod(0o777)
    manifest = planfile.manifest(plan(), REMARKS, (), datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(PgplanError, match="cannot be written: it is reached by a symbolic link"):
        planfile.write(tmp_path / "plan.bin", plan(), manifest)
    assert not (tmp_path / "elsewhere").exists()
