"""The tables that stand once: ``[pgplan]``, ``[connection]``, ``[state]`` and ``[policy]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from attrs import evolve, field, frozen

from pgplan import __version__
from pgplan.configuration.decode import decode, suggestion
from pgplan.configuration.interpolation import Missing, fill, wrong_reference
from pgplan.configuration.model import Connection, KindPolicy, Policy, StateSettings
from pgplan.configuration.origin import Origin, Unresolved, resolve
from pgplan.configuration.sources import Place, Report
from pgplan.configuration.variables import Variables
from pgplan.kind import InvalidBlockError
from pgplan.registry import backend_names
from pgplan.secret import Secret

T = TypeVar("T")
TABLES = ("pgplan", "connection", "state", "policy")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONNINFO_PASSWORD = re.compile(r"(?:^|\s)(?:ssl)?password\s*=\s*\S")

Undeclared = Literal["ignore", "report", "delete"]


@frozen
class Project:
    """``[pgplan]``."""

    name: str
    requires: str = ""


@frozen
class ConnectionBlock:
    """``[connection]``."""

    url: str | Secret = ""
    password: Origin | Secret | None = None
    role: str = ""
    settings: Mapping[str, str] = field(factory=dict[str, str])


@frozen
class KindPolicyBlock:
    """``[policy.KIND]``: what is left out is as for every kind."""

    removed: Literal["delete", "forget", "error"] | None = None
    existing: Literal["error", "adopt"] | None = None
    undeclared: Undeclared = "ignore"


@frozen
class PolicyBlock:
    """``[policy]`` without the tables of kinds."""

    removed: Literal["delete", "forget", "error"] = "delete"
    existing: Literal["error", "adopt"] = "error"
    undeclared: Undeclared = "ignore"
    max_deletes: int | None = None
    plaintext_secrets: Literal["error", "allow"] = "error"


class Settings:
    """Reads each table; mistakes go to the report, and the table is then as if it were empty."""

    def __init__(self, tables: Mapping[str, Place], variables: Variables, report: Report) -> None:
        self.tables = tables
        self.variables = variables
        self.report = report

    def project(self, main: Place) -> str:
        """The configuration's name, after a check that this version of pgplan is one that it wants."""
        place = self.tables.get("pgplan")
        if place is None:
            if "pgplan" not in main.file.data:
                self.report.add(main, "[pgplan] is missing: it names this configuration", 'write [pgplan] and name = "…"')
            return ""
        values = self._filled(place)
        project = self._decode(Project, place, values, default=Project(""))
        if project.requires:
            self._require(project.requires, place.below("requires"))
        if _CONTROL.search(project.name):
            self.report.add(place.below("name"), "the name holds a control character")
        elif values.get("name") == "":
            self.report.add(place.below("name"), "the name is empty")
        return project.name

    def _require(self, requires: str, place: Place) -> None:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - late: rarely used

        try:
            satisfied = SpecifierSet(requires, prereleases=True).contains(__version__)
        except InvalidSpecifier:
            self.report.add(place, f"{requires!r} is no version requirement", 'write it as ">=0.1" or ">=0.1,<2"')
            return
        if not satisfied:
            self.report.add(place, f"the configuration requires pgplan {requires}; this is {__version__}")

    def connection(self, policy: Policy) -> Connection:
        place = self.tables.get("connection")
        if place is None:
            return Connection()
        values = self._outside(place)
        if isinstance(place.value.get("password"), dict):
            values["password"] = place.value["password"]  # an Origin is filled in when it is resolved
        block = self._decode(ConnectionBlock, place, values, default=ConnectionBlock())
        password = self._password(block.password, place) if isinstance(block.password, Origin) else block.password
        if isinstance(block.url, Secret) and block.url.withheld and self.variables.resolve_secrets:
            self.variables.unresolved["connection.url"] = self.variables.lacking(block.url.source or "")
        if policy.plaintext_secrets == "error":
            if isinstance(password, Secret) and password.literal:
                literal_secret(self.report, place.below("password"), "connection")
            if isinstance(block.url, str) and holds_password(block.url):
                literal_secret(self.report, place.below("url"), "connection")
        return Connection(block.url, password, block.role, block.settings)

    def _password(self, origin: Origin, place: Place) -> Secret:
        variables = self.variables
        wrong = wrong_reference(origin.words, variables.lookup)
        if wrong is not None and wrong.message:
            self.report.add(place.below("password"), wrong.message, wrong.hint, "connection")
        if wrong is not None or not variables.resolve_secrets:
            return Secret(None, str(origin))
        directory, environ = variables.directory, variables.inputs.environ
        value = resolve(origin, directory, environ, variables.lookup, commands=True, sensitive=True)
        if isinstance(value, Unresolved):
            variables.unresolved["connection.password"] = value.reason
        return Secret(value if isinstance(value, str) and value else None, str(origin))

    def state(self) -> StateSettings:
        place = self.tables.get("state")
        if place is None:
            return StateSettings()
        options = self._decode(dict[str, Any], place, self._outside(place), default={})
        backend = options.pop("backend", "local")
        if not isinstance(backend, str):
            self.report.add(place.below("backend"), "expected a string: the name of a state backend")
            backend = "local"
        elif backend not in (known := backend_names()):
            self.report.add(
                place.below("backend"), f"no state backend {backend!r} is installed", suggestion(backend, known), "state"
            )
        return StateSettings(backend, options)

    def policy(self, kinds: Mapping[str, Any]) -> Policy:
        place = self.tables.get("policy")
        if place is None:
            return Policy()
        raw = cast("dict[str, Any]", self._filled(place))
        own = {key: value for key, value in raw.items() if key not in kinds}
        block = self._decode(PolicyBlock, place, own, default=PolicyBlock(), also=kinds)
        self._only_ignored(block.undeclared, place)
        if block.max_deletes is not None and block.max_deletes < 0:
            self.report.add(place.below("max_deletes"), "expected a number that is not negative")
        default = KindPolicy(block.removed, block.existing)
        by_kind: dict[str, KindPolicy] = {}
        for kind in raw.keys() & kinds.keys():
            one = self._decode(KindPolicyBlock, place.below(kind), raw[kind], default=KindPolicyBlock())
            self._only_ignored(one.undeclared, place.below(kind))
            by_kind[kind] = evolve(default, removed=one.removed or default.removed, existing=one.existing or default.existing)
        return Policy(default, dict(sorted(by_kind.items())), block.max_deletes, block.plaintext_secrets)

    def _only_ignored(self, undeclared: Undeclared, place: Place) -> None:
        if undeclared != "ignore":
            message = f"undeclared = {undeclared!r}: this version of pgplan only ignores what is not declared"
            self.report.add(place.below("undeclared"), message, 'write undeclared = "ignore", or leave it out')

    def _filled(self, place: Place) -> Any:
        return fill(place.value, self.variables.lookup)

    def _outside(self, place: Place) -> Any:
        """Where to connect and where the state is: offline commands need neither, so what is not known is left out."""
        values = self._filled(place)
        return values if self.variables.resolve_secrets else _known(values)

    def _decode(self, cls: type[T], place: Place, values: Any, *, default: T, also: Mapping[str, Any] | None = None) -> T:
        try:
            return decode(cls, values, also or ())
        except InvalidBlockError as error:
            self.report.block(place, error, ".".join(map(str, place.path)))
            return default


def _known(values: Any) -> Any:
    if isinstance(values, dict):
        items = cast("dict[str, Any]", values).items()
        return {key: _known(value) for key, value in items if not isinstance(value, Missing) or value.wrong}
    if isinstance(values, list):
        return [_known(value) for value in cast("list[object]", values) if not isinstance(value, Missing) or value.wrong]
    return values


def holds_password(url: str) -> bool:
    """Whether a connection URI or a conninfo string has a password in it.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
    """
    if not url.startswith(("postgres://", "postgresql://")):
        return bool(_CONNINFO_PASSWORD.search(url))
    try:
        parts = urlsplit(url)
    except ValueError:  # libpq will say what is wrong with it
        return "@" in url
    return bool(parts.password) or not {"password", "sslpassword"}.isdisjoint(parse_qs(parts.query))


def literal_secret(report: Report, place: Place, address: str) -> None:
    """Report a secret whose value stands in the configuration."""
    report.add(
        place,
        "a secret stands here in clear",
        'declare a variable with sensitive = true and from = { env = "…" } and write "${var.NAME}" here, '
        'or set plaintext_secrets = "allow" in [policy]',
        address,
    )
