"""What a plan looks like, kept in files: UPDATE_GOLDEN=1 writes them anew, and git shows the difference."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pgplan.plan.model import Plan
from pgplan.render.json import json_text
from pgplan.render.markdown import markdown
from pgplan.render.sql import sql_text
from pgplan.render.text import text
from tests.render.plans import DIGEST, EVERYTHING, HOSTILE, NOTHING

GOLDEN = Path(__file__).parent / "golden"
FORMS: dict[str, Callable[[Plan], str]] = {
    "txt": text,
    "colour.txt": lambda plan: text(plan, colour=True).replace("\x1b", "ESC"),
    "json": lambda plan: json_text(plan, DIGEST),
    "md": lambda plan: markdown(plan, DIGEST),
    "sql": lambda plan: sql_text(plan, DIGEST),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "plan"), [("everything", EVERYTHING), ("hostile", HOSTILE), ("nothing", NOTHING)])
def test_golden(name: str, plan: Plan, form: str) -> None:
    path = GOLDEN / f"{name}.{form}"
    rendered = FORMS[form](plan)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(rendered.encode())
    assert rendered.encode() == path.read_bytes()
