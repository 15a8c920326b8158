"""Which objects a claim on privileges is about. Claims of several grantees on the same objects have equal selectors."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from pgplan.sdk import Catalog, Found, InvalidBlockError, Selector, part
from pgplan_postgres.grantable import GRANTABLE
from pgplan_postgres.targets import exceptions, is_excepted, matching, overloads


@frozen
class Named:
    """One object, or one list of default privileges, found or not: the engine says what is missing."""

    type: str
    key: str
    """A function's may lack its argument types, where there is only one of that name."""

    @property
    def named(self) -> bool:
        return True

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        if self.type == "function" and not self.key.endswith(")"):
            return [(self.type, self._overload(catalog))]
        other = GRANTABLE[self.type].namesake if self.type in GRANTABLE else ""
        if other and catalog.get(self.type, self.key) is None and catalog.get(other, self.key) is not None:
            message = f"{self.key} is a {other}, not a {self.type}"
            raise InvalidBlockError((("on", self.type), message, f'write on = {{ {other} = "{self.key}" }}'))
        return [(self.type, self.key)]

    def exceptions(self, catalog: Catalog) -> Iterable[tuple[str, str]]:  # the contract asks every selector
        return ()

    def _overload(self, catalog: Catalog) -> str:
        candidates = [found.key for found in overloads(self.key, catalog)]
        if len(candidates) > 1:
            message = f"there are {len(candidates)} functions called {self.key}: {', '.join(candidates)}"
            raise InvalidBlockError((("on", "function"), message, "write the one that you mean with its argument types"))
        return candidates[0] if candidates else self.key


@frozen
class InSchemas:
    """All objects of a type in a schema, or in those that a pattern matches."""

    type: str
    schemas: str
    """A `pgplan_postgres.targets.schemas_key`."""
    excepted: tuple[str, ...] = ()
    """Schemas and objects left out, as keys."""
    extension_members: bool = False

    @property
    def named(self) -> bool:
        return False

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        found = matching(self.type, self.schemas, catalog)
        wanted = (one for one in found if self.extension_members or not one.extension)
        return [(one.type, one.key) for one in wanted if not is_excepted(one, self.excepted)]

    def exceptions(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        return exceptions(self.type, self.excepted, catalog)


@frozen
class OwnedSequences:
    """The sequences that columns of some tables own: those of serial columns, not those of identity columns."""

    tables: Selector
    type: str = "sequence"

    @property
    def named(self) -> bool:
        """Who names a table means its sequences too."""
        return self.tables.named

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        return [(one.type, one.key) for _, key in self.tables.objects(catalog) for one in catalog.belonging(self.type, key)]

    def exceptions(self, catalog: Catalog) -> Iterable[tuple[str, str]]:  # those of the tables are asked for with the tables
        return ()


@frozen
class Ownable(Named):
    """One object that may be given to another owner by itself."""

    owner: str = ""

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        named = list(super().objects(catalog))
        role = catalog.get("role", part(self.owner))
        if self.type == "foreign_data_wrapper" and role is not None and role.spec is not None and not role.spec.superuser:
            message = f"only a superuser can own a foreign-data wrapper, and {self.owner} is none"
            hint = "name a superuser, and grant USAGE on the wrapper to who makes servers with it"
            raise InvalidBlockError((("owner",), message, hint))
        for type_, key in named:
            found = catalog.get(type_, key)
            why = _kept(found) if found is not None else None
            if why is not None:
                raise InvalidBlockError((("on", type_), f"{type_} {key} {why[0]}", why[1]))
        return named


@frozen
class OwnableInSchemas(InSchemas):
    """Those of a type in a schema, or in those that a pattern matches, that may be given to another owner by themselves."""

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        for type_, key in super().objects(catalog):
            found = catalog.get(type_, key)
            if found is None or _kept(found) is None:
                yield type_, key


def _kept(found: Found) -> tuple[str, str] | None:
    """Why an object gets no other owner by itself, to be put after its name, and what to do; None if it may."""
    if found.extension:
        return f"belongs to the extension {found.extension}", "leave it out: it comes and goes with the extension"
    if found.system:
        return "is PostgreSQL's own", "leave it out"
    if found.follows is not None:
        type_, key = found.follows
        return f"always has the owner of {type_} {key}", f'write on = {{ {type_} = "{key}" }}: it follows that'
    return None
