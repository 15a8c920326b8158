"""What one apply works with, and what it has in hand before COMMIT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

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


@frozen
class Working:
    """What one apply works with."""

    plan: Plan
    remarks: Remarks
    connection: Session
    store: StateStore
    registry: Registry
    secret_of: Callable[[str, str], Secret]
    connect: Connect
    directory: Path
    wait: float
    checkpoint: Callable[[str], None]
    id: str
