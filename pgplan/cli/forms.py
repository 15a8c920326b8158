"""The forms in which a plan can be shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

import click

from pgplan import registry as registries
from pgplan.cli.options import Common
from pgplan.errors import Exit, PgplanError, Problem
from pgplan.planned import Plan
from pgplan.render.omission import shortened

Form = Literal["text", "json", "markdown", "sql"]

format_option: Callable[[Callable[..., object]], Callable[..., object]] = click.option(
    "--format",
    "form",
    type=click.Choice(get_args(Form)),
    default="text",
    metavar="FORM",
    help="How to show the plan: text (the default), json, markdown or sql.",
)


class PlanFile(click.Path):
    """A saved plan that is there; in a pipeline it comes from the job that made it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        if path.is_file():
            return path
        if path.exists():
            raise PgplanError(Problem(f"{path} is not a file; a plan file is"), exit_code=Exit.USAGE)
        hint = f"was it downloaded from the job that made it? Or make one with: pgplan plan --out {path}"
        raise PgplanError(Problem(f"the plan file {path} does not exist", hint=hint), exit_code=Exit.USAGE)


def rendered(shown: Plan, form: Form, common: Common) -> str:
    """The plan in one of the forms, ending with a line break."""
    plan, remarks, digest = shown.model, shown.remarks, shown.digest
    if form in ("text", "markdown"):
        plan = shortened(plan, registries.installed().kinds)
    if form == "text":
        return str(import_module("pgplan.render.text").text(plan, remarks, colour=common.colour(sys.stdout)))
    renderer = {"json": "json_text", "markdown": "markdown", "sql": "sql_text"}[form]
    return str(getattr(import_module(f"pgplan.render.{form}"), renderer)(plan, remarks, digest))
