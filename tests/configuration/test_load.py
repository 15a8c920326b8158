from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from pgplan.configuration.load import Inputs, add_lines, load
from pgplan.errors import ConfigurationError, Problem, RefusedError, Source
from tests.configuration.conftest import HEADER, Project
from tests.configuration.kinds import registry


def test_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "more.pgplan.toml").write_text("[role.a]\n")
    for directory in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigurationError, match="run `pgplan init`") as caught:
            load(directory, registry(), Inputs(), resolve_secrets=True)
        assert f"there is no pgplan.toml in {directory}" in str(caught.value)


def test_files_in_order(project: Project) -> None:
    project.write("").write("[role.b]\n", "b.pgplan.toml").write("[role.a]\n", "a.pgplan.toml")
    project.write("not = [TOML", ".#hidden.pgplan.toml").write("not = [TOML", "other.toml")
    configuration = project.load()
    assert [name for name, _ in configuration.files] == ["pgplan.toml", "a.pgplan.toml", "b.pgplan.toml"]
    assert configuration.files[0][1] == hashlib.sha256(HEADER.encode()).hexdigest()
    assert [(one.address, one.sources) for one in configuration.declared] == [
        ("role.a", (Source("a.pgplan.toml"),)),
        ("role.b", (Source("b.pgplan.toml"),)),
    ]


def test_files_that_cannot_be_read(project: Project) -> None:
    project.write("[role.a]\nlogin = \n")
    (project.directory / "a.pgplan.toml").write_bytes(b"[role.b]\n# caf\xe9\n")
    (project.directory / "b.pgplan.toml").write_bytes("[role.b]\n".encode("utf-16"))
    (project.directory / "c.pgplan.toml").mkdir()
    (project.directory / "d.pgplan.toml").write_text("a = " + "[" * 100_000)
    project.write("[role.a]\n[role.a]\n", "e.pgplan.toml")
    assert [problem.splitlines()[0] for problem in project.problems()] == [
        "a.pgplan.toml:2: it is not UTF-8 text",
        "b.pgplan.toml:1: it is not UTF-8 text",
        "c.pgplan.toml: cannot read it: Is a directory",
        "d.pgplan.toml: arrays or tables are nested too deeply",
        "e.pgplan.toml:2: [role.a] stands here a second time, after line 1",
        "pgplan.toml:4: there is no value that TOML knows (column 9)",
    ]


def test_byte_order_mark_and_line_ends(project: Project) -> None:
    (project.directory / "pgplan.toml").write_bytes(b'\xef\xbb\xbf[pgplan]\r\nname = "x"\r\n[role.a]\r\nlogn = 1\r\n')
    assert project.problems() == ["pgplan.toml:4: role.a: unknown key 'logn'\n  did you mean 'login'?"]


def test_lines_for_what_is_found_later(project: Project) -> None:
    configuration = project.write("\n[role.a]\n").load()
    (source,) = configuration.declared[0].sources
    error = RefusedError(
        Problem("no such role", source, "role.a", "say another"),
        Problem("no such role", Source("other.toml"), "role.a"),
        Problem("no address", source),
        Problem("it has one", Source("pgplan.toml", 1), "role.a"),
    )
    add_lines(error, configuration)
    assert str(error).splitlines() == [
        "other.toml: role.a: no such role",
        "pgplan.toml: no address",
        "pgplan.toml:1: role.a: it has one",
        "pgplan.toml:4: role.a: no such role",
        "  say another",
    ]


def test_imports_are_late() -> None:
    """`pgplan --version` and completion import the loader, but read nothing."""
    heavy = "{'cattrs', 'tomli', 'packaging', 'subprocess', 'psycopg'}"
    program = (
        f"import sys, pgplan.configuration.sources, pgplan.configuration.variables; print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_loop_is_told_as_a_path_with_its_line(tmp_path: Path) -> None:
    pairs = (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    text = "".join(f'[[membership]]\nrole = "{role}"\nmember = "{member}"\n' for role, member in pairs)
    (tmp_path / "pgplan.toml").write_text(f'[pgplan]\nname = "t"\n{text}')
    with pytest.raises(
        ConfigurationError, match=r"pgplan.toml:\d+: membership.*dependency cycle: (\w → ){3}\w \(member → role\)"
    ):
        load(tmp_path, registry(), Inputs(), resolve_secrets=False)
