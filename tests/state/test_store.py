"""Loading and saving the state: strict, under a nonce, and sure of how a write ended."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pgplan.errors import LockedError
from pgplan.snapshot import Privilege
from pgplan.state.backend import BackendError, ConflictError, Stored
from pgplan.state.model import Adopted, Digest, Entry, Fold, Noted, Pending, State, Target, Tombstone
from pgplan.state.store import StateStore, content_hash, new_state
from pgplan.state.text import StateError, decode, encode
from pgplan_backends.local import LocalBackend
from tests.state.conftest import Open

GOLDEN = Path(__file__).parent / "golden"
RIGHT = Privilege("", "bob", "USAGE", "ann")
WAS, BECOMES = Noted("schema", "a", "app", 7, {"comment": ""}, (RIGHT,)), Noted("schema", "a", "app", None, None)
ENTRY = Entry("role.dba", "", 16400, {"login": True, "comment": None}, secrets={"password": Digest("00", "ff")})
PENDING = Pending("id", "7", 1, "0/1", "app", 5, "700", 42, (WAS,), (BECOMES,), (ENTRY,), ("role.gone",))


def state(**changes: Any) -> State:
    return evolve(State("warehouse", "lineage", 3, entries=(ENTRY,)), **changes)


def test_a_state_comes_back_as_it_was_saved(place: Open) -> None:
    store = StateStore(place(), "warehouse")
    assert store.load() == (None, None)
    version = store.save(state(pending=PENDING), None)
    loaded, read = store.load()
    assert loaded is not None
    assert loaded.nonce
    assert evolve(loaded, nonce="") == state(pending=PENDING)
    assert read == version


def test_no_two_writes_have_the_same_bytes_so_that_going_back_is_seen(place: Open) -> None:
    """A writes, B writes something else, A's content comes back: who read the first must not take the third for it."""
    store = StateStore(place())
    first = store.save(state(), None)
    second = store.save(state(serial=4), first)
    third = store.save(state(), second)
    assert third != first
    with pytest.raises(ConflictError):
        store.save(state(serial=9), first)


def test_a_new_state_has_a_lineage_of_its_own() -> None:
    one, other = new_state("a"), new_state("a")
    assert one.lineage != other.lineage
    assert one == State("a", one.lineage, 0)


def test_the_state_of_another_configuration_is_refused(place: Open) -> None:
    StateStore(place(), "warehouse").save(state(), None)
    with pytest.raises(StateError, match="belongs to the configuration 'warehouse', not to 'shop'"):
        StateStore(place(), "shop").load()
    assert StateStore(place()).load()[0] is not None


def test_the_lock_names_user_host_process_and_since_when(place: Open) -> None:
    store = StateStore(place())
    with store.lock(), pytest.raises(LockedError, match=rf"locked by .+@.+, process {os.getpid()}, since 20\d\d-.* UTC"):
        store.lock(0.05)
    store.lock().release()


def test_the_content_hash_is_of_the_entries_alone() -> None:
    same = [state(), state(serial=9), state(nonce="n"), state(pending=PENDING), state(target=Target("7", 1, (("app", 5),)))]
    assert len({content_hash(one) for one in same}) == 1
    changes: list[dict[str, Any]] = [{"oid": 1}, {"spec": {}}, {"protected": True}, {"secrets": {}}]
    others = [state(entries=()), *(state(entries=(evolve(ENTRY, **change),)) for change in changes)]
    assert len({content_hash(one) for one in [*others, state()]}) == len(others) + 1


class Unsure(LocalBackend):
    """A store that can be reached only now and then: `fails` says for each write whether it fails, and when."""

    def __init__(self, directory: Path, *fails: str) -> None:
        super().__init__({}, directory)
        self.fails = list(fails)
        self.late: Callable[[], str] | None = None

    def write(self, data: bytes, expected: str | None) -> str:
        fails = self.fails.pop(0) if self.fails else ""
        if self.late and fails != "before":
            late, self.late = self.late, None
            late()
        if fails == "late":
            self.late = lambda: super(Unsure, self).write(data, expected)
        if fails in ("before", "late"):
            raise BackendError("timed out")
        version = super().write(data, expected)
        if fails == "after":
            raise BackendError("timed out")
        if fails == "repeated":  # the client repeated the request by itself, and reports what became of the second
            raise ConflictError("412")
        return version


@pytest.mark.parametrize(
    "fails", [["after"], ["before"], ["before", "before"], ["after", "after"], ["repeated"], ["late"], ["after", "repeated"]]
)
def test_a_write_of_unclear_outcome_is_made_sure(tmp_path: Path, fails: list[str]) -> None:
    first = StateStore(LocalBackend({}, tmp_path)).save(state(), None)
    backend = Unsure(tmp_path, *fails)
    store = StateStore(backend)
    version = store.save(state(serial=4), first)
    loaded, read = store.load()
    assert loaded is not None
    assert (loaded.serial, read) == (4, version)
    if backend.late:
        backend.late()
    assert store.load()[1] == version


