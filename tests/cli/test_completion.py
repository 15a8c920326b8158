"""Completion in the shell: what bash is told after a TAB."""

from __future__ import annotations

from tests.project import Project

TEXT = '[pgplan]\nname = "{0}"\n\n[connection]\nurl = "${{env.DATABASE_URL}}"\n\n[role.{0}_app]\n'


def _completed(project: Project, line: str) -> list[str]:
    """What completes the last word of `line`."""
    words = line.split(" ")
    environment = {"_PGPLAN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    process = project.process(environment=environment)
    out, err = process.communicate(timeout=60)
    assert err == ""
    return [line.partition(",")[2] for line in out.split()]


def test_commands_and_options(offline: Project) -> None:
    assert _completed(offline, "pgplan pl") == ["plan"]
    assert _completed(offline, "pgplan state ") == ["list", "show", "mv", "rm", "rebind"]
    assert _completed(offline, "pgplan plan --de") == ["--destroy", "--detailed-exitcode"]
    assert _completed(offline, "pgplan plan --format m") == ["markdown"]
    assert _completed(offline, "pgplan help dr") == ["drift"]
    assert "plan" in _completed(offline, "pgplan plna ")
    assert _completed(offline, "pgplan state show role.") == []


def test_addresses_without_a_connection(project: Project, unique: str) -> None:
    project.write(TEXT.format(unique))
    project.run("apply", "--yes")
    project.write(TEXT.format(unique) + f"[role.{unique}_new]\n[schema.{unique}_s]\n")
    url, project.url = project.url, "postgresql://nobody@/nowhere?host=/nowhere"
    here = f"-C {project.directory} "
    assert _completed(project, f"pgplan {here}state show role") == [f"role.{unique}_app"]
    assert _completed(project, f"pgplan state show {here}") == [f"role.{unique}_app"]
    assert _completed(project, f"pgplan {here}import role.") == [f"role.{unique}_new"]
    assert _completed(project, f"pgplan {here}import ") == [f"role.{unique}_new", f"schema.{unique}_s"]
    project.url = url
    project.write(TEXT.format(unique))
    project.run("destroy", "--yes")
