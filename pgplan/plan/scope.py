"""What is in the ``[scope]``, and by which of its entries. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from attrs import field, frozen

from pgplan.address import PUBLIC, Identity, grantee_role, unpart
from pgplan.configuration.model import ScopeSettings
from pgplan.kind import Whereabouts
from pgplan.patterns import matcher, pattern_key, role_key

Matches = Callable[[str], bool]


@frozen(eq=False)
class Scope:
    """An entry is told as TOML has it: ``schemas = ["billing"]``."""

    settings: ScopeSettings
    _places: dict[tuple[Whereabouts, str], tuple[bool, str]] = field(factory=dict[tuple[Whereabouts, str], tuple[bool, str]])

    def why(self, one: Identity, place: Whereabouts, grantee: str = "") -> str:
        """The entry by which an object is in scope, or what a grantee has on it; "" if it is not."""
        known = self._places.get((place, grantee))
        if known is None:
            known = self._places[place, grantee] = self._excluded(place, grantee), self._entry(place, grantee)
        excluded, entry = known
        return "" if excluded or self._is_elsewhere(one.database) else entry or self.named(one)

    @property
    def names_public(self) -> bool:
        return PUBLIC in self.settings.roles

    def _is_elsewhere(self, database: str) -> bool:
        return any(_is_name(text, database) for text in self.settings.exclude_databases)

    def _excluded(self, place: Whereabouts, grantee: str) -> bool:
        said, roles = self.settings, {*place.roles, *place.others, *filter(None, [grantee])}
        return (
            any(_is_role(text, role) for text in said.exclude_roles for role in roles)
            or any(_is_name(text, place.schema) for text in said.exclude_schemas)
            or self._is_elsewhere(place.database)
        )

    def _entry(self, place: Whereabouts, grantee: str) -> str:
        schemas = (_told("schemas", text) for text in self.settings.schemas if _is_name(text, place.schema))
        roles = (
            _told("roles", text)
            for role in (*place.roles, *filter(None, [grantee]))
            for text in self.settings.roles
            if _is_role(text, role)
        )
        return next(schemas, "") or next(roles, "")

    def named(self, one: Identity) -> str:
        """The entry that names an object itself, whatever else counts."""
        return next((_told("objects", text) for text in self.settings.objects if _is_object(text, one)), "")


def _told(entry: str, text: str) -> str:
    return f"{entry} = {json.dumps([text], ensure_ascii=False)}"


def _is_name(text: str, name: str) -> bool:
    return bool(name) and matcher(pattern_key(text))(name)


def _is_role(text: str, grantee: str) -> bool:
    """PUBLIC is in scope, or excluded, only by its name."""
    key, role = role_key(text), grantee_role(grantee)
    return key == PUBLIC if role is None else key != PUBLIC and matcher(key)(role)


def _is_object(text: str, one: Identity) -> bool:
    """Its name, or a key as it stands in addresses."""
    type_, _, pattern = text.partition(":")
    return type_ == one.type and any(matches(key) for matches in _of_keys(pattern) for key in (one.key, unpart(one.key)))


def _of_keys(pattern: str) -> Iterator[Matches]:
    yield matcher(pattern_key(pattern))
    yield lambda key: key == pattern
