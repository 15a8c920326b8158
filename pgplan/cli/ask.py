"""Questions to a person at a terminal. The only module that imports questionary."""

from __future__ import annotations

import sys

import questionary
from prompt_toolkit.output import create_output

from pgplan.errors import Exit, PgplanError


def approve(question: str) -> bool:
    """Whether the answer is yes; anything else is no. Raises PgplanError with exit code 130 on Ctrl-C."""
    try:
        answer = _text(f"{question} (yes or no):")
    except KeyboardInterrupt:
        raise PgplanError("interrupted; nothing was changed", exit_code=Exit.INTERRUPTED) from None
    return answer.strip().lower() in ("y", "yes")


def choose(question: str, choices: dict[str, str]) -> str:
    """One of the keys of `choices`, shown with their descriptions."""
    options = [questionary.Choice(title=text, value=key) for key, text in choices.items()]
    answer: str = questionary.select(question, choices=options, output=create_output(stdout=sys.stderr)).unsafe_ask()
    return answer


def ask(question: str, default: str = "") -> str:
    return _text(question, default)


def _text(question: str, default: str = "") -> str:
    # On standard error, since standard output may be a file.
    answer: str = questionary.text(question, default=default, output=create_output(stdout=sys.stderr)).unsafe_ask()
    return answer
