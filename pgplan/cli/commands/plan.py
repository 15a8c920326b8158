"""`pgplan plan`."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path

import click

from pgplan.cli.asked import check_together, part_options, replace_option, spelled
from pgplan.cli.forms import Form, format_option, rendered
from pgplan.cli.frame import Command
from pgplan.cli.options import Common
from pgplan.cli.projects import project
from pgplan.cli.terminal import out, say, watching
from pgplan.errors import Exit
from pgplan.planfile import duration
from pgplan.planned import Plan
from pgplan.workflow import loss


def _duration(ctx: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    try:
        return None if value is None else duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


@click.command(
    cls=Command,
    examples=(
        "pgplan plan",
        "pgplan plan --out plan.bin --expires 12h",
        "pgplan plan --rehearse --out plan.bin",
        "pgplan plan --target 'role.*' --exclude role.old",
        "pgplan plan --detailed-exitcode --format markdown",
    ),
)
@click.option(
    "--out", "path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save the plan there, for apply."
)
@click.option("--destroy", is_flag=True, help="Plan to drop and revoke what pgplan made.")
@click.option("--include-adopted", is_flag=True, help="With --destroy: what was adopted too.")
@part_options
@replace_option
@click.option("--rehearse", is_flag=True, help="Run it as apply would, on the primary, in a transaction that is rolled back.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@click.option(
    "--expires", callback=_duration, metavar="TIME", help="With --out: refuse to apply it after this time, such as 12h or 7d."
)
@format_option
@click.pass_obj
def command(
    common: Common,
    path: Path | None,
    expires: timedelta | None,
    form: Form,
    *,
    destroy: bool,
    include_adopted: bool,
    target: tuple[str, ...],
    exclude: tuple[str, ...],
    replace: tuple[str, ...],
    detailed_exitcode: bool,
    rehearse: bool,
) -> int:
    """Show what would change, and save it.

    Changes nothing. A plan that was saved can be shown, approved by its digest, and applied exactly as it is.

    In a PATTERN * stands for any text and ? for one character. What a plan leaves out is neither changed nor compared.

    --rehearse finds what only running it shows: plan fails where apply would. It waits 1 s for a lock (else exit code 4) and
    takes 30 s at most; others wait for the locks that it holds until its rollback. What no rollback undoes stays: values of
    sequences, and what event triggers and scripts of extensions do outside of the transaction, with dblink for instance. The plan
    says what was not rehearsed.
    """
    check_together(destroy=destroy, include_adopted=include_adopted, replace=replace)
    if expires is not None and path is None:
        raise click.UsageError("--expires goes with --out.")
    with project(common) as opened, watching(common) as tell:
        plan = opened.plan(
            destroy=destroy,
            include_adopted=include_adopted,
            target=target,
            exclude=exclude,
            replace=replace,
            valid_for=expires,
            rehearse=rehearse,
            on_event=tell,
        )
        if path is not None:
            plan.save(path)
    out(rendered(plan, form, common))
    if path is not None:
        _say_saved(common, plan, path)
    if plan.lost:
        raise loss(plan.lost)
    return Exit.PENDING if detailed_exitcode and plan.changes else Exit.DONE


def _say_saved(common: Common, plan: Plan, path: Path) -> None:
    where = [] if common.chosen_directory is None else ["-C", str(common.chosen_directory)]
    options = spelled(plan.model.decided.options)
    same = " with the same --var and --var-file" if common.variables or common.var_files else ""
    say(common, f"\nSaved the plan to {common.shown(path)}, digest {plan.digest}")
    say(common, f"To make exactly these changes: {shlex.join(['pgplan', *where, 'apply', str(path), *options])}{same}")
