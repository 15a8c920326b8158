"""--events FILE: everything that happens, one JSON object a line (https://github.com/ndjson/ndjson-spec)."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from pgplan.errors import PgplanError, Problem
from pgplan.events import Event, Listener, document, unheard
from pgplan.files import refuse_foreign_link


@contextmanager
def writing(path: Path | None) -> Generator[Listener]:
    """What appends each event that it hears to the file, readable by its owner alone; nothing without one.

    Raises PgplanError when the file cannot be opened. That it cannot be written later stops nothing, but is said.
    """
    if path is None:
        yield unheard
        return
    try:
        refuse_foreign_link(path)
        file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8")  # noqa: PTH123, SIM115
    except OSError as error:
        raise PgplanError(Problem(f"events cannot be written to {path}: {error.strerror}")) from None
    failed: list[OSError] = []

    def write(event: Event) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            file.write(json.dumps({"at": at, **document(event)}) + "\n")
            file.flush()
        except OSError as error:
            failed.append(error)

    try:
        yield write
    finally:
        try:
            file.close()
        except OSError as error:
            failed.append(error)
        if failed:
            click.echo(f"Some events could not be written to {path}: {failed[0].strerror}", err=True)
