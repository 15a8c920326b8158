"""The tutorial, followed word by word: every command, and every line that it is said to print."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests import inside
from tests.docs.pages import ROOT, Block, blocks
from tests.project import PGPLAN
from tests.servers import Server

PAGE = ROOT / "docs" / "tutorial" / "first-plan.md"
FILE = Path("pgplan.toml")
CONNECTION = 'url = "${env.DATABASE_URL}"'
BOB = '\n[role.billing_bob]\nlogin = true\nmember_of = ["billing_reader"]\n'


def _steps(block: Block) -> list[tuple[str, str]]:
    """Commands of a console block, and what each prints."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    assert parts[0] == ""
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _pattern(printed: str) -> re.Pattern[str]:
    """``…`` stands for any lines; a digest is never the same. Where nothing is shown, the page says what comes."""
    text = re.sub(r"sha256:[0-9a-f]+", "sha256:[0-9a-f]+", re.escape(printed))
    return re.compile(re.sub(r"(?m)^…\\\n", r"(?:.*\n)*?", text) + (r"(?:.*\n)*" if not printed or "…" in printed else ""))


def _run(command: str, printed: str, environment: dict[str, str]) -> None:
    words = shlex.split(command, comments=True)
    answered = ["--yes"] if words == ["pgplan", "apply"] else []
    code, out, err = inside.run([PGPLAN, *words[1:], *answered], {**os.environ, **environment})
    assert code == (3 if printed.startswith("Error: ") else 2 if words == ["pgplan", "drift"] else 0), err
    assert _pattern(printed).fullmatch(out + err), f"{command} prints:\n{out}{err}\n\nthe page says:\n{printed}"


def _by_hand(server: Server, printed: str) -> None:
    """What is typed into `pgplan psql`."""
    for statement, answer in re.findall(r"^postgres=# ([^\\].*);\n(.*)$", printed, flags=re.MULTILINE):
        server.execute(statement)
        assert statement.startswith(answer)


def _edit(old: str, new: str) -> None:
    text = FILE.read_text()
    assert old in text
    FILE.write_text(text.replace(old, new))


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(18).create()
    monkeypatch.chdir(tmp_path)
    try:
        assert _follow(server) > 12
        assert inside.run([PGPLAN, "destroy", "--yes"], {**os.environ, "DATABASE_URL": server.url()})[0] == 0
    finally:
        server.destroy()


def _follow(server: Server) -> int:
    """How many commands were run. One server, started once, stands for the embedded one."""
    followed = 0
    for block in blocks(PAGE):
        if block.language == "toml" and block.text.startswith("# What this database"):
            assert FILE.read_text().replace(CONNECTION, 'url = "embedded"') == block.text
        elif block.language == "toml":
            assert block.text == BOB.lstrip("\n")
            _edit("login = true\nmember", "login = true\nconnection_limit = 10\nmember")
            FILE.write_text(FILE.read_text() + BOB)
        elif "will be destroyed: no longer declared" in block.text:
            _edit(BOB, "")
        for command, printed in _steps(block) if block.language == "console" else ():
            if command == "cd billing":
                os.chdir("billing")
                _edit('url = "embedded"', CONNECTION)
            elif command == "pgplan psql":
                _by_hand(server, printed)
            else:
                _run(command, printed, {"DATABASE_URL": server.url()})
                followed += 1
    return followed
