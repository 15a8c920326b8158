"""What is found or recorded, with the names that it has after renames: PostgreSQL keeps references by OID, so all of them follow.

https://www.postgresql.org/docs/current/sql-alterrole.html, and the same of each other type
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from pgplan.sdk import Dependent, Found, Names, Secret, grantee_role, is_pattern, join, part, role_grantee, split, unpart
from pgplan_postgres.access import Access
from pgplan_postgres.database import Database
from pgplan_postgres.default_lists import DefaultList, parse_list
from pgplan_postgres.default_privileges import DefaultPrivileges
from pgplan_postgres.expressions import with_names
from pgplan_postgres.extension import Extension
from pgplan_postgres.foreign_data_wrapper import ARGUMENTS, ForeignDataWrapper
from pgplan_postgres.foreign_table import ForeignTable
from pgplan_postgres.function import Function
from pgplan_postgres.function_arguments import SETOF, Argument
from pgplan_postgres.grantable import BULK, DEFAULT_PRIVILEGES, GRANTABLE
from pgplan_postgres.import_foreign_schema import Import
from pgplan_postgres.membership import PART, Membership, membership_key
from pgplan_postgres.ownership import Ownership
from pgplan_postgres.relations import Relation, relation
from pgplan_postgres.role import Role, is_md5
from pgplan_postgres.schema import Schema
from pgplan_postgres.server import Server
from pgplan_postgres.signatures import argument_list, split_arguments, split_signature
from pgplan_postgres.user_mapping import UserMapping, user_mapping_key

_TYPE = re.compile(r'((?:"(?:[^"]|"")*"|[^".(\[\s]+)\.(?:"(?:[^"]|"")*"|[^".(\[\s]+))(.*)', re.DOTALL)
"""A type with its schema, and what follows its name."""


def renamed(found: Found, names: Names) -> Found:
    """`pgplan.kind.Renamer.renamed` for all that this provider reads and declares."""
    spec = _Renaming(names).spec(found.spec)
    key = _Renaming(names).key(found.type, found.key, spec)
    if found.type == "role" and spec.name != found.spec.name:
        found, spec = _with_password(found, spec)
    others = found.follows, found.belongs_to, found.holds, found.extra
    if spec == found.spec and key == found.key and not any(others):
        return found
    return _Renaming(names).rest(evolve(found, key=key, spec=spec))


def _with_password(found: Found, spec: Role) -> tuple[Found, Role]:
    """The name is part of what an MD5 password is made of, so that PostgreSQL clears it; what else is kept says whose it is."""
    if is_md5(found):
        return evolve(found, secrets={}, extra={}), evolve(spec, password=None)
    secrets = {slot: Secret(f"{kept.reveal().partition(' ')[0]} {spec.name}") for slot, kept in found.secrets.items()}
    return evolve(found, secrets=secrets), spec


class _Renaming:
    def __init__(self, names: Names) -> None:
        self.names = names

    def plain(self, type_: str, name: str) -> str:
        """The name of an object that has a name of one part; "" stays."""
        return unpart(self.names(type_, part(name))) if name else name

    def optional(self, type_: str, name: str | None) -> str | None:
        return None if name is None else self.plain(type_, name)

    def grantee(self, grantee: str) -> str:
        role = grantee_role(grantee)
        return grantee if role is None else role_grantee(self.plain("role", role))

    def within(self, type_: str, key: str) -> str:
        """The key of an object in a schema."""
        new = self.names(type_, key)
        if new != key:
            return new
        name, arguments = split_signature(key) if type_ == "function" else (key, None)
        schema, *rest = split(name)
        tail = "" if arguments is None else argument_list(map(self.type, split_arguments(arguments)))
        return join(self.plain("schema", schema), *rest) + tail

    def type(self, text: str) -> str:
        """A type's name in a spec or a key; a foreign table is the type of its rows."""
        match = _TYPE.fullmatch(text)
        return text if match is None else self.within("table", match[1]) + match[2]

    def expression(self, text: str) -> str:
        """In the server's words, or in those that it was declared in."""

        def name(schema: str, last: str, called: bool) -> tuple[str, str]:
            new, other = split(self.within("function" if called else "table", join(schema, last)))
            return new, other

        return with_names(text, name)

    def argument(self, one: Argument) -> Argument:
        return evolve(one, type=self.type(one.type), default=self.expression(one.default) if one.default else "")

    def result(self, text: str) -> str:
        several = SETOF if text.startswith(SETOF) else ""
        return several + self.type(text.removeprefix(SETOF))

    def target(self, type_: str, key: str) -> str:
        """What ``on`` names."""
        if type_ in BULK:
            return key if is_pattern(key) else self.names("schema", key)
        return self.within(type_, key) if GRANTABLE[type_].in_schema else self.names(type_, key)

    def excepted(self, type_: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Schemas, and objects within them."""
        names = (split_signature(key)[0] for key in keys)
        return tuple(
            self.within(type_, key) if len(split(name)) > 1 else self.names("schema", key)
            for key, name in zip(keys, names, strict=True)
        )

    def handler(self, attribute: str, function: str | None) -> str | None:
        return split_signature(self.within("function", function + ARGUMENTS[attribute]))[0] if function else function

    def spec(self, spec: Any) -> Any:
        cls: Any = spec.__class__
        change = _SPECS.get(cls)
        return spec if change is None else change(self, spec)

    def key(self, type_: str, key: str, spec: Any) -> str:
        if type_ == DEFAULT_PRIVILEGES and spec is None:
            spec = self.spec(parse_list(key))
        cls: Any = spec.__class__
        made = _KEYS.get(cls)
        if made is not None:
            return made(spec)
        in_schema = type_ in ("foreign_table", "multirange") or (type_ in GRANTABLE and GRANTABLE[type_].in_schema)
        return self.within(type_, key) if in_schema else self.names(type_, key)

    def rest(self, found: Found) -> Found:
        """What else names objects."""
        follows = (found.follows[0], self.within(*found.follows)) if found.follows is not None else None
        extra = found.extra
        if found.type == "membership" and extra:
            rows = [{**row, "grantor": self.optional("role", row["grantor"])} for row in extra["rows"]]
            extra = {**extra, "rows": rows}
        belongs_to = self.within("table", found.belongs_to) if found.belongs_to else ""
        return evolve(found, follows=follows, belongs_to=belongs_to, extra=extra, holds=tuple(map(self.held, found.holds)))

    def held(self, one: Dependent) -> Dependent:
        if one.type == DEFAULT_PRIVILEGES:
            return one._replace(key=self.key(one.type, one.key, None))
        if one.type == "membership":
            roles = (self.names("role", role) for role in PART.findall(one.key))
            return one._replace(key="/".join(roles))
        if one.type in GRANTABLE and GRANTABLE[one.type].in_schema:
            routine = one.key.endswith("(")
            return one._replace(key=self.within(one.type, one.key.removesuffix("(")) + ("(" if routine else ""))
        return one._replace(key=self.names(one.type, one.key))


def _role(to: _Renaming, spec: Role) -> Role:
    config = spec.database_config
    by_database = None if config is None else {to.plain("database", name): values for name, values in config.items()}
    return evolve(spec, name=to.plain("role", spec.name), database_config=by_database)


def _membership(to: _Renaming, spec: Membership) -> Membership:
    role, member = to.plain("role", spec.role), to.plain("role", spec.member)
    return evolve(spec, role=role, member=member, granted_by=to.optional("role", spec.granted_by))


def _foreign_table(to: _Renaming, spec: ForeignTable) -> ForeignTable:
    return evolve(
        spec,
        name=to.key("foreign_table", spec.name, None),
        server=to.plain("server", spec.server),
        columns=tuple(evolve(column, type=to.type(column.type)) for column in spec.columns),
        owner=to.optional("role", spec.owner),
    )


def _function(to: _Renaming, spec: Function) -> Function:
    arguments = spec.arguments
    return evolve(
        spec,
        name=to.within("function", spec.name),
        arguments=None if arguments is None else tuple(map(to.argument, arguments)),
        returns=None if spec.returns is None else to.result(spec.returns),
        types=None if spec.types is None else tuple(sorted((type_, to.within(type_, key)) for type_, key in spec.types)),
        owner=to.optional("role", spec.owner),
    )


def _access(to: _Renaming, spec: Access) -> Access:
    rights = tuple(evolve(right, excepted=to.excepted(spec.object_type, right.excepted)) for right in spec.rights)
    return evolve(spec, grantee=to.grantee(spec.grantee), object=to.target(spec.type, spec.object), rights=rights)


def _ownership(to: _Renaming, spec: Ownership) -> Ownership:
    excepted = tuple(sorted(to.excepted(spec.object_type, spec.excepted)))
    return evolve(spec, object=to.target(spec.type, spec.object), owner=to.plain("role", spec.owner), excepted=excepted)


def _wrapper(to: _Renaming, spec: ForeignDataWrapper) -> ForeignDataWrapper:
    return evolve(
        spec,
        name=to.plain("foreign_data_wrapper", spec.name),
        handler=to.handler("handler", spec.handler),
        validator=to.handler("validator", spec.validator),
        owner=to.optional("role", spec.owner),
    )


def _default_list(to: _Renaming, spec: Any) -> Any:
    return evolve(spec, owner=to.plain("role", spec.owner), schema=to.plain("schema", spec.schema))


_SPECS: Mapping[type[Any], Callable[[_Renaming, Any], Any]] = {
    Role: _role,
    Membership: _membership,
    Database: lambda to, spec: evolve(
        spec,
        name=to.plain("database", spec.name),
        owner=to.optional("role", spec.owner),
        template=to.optional("database", spec.template),
    ),
    Schema: lambda to, spec: evolve(spec, name=to.plain("schema", spec.name), owner=to.optional("role", spec.owner)),
    Extension: lambda to, spec: evolve(spec, schema=to.optional("schema", spec.schema)),
    ForeignDataWrapper: _wrapper,
    Server: lambda to, spec: evolve(
        spec,
        name=to.plain("server", spec.name),
        fdw=to.plain("foreign_data_wrapper", spec.fdw),
        owner=to.optional("role", spec.owner),
    ),
    UserMapping: lambda to, spec: evolve(spec, server=to.plain("server", spec.server), user=to.grantee(spec.user)),
    ForeignTable: _foreign_table,
    Function: _function,
    Import: lambda to, spec: evolve(
        spec,
        name=to.within("table", spec.name),
        server=to.plain("server", spec.server),
        owner=to.optional("role", spec.owner),
    ),
    Relation: lambda to, spec: relation(spec.kind, to.plain("role", spec.owner)),
    Access: _access,
    Ownership: _ownership,
    DefaultList: _default_list,
    DefaultPrivileges: lambda to, spec: evolve(_default_list(to, spec), grantee=to.grantee(spec.grantee)),
}
_KEYS: Mapping[type[Any], Callable[[Any], str]] = {
    Membership: membership_key,
    UserMapping: user_mapping_key,
    Import: lambda spec: spec.name,
    Access: lambda spec: spec.key,
    Ownership: lambda spec: spec.key,
    DefaultList: lambda spec: spec.key,
    DefaultPrivileges: lambda spec: spec.key,
}
"""How keys follow from specs, of kinds whose objects have no name of their own."""
