"""``[[default_privileges]]``: what objects that a role makes later are born with.

https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from typing import Any, Literal

from attrs import evolve, field, frozen

from pgplan.sdk import (
    PUBLIC,
    Catalog,
    Claim,
    Declaration,
    Facts,
    Found,
    InvalidBlockError,
    Item,
    Mistakes,
    Reference,
    Scope,
    Secret,
    grantee_part,
    grantee_role,
    name_problem,
    part,
    part_grantee,
    role_grantee,
)
from pgplan_postgres.acl import given
from pgplan_postgres.base import to_role
from pgplan_postgres.default_lists import DefaultList, parse_list, vain
from pgplan_postgres.grantable import DEFAULT_PRIVILEGES, DEFAULTS, GRANTABLE
from pgplan_postgres.privileges import ALL, expanded
from pgplan_postgres.selectors import Named

Names = tuple[str, ...]
_KEY = re.compile(r'(.+)/("(?:[^"]|"")*"|[^/"]+)', re.DOTALL)


@frozen
class DefaultPrivilegesBlock:
    """Exactly one of `schema` and `global`, and of `to` and `from`. ``grantable`` left out means false, and is enforced."""

    owner: Names
    objects: Names
    privileges: Names
    schema: Names | None = None
    global_: bool = False
    to: Names | None = None
    from_: Names | None = None
    grantable: bool = False


@frozen(order=True)
class DefaultRight:
    """A privilege, or ALL, that the list must give or, if `absent`, must not."""

    privilege: str
    absent: bool = False
    grantable: bool = False


def _normal(rights: Iterable[DefaultRight]) -> tuple[DefaultRight, ...]:
    """Each once, grantable if any of them is."""
    grantable: dict[tuple[str, bool], bool] = {}
    for one in rights:
        grantable[one.privilege, one.absent] = grantable.get((one.privilege, one.absent), False) or one.grantable
    return tuple(sorted(DefaultRight(*which, option) for which, option in grantable.items()))


@frozen
class DefaultPrivileges:
    """What one list says of one grantee."""

    owner: str
    schema: str
    """"" for all schemas."""
    objects: str
    grantee: str
    """As `pgplan.snapshot.Item` spells it."""
    rights: tuple[DefaultRight, ...] = field(converter=_normal)

    @property
    def target(self) -> DefaultList:
        return DefaultList(self.owner, self.schema, self.objects)

    @property
    def key(self) -> str:
        return f"{self.target.key}/{grantee_part(self.grantee)}"


class DefaultPrivilegesKind:
    name = DEFAULT_PRIVILEGES
    form: Literal["table", "array"] = "array"
    scope: Scope = "database"
    version: int = 1
    # An extension makes its objects as its script says, whatever the role that installs it gives to its own.
    right_after: Sequence[str] = ("role", "membership", "schema", "extension")
    of_owners = False
    block = DefaultPrivilegesBlock
    spec = DefaultPrivileges
    on = (DEFAULT_PRIVILEGES,)
    surveys: Sequence[str] = ()

    def key_on(self, type_: str, key: str, grantee: str) -> str:
        return f"{key}/{grantee_part(grantee)}" if type_ == DEFAULT_PRIVILEGES else ""

    def declare(self, name: str, block: DefaultPrivilegesBlock) -> Iterable[Declaration]:
        mistakes = Mistakes()
        for attribute, values in (("owner", block.owner), ("schema", block.schema), ("objects", block.objects)):
            mistakes.some((attribute,), values)
        mistakes.some(("to",), block.to)
        mistakes.some(("from",), block.from_)
        owners = [mistakes.role(("owner", i), owner) for i, owner in enumerate(block.owner)]
        schemas = _schemas(block, mistakes)
        grantees = _grantees(block, mistakes)
        objects = _objects(block, mistakes)
        rights = [DefaultRight(one, block.from_ is not None, block.grantable) for one in _privileges(block, objects, mistakes)]
        lists = [DefaultList(*which) for which in product(owners, schemas, objects)]
        specs = [DefaultPrivileges(one.owner, one.schema, one.objects, to, rights) for one in lists for to in grantees]
        for spec in specs if block.from_ is not None else ():
            _check_absence(spec, mistakes)
        mistakes.done()
        return [Declaration(self.name, spec.key, spec) for spec in specs]

    def secrets(self, spec: DefaultPrivileges) -> Mapping[str, Secret]:  # the contract asks every kind
        return {}

    def references(self, spec: DefaultPrivileges) -> Sequence[Reference]:
        attribute = "from" if all(right.absent for right in spec.rights) else "to"
        schema = [Reference("schema", part(spec.schema), "schema")] if spec.schema else []
        return [*to_role(spec.owner, "owner"), *schema, *to_role(grantee_role(spec.grantee), attribute)]

    def merge(self, one: DefaultPrivileges, other: DefaultPrivileges) -> DefaultPrivileges:
        """Raises InvalidBlockError when the same privilege must be there and must not."""
        rights = (*one.rights, *other.rights)
        wanted, absent = ({right.privilege for right in rights if right.absent is side} for side in (False, True))
        both = wanted | absent if ALL in wanted | absent and wanted and absent else wanted & absent
        if both:
            what = ", ".join(sorted(both - {ALL})) or ALL
            message = f"{what} on {one.objects} is in `to` and in `from` for {one.grantee}"
            raise InvalidBlockError((("privileges",), message, "remove it from one of the two"))
        return evolve(one, rights=rights)

    def blocks(self, spec: DefaultPrivileges) -> Sequence[Mapping[str, Any]]:
        sides: dict[tuple[bool, bool, bool], list[str]] = {}
        for right in spec.rights:
            sides.setdefault((right.absent, right.grantable, right.privilege == ALL), []).append(right.privilege)
        return [_block(spec, privileges, absent, grantable) for (absent, grantable, _), privileges in sorted(sides.items())]

    def reads(self, spec: DefaultPrivileges) -> Sequence[str]:
        return (DEFAULT_PRIVILEGES,)

    def claims(self, spec: DefaultPrivileges, facts: Facts) -> Sequence[Claim]:
        since = spec.target.defaults.since
        if facts.version // 10000 < since:
            message = f"the server is PostgreSQL {facts.version // 10000}, and default privileges on {spec.objects} exist from"
            raise InvalidBlockError((("objects",), f"{message} {since} on", "leave it out for this server"))
        said: dict[tuple[bool, bool], dict[Item, None]] = {}
        for right in spec.rights:
            names = expanded(spec.target.type, right.privilege, facts.version)
            items = said.setdefault((right.absent, right.grantable), {})
            items |= dict.fromkeys(Item("", spec.grantee, privilege) for privilege in names)
        claims: list[Claim] = []
        for (absent, grantable), items in sorted(said.items()):
            more = {} if grantable else said.get((absent, True), {})
            if some := tuple(sorted(item for item in items if item not in more)):
                claims.append(Claim(Named(DEFAULT_PRIVILEGES, spec.target.key), some, absent, grantable))
        return claims

    def adoptable(self, key: str, catalog: Catalog) -> DefaultPrivileges | None:
        """What the list gives the grantee and, of what PUBLIC has built in, what it does not."""
        one, grantee = parse_key(key)
        found = catalog.get(DEFAULT_PRIVILEGES, one.key)
        if found is None:
            return None
        rights = [DefaultRight(name, grantable=option) for (_, name), option in found.acl.held(grantee).items()]
        rights += _withheld(found) if grantee == PUBLIC else ()
        return DefaultPrivileges(one.owner, one.schema, one.objects, grantee, rights) if rights else None

    def declarations(self, found: Found) -> Iterable[Declaration]:
        if found.type != DEFAULT_PRIVILEGES:
            return []
        one: DefaultList = found.spec
        rights: dict[str, list[DefaultRight]] = {}
        for row in given(found):
            rights.setdefault(row.grantee, []).append(DefaultRight(row.privilege, grantable=row.grantable))
        if withheld := _withheld(found):
            rights.setdefault(PUBLIC, []).extend(withheld)
        specs = [DefaultPrivileges(one.owner, one.schema, one.objects, to, some) for to, some in rights.items()]
        return [Declaration(self.name, spec.key, spec) for spec in specs]


def parse_key(key: str) -> tuple[DefaultList, str]:
    """The list and the grantee that an address's key stands for. Raises InvalidBlockError when it is none."""
    match = _KEY.fullmatch(key)
    try:
        one = parse_list(match[1] if match else "")
    except ValueError as error:
        hint = "write owner/schema/objects/role, such as migrator/billing/tables/app or migrator/*/functions/PUBLIC"
        raise InvalidBlockError(((), str(error), hint)) from None
    written = match[2] if match else ""
    grantee = part_grantee(written)
    problems = [name_problem(text) for text in (one.owner, one.schema or one.owner, grantee_role(grantee) or PUBLIC)]
    if any(problems):
        raise InvalidBlockError(*(((), problem, "") for problem in problems if problem))
    if grantee_part(grantee) != written:
        hint = f"write {one.key}/{grantee_part(grantee)}"
        raise InvalidBlockError(((), f"{key!r} is not written as pgplan writes it", hint))
    return one, grantee


