"""https://www.postgresql.org/docs/current/sql-grant.html#SQL-GRANT-ROLES

From PostgreSQL 16 on there is one row for each (role, member, grantor), each with options of its own, and the member has what any
of them gives. ``membership.R/M`` stands for all of them together, ``membership.R/M/G`` for the one that G granted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import evolve, frozen

from pgplan.sdk import (
    Declaration,
    Facts,
    Form,
    Found,
    InvalidBlockError,
    Mistakes,
    ObjectKindBase,
    Outcome,
    Path,
    Reasons,
    Reference,
    Scope,
    SpecOf,
    Statement,
    Wanted,
    find_cycle,
    part,
    sql,
)
from pgplan_postgres.base import to_role
from pgplan_postgres.leading import DATABASE_OWNER, is_inherited, reached
from pgplan_postgres.rights import SUPERUSER, Rights
from pgplan_postgres.sql import name, statement, words

ROWS_PER_GRANTOR = 160000
"""server_version_num from which on memberships have options and a row for each grantor."""
_OPTIONS = ("admin", "inherit", "set")
BOOTSTRAP_SUPERUSER = 10
"""The OID of the role that made the cluster (src/include/catalog/pg_authid.dat)."""
_LOOP = "dependency cycle: {} (member → role)"
PART = re.compile(r'"(?:[^"]|"")*"|[^/]+')
"""Each role in a key."""


@frozen
class MembershipBlock:
    """``[[membership]]``. Omitted, and enforced: `admin` is false, `set` true, `inherit` as the member's own attribute
    `inherit`, declared or else found. Without `granted_by` it does not matter who granted it.

    The ADMIN OPTION that a role gets of what it creates (from 16 on, without superuser) cannot be given back: omitted for the
    connected role itself, `admin` is not managed there."""

    role: list[str]
    member: list[str]
    admin: bool | None = None
    inherit: bool | None = None
    set: bool | None = None
    granted_by: str | None = None


@frozen
class Membership:
    role: str
    member: str
    admin: bool | None = None
    inherit: bool | None = None
    """None before PostgreSQL 16, where the member's own attribute decides."""
    set: bool | None = None
    """None before PostgreSQL 16, where every member may SET ROLE."""
    granted_by: str | None = None


def membership_key(spec: Membership) -> str:
    names = (spec.role, spec.member) if spec.granted_by is None else (spec.role, spec.member, spec.granted_by)
    return "/".join(map(part, names))


def check_owner(mistakes: Mistakes, path: Path, roles: Collection[str]) -> None:
    """`pg_database_owner` can neither have members by GRANT nor be one."""
    if DATABASE_OWNER in roles:
        hint = "give the database to the role that shall have its rights: owner in [database.NAME]"
        mistakes.add(path, f"{DATABASE_OWNER} has one member, the database's owner, and is a member of nothing", hint)


