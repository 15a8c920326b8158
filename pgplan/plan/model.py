"""The plan as data: exactly what apply will do, and what must hold for it to be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from pgplan.images import Image
from pgplan.kind import Statement

FORMAT = 1

Action = Literal["create", "update", "replace", "delete", "adopt", "forget", "none"]
"""``none``: nothing to do in the database, but the state records something new (both sides moved to the same value)."""

Slot = Literal["new", "changed", "same", "deferred", "unchecked"]
"""What becomes of a secret. ``deferred``: it could not be resolved when planning, and apply requires it. ``unchecked``: it could
not be resolved, but its digest is recorded, so it counts as unchanged."""

Side = Literal["", "configuration", "database", "both"]


@frozen
class Change:
    """One line of the plan, by address."""

    address: str
    kind: str
    database: str
    action: Action
    reason: str = ""
    """Why, in words: "not there yet", "had disappeared", "owner differs"."""
    moved: Side = ""
    """For an update or replace: which side moved since the last apply."""
    before: Image | None = None
    after: Image | None = None
    """As declared: attributes that are None are not managed. None for what goes."""
    changed: tuple[str, ...] = ()
    slots: Mapping[str, Slot] = field(factory=dict[str, Slot])
    sources: Mapping[str, str | None] = field(factory=dict[str, "str | None"])
    """By slot, the text that the secret comes from (``${var.x}``); None for a literal."""
    steps: tuple[int, ...] = ()
    """Steps that carry it out, by number."""
    adopting: bool = False
    """Adopted with this change (action adopt, or update of what was found and not recorded)."""
    protected: bool = False
    depends: tuple[str, ...] = ()
    grantors: tuple[str, ...] = ()
    edges: tuple[Mapping[str, Any], ...] = ()
    """Edge kinds: the privileges granted and revoked, for display: action, type, key, column, grantee, privilege, grantable."""


@frozen
class Step:
    """Statements that run together; `addresses` are those that it serves."""

    number: int
    addresses: tuple[str, ...]
    statements: tuple[Statement, ...]


@frozen
class Relied:
    """An object touched or relied upon, as found when planning. `oid` None: it must not exist."""

    type: str
    key: str
    oid: int | None
    image: Image | None = None
    acl: tuple[Mapping[str, Any], ...] | None = None
    """The whole access list, only where the plan changes it."""
    expected: Image | None = None
    """What must be found after the steps: attributes that are None are not compared, with ``{}`` none at all. None: the object
    must be gone."""
    expected_acl: tuple[Mapping[str, Any], ...] | None = None
    """Privileges that must be there after, whoever granted them."""
    forbidden_acl: tuple[Mapping[str, Any], ...] = ()
    """Privileges that must not be there after."""
    exact_acl: bool = True
    """Whether `expected_acl` is the whole list: false where creation adds what only the server knows."""


@frozen
class PlanState:
    """The state that the plan was made against."""

    lineage: str
    serial: int
    hash: str
    """SHA-256 of the entries, not of `pending`."""


@frozen
class PlanTarget:
    system_identifier: str
    timeline: int
    database: str
    database_oid: int
    role: str
    session_role: str
    version: int


@frozen
class Plan:
    """`plan.json`. Everything in it is known when planning; nothing in it depends on a clock, a salt or a process."""

    name: str
    mode: Literal["apply", "destroy"]
    state: PlanState
    target: PlanTarget
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    relied: tuple[Relied, ...]
    notes: tuple[str, ...] = ()
    """What the reader should know: drift that is ignored, secrets not checked, objects that came back."""
    origins: Mapping[str, str] = field(factory=dict[str, str])
    """Where secrets are sent: SHA-256 of how the configuration says to get each sensitive variable, by its name."""
    hidden: int = 0
    """How many objects had attributes that the server hides."""
    format: int = FORMAT

    @property
    def pending_changes(self) -> tuple[Change, ...]:
        """Changes that count for exit code 2: SQL, adopt or forget."""
        return tuple(change for change in self.changes if change.action != "none")
