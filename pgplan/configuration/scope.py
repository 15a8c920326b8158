"""What ``[scope]`` says: every name in it checked."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import evolve, fields_dict

from pgplan.configuration.model import ScopeSettings
from pgplan.configuration.sources import Place, Report
from pgplan.errors import suggestion
from pgplan.patterns import pattern_key, role_key
from pgplan.registry import Registry

_OBJECT = re.compile(r"([a-z_]+):(.+)", re.DOTALL)


def checked(said: ScopeSettings, place: Place, registry: Registry, report: Report) -> ScopeSettings:
    """`said`, each name once. What is no name is reported, and left out."""
    types = sorted(registry.scoped)

    def an_object(text: str) -> str:
        match = _OBJECT.fullmatch(text)
        if match is None:
            raise ValueError(f'{text!r} names no object: write type:name, such as "database:app" or "server:*"')
        if match[1] not in types:
            raise ValueError(f"there is no type of object {match[1]!r}: {suggestion(match[1], types)}")
        return pattern_key(match[2])

    keys: dict[str, Callable[[str], str]] = {"roles": role_key, "exclude_roles": role_key, "objects": an_object}
    values: dict[str, tuple[str, ...]] = {}
    for name in fields_dict(ScopeSettings):
        texts: list[str] = []
        for i, text in enumerate(getattr(said, name)):
            try:
                keys.get(name, pattern_key)(text)
                texts.append(text)
            except ValueError as error:
                report.add(place.below(name, i), f"{name}: {error}", address="scope")
        values[name] = tuple(dict.fromkeys(texts))
    return evolve(said, **values)