class MembershipKind(ObjectKindBase):
    name = "membership"
    form: Form = "array"
    scope: Scope = "cluster"
    block = MembershipBlock
    spec = Membership
    stands_on = ("role",)
    grantees = ("role", "member", "granted_by")
    adopted_silently = True
    goes_with = ("role", "member")
    early = True
    """What follows may need the rights that it gives."""
    exclusive = True
    """Turned round, a membership is refused while the old one stands."""

    def object(self, key: str) -> tuple[str, str]:
        """With or without its grantor, an address is about what one role gives one member."""
        return self.name, "/".join(PART.findall(key)[:2])

    def declare(self, name: str, block: MembershipBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        roles = _roles(mistakes, "role", block.role)
        members = _roles(mistakes, "member", block.member)
        for both in set(roles) & set(members):
            mistakes.add(("member",), f"{both!r} cannot be a member of itself")
        for attribute, named in (("role", roles), ("member", members)):
            check_owner(mistakes, (attribute,), named)
        granted_by = mistakes.optional_role("granted_by", block.granted_by)
        mistakes.done()
        specs = (Membership(r, m, block.admin, block.inherit, block.set, granted_by) for r in roles for m in members)
        return [Declaration(self.name, membership_key(spec), spec) for spec in specs]

    def references(self, spec: Membership) -> Sequence[Reference]:
        return [*to_role(spec.role, "role"), *to_role(spec.member, "member"), *to_role(spec.granted_by, "granted_by")]

    def grounds(self, spec: Membership, found: Found | None, spec_of: SpecOf) -> Sequence[Reference]:
        """The ADMIN OPTION of who granted it."""
        rows: list[dict[str, str | None]] = found.extra["rows"] if found is not None else [{"grantor": spec.granted_by}]
        grantors = sorted({grantor for row in rows if (grantor := row["grantor"]) is not None})
        own = [Reference("membership", membership_key(Membership(spec.role, grantor))) for grantor in grantors]
        return [*own, *(Reference("role", part(grantor)) for grantor in grantors)]

    def together(self, specs: Mapping[str, Membership]) -> Iterable[tuple[str, str, str]]:
        """Two that mean the same, and the first loop: PostgreSQL allows none."""
        for key, spec in specs.items():
            whole = membership_key(evolve(spec, granted_by=None))
            if spec.granted_by is not None and whole in specs:
                message = f"membership.{whole} is declared too, which means those of all grantors together"
                yield key, message, "declare the one without granted_by, or one for each grantor"
        keys = {(spec.member, spec.role): key for key, spec in specs.items()}
        path = find_cycle(keys)
        if path:
            yield keys[path[-2], path[-1]], _LOOP.format(" → ".join(path)), "break it by removing one of them"

    def excluded(self, going: Mapping[str, Membership], others: Mapping[str, Membership]) -> Iterable[str]:
        """Those that would close a loop."""
        pairs = [(one.member, one.role) for one in (*going.values(), *others.values())]
        left: list[tuple[str, str]] = []
        while len(left) != len(pairs):
            left = pairs
            members, roles = {member for member, _ in left}, {role for _, role in left}
            pairs = [(member, role) for member, role in left if member in roles and role in members]
        in_loop = set(left)
        return [key for key, one in going.items() if (one.member, one.role) in in_loop]

    def turns(self, wanted: Wanted, outcome: Outcome) -> Iterable[tuple[str, str]]:
        return () if outcome.catalog.facts.superuser else _turns(wanted, outcome)

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        there = {key: spec for key, spec in outcome.specs(self.name) if _stays(key, spec, outcome)}
        yield from _loop(wanted, there, outcome)
        for key, (found, spec) in wanted.items():
            if found is None and spec.granted_by is not None and not _may_grant(spec, there.values(), outcome):
                hint = f"let [[membership]] give {spec.granted_by} admin = true there, or leave granted_by out"
                yield key, f"{spec.granted_by} has no ADMIN OPTION on {spec.role}, so it cannot be granted_by that role", hint
            elif found is not None and found.spec.admin and spec.admin is False:
                yield from ((key, *one) for one in _stranded(spec, there.values()))

    def complete(self, spec: Membership, facts: Facts, spec_of: SpecOf) -> Membership:
        if facts.version < ROWS_PER_GRANTOR:
            named = [each for each in ("inherit", "set", "granted_by") if getattr(spec, each) is not None]
            if named:
                hint = "leave it out, or upgrade the server"
                raise InvalidBlockError(*(((each,), f"{each} of a membership needs PostgreSQL 16", hint) for each in named))
            return evolve(spec, admin=bool(spec.admin))
        member = spec_of("role", part(spec.member))
        inherits = member.inherit if member is not None else True
        own = spec.member == facts.role and not facts.superuser
        return evolve(
            spec,
            admin=spec.admin if own else bool(spec.admin),
            inherit=inherits if spec.inherit is None else spec.inherit,
            set=True if spec.set is None else spec.set,
        )

    def create(self, spec: Membership) -> Sequence[Statement]:
        return [_grant(spec, name_admin=bool(spec.admin))]

    def alter(self, found: Found, spec: Membership, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        before: Membership = found.spec
        statements: list[Statement] = []
        # One by one: a row that also has an option that shall go must lose it, whoever granted it.
        for row in found.extra["rows"]:
            statements += [_revoke(spec, row["grantor"], each) for each in _gone(row, spec) if each in changed]
        if any(each in changed and getattr(spec, each) for each in _OPTIONS):
            # ADMIN is named only if it is missing: it can be there by another grantor, who cannot be given it back.
            statements.append(_grant(spec, name_admin=bool(spec.admin) and not before.admin))
        return statements

    def drop(self, found: Found) -> Sequence[Statement]:
        # What the member granted to itself stands on what others granted to it.
        rows = sorted(found.extra["rows"], key=lambda row: (row["grantor"] != found.spec.member, row["grantor"] or ""))
        return [_revoke(found.spec, row["grantor"]) for row in rows]

    def missing_rights(self, found: Found | None, spec: Membership | None, rights: Rights) -> Sequence[str]:
        # What goes does so before anything of the kind is made.
        rights = rights.now if spec is None else rights
        one = spec or (found.spec if found is not None else None)
        foreign = self._foreign(found, spec, rights)
        lacks = [] if foreign is None else [f"the rights of the role {foreign}, which granted it"]
        if spec is not None and spec.granted_by and spec.granted_by != foreign and not rights.has_those_of(spec.granted_by):
            lacks.append(f"the rights of the role {spec.granted_by}, which is to grant it")
        group = rights.catalog.get("role", part(one.role)) if one is not None else None
        if one is None or group is None:
            return lacks
        if group.spec.superuser:
            return [*lacks, f"{SUPERUSER}, to give or take away the membership of a role that has it"]
        if rights.admin_of(one.role):
            return lacks
        if rights.facts.version < ROWS_PER_GRANTOR and rights.attribute("createrole"):
            return lacks
        return [*lacks, f"ADMIN OPTION on the role {one.role}"]

    def _foreign(self, found: Found | None, spec: Membership | None, rights: Rights) -> str | None:
        """A grantor whose rights it takes to revoke what he granted."""
        rows: list[dict[str, Any]] = found.extra["rows"] if found is not None else []
        grantors: list[str | None] = [row["grantor"] for row in rows if spec is None or _gone(row, spec)]
        return next((each for each in grantors if each is not None and not rights.has_those_of(each)), None)

    def lock_out(self, found: Found, spec: Membership | None, facts: Facts) -> str | None:
        before: Membership = found.spec
        if before.member not in (facts.role, facts.session_role):
            return None
        if spec is None:
            return f"the membership of {before.role}"
        lost = [each.upper() for each in _OPTIONS if getattr(before, each) and getattr(spec, each) is False]
        return f"{', '.join(lost)} OPTION of {before.role}" if lost else None


def _turns(wanted: Wanted, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """What leads the connected role to others comes before what it makes by their rights."""
    me, old = outcome.catalog.facts.role, outcome.catalog.facts.version < ROWS_PER_GRANTOR
    own = outcome.spec("role", part(me))
    any_role = old and own is not None and own.createrole
    # What goes and leads to others does so last.
    there: list[Membership] = [found.spec for found in outcome.catalog.of("membership")]
    waiting, first = dict(wanted), list[str]()
    while waiting:
        roles = reached(me, ((one.role, one.member) for one in there if is_inherited(one, outcome)), outcome.catalog)
        administered = {one.role for one in there if one.admin and one.member in roles}
        ready = [
            key
            for key, (found, spec) in waiting.items()
            if (any_role or spec.role in administered or outcome.is_made("role", part(spec.role)))
            and all(grantor in roles for grantor in _grantors(found, spec))
        ]
        if not ready:
            return
        leading = [key for key in first if wanted[key][1].member in roles]
        yield from ((one, key) for one in leading for key in ready)
        there += [waiting.pop(key)[1] for key in ready]
        first += ready


def _grantors(found: Found | None, spec: Membership) -> list[str]:
    """Whose rights it takes to make it so."""
    rows: list[Mapping[str, Any]] = found.extra["rows"] if found is not None else []
    grantors = (spec.granted_by, *(row["grantor"] for row in rows if _gone(row, spec)))
    return [grantor for grantor in grantors if grantor is not None]


def _stays(key: str, spec: Membership, outcome: Outcome) -> bool:
    """Whether there still is what this address means: all of a membership goes with its parts, each part with the whole."""
    found = outcome.catalog.get("membership", key)
    if found is None:
        return True

    def is_left(grantor: str | None) -> bool:
        return outcome.spec("membership", membership_key(evolve(spec, granted_by=grantor))) is not None

    rows: list[dict[str, str | None]] = found.extra["rows"]
    return (
        is_left(None) if spec.granted_by is not None else any(row["grantor"] is None or is_left(row["grantor"]) for row in rows)
    )


def _loop(wanted: Wanted, there: Mapping[str, Membership], outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """One that something new closes. What goes with a role that is dropped, and that nothing here manages, is still there when
    memberships are made."""
    new = {(spec.member, spec.role): key for key, (found, spec) in wanted.items() if found is None}
    path = find_cycle((spec.member, spec.role) for spec in there.values()) if new else []
    if path:
        key = next((new[pair] for pair in pairwise(path) if pair in new), next(iter(new.values())))
        goes = next((role for role in path if not outcome.is_there("role", part(role))), None)
        hint = "remove this one, or take one of the others away first"
        if goes is not None:
            hint = f"apply this without the membership first: it drops {goes}, and with that what closes the loop"
        yield key, _LOOP.format(" → ".join(path)), hint


def _may_grant(spec: Membership, there: Iterable[Membership], outcome: Outcome) -> bool:
    """Whether `granted_by` has ADMIN OPTION itself: it made the cluster, or makes the role here, or a membership says so."""
    grantor, facts = spec.granted_by or "", outcome.catalog.facts
    found = outcome.catalog.get("role", part(grantor))
    if found is not None and found.oid == BOOTSTRAP_SUPERUSER:
        return True
    makes = grantor == facts.role and not facts.superuser and outcome.is_made("role", part(spec.role))
    return makes or any(one.role == spec.role and one.member == grantor and one.admin for one in there)


def _stranded(spec: Membership, there: Iterable[Membership]) -> Iterator[tuple[str, str]]:
    """What the member granted by the ADMIN OPTION that it loses, unless another grantor leaves it that."""
    there = list(there)
    others = [one for one in there if spec.granted_by is not None and one.granted_by not in (None, spec.granted_by)]
    if not any(one.role == spec.role and one.member == spec.member and one.admin for one in others):
        granted = [one for one in there if one.role == spec.role and one.granted_by == spec.member]
        for one in granted[:1]:
            by_hand = _revoke(one, one.granted_by).sql
            hint = f"keep admin = true; or take that away first, by hand (`pgplan psql`): {by_hand}"
            yield f"it cannot lose ADMIN OPTION: {one.granted_by} has granted {one.role} to {one.member} by it", hint


def _roles(mistakes: Mistakes, attribute: str, values: Sequence[str]) -> list[str]:
    mistakes.some((attribute,), values)
    paths: list[Path] = [(attribute,) if len(values) == 1 else (attribute, index) for index in range(len(values))]
    roles = [mistakes.role(path, value) for path, value in zip(paths, values, strict=True)]
    return list(dict.fromkeys(roles))


def _gone(row: Mapping[str, Any], spec: Membership) -> list[str]:
    """Options that one grantor's row gives and `spec` denies."""
    return [each for each in _OPTIONS if getattr(spec, each) is False and row[each]]


def _grant(spec: Membership, *, name_admin: bool) -> Statement:
    """INHERIT and SET are always named where the server knows them: GRANT leaves what is not named as it is."""
    grant = sql.SQL("GRANT {} TO {}").format(name(spec.role), name(spec.member))
    if spec.inherit is None or spec.set is None:
        return statement("{}", words(grant, sql.SQL("WITH ADMIN OPTION") if name_admin else None))
    options = [sql.SQL("ADMIN TRUE")] if name_admin else []
    options.append(sql.SQL("INHERIT TRUE") if spec.inherit else sql.SQL("INHERIT FALSE"))
    options.append(sql.SQL("SET TRUE") if spec.set else sql.SQL("SET FALSE"))
    return statement("{}", words(grant, sql.SQL("WITH"), sql.SQL(", ").join(options), _granted_by(spec.granted_by)))


def _revoke(spec: Membership, grantor: str | None, option: str = "") -> Statement:
    words_of = {"admin": sql.SQL("ADMIN OPTION FOR"), "inherit": sql.SQL("INHERIT OPTION FOR"), "set": sql.SQL("SET OPTION FOR")}
    what = words(sql.SQL("REVOKE"), words_of.get(option), name(spec.role), sql.SQL("FROM"), name(spec.member))
    return statement("{}", words(what, _granted_by(grantor)))


def _granted_by(grantor: str | None) -> sql.Composable | None:
    return None if grantor is None else sql.SQL("GRANTED BY {}").format(name(grantor))
