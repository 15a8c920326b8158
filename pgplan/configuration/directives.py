"""The tables that are no kind: what each is called, its form, and the class that it is decoded into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from attrs import field, frozen

from pgplan.configuration.model import Policy, ScopeSettings, StateSettings
from pgplan.configuration.origin import Origin
from pgplan.configuration.sources import Form, Place, Report, SourceFile, blocks_at
from pgplan.secret import Secret


@frozen
class Project:
    """``[pgplan]``."""

    name: str
    requires: str = ""


@frozen
class ConnectionBlock:
    """``[connection]``, whose password may still have to be fetched."""

    url: str | Secret = ""
    password: Origin | Secret | None = None
    role: str = ""
    settings: Mapping[str, str] = field(factory=dict[str, str])


@frozen
class Variable:
    """One ``[variables.NAME]``."""

    type: Literal["string", "integer", "number", "boolean", "list", "table"] = "string"
    sensitive: bool = False
    from_: Origin | None = None
    default: Any = None


@frozen
class MovedBlock:
    """One ``[[moved]]``."""

    from_: str
    to: str


@frozen
class Directive:
    name: str
    form: Form
    block: type[Any]


DIRECTIVES = (
    Directive("pgplan", "once", Project),
    Directive("connection", "once", ConnectionBlock),
    Directive("state", "once", StateSettings),
    Directive("policy", "once", Policy),
    Directive("scope", "once", ScopeSettings),
    Directive("variables", "table", Variable),
    Directive("moved", "array", MovedBlock),
)
NAMES = tuple(directive.name for directive in DIRECTIVES)
WORDS: Mapping[str, str] = {
    "backend": 'write [state] with backend = "…"',
    "locals": "write [variables.NAME] with default = …",
    "provider": "where the server is stands in [connection]",
    "resource": "a block is [KIND.NAME] or [[KIND]], without a word before it",
    "terraform": "the configuration is named in [pgplan], and [state] says where its state is",
    "var": "write [variables.NAME]",
    "variable": "write [variables.NAME]",
}
"""What Terraform calls them, or something like them."""


class Directives:
    """Where each block of a directive stands, over all files. One of a wrong form, or that stands twice, is reported."""

    def __init__(self, files: Iterable[SourceFile], report: Report) -> None:
        self._places: dict[type[Any], list[Place]] = {directive.block: [] for directive in DIRECTIVES}
        self.by_name: dict[str, list[Place]] = {}
        """The places of ``pgplan``, ``variables.x`` and so on."""
        for file in files:
            for directive in DIRECTIVES:
                if directive.name in file.data:
                    for place in blocks_at(Place(file, (directive.name,)), directive.form, report):
                        self._take(directive, place, report)

    def _take(self, directive: Directive, place: Place, report: Report) -> None:
        name = directive.name if directive.form == "array" else place.name
        known = self.by_name.setdefault(name, [])
        if known and directive.form != "array":
            report.add(place, f"[{name}] stands in {known[0].source} too", "it stands once in a directory")
            return
        known.append(place)
        self._places[directive.block].append(place)

    def every(self, block: type[Any]) -> Sequence[Place]:
        """All blocks of the directive that is decoded into `block`, in the order of the files."""
        return self._places[block]

    def once(self, block: type[Any]) -> Place | None:
        return next(iter(self._places[block]), None)
