"""What configurations mean, told by a small model of its own: who has what, after one was applied and then another.

The model knows nothing of pgplan. What PostgreSQL gives by itself, it knows: an owner's rights, those of PUBLIC, those that a new
object is born with, and those that a member inherits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy

from attrs import define, field, frozen

from tests.referee.catalogs import Key, May, Row, Thing
from tests.referee.configuration import IN, OF_COLUMNS, PUBLIC, SERIAL, WORDS, Block, Config, Place, Renaming, known, unrole

PUBLIC_HAS = {"function": ("EXECUTE",), "type": ("USAGE",), "language": ("USAGE",), "database": ("CONNECT", "TEMPORARY")}
MADE = {
    "foreign_data_wrapper": "foreign_data_wrapper",
    "foreign_table": "table",
    "function": "function",
    "schema": "schema",
    "server": "server",
}
"""By kind, the type of the objects with an access list."""
Item = tuple[str, str, str]
"""(column, grantee, privilege)"""


@frozen
class Wanted:
    grants: Mapping[tuple[Key, Item], bool]
    """With grant option or without."""
    absent: frozenset[tuple[Key, Item]]


@define
class Meaning:
    """What is there, after the configurations so far."""

    place: Place
    things: dict[Key, Thing]
    blocks: Config = field(factory=Config)
    adopted: set[tuple[Key, Item]] = field(factory=set[tuple[Key, Item]])
    """What was there when it was declared first."""

    def apply(self, config: Config, *, destroy: bool = False) -> None:
        before, there = self.blocks, frozenset(self.things)
        self._leave(config)
        recorded = self._wanted(before, there)
        for block in config.of("default_privileges"):
            self.things.setdefault(_list_key(block), self.empty_list(_list_key(block)))
        wanted = self._wanted(config, None)
        lists = [key for key in self.things if key[0] in WORDS]
        for key in lists:
            self._decide(key, recorded, wanted, destroy=destroy)
        self._make(config)
        roles = set(before.roles) - set(config.roles)
        for thing in self.things.values():
            thing.rows = {row: option for row, option in thing.rows.items() if row[1] not in roles}
        wanted = self._wanted(config, None)
        for key in self.things:
            if key[0] not in WORDS:
                self._decide(key, recorded, wanted, destroy=destroy)
        self.blocks = config

    def rename(self, one: Renaming) -> None:
        """What there is, as it is called then."""

        def key(old: Key) -> Key:
            type_, name = old
            if type_ in WORDS:
                owner, _, schema = name.partition("\0")
                return type_, f"{one.name(owner)}\0{one.of(schema) if one.kind == 'schema' else schema}"
            in_schema = one.kind == "schema" and (type_ == "schema" or type_ in WORDS.values())
            return type_, one.of(name) if in_schema or type_ == one.kind else name

        def item(old: Item) -> Item:
            return old[0], one.name(old[1]), old[2]

        for thing in self.things.values():
            thing.owner = one.name(thing.owner)
            thing.rows = {(*item(row[:3]), one.name(row[3])): option for row, option in thing.rows.items()}
        self.things = {key(old): thing for old, thing in self.things.items()}
        self.adopted = {(key(on), item(what)) for on, what in self.adopted}
        self.blocks = one.config(self.blocks)

    def look(self, things: Mapping[Key, Thing]) -> None:
        """Start from what is there now: somebody changed it."""
        lists = {key: self.empty_list(key) for key in self.things if key[0] in WORDS}
        self.things = lists | dict(things)

    def rights(self, memberships: Iterable[tuple[str, str]], superusers: Iterable[str], roles: Iterable[str]) -> dict[May, bool]:
        """What every role may do; `memberships` are (role, member) that inherit."""
        given: dict[str, set[str]] = {}
        for group, member in memberships:
            given.setdefault(member, set()).add(group)
        strong = set(superusers)
        found: dict[May, bool] = {}
        for role in roles:
            reached = {role, PUBLIC}
            queue = [role]
            while queue:
                more = given.get(queue.pop(), set()) - reached
                reached |= more
                queue += more
            for key, thing in self.things.items():
                if key[0] in WORDS:
                    continue
                own = {(column, privilege) for (column, to, privilege, _) in thing.rows if to in reached}
                for column in ("", *thing.columns):
                    for privilege in OF_COLUMNS if column else known(key[0], self.place.version):
                        has = ("", privilege) in own or (column, privilege) in own
                        found[role, key, column, privilege] = has or role in strong or self._is_bootstrap(role, key)
        return found

    def _is_bootstrap(self, role: str, key: Key) -> bool:
        return key[0] == "parameter" and role == "postgres"

    # What is there

    def _leave(self, config: Config) -> None:
        """What is not declared any more goes, and whatever goes with it."""
        stays = {(MADE[block.kind], block.name) for block in config.blocks if block.kind in MADE}
        went = {(MADE[block.kind], block.name) for block in self.blocks.blocks if block.kind in MADE} - stays
        schemas = {name for type_, name in went if type_ == "schema"}
        roles = set(self.blocks.roles) - set(config.roles)
        for key in list(self.things):
            owner, _, schema = key[1].partition("\0")
            if key in went or (key[0] in WORDS and (schema in schemas or owner in roles)):
                del self.things[key]
        self.adopted = {one for one in self.adopted if one[0] in self.things and one[1][1] not in roles}

    def _make(self, config: Config) -> None:
        """What is new, and what gets another owner or other columns."""
        for block in config.blocks:
            if block.kind == "database" and "owner" in block.body:
                self._own(self.things["database", block.name], unrole(block.body["owner"]))
            if block.kind == "ownership":
                for type_, names in block.body["on"].items():
                    for name in names:
                        self._own(self.things[type_, name], unrole(block.body["owner"]))
            if block.kind not in MADE:
                continue
            key = MADE[block.kind], block.name
            owner = unrole(block.body["owner"]) if "owner" in block.body else None
            if key in self.things:
                self._own(self.things[key], owner or self.things[key].owner)
            else:
                self.things[key] = Thing(owner or self.place.me, self._born(key, owner or self.place.me))
                self.adopted |= {(key, row[:3]) for row in self.things[key].rows}
            if block.kind == "foreign_table":
                columns = self.things[key].columns = tuple(column["name"] for column in block.body["columns"])
                rows = self.things[key].rows
                self.things[key].rows = {row: option for row, option in rows.items() if not row[0] or row[0] in columns}

    def _own(self, thing: Thing, owner: str) -> None:
        """The new owner takes the place of the old one, as grantee and as grantor."""

        def instead(name: str) -> str:
            return owner if name == thing.owner else name

        rows: dict[Row, bool] = {}
        for (column, to, privilege, by), option in thing.rows.items():
            row = column, instead(to), privilege, instead(by)
            rows[row] = rows.get(row, False) or option
        thing.owner, thing.rows = owner, rows

    def _built_in(self, type_: str, owner: str) -> dict[Row, bool]:
        rows: dict[Row, bool] = {("", owner, privilege, owner): False for privilege in known(type_, self.place.version)}
        return rows | {("", PUBLIC, privilege, owner): False for privilege in PUBLIC_HAS.get(type_, ())}

    def _born(self, key: Key, owner: str) -> dict[Row, bool]:
        """What the owner's default privileges give to a new object."""
        word = next((word for word, type_ in WORDS.items() if type_ == key[0]), "")
        everywhere = self.things.get((word, f"{owner}\0"))
        rows = dict(self._built_in(key[0], owner) if everywhere is None else everywhere.rows)
        here = self.things.get((word, f"{owner}\0{self._schema(key)}")) if self._schema(key) else None
        for row, option in here.rows.items() if here is not None else ():
            rows[row] = rows.get(row, False) or option
        return rows

    def _schema(self, key: Key) -> str:
        """The schema in a name that is written with quotes."""
        name = key[1][1:]
        return name[: name.index('".')].replace('""', '"') if '".' in name else ""

    def empty_list(self, key: Key) -> Thing:
        owner, _, schema = key[1].partition("\0")
        return Thing(owner, {} if schema else self._built_in(WORDS[key[0]], owner))

    # Who has what

    def _decide(self, key: Key, recorded: Wanted, wanted: Wanted, *, destroy: bool) -> None:
        thing = self.things[key]
        owners = (thing.owner, self.place.me)
        # What a list of a schema says of its owner is not built in.
        keeps = key[0] not in WORDS or key[1].endswith("\0")
        for one, item in recorded.grants:
            if one == key and (one, item) not in wanted.grants and not (keeps and item[1] == thing.owner):
                built_in = item[0] == "" and item[1] == PUBLIC and item[2] in PUBLIC_HAS.get(WORDS.get(key[0], key[0]), ())
                if (one, item) in self.adopted and (built_in or destroy):
                    continue
                for row in [row for row in thing.rows if row[:3] == item and row[3] in owners]:
                    del thing.rows[row]
        for row in [row for row in thing.rows if (key, row[:3]) in wanted.absent]:
            del thing.rows[row]
        for one, item in wanted.grants:
            if one == key:
                self._grant(key, thing, item, wanted.grants[one, item], fresh=(one, item) not in recorded.grants)

    def _grant(self, key: Key, thing: Thing, item: Item, option: bool, *, fresh: bool) -> None:
        if item[0] and item[0] not in thing.columns:
            return
        row = *item, thing.owner
        there = [row for row in thing.rows if row[:3] == item]
        if there and fresh:
            self.adopted.add((key, item))
        if not there:
            self.adopted.discard((key, item))
        if item[1] == thing.owner and there:
            return
        for one in there:
            thing.rows[one] = option
        if not there:
            thing.rows[row] = option

    def _wanted(self, config: Config, there: frozenset[Key] | None) -> Wanted:
        """What blocks say, on what is there, or on what was `there`. What names an object beats a pattern."""
        grants: dict[tuple[Key, Item], bool] = {}
        absent: set[tuple[Key, Item]] = set()
        named: dict[tuple[Key, Item], bool] = {}
        for block, is_named, key, item in self._claims(config, [key for key in self.things if there is None or key in there]):
            gives = "to" in block.body
            if is_named:
                named[key, item] = gives
            if gives:
                grants[key, item] = grants.get((key, item), False) or bool(block.body.get("grantable"))
            else:
                absent.add((key, item))
        absent -= {one for one, gives in named.items() if gives}
        grants = {one: option for one, option in grants.items() if named.get(one, True)}
        return Wanted(grants, frozenset(absent | {one for one in self._under(absent) if one not in grants}))

    def _under(self, absent: Iterable[tuple[Key, Item]]) -> Iterator[tuple[Key, Item]]:
        """Columns of whole tables: what a table must not give, they must not either."""
        for key, (column, to, privilege) in absent:
            if not column and privilege in OF_COLUMNS:
                yield from ((key, (name, to, privilege)) for name in self.things[key].columns)

    def _claims(self, config: Config, there: Iterable[Key]) -> Iterator[tuple[Block, bool, Key, Item]]:
        """Each item that a block is about, and whether it names the object."""
        for block in config.blocks:
            if block.kind in ("grant", "revoke"):
                yield from ((block, *said) for said in self._said(block, there))
            elif block.kind == "default_privileges" and (key := _list_key(block)) in self.things:
                yield from ((block, False, key, item) for item in self._items(block, WORDS[key[0]]))

    def _said(self, block: Block, there: Iterable[Key]) -> Iterator[tuple[bool, Key, Item]]:
        """Whether it is named, the object, and the item, of each that a grant or a revoke is about."""
        on = block.body["on"]
        word = next(word for word in on if word != "except")
        of_table = ("table", _quoted(*SERIAL[0]))
        if block.body.get("with_sequences") and any(key == of_table for _, key, _ in self._on(block, [of_table])):
            yield from ((word not in IN, ("sequence", _quoted(*SERIAL[1])), ("", unrole(to), "USAGE")) for to in block.body["to"])
        yield from self._on(block, there)

    def _on(self, block: Block, there: Iterable[Key]) -> Iterator[tuple[bool, Key, Item]]:
        """The same of the objects themselves."""
        on = block.body["on"]
        word = next(word for word in on if word != "except")
        for key in there:
            if key[0] != IN.get(word, word):
                continue
            if word in IN:
                schema, out = self._schema(key), on.get("except", ())
                patterns = [_unpattern(one) for one in on[word]]
                matched = schema in patterns or "*" in on[word]
                if not matched or key[1] in out or _quoted(schema) in out:
                    continue
            elif key[1] not in on[word]:
                continue
            for item in self._items(block, key[0]):
                yield word not in IN, key, item

    def _items(self, block: Block, type_: str) -> Iterator[Item]:
        body = block.body
        names = body["privileges"]
        for privilege in known(type_, self.place.version) if names == ["ALL"] else names:
            for to in body.get("to", body.get("from")):
                for column in body.get("columns", [""]):
                    yield column, unrole(to), privilege


def _list_key(block: Block) -> Key:
    return block.body["objects"], f"{unrole(block.body['owner'])}\0{block.body.get('schema', '')}"


def _quoted(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def _unpattern(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def start(place: Place, things: Mapping[Key, Thing]) -> Meaning:
    return Meaning(place, deepcopy(dict(things)))


def same(rows: Mapping[Row, bool], owner: str) -> dict[Row, bool]:
    """To compare: an owner's own grant option says nothing."""
    return {row: option for row, option in rows.items() if row[1] != owner or row[3] != owner} | {
        row: False for row in rows if row[1] == owner == row[3]
    }
