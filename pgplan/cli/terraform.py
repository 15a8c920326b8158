"""Hints for hands that are used to Terraform: its options take one dash, pgplan's take two."""

from __future__ import annotations

from collections.abc import Sequence

import click

_SAME = (
    "auto-approve",
    "destroy",
    "detailed-exitcode",
    "exclude",
    "help",
    "lock-timeout",
    "no-color",
    "out",
    "replace",
    "target",
    "var",
    "var-file",
    "version",
)
_OTHER = {
    "chdir": "-C DIR",
    "input": "--no-input",
    "json": "--format json",
}
_NEEDLESS = {
    "backend-config": "[state] in pgplan.toml says where the state is",
    "force": "--yes, if no question is wanted",
    "lock": "the state is always locked where that is needed",
    "parallelism": "an apply is one transaction",
    "reconfigure": "[state] in pgplan.toml says where the state is",
    "refresh": "the catalogs are always read",
    "upgrade": "there are no plugins to upgrade",
}
_LONG_TOO = ("chdir", "input", "json", *_NEEDLESS)


def refuse_terraform_flags(arguments: Sequence[str]) -> None:
    """Raise click's UsageError, with what to write instead, for one of Terraform's options."""
    for argument in arguments:
        if argument == "--":
            return
        dashes = len(argument) - len(argument.lstrip("-"))
        name = argument.lstrip("-").partition("=")[0]
        hint = _hint(name, argument) if dashes == 1 or (dashes and name in _LONG_TOO) else ""
        if hint:
            raise click.UsageError(f"There is no option {'-' * dashes}{name}. {hint}")


def _hint(name: str, argument: str) -> str:
    if name in _SAME:
        _, equals, _ = argument.partition("=")
        # A value may be a secret: it is not repeated.
        return f"Options of more than one letter take two dashes: --{name}{'=…' if equals else ''}"
    if name in _OTHER:
        return f"Use {_OTHER[name]}."
    if name in _NEEDLESS:
        return f"It is not needed: {_NEEDLESS[name]}."
    return ""
