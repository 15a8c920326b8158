"""The options that say what a plan is about, for every command that makes one."""

from __future__ import annotations

from collections.abc import Callable

import click

from pgplan.cli.completion import managed
from pgplan.plan.model import Options

Decorator = Callable[[Callable[..., object]], Callable[..., object]]


def _patterns(name: str, text: str) -> Decorator:
    return click.option(name, multiple=True, metavar="PATTERN", help=text, shell_complete=managed)


_target = _patterns("--target", "Only addresses like this, and what they need. May be repeated.")
_exclude = _patterns("--exclude", "All but addresses like this, and what cannot be without them. May be repeated.")
replace_option = _patterns("--replace", "Drop and create addresses like this, whatever differs. May be repeated.")


def part_options(command: Callable[..., object]) -> Callable[..., object]:
    """--target and --exclude."""
    return _target(_exclude(command))


def check_together(*, destroy: bool, include_adopted: bool, replace: tuple[str, ...]) -> None:
    """Raise click's UsageError for options that do not go together."""
    if include_adopted and not destroy:
        raise click.UsageError("--include-adopted goes with --destroy.")
    if replace and destroy:
        raise click.UsageError("--replace does not go with --destroy.")


def spelled(options: Options) -> list[str]:
    """The options as a command line has them."""
    patterns = (("--target", options.target), ("--exclude", options.exclude), ("--replace", options.replace))
    said = [word for name, values in patterns for value in values for word in (name, value)]
    return [*(["--destroy"] if options.destroy else ()), *(["--include-adopted"] if options.include_adopted else ()), *said]
