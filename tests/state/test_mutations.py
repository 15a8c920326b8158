"""A state whose values have the right types and mean nothing: it is read all the same, or called damaged, by the entry."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from operator import itemgetter
from typing import Any, cast

import pytest
from attrs import evolve, frozen

from pgplan import offline, workflow
from pgplan.database.read import read
from pgplan.errors import PgplanError
from pgplan.plan.model import Options
from pgplan.render.state import entry_document, entry_text, listing, state_head
from pgplan.snapshot import Snapshot
from pgplan.state.backend import Lock, Stored
from pgplan.state.kinds import explained, mistakes
from pgplan.state.store import StateStore
from pgplan.state.text import StateError
from tests.apply.world import World, once
from tests.servers import Server

BLOCKS = """
[extension.postgres_fdw]
schema = "public"
[foreign_data_wrapper.w]
options = { a = "b" }
[server.s]
fdw = "w"
options = { host = "h", port = 1 }
comment = "it's"
[schema.app]
owner = "{0}_a"
[role.{0}_a]
login = true
password = "secret"
valid_until = "2030-01-01T00:00:00Z"
config = { search_path = ["app", "public"], work_mem = "64MB" }
database_config = { postgres = { jit = "off" } }
member_of = ["{0}_b"]
[role.{0}_b]
comment = "b"
protect = true
[[membership]]
role = "{0}_a"
member = "{0}_c"
admin = true
[role.{0}_c]
[[user_mapping]]
server = "s"
user = ["{0}_a", "PUBLIC"]
options = { user = "x", password = "secret" }
[foreign_table."app.t"]
server = "s"
columns = [{ name = "id", type = "bigint", not_null = true, options = { key = "true" } }, { name = "x", type = "text" }]
options = { table = "t" }
[[grant]]
to = "{0}_c"
on = [{ server = "s" }, { schema = "app" }]
privileges = ["USAGE"]
[[grant]]
to = "{0}_c"
on = { tables_in = "app", except = ["app.other"] }
privileges = ["SELECT"]
[[grant]]
to = "{0}_c"
on = { table = "app.t" }
columns = ["id"]
privileges = ["UPDATE"]
[[grant]]
to = "{0}_c"
on = { function = "app.f(integer)" }
privileges = ["EXECUTE"]
grantable = true
[[revoke]]
from = "PUBLIC"
on = { function = "app.f(integer)" }
privileges = ["EXECUTE"]
[[default_privileges]]
owner = "{0}_a"
schema = "app"
objects = ["tables", "functions"]
privileges = ["ALL"]
to = "{0}_c"
[[default_privileges]]
owner = "{0}_a"
global = true
objects = ["functions"]
privileges = ["EXECUTE"]
from = "PUBLIC"
"""

Json = Any
Mutation = tuple[str, Callable[[], Json]]
"""What is changed, and the whole document after it."""
TEXTS = (
    *("", " ", "x", "x.y", "role.", ".x", "role.zz/a", 'a"b', '"', '""', '"x"', "a[b", "(", "f(", "f(integer", "a.b.c", "a/b/c"),
    *("PUBLIC", '"PUBLIC"', "*", "x" * 64, "\x00", "\n", "\ud800", "0/0", "1/", "9" * 23, "-1", "grant.x/y", "user_mapping.s"),
    *("membership.a", "default_privileges.a/b", "foreign_table.t", "grant.PUBLIC/table:x", "nokind.x", "%s", "'", "a\\"),
)
NUMBERS = (-1, 0, 1, 2**31, 2**32, 2**63, 2**64, 10**30)
LISTS: tuple[list[Json], ...] = ([], [""], ["x"], [["", "x"]], [{}], [[]], [None], [1])
TABLES: tuple[dict[str, Json], ...] = ({}, {"x": "y"}, {"": ""}, {"sensitive": True}, {"x": {"sensitive": True}}, {"x": None})
ANY: tuple[Json, ...] = (None, True, 1, 1.5, "x", [], ["x"], {}, {"sensitive": True})


def values(old: Json, *, loose: bool) -> Iterator[Json]:
    """Others of the same type; where anything may stand, of every type."""
    if isinstance(old, bool):
        yield not old
    elif isinstance(old, int):
        yield from NUMBERS
    elif isinstance(old, str):
        yield from TEXTS
    elif isinstance(old, list):
        yield from LISTS if loose else LISTS[:3]
        if old:
            yield from ([*old, old[-1]], old[1:], old[::-1], [*old, old[0]])
    elif isinstance(old, dict):
        yield from TABLES if loose else ()
    if loose:
        yield from ANY


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, item in cast("dict[str, Json]", value).items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for number in range(len(cast("Sequence[Json]", value))):
            yield from places(value[number], (*path, number))


def at(document: Json, path: tuple[str | int, ...]) -> Json:
    for step in path:
        document = document[step]
    return document


def changed(document: Json, path: tuple[str | int, ...], value: Json) -> Json:
    """A copy along the path; all else is shared."""
    if not path:
        return value
    other = copy.copy(document)
    other[path[0]] = changed(document[path[0]], path[1:], value)
    return other


def mutations(document: Json) -> Iterator[Mutation]:
    """Every value of the state with another one, one at a time; then one entry's part in another."""
    for path in places(document):
        if not path or path[0] in ("format", "nonce", "name"):
            continue
        loose = "spec" in path[:-1] or "image" in path[:-1]
        old = at(document, path)
        for value in values(old, loose=loose):
            if json.dumps(value) != json.dumps(old):
                yield f"{path} = {value!r}", partial(changed, document, path, value)
        if isinstance(path[-1], str) and loose:
            yield f"no {path}", partial(without, document, path)
    entries = document["entries"]
    for to, of in itertools.permutations(range(len(entries)), 2):
        for key in ("spec", "address", "adopted", "secrets", "depends", "origin", "database", "oid"):
            if entries[to][key] != entries[of][key]:
                name = f"{key} of {entries[to]['address']} is that of {entries[of]['address']}"
                yield name, partial(swapped, document, to, of, key)


