"""What a plan looks like, kept in files: UPDATE_GOLDEN=1 writes them anew, and git shows the difference."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pgplan.plan.model import Plan, Remarks
from pgplan.render.json import json_text
from pgplan.render.markdown import markdown
from pgplan.render.sql import sql_text
from pgplan.render.text import text
from tests.render.plans import DIGEST, EVERYTHING, HOSTILE, HOSTILE_REMARKS, NOTHING, REMARKS, SURVEYED

GOLDEN = Path(__file__).parent / "golden"
FORMS: dict[str, Callable[[Plan, Remarks], str]] = {
    "txt": text,
    "colour.txt": lambda plan, remarks: text(plan, remarks, colour=True).replace("\x1b", "ESC"),
    "json": lambda plan, remarks: json_text(plan, remarks, DIGEST),
    "md": lambda plan, remarks: markdown(plan, remarks, DIGEST),
    "sql": lambda plan, remarks: sql_text(plan, remarks, DIGEST),
}
PLANS = [("everything", EVERYTHING, SURVEYED), ("hostile", HOSTILE, HOSTILE_REMARKS), ("nothing", NOTHING, REMARKS)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "plan", "remarks"), PLANS, ids=[name for name, _, _ in PLANS])
def test_golden(name: str, plan: Plan, remarks: Remarks, form: str) -> None:
    path = GOLDEN / f"{name}.{form}"
    rendered = FORMS[form](plan, remarks)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(rendered.encode())
    assert rendered.encode() == path.read_bytes()
