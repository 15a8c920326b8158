"""The plan as data: exactly what apply will do, and what must hold for it to be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal

from attrs import field, frozen

from pgplan.address import Identity
from pgplan.images import Image
from pgplan.kind import Statement
from pgplan.state.model import NOTHING_ADOPTED, Adopted

FORMAT = 2

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
    previous_address: str = ""
    """The address under which it was recorded, or found where it is renamed; "" if that is this one."""
    before: Image | None = None
    after: Image | None = None
    """As declared: attributes that are None are not managed. None for what goes."""
    changed: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    """Steps that carry it out, by number."""
    adopting: bool = False
    """Adopted with this change (action adopt, or update of what was found and not recorded)."""
    renamed: bool = False
    """The object has the name of `previous_address`, and is renamed."""
    relocated: bool = False
    """The configuration says that what is recorded under `previous_address` is managed under this one now."""
    anew: bool = False
    """What was found under the address was not the object that was recorded."""
    protected: bool = False
    depends: tuple[str, ...] = ()
    grantors: tuple[str, ...] = ()
    edges: tuple[Mapping[str, Any], ...] = ()
    """The privileges granted and revoked, for display: action, type, key, column, grantee, privilege, grantable, only_option,
    grantor."""
    along: bool = False
    """`edges` come along with an object: what its access list needs besides, or what goes with it."""
    owners: tuple[Mapping[str, str], ...] = ()
    """The objects that get another owner, for display: type, key, before, after."""
    adopted: Adopted = NOTHING_ADOPTED
    """Edge kinds: which of its edges were there before pgplan came, for the state."""

    @property
    def only_revokes(self) -> bool:
        """Whether all that it does, to what stays, is to take privileges away."""
        return self.action == "update" and bool(self.edges) and all(edge["action"] == "revoke" for edge in self.edges)


@frozen
class Secrecy:
    """What becomes of one secret."""

    address: str
    slot: str
    status: Slot
    source: str | None
    """The text that it comes from (``${var.x}``); None for a literal."""


@frozen
class Step:
    """Statements that run together; `addresses` are those that it serves. Numbers count through all phases."""

    number: int
    addresses: tuple[str, ...]
    statements: tuple[Statement, ...]


@frozen
class Phase:
    """Steps that run in one database, in one transaction or, one by one, outside of any."""

    database: str
    steps: tuple[Step, ...]
    apart: Literal["", "make", "drop"] = ""
    """Outside of any transaction: what is made, under another name, or dropped so (`pgplan.kind.MadeApart`)."""


@frozen
class ItemCheck:
    """What an access list must say after the steps of one grantee's privilege, whoever granted it."""

    column: str
    grantee: str
    privilege: str
    present: bool
    grantable: bool = False


@frozen
class Check:
    """What must be found of one object after the steps."""

    type: str
    key: str
    database: str
    gone: bool = False
    new: bool = False
    """It is made, or made anew: found with another OID than before, if it was there."""
    image: Image = field(factory=dict[str, Any])
    """Attributes that the steps set; None is not compared, although they do."""
    untouched: bool = True
    """Whether all other attributes must be as they were observed."""
    items: tuple[ItemCheck, ...] = ()
    former: str = ""
    """The key under which it was observed, "" where it has the same: a renamed object is still the same."""
    owner: str = ""
    """Whose it must be; "" where the steps give it to nobody but by its attributes."""
    phase: int | None = None
    """After which of the phases, counted from 0. None: none of them touches it."""

    @property
    def identity(self) -> Identity:
        return Identity(self.type, self.key, self.database)

    @property
    def observed(self) -> Identity:
        """As what it was observed."""
        return Identity(self.type, self.former or self.key, self.database)


@frozen
class PlanState:
    """The state that the plan was made against."""

    lineage: str
    serial: int
    hash: str
    """SHA-256 of the entries, not of `pending`."""