def _withheld(found: Found) -> list[DefaultRight]:
    """What PUBLIC has built in, and does not have by this list, which counts unless it is empty."""
    one: DefaultList = found.spec
    public = () if one.schema or not found.acl.privileges else GRANTABLE[one.type].public
    return [DefaultRight(name, absent=True) for name in public if ("", name) not in found.acl.held(PUBLIC)]


def _schemas(block: DefaultPrivilegesBlock, mistakes: Mistakes) -> Names:
    if (block.schema is None) != block.global_:
        message = "schema and global contradict each other" if block.global_ else "neither schema nor global is there"
        mistakes.add((), message, "write one of them: schema = … or global = true")
        return ()
    return ("",) if block.schema is None else tuple(mistakes.name(("schema", i), one) for i, one in enumerate(block.schema))


def _grantees(block: DefaultPrivilegesBlock, mistakes: Mistakes) -> Names:
    if (block.to is None) == (block.from_ is None):
        message = "neither to nor from is there" if block.to is None else "to and from contradict each other"
        mistakes.add((), message, "write one of them; the other in a block of its own")
        return ()
    attribute, names = ("to", block.to) if block.to is not None else ("from", block.from_)
    if block.grantable and attribute == "from":
        mistakes.add(("grantable",), "grantable goes with to, not with from")
    elif block.grantable and PUBLIC in (names or ()):
        hint = "grant to PUBLIC in a block of its own"
        mistakes.add(("grantable",), "PostgreSQL gives nothing to PUBLIC with grant option", hint)
    return tuple(mistakes.grantee((attribute, i), one) for i, one in enumerate(names or ()))


