"""A configuration as data: what the rest of pgplan sees of a directory's TOML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import evolve, field, frozen

from pgplan.address import Address
from pgplan.configuration.keys import NO_KEY
from pgplan.errors import Source
from pgplan.kind import Spec
from pgplan.secret import Secret


@frozen
class Inputs:
    """What the caller brings: ``--var``, ``--var-file`` in their order, and the process environment."""

    variables: Mapping[str, str] = field(factory=dict[str, str])
    var_files: tuple[Path, ...] = ()
    environ: Mapping[str, str] = field(factory=dict[str, str], repr=False)


def _nowhere(address: str, attribute: str) -> tuple[Source, ...]:  # noqa: ARG001 - the signature of Configuration.locate
    return ()


@frozen
class Connection:
    """``[connection]``. An empty `url` means libpq's own environment; "embedded" a private server under .pgplan/."""

    url: Secret | str = ""
    password: Secret | None = None
    role: str = ""
    settings: Mapping[str, str] = field(factory=dict[str, str])


@frozen
class StateSettings:
    """``[state]``: the backend's name and whatever else its table says."""

    backend: str = "local"
    options: Mapping[str, Any] = field(factory=dict[str, Any], metadata=NO_KEY)


@frozen
class KindPolicy:
    """``[policy.KIND]``."""

    removed: Literal["delete", "forget", "error"] = "delete"
    existing: Literal["error", "adopt"] = "error"
    undeclared: Literal["ignore", "report", "delete"] = "ignore"


@frozen
class Policy(KindPolicy):
    """``[policy]``: itself the policy of every kind without a table of its own."""

    max_deletes: int | None = None
    plaintext_secrets: Literal["error", "allow"] = "error"
    kinds: Mapping[str, KindPolicy] = field(factory=dict[str, KindPolicy], metadata=NO_KEY)

    def of(self, kind: str) -> KindPolicy:
        return self.kinds.get(kind, self)


@frozen
class ScopeSettings:
    """``[scope]``: where `undeclared` looks. Names and patterns as they were written, and as `pgplan.patterns` reads them."""

    schemas: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    """Each ``type:name``."""
    exclude_schemas: tuple[str, ...] = ()
    exclude_roles: tuple[str, ...] = ()
    exclude_databases: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.schemas or self.roles or self.objects)


NOWHERE = ScopeSettings()


@frozen
class Declared:
    """One address as declared, merged over blocks and files."""

    address: str
    kind: str
    key: str
    spec: Spec
    sources: tuple[Source, ...] = ()
    """One place for each block, without lines: `Configuration.locate` finds them."""
    protect: bool = False
    ignore: tuple[str, ...] = ()
    former: str = ""
    """The key that it is renamed from."""
    database: str = ""
    """The database that it is in: "" for the default one, and for what the whole cluster shares."""
    pattern: bool = False
    """Whether `database` is a pattern, which matches databases once they are known."""
    written: str = ""
    """The address as it stands in the files, where `address` is another one since the databases are known."""

    def merged(self, other: Declared, spec: Spec) -> Declared:
        """This one and another of the same address, whose specs add up to `spec`."""
        return evolve(
            self,
            spec=spec,
            sources=self.sources + other.sources,
            protect=self.protect or other.protect,
            ignore=tuple(sorted({*self.ignore, *other.ignore})),
        )

    @property
    def stands_as(self) -> str:
        """The address by which `Configuration.locate` finds it."""
        return self.written or self.address

    @property
    def former_address(self) -> str:
        """The address that it is renamed from, "" if it is not."""
        return self.former and str(Address(self.kind, self.former, self.database))


@frozen(eq=False)
class Move:
    """One ``[[moved]]``: two addresses, and where it stands, without a line."""

    origin: str
    to: str
    source: Source


@frozen
class Configuration:
    directory: Path
    name: str
    files: tuple[tuple[str, str], ...]
    """File names and the SHA-256 of their bytes: of the TOML first, then of what it names."""
    connection: Connection
    state: StateSettings
    policy: Policy
    declared: tuple[Declared, ...]
    """Sorted by address."""
    moves: tuple[Move, ...] = ()
    unresolved: Mapping[str, str] = field(factory=dict[str, str])
    """Why a sensitive variable has no value, by its name: its secrets are deferred."""
    origins: Mapping[str, str] = field(factory=dict[str, str])
    """SHA-256 of how the configuration says to get each sensitive variable, by its name."""
    variables: Mapping[str, str] = field(factory=dict[str, str])
    """SHA-256 of the value of each variable that is used and flows into no secret, by its name."""
    scope: ScopeSettings = NOWHERE
    locate: Callable[[str, str], tuple[Source, ...]] = field(default=_nowhere, eq=False, repr=False)
    """The places, with lines, of an address and an attribute ("" for the block). Costs a scan of the files: for errors only."""