def _patterns(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


@frozen
class Options:
    """How the plan was asked for. The last three are patterns of addresses (`pgplan.address.like`)."""

    destroy: bool = False
    include_adopted: bool = False
    target: tuple[str, ...] = field(default=(), converter=_patterns)
    """Nothing but what is like one of these, and what that needs."""
    exclude: tuple[str, ...] = field(default=(), converter=_patterns)
    """All but what is like one of these, and what needs that."""
    replace: tuple[str, ...] = field(default=(), converter=_patterns)
    """What is to be dropped and made anew, whether or not anything differs."""

    @property
    def partial(self) -> bool:
        """Whether the plan is not about all that is declared and recorded."""
        return bool(self.target or self.exclude)


NO_OPTIONS = Options()


@frozen
class Decided:
    """What a person approves: all of it follows from the configuration, the options, the state and what was observed."""

    name: str
    options: Options
    state: PlanState
    changes: tuple[Change, ...]
    phases: tuple[Phase, ...]
    checks: tuple[Check, ...]
    slots: tuple[Secrecy, ...] = ()
    """The secrets of every change, and those that were not checked, by address and slot."""
    origins: Mapping[str, str] = field(factory=dict[str, str])
    """Where secrets are sent: SHA-256 of how the configuration says to get each sensitive variable, by its name."""
    expires: str | None = None
    """ISO 8601, in UTC. Only where it was asked for."""


@frozen
class Observed:
    """An object touched or relied upon, as it was found. `oid` None: it was not there."""

    type: str
    key: str
    database: str
    oid: int | None
    image: Image | None = None
    acl: tuple[Mapping[str, Any], ...] | None = None
    """Of its access list the rows that the plan changes or needs: column, grantee, privilege, grantor, grantable. None: none."""
    whole: bool = False
    """Whether `acl` is the whole list: what is replaced loses it, and what others are born with is all of it, so that nobody may
    have added to it meanwhile."""

    @property
    def identity(self) -> Identity:
        return Identity(self.type, self.key, self.database)


@frozen
class Observations:
    """What the plan found: apply reads it again, and goes on only if nothing of it moved."""

    system_identifier: str
    version: int
    """The server's major version."""
    role: str
    """current_user: the role whose rights counted."""
    databases: tuple[tuple[str, int], ...]
    """Names and OIDs; the default one first."""
    objects: tuple[Observed, ...]


@frozen
class Plan:
    """`plan.json`. Everything in it is known when planning; nothing in it depends on a clock, a salt or a process, but for the
    expiry where one was asked for."""

    decided: Decided
    observed: Observations
    format: int = FORMAT

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.decided.changes

    @property
    def pending_changes(self) -> tuple[Change, ...]:
        """Changes that count for exit code 2: SQL, adopt, forget, or another address that somebody asked for."""
        return tuple(change for change in self.changes if change.action != "none" or change.relocated)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for phase in self.decided.phases for step in phase.steps)

    @cached_property
    def secrecy(self) -> Mapping[str, Mapping[str, Secrecy]]:
        """What becomes of secrets, by address and slot."""
        by_address: dict[str, dict[str, Secrecy]] = {}
        for one in self.decided.slots:
            by_address.setdefault(one.address, {})[one.slot] = one
        return by_address


@frozen
class Undeclared:
    """What is found within the ``[scope]`` and is neither declared nor recorded, and what nothing is done about."""

    address: str
    """As `import` would take it."""
    kind: str
    database: str
    reason: str
    before: Image | None = None
    """Of an object: as found."""
    edges: tuple[Mapping[str, Any], ...] = ()
    """Of privileges: as those of a `Change`, each as what would take it away."""


@frozen
class Coverage:
    """How much of what there is was looked at: numbers of objects."""

    managed: int
    unmanaged: int
    """Within the ``[scope]``, and neither declared nor recorded."""
    outside: int
    """Out of the ``[scope]``, and neither declared nor recorded."""


@frozen
class Remarks:
    """What is said with a plan, and helps to say what moved since, but is not part of it."""

    notes: tuple[str, ...] = ()
    """What the reader should know: what is hidden, secrets not checked, objects that came back."""
    hidden: int = 0
    """How many objects had attributes that the server hides."""
    timeline: int = 0
    lsn: str = ""
    """The WAL position at which the plan was made."""
    server_version: int = 0
    """server_version_num."""
    session_role: str = ""
    undeclared: tuple[Undeclared, ...] = ()
    """Sorted by address."""
    coverage: Coverage | None = None
    """None: there is no ``[scope]``."""
    rehearsed: bool = False
    """Whether it was carried out and rolled back. It informs, and proves nothing: apply does everything again."""
