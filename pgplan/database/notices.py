"""What the server says beside its answers. Some notices mean that a statement did less than it was asked to.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import psycopg
from attrs import define, field, frozen

FAILURES = {
    "01006": "a privilege was not revoked",
    "01007": "not all privileges were granted",
    "42622": "a name was cut to 63 bytes",
}
"""SQLSTATEs of mere warnings that pgplan treats as failures, with what they mean."""


@frozen
class Notice:
    """One notice or warning; its context is left out, since it quotes statements."""

    sqlstate: str
    severity: str
    message: str
    detail: str = ""
    hint: str = ""

    @property
    def failure(self) -> str:
        """What it means as a failure, "" when it is only to be shown."""
        return FAILURES.get(self.sqlstate, "")

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}" + (f" ({self.detail})" if self.detail else "")


@define
class Notices:
    """Collects the notices of one connection; register it with ``add_notice_handler``."""

    _collected: list[Notice] = field(factory=list[Notice])

    def __call__(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        self._collected.append(
            Notice(
                diagnostic.sqlstate or "",
                diagnostic.severity_nonlocalized or diagnostic.severity or "",
                diagnostic.message_primary or "",
                diagnostic.message_detail or "",
                diagnostic.message_hint or "",
            )
        )

    def take(self) -> tuple[Notice, ...]:
        """The notices since the last call, in order; they are forgotten here."""
        taken = tuple(self._collected)
        self._collected.clear()
        return taken
