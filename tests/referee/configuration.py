"""Configurations drawn by a seed: every kind, names with every odd character, and each a possible one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import evolve, frozen

ROLES = ("PUBLIC", 'a "q".role', "Ünï [cö*dé]/x", "Upper@x.y", "pgbouncer", "None", "n" * 63)
"""Roles that configurations may declare."""
PUBLIC = ""
"""How the keyword is written here: no role is called so."""
SCHEMAS = ("s1", 'App.Da"ta [x]', "S 2*")
SERVERS = ("srv", 'Sr.v "2" [*]')
WRAPPER = 'Own.w "3"'
BASE, ODD = "base", 'Ba.se "q"*'
"""Schemas that are there already."""
TABLES = ((BASE, "t"), (BASE, "v"), (BASE, 'I.i "n"'), (ODD, "T.t [1]*"), (ODD, 'p "a"'))
COLUMNS = ("x", 'Y "y".y')
SERIAL = (BASE, 'I.i "n"'), (BASE, 'I.i "n"_x_seq')
"""A table, and the sequence that a column of it owns."""
SEQUENCES = ((BASE, "q"), (ODD, "Q/q"), SERIAL[1])
FUNCTIONS = ((BASE, "f(integer,text[])"), (BASE, "f()"), (BASE, "a(integer)"), (ODD, '"P.p"(text)'))
"""The name is written with its types, and quoted where it must be."""
TYPES = ((BASE, "ty"), (BASE, "d"), (ODD, "E[]"))
OWN_FUNCTIONS = ("f(integer)", '"G.g [*]"()', "f()")
OWN_TABLES = ("ft", "F.t *")
FILES = {"one.sql": "SELECT 1", "two's.sql": "SELECT 2 -- 'it''s'\n"}
"""Bodies of functions, by file."""
GIVEN: Mapping[str, Sequence[tuple[str, str]]] = {
    "table": TABLES[:2] + TABLES[3:],
    "sequence": SEQUENCES[:2],
    "function": FUNCTIONS,
    "type": TYPES[1:],
}
"""What others made and may get another owner, by type; neither what a sequence follows nor it."""
LARGE_OBJECTS = ("990001", "990002")
PARAMETERS = ("work_mem", "my.param")
PRIVILEGES: Mapping[str, Mapping[str, int]] = {
    "table": {**dict.fromkeys(("DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"), 0), "MAINTAIN": 17},
    "sequence": {"SELECT": 0, "UPDATE": 0, "USAGE": 0},
    "function": {"EXECUTE": 0},
    "type": {"USAGE": 0},
    "schema": {"CREATE": 0, "USAGE": 0},
    "database": {"CONNECT": 0, "CREATE": 0, "TEMPORARY": 0},
    "language": {"USAGE": 0},
    "foreign_data_wrapper": {"USAGE": 0},
    "server": {"USAGE": 0},
    "tablespace": {"CREATE": 0},
    "large_object": {"SELECT": 0, "UPDATE": 0},
    "parameter": {"SET": 15, "ALTER SYSTEM": 15},
}
"""By type, with the first version that has it."""
OF_COLUMNS = ("INSERT", "REFERENCES", "SELECT", "UPDATE")
WORDS = {"tables": "table", "sequences": "sequence", "functions": "function", "types": "type", "schemas": "schema"}
"""What default privileges are about, by word."""
IN = {f"{word}_in": type_ for word, type_ in WORDS.items() if word != "schemas"}
TEXTS = ("", "one", "it's \\", 'a "b"', "$$ :'x' %s", "Ünï\nline")


def known(type_: str, version: int) -> list[str]:
    """The privileges of a type on this version."""
    return [name for name, since in PRIVILEGES[type_].items() if version >= since]


def quoted(*names: str) -> str:
    """A name with dots as TOML has it. What follows a parenthesis is written as it stands."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def dotted(type_: str, schema: str, name: str) -> str:
    return f"{quoted(schema)}.{name}" if type_ == "function" else quoted(schema, name)


