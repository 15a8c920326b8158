"""https://www.postgresql.org/docs/current/sql-createusermapping.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from pgplan.sdk import (
    Declaration,
    Form,
    Found,
    Mistakes,
    ObjectKindBase,
    Outcome,
    Reasons,
    Reference,
    Secret,
    SecretUse,
    Statement,
    Wanted,
    grantee_part,
    grantee_role,
    part,
    sorted_dict,
    sql,
)
from pgplan_postgres.base import to_role
from pgplan_postgres.options import as_secret, changes, check_name, clause, plain, secret
from pgplan_postgres.rights import SUPERUSER, Rights
from pgplan_postgres.sql import grantee, name, statement, text, words
from pgplan_postgres.wrapper_options import for_superusers, refused, validated_by

SLOT = "options."


@frozen
class UserMappingBlock:
    """``[[user_mapping]]``. `user` is a role, or PUBLIC. Omitted `options` mean none, and that is enforced."""

    server: list[str]
    user: list[str]
    options: dict[str, str | Secret] = field(factory=dict[str, "str | Secret"])


@frozen
class UserMapping:
    server: str
    user: str
    """A role, the keyword PUBLIC, or ``"PUBLIC"`` for a role called so."""
    options: dict[str, str | Secret] | None = field(factory=dict[str, "str | Secret"], converter=sorted_dict)
    """None: the server hides them."""


def user_mapping_key(spec: UserMapping) -> str:
    return f"{part(spec.server)}/{grantee_part(spec.user)}"


class UserMappingKind(ObjectKindBase):
    name = "user_mapping"
    form: Form = "array"
    block = UserMappingBlock
    spec = UserMapping
    stands_on = ("server", "role")
    reads = ("extension", "foreign_data_wrapper")
    replace_when_hidden = ("options",)

    def declare(self, name: str, block: UserMappingBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        mistakes.some(("server",), block.server)
        mistakes.some(("user",), block.user)
        for server in block.server:
            mistakes.name(("server",), server)
        users = [mistakes.grantee(("user",), user) for user in block.user]
        options = {option: as_secret(option, value) for option, value in block.options.items()}
        for option, value in options.items():
            check_name(mistakes, ("options", option), option)
            if isinstance(value, Secret) and "'" in option:
                mistakes.add(("options", option), "the name of a secret option cannot hold an apostrophe")
        mistakes.done()
        pairs = dict.fromkeys((server, user) for server in block.server for user in users)
        specs = [UserMapping(server, user, options) for server, user in pairs]
        return [Declaration(self.name, user_mapping_key(spec), spec) for spec in specs]

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        for key, (_, spec) in wanted.items():
            server = outcome.spec("server", part(spec.server))
            by = validated_by(server.fdw, outcome.spec, outcome.is_made) if server is not None else None
            mistakes = refused(by, "user_mapping", spec.options, outcome.catalog)
            yield from ((key, *one) for one in mistakes)

    def missing_rights(self, found: Found | None, spec: UserMapping | None, rights: Rights) -> Sequence[str]:
        one = spec or (found.spec if found is not None else None)
        # What is made or altered comes after its server is, and what goes may do so before.
        world = rights.catalog if spec is None else rights.later
        server = world.get("server", part(one.server)) if one is not None else None
        lacks = [] if spec is None else self._for_superusers(spec, rights)
        if one is None or server is None or rights.owns(server):
            return lacks
        if grantee_role(one.user) == rights.facts.role and rights.has("server", server.key, "USAGE"):
            return lacks
        return [*lacks, f"ownership of server {one.server} (its owner is {server.owner})"]

    def _for_superusers(self, spec: UserMapping, rights: Rights) -> list[str]:
        def spec_of(type_: str, key: str) -> Any:
            known = rights.catalog.get(type_, key)
            return known.spec if known is not None else None

        server = spec_of("server", part(spec.server))
        by = validated_by(server.fdw, spec_of, lambda _, __: False) if server is not None and not rights.platform else None
        return [f"{SUPERUSER}, which {by} wants for {one}" for one in for_superusers(by, spec.options)]

    def references(self, spec: UserMapping) -> Sequence[Reference]:
        return [Reference("server", part(spec.server), "server"), *to_role(grantee_role(spec.user), "user")]

    def secrets(self, spec: UserMapping) -> Mapping[str, Secret]:
        return {SLOT + option: value for option, value in secret(spec.options or {}).items()}

    def create(self, spec: UserMapping) -> Sequence[Statement]:
        """Secrets are added one by one, when this transaction has the mapping's lock: see docs/explanation/secrets.md."""
        options = spec.options or {}
        created = words(sql.SQL("CREATE"), _target(spec), clause(plain(options)))
        return [statement("{}", created), *(_private(spec, option, "ADD") for option in secret(options))]

    def alter(self, found: Found, spec: UserMapping, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        if found.spec.options is None:
            # Hidden and not recorded: which of ADD and SET is right cannot be known.
            return [*self.drop(found), *self.create(spec)]
        before, after = found.spec.options, spec.options or {}
        sent = [option for option in secret(after) if option not in before or SLOT + option in slots]
        clear = changes(before, after, drop_first=sent)
        if clear is None and sent:
            # The lock must be taken without a secret: a message about a wait would quote it.
            first, *others = sent
            empty = sql.SQL("OPTIONS (ADD {} {})").format(name(first), text(""))
            return [
                statement("ALTER {} {}", _target(spec), empty),
                _private(spec, first, "SET"),
                *(_private(spec, option, "ADD") for option in others),
            ]
        altered = [statement("ALTER {} {}", _target(spec), clear)] if clear is not None else []
        return [*altered, *(_private(spec, option, "ADD") for option in sent)]

    def drop(self, found: Found) -> Sequence[Statement]:
        return [statement("DROP {}", _target(found.spec))]


def _target(spec: UserMapping) -> sql.Composable:
    return sql.SQL("USER MAPPING FOR {} SERVER {}").format(grantee(spec.user), name(spec.server))


def _private(spec: UserMapping, option: str, verb: str) -> Statement:
    action = sql.SQL("ADD {}") if verb == "ADD" else sql.SQL("SET {}")
    use = SecretUse(SLOT + option, "private", command="ALTER USER MAPPING")
    # Not a literal: pgplan.database.transport fills it in, inside the server.
    slot = sql.SQL(":{}").format(sql.Literal(use.slot))
    return statement("ALTER {} OPTIONS ({} {})", _target(spec), action.format(name(option)), slot, secret=use)