def _objects(block: DefaultPrivilegesBlock, mistakes: Mistakes) -> Names:
    """The known words of `objects`."""
    for i, word in enumerate(block.objects):
        if word not in DEFAULTS:
            close = get_close_matches(word, DEFAULTS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"write {', '.join(DEFAULTS)}"
            mistakes.add(("objects", i), f"there are no default privileges on {word!r}", hint)
        elif block.schema is not None and not DefaultList("", "", word).defaults.in_schema:
            mistakes.add(("objects", i), f"{word} are in no schema", "write global = true")
    return tuple(word for word in block.objects if word in DEFAULTS)


def _privileges(block: DefaultPrivilegesBlock, objects: Names, mistakes: Mistakes) -> Names:
    if not block.privileges:
        mistakes.add(("privileges",), "privileges is empty", 'name privileges, or write ["ALL"]')
    if ALL in block.privileges and len(block.privileges) > 1:
        mistakes.add(("privileges",), "ALL stands alone", 'write privileges = ["ALL"], or name them one by one')
    for (i, privilege), word in product(enumerate(block.privileges), objects):
        known = GRANTABLE[DEFAULTS[word]].privileges
        if privilege not in known and privilege != ALL:
            close = get_close_matches(privilege.upper(), [*known, ALL], n=1, cutoff=0.7)
            hint = f"did you mean {close[0]}?" if close else f"{word} have {', '.join(known)}"
            mistakes.add(("privileges", i), f"{word} have no privilege {privilege!r}", hint)
    return block.privileges


def _check_absence(spec: DefaultPrivileges, mistakes: Mistakes) -> None:
    """What PostgreSQL would take without an error and without an effect."""
    if not spec.schema and grantee_role(spec.grantee) == spec.owner:
        hint = "revoke from the owner what is made, object by object"
        mistakes.add(("from",), "the owner's own rights stay: a list that is empty is ignored by PostgreSQL", hint)
    public = GRANTABLE[spec.target.type].public
    nothing = [name for name in public if spec.schema and spec.grantee == PUBLIC and _names(spec, name)]
    if nothing:
        mistakes.add(("from",), *vain(", ".join(nothing), spec.objects, PUBLIC))


def _names(spec: DefaultPrivileges, privilege: str) -> bool:
    return any(right.privilege in (privilege, ALL) for right in spec.rights)


def _block(spec: DefaultPrivileges, privileges: list[str], absent: bool, grantable: bool) -> dict[str, Any]:
    return {
        "owner": role_grantee(spec.owner),
        **({"schema": spec.schema} if spec.schema else {"global": True}),
        "objects": spec.objects,
        "privileges": privileges,
        "from" if absent else "to": spec.grantee,
        **({"grantable": True} if grantable else {}),
    }
