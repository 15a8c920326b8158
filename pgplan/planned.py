"""A plan as it is handed on: with what is said with it, to be looked at, saved and applied. No driver is imported here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attrs import field, frozen

from pgplan import planfile
from pgplan.plan.model import Change, Remarks
from pgplan.plan.model import Plan as Model
from pgplan.planfile import Manifest
from pgplan.render.json import document


@frozen(eq=False)
class Plan:
    """Exactly what would be done, to be looked at, saved and applied. It holds no value of a secret."""

    model: Model
    """All of it, as data: what was decided and what was observed."""
    about: Manifest = field(repr=False)
    """What is said with it, but is no part of it."""
    lost: str = ""
    """How the database went back in time since the last apply, in words: it is applied only from a file that was looked at."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What adds, changes, removes, adopts or forgets something, by address."""
        return self.model.pending_changes

    @property
    def digest(self) -> str:
        """``sha256:…``: the same for the same configuration, options, state, database and role."""
        return self.about.digest

    @property
    def remarks(self) -> Remarks:
        return self.about.remarks

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""
        return self.remarks.notes

    def document(self) -> dict[str, Any]:
        """The plan in the words of Terraform's JSON, as ``pgplan plan --format json`` prints it."""
        return document(self.model, self.remarks, self.digest)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan file, mode 0600. Raises PgplanError when it cannot be written."""
        planfile.write(Path(path), self.model, self.about)


def load(path: str | os.PathLike[str]) -> Plan:
    """Read a plan file. Raises PgplanError when it cannot be read, StaleError when it is damaged or of another format."""
    return Plan(*planfile.read(Path(path)))