def without(document: Json, path: tuple[str | int, ...]) -> Json:
    left = copy.copy(at(document, path[:-1]))
    del left[path[-1]]
    return changed(document, path[:-1], left)


def swapped(document: Json, to: int, of: int, key: str) -> Json:
    other = changed(document, ("entries", to, key), document["entries"][of][key])
    return {**other, "entries": sorted(other["entries"], key=itemgetter("address"))}


class InMemory:
    """A backend that holds what it is given."""

    location = "the place"

    def __init__(self, document: Json) -> None:
        self.data = json.dumps(document).encode()

    def read(self) -> Stored | None:
        return Stored(self.data, hashlib.sha256(self.data).hexdigest())

    def write(self, data: bytes, expected: str | None) -> str:
        del expected
        self.data = data
        return hashlib.sha256(self.data).hexdigest()

    def lock(self, holder: str, timeout: float) -> Lock:
        del holder, timeout
        return self

    def release(self) -> None:
        pass


@frozen
class Recorded:
    run: workflow.Run
    document: Json
    """With tombstones, and a transaction pending that is committed."""
    snapshot: Snapshot

    def holding(self, document: Json) -> workflow.Run:
        return evolve(self.run, store=StateStore(InMemory(document), self.run.store.name))


@pytest.fixture(scope="module")
def recorded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    name = f"mutated{server.version}"
    server.execute(f"CREATE DATABASE {name}")
    world = World(server, tmp_path_factory.mktemp("mutated"), name)
    function = "CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'"
    world.execute("CREATE SCHEMA app", function, "CREATE TABLE app.other ()")
    path = world.directory / ".pgplan" / "state.json"
    noted: list[bytes] = []
    world.declare(BLOCKS.replace("{0}", name)).apply(checkpoint=once(lambda: noted.append(path.read_bytes()), "noted"))
    document = json.loads(path.read_bytes())
    gone = {"oid": 5, "serial": 1, "spec": {"name": "gone"}}
    document["tombstones"] = [
        {"address": "role.gone", "database": "", **gone},
        {"address": "schema.gone", "database": name, **gone},
    ]
    pending = json.loads(noted[0])["pending"]
    # Enough of each, for there is a mutation of every value.
    both = [(one, other) for one, other in zip(pending["before"], pending["after"], strict=True)][::4]
    pending["before"], pending["after"] = [one for one, _ in both], [other for _, other in both]
    pending["entries"] = pending["entries"][::6]
    document["pending"] = pending
    with world.opened() as run:
        yield Recorded(run, document, read(run.connection, run.registry, list(run.registry.readers)))
    server.execute(f"DROP DATABASE {name}", *(f"DROP ROLE {name}_{role}" for role in "abc"))


def assert_damaged(error: StateError) -> None:
    assert is_damaged(error)


def is_damaged(error: PgplanError) -> bool:
    return isinstance(error, StateError) and "the place is damaged: " in str(error)


pytestmark = pytest.mark.pg(">= 18")
OFFLINE, DECIDING, PENDING = 8, 80, 60
"""Every how many of the mutations are tried."""


