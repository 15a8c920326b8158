"""What apply and rehearsal work with, and what they have in hand before COMMIT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from pgplan.database.connection import Session
from pgplan.database.notices import Notice
from pgplan.database.transaction import Connect, Mark
from pgplan.plan.model import Plan, Remarks
from pgplan.registry import Registry
from pgplan.secret import Secret
from pgplan.snapshot import Snapshot
from pgplan.state.store import StateStore

AS_BEFORE = "everything was rolled back: the database and the state are as before"


@frozen
class Prepared:
    """A transaction that only waits for its COMMIT."""

    before: Snapshot
    after: Snapshot
    notices: tuple[Notice, ...]
    mark: Mark | None
    """None when nothing was sent to the database."""


@frozen(kw_only=True)
class Work:
    """What a plan is carried out with, as far as the door of COMMIT."""

    plan: Plan
    remarks: Remarks
    connection: Session
    registry: Registry
    secret_of: Callable[[str, str], Secret]
    connect: Connect
    wait: float
    checkpoint: Callable[[str], None]
    id: str
    steps: int
    """How many steps the whole plan has."""
    phase: Literal["apply", "rehearsal"] = "apply"
    at_most: Mapping[str, int] = field(factory=dict[str, int])
    """Stricter limits than an apply's, in milliseconds (`pgplan.database.transaction.begin`)."""


@frozen(kw_only=True)
class Working(Work):
    """What one apply works with."""

    store: StateStore
    directory: Path