def role(name: str) -> str:
    """A role, or PUBLIC, as blocks name it."""
    return {PUBLIC: "PUBLIC", "PUBLIC": '"PUBLIC"'}.get(name, name)


@frozen
class Block:
    """One block: of `body` all is written into TOML, and names of roles are `role` already."""

    kind: str
    name: str
    """The key of a table, "" in an array of tables."""
    body: Mapping[str, Any]
    roles: tuple[str, ...] = ()
    """Roles that must be there, by their names."""
    needs: tuple[tuple[str, str], ...] = ()
    """(kind, name) of what else must be declared."""

    def lines(self) -> list[str]:
        head = f"[{self.kind}.{_toml(self.name)}]" if self.name else f"[[{self.kind}]]"
        return [head, *(f"{_toml(key)} = {_toml(value)}" for key, value in self.body.items())]


@frozen
class Config:
    blocks: tuple[Block, ...] = ()

    def of(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def get(self, kind: str, name: str) -> Block | None:
        return next((block for block in self.of(kind) if block.name == name), None)

    @property
    def roles(self) -> list[str]:
        return [unrole(block.name) for block in self.of("role")]

    def text(self, head: str) -> str:
        return "\n".join([head, *(line for block in self.blocks for line in block.lines())]) + "\n"

    def at(self, head: str, line: int) -> Block | None:
        """The block that stands at a line of `text`."""
        first = len(head.splitlines()) + 1
        for block in self.blocks:
            first += len(block.lines())
            if line < first:
                return block
        return None

    def without(self, gone: Iterable[Block]) -> Config:
        """What is left of it, without what needs them."""
        gone = list(gone)
        left = [block for block in self.blocks if not any(block is one for one in gone)]
        while True:
            names = {(block.kind, block.name) for block in left}
            roles = {unrole(name) for kind, name in names if kind == "role"}
            fine = [
                block
                for block in left
                if roles.issuperset(one for one in block.roles if one in ROLES) and names.issuperset(block.needs)
            ]
            if len(fine) == len(left):
                return Config(tuple(fine))
            left = fine


def unrole(text: str) -> str:
    return {"PUBLIC": PUBLIC, '"PUBLIC"': "PUBLIC"}.get(text, text)


def _toml(value: Any) -> str:
    match value:
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case dict():
            return f"{{ {', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())} }}"  # pyright: ignore[reportUnknownVariableType]
        case _:
            return json.dumps(value, ensure_ascii=False)


@frozen
class Place:
    """Where configurations are applied."""

    version: int
    database: str
    me: str
    """The connected role."""
    superuser: bool


Target = tuple[str, str]
"""A type and an object of it, as blocks name it."""


class Drawer:
    """Draws one configuration, which may follow `before`: then owners stay managed that were."""

    def __init__(self, random: Random, place: Place, before: Config | None = None) -> None:
        self.random = random
        self.place = place
        self.before = before or Config()
        self.blocks: list[Block] = []
        self.roles = [name for name in ROLES if self.often() or self.kept("role", role(name))]
        self.decided: dict[tuple[Any, ...], str] = {}
        """What was said of a privilege: a grant and a revoke contradict each other."""

    def config(self) -> Config:
        for draw in (
            self.role_blocks,
            self.memberships,
            self.own_memberships,
            self.database,
            self.schemas,
            self.foreign,
            self.functions,
            self.ownership,
        ):
            draw()
        for _ in range(self.random.randrange(14)):
            self.access()
        for _ in range(self.random.randrange(6)):
            self.defaults()
        self.random.shuffle(self.blocks)
        return Config(tuple(self.blocks))

    # Choices

    def often(self, chance: float = 0.65) -> bool:
        return self.random.random() < chance

    def some(self, values: Iterable[Any], chance: float = 0.5) -> list[Any]:
        return [value for value in values if self.often(chance)]

    def one(self, values: Sequence[Any]) -> Any:
        return self.random.choice(values)

    def optional(self, chance: float = 0.4, /, **values: Any) -> dict[str, Any]:
        """Some of the attributes."""
        return {key: value() if callable(value) else value for key, value in values.items() if self.often(chance)}

    def text(self) -> str:
        return str(self.one(TEXTS))

    def kept(self, kind: str, name: str) -> bool:
        block = self.before.get(kind, name)
        return block is not None and bool(block.body.get("protect"))

    def add(
        self, kind: str, name: str, body: Mapping[str, Any], roles: Iterable[str] = (), needs: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.blocks.append(Block(kind, name, dict(body), tuple(roles), tuple(needs)))

    def owned(self, kind: str, name: str, within: str = "") -> tuple[dict[str, Any], list[str]]:
        """An owner or none. One that was managed stays so: else he could not go.

        `within` is the schema: without superuser, an owner must have CREATE on it.
        """
        before = self.before.get(kind, name)
        needed = before is not None and "owner" in before.body
        if not needed and self.often(0.5):
            return {}, []
        owners = [self.place.me, *self.roles]
        if within and not self.place.superuser:
            schema = next(block for block in self.blocks if block.kind == "schema" and block.name == within)
            owners = [unrole(schema.body["owner"])] if "owner" in schema.body else [self.place.me]
        owner = self.one(owners)
        return {"owner": role(owner)}, [owner]

    # Kinds

    def role_blocks(self) -> None:
        for name in self.roles:
            body: dict[str, Any] = dict.fromkeys(self.some(("login", "createdb", "createrole"), 0.3), True)
            body |= dict.fromkeys(self.some(("superuser", "replication", "bypassrls"), 0.07), True)
            body |= {"inherit": False} if self.often(0.3) else {}
            body |= self.optional(
                connection_limit=lambda: self.random.randrange(-1, 4),
                comment=self.text,
                password=lambda: self.one(("p1", "secret 'two' \\")),
                valid_until=lambda: self.one(("infinity", "2030-01-01T00:00:00Z", "2031-02-03T04:05:06.07+02:00")),
                config=self.settings,
                database_config=lambda: {self.place.database: self.settings()},
            )
            self.add("role", role(name), body | self.more("role", role(name)))

    def more(self, kind: str, name: str) -> dict[str, Any]:
        """What every kind has. What is protected stays in the next configuration, so that there it is no more."""
        if self.often(0.2) and not self.kept(kind, name):
            return {"protect": True}
        return {"ignore": ["comment"]} if self.often(0.05) else {}

    def settings(self) -> dict[str, Any]:
        return self.optional(
            search_path=lambda: self.some(TEXTS[1:], 0.3),
            work_mem=lambda: self.one((1024, "1MB", "2MB")),
            jit=lambda: self.often(0.5),
        ) | ({"my.Param": self.text()} if self.often(0.3) and self.place.superuser else {})

    def memberships(self) -> None:
        order = self.random.sample(self.roles, len(self.roles))
        options = ("admin", "inherit", "set") if self.place.version >= 16 else ("admin",)
        admins: set[tuple[str, str]] = set()
        for index, member in enumerate(order):
            for group in self.some(order[:index], 0.3):
                body = {"role": role(group), "member": role(member)}
                body |= {option: self.often(0.5) for option in self.some(options)}
                able = [one for one in order[:index] if (group, one) in admins]
                roles = [group, member]
                if self.place.version >= 16 and able and self.often(0.5):
                    body["granted_by"] = role(self.one(able))
                    roles.append(unrole(body["granted_by"]))
                elif body.get("admin"):
                    admins.add((group, member))
                at = next(i for i, block in enumerate(self.blocks) if block.name == role(member))
                if body.keys() == {"role", "member"} and self.often(0.5) and "protect" not in self.blocks[at].body:
                    self.join(at, group)
                else:
                    self.add("membership", "", body, roles)

    def join(self, at: int, group: str) -> None:
        """A membership that the member's own block says."""
        block = self.blocks[at]
        body = {**block.body, "member_of": [*block.body.get("member_of", ()), role(group)]}
        self.blocks[at] = evolve(block, body=body, roles=(*block.roles, group))

    def own_memberships(self) -> None:
        """Without superuser the connected role must be able to become an owner, and keeps every membership that it has."""
        for name in [] if self.place.superuser else self.roles:
            if self.often(0.8) or _mine(self.place, name) in self.before.blocks:
                self.blocks.append(_mine(self.place, name))

    def database(self) -> None:
        if not self.often(0.4) and self.before.get("database", self.place.database) is None:
            return
        body: dict[str, Any] = {"owner": role(self.place.me)}
        body |= self.optional(config=self.settings, comment=self.text, connection_limit=lambda: self.random.randrange(5, 9))
        self.add("database", self.place.database, body)

    def schemas(self) -> None:
        for name in SCHEMAS:
            if self.often() or self.kept("schema", name):
                owner, roles = self.owned("schema", name)
                more = self.more("schema", name)
                self.add("schema", name, owner | self.optional(comment=self.text) | more, roles)

    def foreign(self) -> None:
        wrappers: dict[str, list[tuple[str, str]]] = {"w1": [], "w2": []}
        if self.place.superuser:
            if self.often(0.3):
                self.add("extension", "postgres_fdw", {"schema": "public"} | self.optional(comment=self.text))
                wrappers["postgres_fdw"] = [("extension", "postgres_fdw")]
            if self.often(0.4):
                options = {key: self.text() for key in self.some(("a", 'o "q"'))}
                body = {"validator": "", "handler": ""} | self.optional(options=options, comment=self.text)
                self.add("foreign_data_wrapper", WRAPPER, body)
                wrappers[WRAPPER] = [("foreign_data_wrapper", WRAPPER)]
        for name in self.some(SERVERS):
            fdw = self.one(list(wrappers))
            self.server(name, fdw, wrappers[fdw])

    def server(self, name: str, fdw: str, needs: list[tuple[str, str]]) -> None:
        keys = ("host", "port") if fdw == "postgres_fdw" else ("host", 'a "b"', "Ünï.x")
        owner, roles = self.owned("server", name)
        options = {key: "5" if key == "port" else self.text() for key in self.some(keys)}
        body = self.optional(type=self.text, version=self.text, options=options, comment=self.text)
        self.add("server", name, {"fdw": fdw} | owner | body, roles, needs)
        for user in self.some((PUBLIC, *self.roles), 0.3):
            names = ("user", "password") if fdw == "postgres_fdw" else ("user", "password", 'k "e"')
            given = {key: self.one(("v1", "it's \\", "$pgplan$")) for key in self.some(names)}
            who = [user] if user else []
            body = {"server": name, "user": role(user)} | ({"options": given} if given else {})
            self.add("user_mapping", "", body, who, [("server", name)])
        for schema in self.made("schema"):
            for table in self.some(OWN_TABLES, 0.2):
                if not self.is_made("foreign_table", quoted(schema, table)):
                    self.foreign_table(schema, table, name, plain=fdw == "postgres_fdw")

    def foreign_table(self, schema: str, table: str, server: str, *, plain: bool) -> None:
        types = ("integer", "text", "varchar(20)")
        more = {} if plain else {"options": lambda: {"k": self.text()}}
        columns = [{"name": name, "type": self.one(types)} | self.optional(not_null=True, **more) for name in COLUMNS]
        key = quoted(schema, table)
        owner, roles = self.owned("foreign_table", key, schema)
        body = {"server": server, "columns": columns[: self.random.randrange(3)]}
        body |= self.optional(comment=self.text, **({} if plain else {"options": {"o": self.text()}}))
        self.add("foreign_table", key, body | owner, roles, [("server", server), ("schema", schema)])

    def functions(self) -> None:
        for schema in self.made("schema"):
            for function in self.some(OWN_FUNCTIONS, 0.3):
                key = f"{quoted(schema)}.{function}"
                owner, roles = self.owned("function", key, schema)
                returns, body = self.one((("integer", "SELECT 1"), ("SETOF text", "SELECT 'it''s'::text"), ("void", "")))
                made = {"returns": returns, "language": "sql", "body": body}
                if returns == "integer" and self.often(0.4):
                    made |= {"language": "plpgsql", "body": "BEGIN RETURN 2; END"}
                elif returns == "integer" and self.often(0.4):
                    made["file"] = self.one(list(FILES))
                    del made["body"]
                if function == "f(integer)" and self.often(0.6):
                    # In the server's own words: a stranger knows no others.
                    default = self.one(("1", "(1 + 1)", "length('it''s, \"a\"'::text)"))
                    made["arguments"] = [{"name": self.one(("n", 'N "n".')), "type": "integer", "default": default}]
                made |= self.optional(
                    volatility=lambda: self.one(("stable", "immutable")),
                    strict=True,
                    security="definer",
                    parallel="safe",
                    cost=lambda: self.one((1.5, 7)),
                    config=lambda: {"search_path": self.one(([], ["pg_catalog", "a b"]))},
                    comment=self.text,
                )
                self.add("function", key, made | owner, roles, [("schema", schema)])

    def ownership(self) -> None:
        """By who is there already and stays: whatever such blocks give, nobody takes back."""
        for type_, objects in GIVEN.items():
            if self.often(0.3):
                names = [dotted(type_, *one) for one in self.some(objects, 0.6) or objects[:1]]
                self.add("ownership", "", {"on": {type_: names}, "owner": self.one(("by_z", role(self.place.me)))})

    def made(self, kind: str) -> list[str]:
        return [block.name for block in self.blocks if block.kind == kind]

    def is_made(self, kind: str, name: str) -> bool:
        return name in self.made(kind)

    # Privileges

    def objects(self) -> dict[str, list[Target]]:
        """By type, the objects that can be named, each with the schema or object that must be declared for it."""
        version = self.place.version
        named = {
            "table": [quoted(*one) for one in TABLES] + self.made("foreign_table"),
            "sequence": [quoted(*one) for one in SEQUENCES],
            "function": [dotted("function", *one) for one in FUNCTIONS] + self.made("function"),
            "type": [quoted(*one) for one in TYPES],
            "schema": [BASE, ODD, *self.made("schema")],
            "database": [self.place.database],
            "language": ["plpgsql"],
            "foreign_data_wrapper": ["w1", *self.made("foreign_data_wrapper")],
            "server": self.made("server"),
            "tablespace": ["pg_default"],
            "large_object": list(LARGE_OBJECTS),
            "parameter": list(PARAMETERS) if version >= 15 else [],
        }
        kinds = {"table": "foreign_table"}
        return {
            type_: [(name, kinds.get(type_, type_) if self.is_made(kinds.get(type_, type_), name) else "") for name in names]
            for type_, names in named.items()
            if names
        }

    def access(self) -> None:
        """A grant or a revoke, of one object, of several, or of all in schemas."""
        revoke = self.often(0.3)
        grantees = self.some([PUBLIC, *self.roles], 0.3) or [self.one([PUBLIC, *self.roles])]
        word: str = self.one([*self.objects(), *IN])
        type_ = IN.get(word, word)
        possible = known(type_, self.place.version)
        privileges = ["ALL"] if self.often(0.15) else self.some(possible, 0.3) or [self.one(possible)]
        needs: list[tuple[str, str]] = []
        on: dict[str, Any] = {}
        if word in IN:
            schemas = self.some((BASE, ODD), 0.6) or ["*"]
            on[word] = [one if one == "*" else _pattern(one) for one in schemas]
            if self.often(0.4):
                on["except"] = self.excepted(type_, schemas)
        else:
            named = self.some(self.objects()[type_], 0.4) or [self.one(self.objects()[type_])]
            on[word] = [name for name, _ in named]
            needs = [(kind, name) for name, kind in named if kind]
        columns: list[str] = []
        there = self.columns(word, on[word])
        if there and not revoke and "ALL" not in privileges and self.often(0.4):
            privileges = [one for one in privileges if one in OF_COLUMNS] or ["SELECT"]
            columns = self.some(there) or [there[0]]
        body: dict[str, Any] = {"on": on, "privileges": privileges} | ({"columns": columns} if columns else {})
        if not self.agrees(
            "revoke" if revoke else "grant", word, on[word], possible if privileges == ["ALL"] else privileges, grantees
        ):
            return
        body["from" if revoke else "to"] = [role(one) for one in grantees]
        if not revoke and PUBLIC not in grantees and self.often(0.3):
            body["grantable"] = True
        if not revoke and type_ == "table" and {"INSERT", "ALL"} & {*privileges} and self.often(0.6):
            sequence = ("sequences_in", [""]) if word in IN else ("sequence", [quoted(*SERIAL[1])])
            if self.agrees("grant", *sequence, ["USAGE"], grantees):
                body["with_sequences"] = True
        self.add("revoke" if revoke else "grant", "", body, [one for one in grantees if one], needs)

    def columns(self, word: str, names: Sequence[str]) -> list[str]:
        """Columns that all of them have."""
        if word not in ("table", "tables_in"):
            return []
        own = [block.body["columns"] for block in self.blocks if block.kind == "foreign_table" and block.name in names]
        return [name for name in COLUMNS if all(name in [column["name"] for column in one] for one in own)]

    def excepted(self, type_: str, schemas: Sequence[str]) -> list[str]:
        objects = {"table": TABLES, "sequence": SEQUENCES, "function": FUNCTIONS, "type": TYPES}[type_]
        within = [one for one in objects if "*" in schemas or one[0] in schemas]
        if self.often(0.3) and len(schemas) > 1:
            return [quoted(BASE)]
        return [dotted(type_, *self.one(within))]

    def agrees(self, verb: str, word: str, names: Iterable[str], privileges: Iterable[str], grantees: Iterable[str]) -> bool:
        """Whether nothing that was drawn says the contrary. Of patterns each type is decided once."""
        on = names if word not in IN else [""]
        items = [(word, name, privilege, to) for name in on for privilege in privileges for to in grantees]
        if any(self.decided.get(item, verb) != verb for item in items):
            return False
        self.decided.update(dict.fromkeys(items, verb))
        return True

    def is_vain(self, owner: str, schema: str, word: str, privilege: str, to: str, *, absent: bool) -> bool:
        """Whether a schema's list would withhold what the one for all schemas gives."""
        if absent != bool(schema):
            return False
        others = [""] if schema else [BASE, ODD, *self.made("schema")]
        contrary = "to" if absent else "from"
        return any(self.decided.get((f"{owner}/{other}/{word}", "", privilege, to)) == contrary for other in others)

    def defaults(self) -> None:
        """Of who makes and owns things here, and of others: `by_w` is out of reach without superuser."""
        absent = self.often(0.4)
        owner = self.one(("by_w", "by_z", self.place.me, *self.roles))
        word = self.one(list(WORDS))
        schema = "" if word == "schemas" or self.often(0.5) else self.one([BASE, ODD, *self.made("schema")])
        grantees = self.some([PUBLIC, *self.roles], 0.3) or [PUBLIC]
        possible = known(WORDS[word], self.place.version)
        privileges = self.some(possible, 0.4) or [self.one(possible)]
        if absent:
            grantees = [to for to in grantees if to != owner and (not schema or to != PUBLIC)]
        if any(self.is_vain(owner, schema, word, privilege, to, absent=absent) for privilege in privileges for to in grantees):
            return
        if not grantees or not self.agrees("from" if absent else "to", f"{owner}/{schema}/{word}", [""], privileges, grantees):
            return
        body: dict[str, Any] = {"owner": role(owner), "objects": word, "privileges": privileges}
        body |= {"schema": schema} if schema else {"global": True}
        body["from" if absent else "to"] = [role(one) for one in grantees]
        if not absent and PUBLIC not in grantees and self.often(0.3):
            body["grantable"] = True
        needs = [("schema", schema)] if schema in SCHEMAS else []
        self.add("default_privileges", "", body, [one for one in (owner, *grantees) if one], needs)


def _mine(place: Place, name: str) -> Block:
    inherits = {"inherit": True} if place.version >= 16 else {}
    return Block("membership", "", {"role": role(name), "member": place.me, **inherits}, (name,))


def _pattern(schema: str) -> str:
    return quoted(schema) if "*" in schema else schema


def draw(random: Random, place: Place, before: Config | None = None) -> Config:
    return Drawer(random, place, before).config().without(())


@frozen
class Renaming:
    """One role, schema or server that gets another name, all over a configuration, or in what is there."""

    kind: str
    old: str
    new: str

    def of(self, value: Any) -> Any:
        """What blocks say."""
        match value:
            case dict():
                return {self.of(key): self.of(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
            case list() | tuple():
                return type(value)(map(self.of, value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            case str() if value == self.old:
                return self.new
            case str() if self.kind == "schema" and value.startswith(f"{quoted(self.old)}."):
                return quoted(self.new) + value.removeprefix(quoted(self.old))
            case _:
                return value

    def name(self, name: str) -> str:
        """The plain name of a role."""
        return unrole(self.of(role(name))) if self.kind == "role" and name != PUBLIC else name

    def config(self, config: Config) -> Config:
        return Config(
            tuple(
                Block(one.kind, self.of(one.name), self.of(one.body), tuple(map(self.name, one.roles)), self.of(one.needs))
                for one in config.blocks
            )
        )


def _reached(config: Config, name: str) -> bool:
    """Whether the connected role is made a member."""
    return any(one.body["role"] == name and unrole(one.body["member"]) not in ROLES for one in config.of("membership"))


def with_renames(random: Random, before: Config, after: Config) -> Config:
    """Some of what comes in `after` is what went of `before`, by another name."""
    blocks = list(after.blocks)
    for kind in ("role", "schema", "server"):
        gone = [one for one in before.of(kind) if after.get(kind, one.name) is None]
        come = [one for one in after.of(kind) if before.get(kind, one.name) is None]
        for old, new in zip(random.sample(gone, len(gone)), come, strict=False):
            # An owner that was managed stays so: else he could not go. So do memberships of the connected role.
            owned = "owner" not in old.body or "owner" in new.body
            if random.random() < 0.6 and owned and (not _reached(before, old.name) or _reached(after, new.name)):
                blocks[blocks.index(new)] = evolve(new, body={**new.body, "renamed_from": old.name})
    return Config(tuple(blocks))


def unprotected(config: Config) -> Config:
    """The same, so that all of it may go."""
    blocks = (evolve(block, body={k: v for k, v in block.body.items() if k != "protect"}) for block in config.blocks)
    return Config(tuple(blocks))


def as_it_is(config: Config, place: Place) -> Config:
    """For a stranger: without what is ignored, of which nobody knows what became, and without what the connected role cannot
    give back."""
    left: list[Block] = []
    for block in config.blocks:
        out = {"ignore", *block.body.get("ignore", ())}
        if block.body.get("member") != place.me:
            left.append(evolve(block, body={key: value for key, value in block.body.items() if key not in out}))
    return Config(tuple(left))
