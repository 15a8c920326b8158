"""From arguments to an exit code: every way a command can end, and what is shown of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from pgplan.cli.commands import pgplan
from pgplan.cli.failures import show_errors, show_unexpected, show_usage_error
from pgplan.cli.options import Common
from pgplan.cli.terminal import flush_streams
from pgplan.cli.terraform import refuse_terraform_flags
from pgplan.errors import Exit, PgplanError


def run(arguments: Sequence[str]) -> int:
    """Run the command line. Never raises but for SystemExit of the interpreter itself; prints errors to standard error."""
    common = Common()
    code = _guarded(arguments, common)
    flush_streams()
    return code


def _guarded(arguments: Sequence[str], common: Common) -> int:
    try:
        return _run(arguments, common)
    except BrokenPipeError:
        return Exit.DONE
    except (KeyboardInterrupt, click.Abort):
        with suppress(OSError):
            click.echo("\nInterrupted.", err=True)
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - what nobody foresaw must not print values
        return _failed(error, common)


def _run(arguments: Sequence[str], common: Common) -> int:
    refuse_terraform_flags(arguments)
    code = pgplan.main(list(arguments), prog_name="pgplan", standalone_mode=False, obj=common)
    return code if isinstance(code, int) else Exit.DONE


def _failed(error: Exception, common: Common) -> int:
    """The exit code of an error, which is shown where that is possible."""
    with suppress(OSError):
        _show(error, common)
    if isinstance(error, click.UsageError):
        return Exit.USAGE
    return error.exit_code if isinstance(error, PgplanError) else Exit.ERROR


def _show(error: Exception, common: Common) -> None:
    colour = common.colour(sys.stderr)
    if isinstance(error, click.UsageError):
        show_usage_error(error, colour=colour)
    elif isinstance(error, PgplanError):
        show_errors(error.problems, colour=colour)
    elif isinstance(error, click.ClickException):
        show_errors([error.format_message()], colour=colour)
    else:
        show_unexpected(error, details=common.debug, colour=colour)