def test_offline(recorded: Recorded) -> None:
    """`state list` and `state show`: of any state that is read, all can be shown."""
    good = 0
    for name, mutated in itertools.islice(mutations(recorded.document), 0, None, OFFLINE):
        try:
            state, _ = recorded.holding(mutated()).store.load()
        except StateError as error:
            assert_damaged(error)
            continue
        assert state is not None
        good += 1
        assert listing(state.entries) + state_head(state)
        for entry in state.entries:
            assert entry_text(entry) + json.dumps(entry_document(entry)), name
    assert good


def _seen(seen: workflow.Seen, *_: object, **__: object) -> workflow.Seen:
    return seen


def _decide(run: workflow.Run, seen: workflow.Seen) -> Iterator[Callable[[], object]]:
    nothing = evolve(run, configuration=evolve(run.configuration, declared=()))
    yield lambda: workflow.make_plan(run)
    yield lambda: workflow.make_plan(run, Options(destroy=True))
    yield lambda: workflow.make_plan(nothing)
    yield lambda: workflow.find_drift(run)
    yield lambda: workflow.types_of(nothing, seen.state)


def test_deciding(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that `plan`, `destroy` and `drift` decide with it is a fault of pgplan."""
    document: dict[str, Json] = {**recorded.document, "pending": None}
    said = list[str]()
    for name, mutated in itertools.islice(mutations(document), 0, None, DECIDING):
        run = recorded.holding(mutated())
        with suppress(StateError):
            state, version = offline.stored_state(run.store, run.store.name)
            seen = workflow.Seen(state, version, recorded.snapshot)
            monkeypatch.setattr(workflow, "see", partial(_seen, seen))
            for decide in _decide(run, seen):
                try:
                    with explained(run.store, run.registry):
                        decide()
                except PgplanError as error:
                    said += [str(error)] if is_damaged(error) else []
                except Exception as error:
                    raise AssertionError(name) from error
    assert said
    addresses = {entry["address"] for entry in document["entries"]}
    assert all(any(address in one for address in addresses) for one in said)


def test_nothing_is_wrong_with_what_pgplan_records(recorded: Recorded) -> None:
    state, _ = recorded.holding(recorded.document).store.load()
    assert state is not None
    assert list(mistakes(state, recorded.run.registry)) == []


def test_pending(recorded: Recorded) -> None:
    """Finding out how a transaction ended that the state notes wrongly, on the server."""
    everything = {
        name: mutated for name, mutated in mutations(recorded.document) if name.startswith(("('pending'", "no ('pending'"))
    }
    ended = Counter[str]()
    for name, mutated in list(everything.items())[::PENDING]:
        run = recorded.holding(mutated())
        try:
            with explained(run.store, run.registry):
                workflow.settled_state(run)
            ended["settled"] += 1
        except PgplanError as error:
            ended["damaged" if is_damaged(error) else "refused"] += 1
        except Exception as error:
            raise AssertionError(name) from error
    assert ended["settled"]
    assert ended["damaged"]


@pytest.mark.parametrize(
    ("address", "key", "value", "said"),
    [
        ("server.s", "spec", {}, "server.s: 'fdw' is missing @ $; server.s: 'name'"),
        ("role.{0}_b", "spec", {"name": "x", "login": "yes"}, "role.{0}_b: expected a boolean, found a string @ $.login"),
        ("role.{0}_c", "database", "app", "role.{0}_c: 'app' is not the database of one"),
        ("foreign_table.app.t", "spec", {"name": "t", "server": "s", "columns": 5}, "foreign_table.app.t: expected an array"),
        ("server.s", "spec", {"name": "\x00", "fdw": "w"}, "entries: server.s holds a NUL character"),
    ],
)
def test_the_entry_is_named(recorded: Recorded, address: str, key: str, value: Json, said: str) -> None:
    name = recorded.run.connection.info.dbname
    where = next(i for i, one in enumerate(recorded.document["entries"]) if one["address"] == address.replace("{0}", name))
    document = changed({**recorded.document, "pending": None}, ("entries", where, key), value)
    run = recorded.holding(document)

    def fails() -> None:
        with explained(run.store, run.registry):
            workflow.find_drift(run)
            raise RuntimeError("what nobody foresaw")

    with pytest.raises(StateError) as raised:
        fails()
    assert f"the state the place is damaged: {said.replace('{0}', name)}" in str(raised.value)
    assert raised.value.problems[0].hint


def test_another_failure_is_none_of_the_state(recorded: Recorded) -> None:
    run = recorded.holding({**recorded.document, "pending": None})
    with pytest.raises(ZeroDivisionError), explained(run.store, run.registry):
        assert 1 / 0
