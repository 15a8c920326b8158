"""The examples of the library's page run, one after another, and print what it says."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks
from tests.servers import Server

PAGE = ROOT / "docs" / "reference" / "library.md"
TEXT = """
[pgplan]
name = "billing"

[connection]
url = "${env.DATABASE_URL}"

[variables.app]
type = "string"

[role.app]
name = "${var.app}"

[schema.billing]
owner = "${var.app}"
"""


def test_the_examples_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(18).create()
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "pgplan.toml").write_text(TEXT.lstrip("\n"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", server.url())
    names: dict[str, Any] = {}
    printed = expected = ""
    compared = 0
    try:
        for block in blocks(PAGE):
            if block.language == "python":
                assert printed == "", f"{block.place}: the example before prints something that the page does not show"
                output = io.StringIO()
                with contextlib.redirect_stdout(output):
                    exec(compile(block.text, block.place, "exec"), names)
                printed = output.getvalue()
            elif block.mark == "prints":
                expected = block.text
                assert printed == expected, block.place
                printed, compared = "", compared + 1
    finally:
        server.destroy()
    assert compared > 4
