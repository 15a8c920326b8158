"""What ``[pgplan]``, ``[connection]``, ``[state]``, ``[policy]`` and ``[scope]`` say."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from attrs import evolve

from pgplan.configuration import scope
from pgplan.configuration.directives import ConnectionBlock, Directives, MovedBlock, Project
from pgplan.configuration.interpolation import Missing, fill, wrong_reference
from pgplan.configuration.keys import key_names
from pgplan.configuration.model import NOWHERE, Connection, KindPolicy, Move, Policy, ScopeSettings, StateSettings
from pgplan.configuration.moves import mistakes
from pgplan.configuration.origin import Origin, Unresolved, resolve
from pgplan.configuration.sources import Place, Report
from pgplan.configuration.variables import Variables
from pgplan.errors import Source, suggestion
from pgplan.kind import MadeApart
from pgplan.registry import Registry, backend_names
from pgplan.secret import Secret
from pgplan.version import __version__

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONNINFO_PASSWORD = re.compile(r"(?:^|\s)(?:ssl)?password\s*=\s*\S")


class Settings:
    """Reads each table; mistakes go to the report, and the table is then as if it were empty."""

    def __init__(self, directives: Directives, variables: Variables, report: Report) -> None:
        self.directives = directives
        self.variables = variables
        self.report = report

    def project(self, main: Place) -> str:
        """The configuration's name, after a check that this version of pgplan is one that it wants."""
        place = self.directives.once(Project)
        if place is None:
            if "pgplan" not in main.file.data:
                self.report.add(main, "[pgplan] is missing: it names this configuration", 'write [pgplan] and name = "…"')
            return ""
        values = self._filled(place)
        project = self.report.decode(Project, values, place) or Project("")
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
        place = self.directives.once(ConnectionBlock)
        if place is None:
            return Connection()
        values = self._outside(place)
        if isinstance(place.value.get("password"), dict):
            values["password"] = place.value["password"]  # an Origin is filled in when it is resolved
        block = self.report.decode(ConnectionBlock, values, place) or ConnectionBlock()
        password = self._password(block.password, place) if isinstance(block.password, Origin) else block.password
        if isinstance(block.url, Secret) and block.url.withheld and self.variables.resolve_secrets:
            self.variables.unresolved["connection.url"] = self.variables.lacking(block.url.source or "")
        if policy.plaintext_secrets == "error":
            if isinstance(password, Secret) and password.literal:
                literal_secret(self.report, place.below("password"), "connection", "password")
            if isinstance(block.url, str) and holds_password(block.url):
                literal_secret(self.report, place.below("url"), "connection", "url")
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
            if value.hint:
                self.report.add(place.below("password"), value.reason, value.hint, "connection")
        return Secret(value if isinstance(value, str) and value else None, str(origin))

    def state(self) -> StateSettings:
        place = self.directives.once(StateSettings)
        if place is None:
            return StateSettings()
        values = cast("dict[str, Any]", self._outside(place))
        own = key_names(StateSettings).values()
        settings = self.report.decode(StateSettings, {key: values[key] for key in own if key in values}, place) or StateSettings()
        options = {key: value for key, value in values.items() if key not in own}
        if settings.backend not in (known := backend_names()):
            message = f"no state backend {settings.backend!r} is installed"
            self.report.add(place.below("backend"), message, suggestion(settings.backend, known), "state")
        return evolve(settings, options=self.report.decode(dict[str, Any], options, place) or {})

    def scope(self, registry: Registry) -> ScopeSettings:
        place = self.directives.once(ScopeSettings)
        if place is None:
            return NOWHERE
        said = self.report.decode(ScopeSettings, self._filled(place), place)
        return NOWHERE if said is None else scope.checked(said, place, registry, self.report)

    def policy(self, registry: Registry, scope: ScopeSettings) -> Policy:
        place, kinds = self.directives.once(Policy), registry.kinds
        apart = [name for name, kind in kinds.items() if isinstance(kind, MadeApart)]
        if place is None:
            return Policy(kinds={name: KindPolicy(removed="error") for name in apart})
        raw = cast("dict[str, Any]", self._filled(place))
        own = {key: value for key, value in raw.items() if key not in kinds}
        policy = self.report.decode(Policy, own, place, also=kinds) or Policy()
        self._undeclared(policy, place, scope)
        if policy.max_deletes is not None and policy.max_deletes < 0:
            self.report.add(place.below("max_deletes"), "expected a number that is not negative")
        of_every_kind = {"removed": policy.removed, "existing": policy.existing, "undeclared": policy.undeclared}
        by_kind: dict[str, KindPolicy] = {}
        for kind in sorted({*raw, *apart} & kinds.keys()):
            # What a database holds is lost with it, so that "delete", said of all kinds, is not said of databases.
            kept = kind in apart and policy.removed == "delete"
            unsaid = {**of_every_kind, "removed": "error"} if kept else of_every_kind
            said: Any = raw.get(kind, {})
            values: Any = {**unsaid, **cast("dict[str, Any]", said)} if isinstance(said, dict) else said
            by_kind[kind] = self.report.decode(KindPolicy, values, place.below(kind)) or KindPolicy()
            if isinstance(said, dict) and "undeclared" in said:
                self._undeclared(by_kind[kind], place.below(kind), scope, "" if registry.may_be_undeclared(kind) else kind)
        return evolve(policy, kinds=by_kind)

    def moves(self, declared: Collection[str], kinds: Collection[str]) -> tuple[Move, ...]:
        places: dict[Move, Place] = {}
        for place in self.directives.every(MovedBlock):
            block = self.report.decode(MovedBlock, self._filled(place), place, "moved")
            if block is not None:
                places[Move(block.from_, block.to, Source(place.file.name))] = place
        for move, message, hint in mistakes(places, declared, kinds):
            self.report.add(places[move], message, hint, "moved")
        return tuple(places)

    def _undeclared(self, policy: KindPolicy, place: Place, scope: ScopeSettings, never: str = "") -> None:
        """A policy that could not find anything would be taken for one that found nothing."""
        said = f'undeclared = "{policy.undeclared}"'
        if policy.undeclared != "ignore" and never:
            self.report.add(place.below("undeclared"), f"{said}: nothing is ever an undeclared {never}", "leave it out")
        elif policy.undeclared != "ignore" and scope.is_empty:
            hint = 'say where to look, such as [scope] with schemas = ["billing"] or roles = ["billing_*"]'
            self.report.add(place.below("undeclared"), f"{said}: there is nothing in [scope]", hint)

    def _filled(self, place: Place) -> Any:
        return fill(place.value, self.variables.lookup)

    def _outside(self, place: Place) -> Any:
        """Where to connect and where the state is: offline commands need neither, so what is not known is left out."""
        values = self._filled(place)
        return values if self.variables.resolve_secrets else _known(values)


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


def literal_secret(report: Report, place: Place, address: str, *attribute: str) -> None:
    """Report a secret whose value stands in the configuration, at `attribute` of `address`."""
    report.add(
        place,
        f"{'.'.join(attribute)}: a secret stands here in clear" if attribute else "a secret stands here in clear",
        'declare a variable with sensitive = true and from = { env = "…" } and write "${var.NAME}" here, '
        'or set plaintext_secrets = "allow" in [policy]',
        address,
    )