@pytest.mark.parametrize("fails", [["before"] * 3, ["after"] * 3])
def test_a_write_that_stays_unclear_is_an_error(tmp_path: Path, fails: list[str]) -> None:
    first = StateStore(LocalBackend({}, tmp_path)).save(state(), None)
    with pytest.raises(BackendError, match="timed out"):
        StateStore(Unsure(tmp_path, *fails)).save(state(serial=4), first)


def test_a_write_that_failed_and_was_overtaken_is_a_conflict(tmp_path: Path) -> None:
    first = StateStore(LocalBackend({}, tmp_path)).save(state(), None)

    class Overtaken(LocalBackend):
        def write(self, data: bytes, expected: str | None) -> str:
            StateStore(LocalBackend({}, tmp_path)).save(state(serial=7), first)
            raise BackendError("timed out")

    with pytest.raises(ConflictError):
        StateStore(Overtaken({}, tmp_path)).save(state(serial=4), first)
    loaded, _ = StateStore(LocalBackend({}, tmp_path)).load()
    assert loaded is not None
    assert loaded.serial == 7


def test_the_flush_of_the_directory_fails_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are in place, but a power failure could take them back: only another write makes them durable."""
    store = StateStore(LocalBackend({}, tmp_path))
    first = store.save(state(), None)
    real, failed = os.fsync, list[int]()

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}") and not failed:  # noqa: PTH112  a descriptor has no path of its own
            failed.append(descriptor)
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    version = store.save(state(serial=4), first)
    assert failed
    assert store.load()[1] == version


def damaged(data: bytes) -> str:
    with pytest.raises(StateError) as caught:
        decode(data, "the place")
    assert "the place" in str(caught.value)
    assert caught.value.problems[0].hint
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"\x00" * 100, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no format number"),
        (b"null", "no format number"),
        (b"{}", "no format number"),
        (b'{"format": "1"}', "no format number"),
        (b'{"format": true}', "no format number"),
        (b'{"format": 0}', "no format number"),
        (b'{"format": 2}', "'lineage' is missing"),
    ],
)
def test_what_is_no_state_is_refused(data: bytes, said: str) -> None:
    assert said in damaged(data)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["serial"], "3", "expected an integer, found a string @ $.serial"),
        (["serial"], True, "expected an integer, found a boolean"),
        (["entries"], {}, "expected an array, found an object @ $.entries"),
        (["entries", 0, "oid"], None, "expected an integer, found null @ $.entries[0].oid"),
        (["entries", 0, "origin"], "stolen", "$.entries[0].origin"),
        (["entries", 0, "secrets", "password"], "clear", "expected an object, found a string @ $.entries[0].secrets.password"),
        (["entries", 0, "pasword"], "x", "unknown key 'pasword' @ $.entries[0].pasword"),
        (["pending"], {"id": "x"}, "$.pending"),
        (["target"], 5, "$.target"),
    ],
)
def test_damage_is_named_with_its_place(path: list[Any], value: Any, said: str) -> None:
    document = json.loads(encode(state()))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert said in damaged(json.dumps(document).encode())


TARGET = Target("7", 1, (("app", 5), ("b", 6)), "0/1A")
GRANT = Entry("grant.bob/tables_in:a", "app", 0, {}, adopted=Adopted(listed=(Fold((("", "SELECT"),), ("a.t", "a.u")),)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entries": (evolve(ENTRY, address="role"),)}, "entries: 'role' is not an address"),
        ({"entries": (evolve(ENTRY, address="Role of.x"),)}, "entries: 'Role of.x' is not an address"),
        ({"entries": (evolve(ENTRY, address='role."a'),)}, "is not an address"),
        ({"entries": (evolve(ENTRY, depends=("schema",)),)}, "role.dba: depends: 'schema' is not an address"),
        ({"entries": (evolve(ENTRY, oid=-1),)}, "role.dba: -1 is not an OID"),
        ({"entries": (evolve(ENTRY, oid=2**32),)}, "role.dba: 4294967296 is not an OID"),
        ({"entries": (evolve(ENTRY, secrets={"password": Digest("", "zz")}),)}, "role.dba: password: its digest"),
        ({"entries": (evolve(GRANT, origin="adopted"),)}, "grant.bob/tables_in:a: it cannot be adopted itself"),
        ({"entries": (evolve(GRANT, adopted=Adopted(listed=(Fold((), ("a",)),))),)}, "no items or no objects"),
        ({"entries": (evolve(GRANT, adopted=Adopted(listed=(Fold((("", "X"),), ("b", "a")),))),)}, "adopted objects of grant"),
        ({"entries": (evolve(GRANT, adopted=Adopted(listed=(Fold((("", "X"),) * 2, ("a",)),))),)}, "adopted items of grant"),
        ({"tombstones": (Tombstone("x", "", 5, 1),)}, "tombstones: 'x' is not an address"),
        ({"secrets": Digest("00", "")}, "secrets: its digest"),
        ({"target": evolve(TARGET, lsn="nowhere")}, "target: 'nowhere' is not a WAL position"),
        ({"target": evolve(TARGET, system_identifier="")}, "target: '' is not a system identifier"),
        ({"target": evolve(TARGET, timeline=0)}, "target: 0 is not a timeline"),
        ({"target": evolve(TARGET, databases=())}, "target: a database has no name or no OID"),
        ({"target": evolve(TARGET, databases=(("app", 0),))}, "target: a database has no name or no OID"),
        ({"target": evolve(TARGET, databases=(("app", 5), ("app", 6)))}, "target: a database stands twice"),
        ({"pending": evolve(PENDING, lsn="")}, "pending: '' is not a WAL position"),
        ({"pending": evolve(PENDING, xid="1.5")}, "pending: '1.5' of process 42 is not a transaction"),
        ({"pending": evolve(PENDING, pid=0)}, "is not a transaction"),
        ({"pending": evolve(PENDING, database_oid=0)}, "pending: a database has no name or no OID"),
        ({"pending": evolve(PENDING, after=())}, "pending: before and after are not of the same objects"),
        ({"pending": evolve(PENDING, before=(evolve(WAS, oid=None),))}, "pending: schema.a has an OID or an image"),
        ({"pending": evolve(PENDING, removed=("role",))}, "pending: 'role' is not an address"),
        ({"pending": evolve(PENDING, entries=(evolve(ENTRY, depends=(".",)),))}, "role.dba: depends: '.' is not an address"),
    ],
)  # fmt: skip
def test_content_that_cannot_be_is_named(changes: dict[str, Any], said: str) -> None:
    message = damaged(encode(state(**changes)))
    assert "is damaged" in message
    assert said in message


def test_content_that_can_be_is_read() -> None:
    whole = state(entries=(GRANT, ENTRY), target=TARGET, pending=PENDING, tombstones=(Tombstone("role.x", "", 5, 1),))
    assert decode(encode(whole), "") == whole


def test_every_truncation_is_refused() -> None:
    data = encode(state(pending=PENDING))
    for length in range(len(data) - 1):  # without only the line feed at the end it is still whole
        damaged(data[:length])


def test_entries_out_of_order_or_twice_are_refused() -> None:
    other = evolve(ENTRY, address="role.abe")
    assert "not sorted" in damaged(encode(state(entries=(ENTRY, other))))
    assert "stands twice" in damaged(encode(state(entries=(ENTRY, ENTRY))))


def test_many_mistakes_are_counted() -> None:
    document = json.loads(encode(state()))
    document["entries"] = [{}] * 9
    assert "more mistakes" in damaged(json.dumps(document).encode())


def test_a_newer_format_is_refused_by_its_number() -> None:
    said = damaged(encode(state(format=3)))
    assert "has format 3" in said
    assert "knows formats up to 2" in said
    assert "newer pgplan" in said


def test_a_format_from_before_the_first_release_is_refused_with_what_to_do() -> None:
    said = damaged(encode(state(format=1)))
    assert "unreleased version" in said
    assert "pgplan import" in said
    assert 'existing = "adopt"' in said


def test_the_text_is_sorted_json_with_one_entry_a_line() -> None:
    everything = state(pending=PENDING, name='O\'Hara "Ünï" \x01', target=Target("7", 1, (("app", 5),)))
    text = encode(everything).decode()
    document = json.loads(text)
    assert json.dumps(document) == json.dumps(json.loads(json.dumps(document, sort_keys=True)))
    for entry in document["entries"]:
        assert f"\n  {json.dumps(entry, ensure_ascii=False)}" in text
    assert decode(text.encode(), "") == everything


@pytest.mark.parametrize("case", sorted(path.name.removesuffix(".in.json") for path in GOLDEN.glob("*.in.json")))
def test_golden_states_of_every_format_are_read_and_written(case: str) -> None:
    """`in` as some version wrote it; `out` as this one writes it. Never change an `in` file of a released format."""
    read = decode((GOLDEN / f"{case}.in.json").read_bytes(), case)
    out = GOLDEN / f"{case}.out.json"
    if "PGPLAN_GOLDEN" in os.environ:
        out.write_bytes(encode(read))
    assert encode(read) == out.read_bytes()


def test_there_are_golden_states() -> None:
    assert len(list(GOLDEN.glob("2-*.in.json"))) >= 3


def test_a_damaged_file_is_named_by_the_store(place: Open) -> None:
    place().write(b"{", None)
    store = StateStore(place())
    with pytest.raises(StateError) as caught:
        store.load()
    assert store.location in str(caught.value)


def test_a_version_can_be_written_over_even_if_it_is_damaged(place: Open) -> None:
    version = place().write(b"{", None)
    StateStore(place()).save(state(), version)
    stored = place().read()
    assert isinstance(stored, Stored)
    assert decode(stored.data, "").serial == 3
