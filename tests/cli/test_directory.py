"""``-C DIR``: as if pgplan had been started there, as with git, make and tar."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.project import PGPLAN, Project

TEXT = '[pgplan]\nname = "{0}"\n\n[connection]\nurl = "${{env.DATABASE_URL}}"\n\n[role.{0}_app]\ncomment = "${{var.text}}"\n'


def _from(directory: Path, project: Project, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PGPLAN, *arguments],
        check=False,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=directory,
        env={**os.environ, "DATABASE_URL": project.url},
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


@pytest.fixture
def above(project: Project, unique: str) -> Path:
    """The directory from where pgplan is started; the configuration is in ``a/b`` below it."""
    (project.directory / "a" / "b").mkdir(parents=True)
    project.write(TEXT.format(unique) + "[variables.text]\n", "a/b/pgplan.toml")
    project.write('text = "one"\n', "a/b/vars.toml")
    return project.directory


def test_every_path_is_relative_to_it_wherever_it_stands(above: Path, project: Project, unique: str) -> None:
    saved = _from(above, project, "--var-file", "vars.toml", "plan", "--out", "plan.bin", "-C", "a/b")
    assert (above / "a" / "b" / "plan.bin").exists()
    assert not (above / "plan.bin").exists()
    assert "Saved the plan to a/b/plan.bin, digest" in saved.stderr
    assert "pgplan -C a/b apply plan.bin" in saved.stderr
    _from(above, project, "-C", "a/b", "show", "plan.bin")
    _from(above, project, "apply", "plan.bin", "-C", "a/b", "--var-file", "vars.toml")
    assert (above / "a" / "b" / ".pgplan" / "state.json").exists()
    assert _from(above, project, "state", "-C", "a/b", "list").stdout == f"role.{unique}_app\n"
    _from(above, project, "-C", "a/b", "destroy", "--yes", "--var-file", "vars.toml")


def test_each_is_relative_to_the_one_before(above: Path, project: Project) -> None:
    _from(above, project, "-C", "a", "validate", "-C", "b", "--var-file", "vars.toml")
    _from(above, project, "-C", "a", "-C", "b", "validate", "--var-file", str(above / "a" / "b" / "vars.toml"))
    _from(above, project, "-C", "elsewhere", "-C", str(above / "a/b"), "validate", "--var-file", "vars.toml")


def test_one_that_cannot_be_entered_is_named(above: Path, project: Project) -> None:
    (above / "file").write_text("")
    for name, why in (("absent", "No such file or directory"), ("file", "Not a directory")):
        for arguments in (("-C", name, "plan"), ("plan", "-C", name)):
            error = _from(above, project, *arguments, expect=1).stderr
            assert error.startswith(f"Error: cannot change to the directory {name}: {why}\n")
            assert "pgplan -C DIR init" in error
    error = _from(above, project, "-C", "a", "plan", expect=1).stderr
    assert f"there is no pgplan.toml in {above / 'a'}" in error
    error = _from(above, project, "-C", "a/b", "plan", "--var-file", "absent.toml", expect=1).stderr
    assert "Error: absent.toml: cannot read it: No such file or directory" in error


def test_init_makes_it(above: Path, project: Project) -> None:
    _from(above, project, "-C", "new", "init", "-C", "er", "--embedded")
    _from(above, project, "-C", "new/er", "validate")
