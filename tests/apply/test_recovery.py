"""How an interrupted transaction is judged: by what is found first, by its number where that is evidence."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve, frozen

from pgplan.database.recovery import Look, Status, look, verdict
from pgplan.errors import LockedError, PgplanError, StaleError
from pgplan.images import MARKER, Image
from pgplan.snapshot import AccessList, Facts, Found, Privilege, Snapshot, part_of
from pgplan.state.model import Noted, Pending
from tests.apply.world import World, once, schema_blocks
from tests.servers import Server

pytestmark = [pytest.mark.enough(16, 18), pytest.mark.usefixtures("cheap_digests")]

FACTS = Facts(180000, "1", 1, "db", 5, "r", "r", superuser=True)
OLD, NEW = {"comment": "old"}, {"comment": "new"}


@frozen
class Spec:
    comment: str


def noted(key: str, oid: int | None, image: Image | None, *acl: Privilege) -> Noted:
    return Noted("schema", key, "db", oid, image, acl)


def pending(*pairs: tuple[Noted, Noted]) -> Pending:
    before, after = tuple(was for was, _ in pairs), tuple(becomes for _, becomes in pairs)
    return Pending("id", "1", 1, "0/10", "db", 5, "700", 1, before, after, (), ())


def found(**schemas: tuple[int, str]) -> Snapshot:
    return holding(*(Found("schema", key, oid, Spec(comment)) for key, (oid, comment) in schemas.items()))


def holding(*every: Found) -> Snapshot:
    return Snapshot(FACTS, databases={"db": part_of(every)})


CREATED = (noted("a", None, None), noted("a", 10, NEW))
DROPPED = (noted("b", 20, OLD), noted("b", None, None))
ALTERED = (noted("c", 30, OLD), noted("c", 30, NEW))
REPLACED = (noted("d", 40, OLD), noted("d", 41, NEW))
RENAMED = ((noted("g", 70, OLD), noted("g", None, None)), (noted("h", None, None), noted("h", 70, OLD)))
SECRET = (noted("e", 50, {"comment": MARKER}), noted("e", None, None))


@pytest.mark.parametrize(
    ("notes", "now", "expected"),
    [
        ((), found(), "same"),
        ((CREATED,), found(a=(10, "new")), "after"),
        ((CREATED,), found(a=(10, "altered since")), "after"),
        ((CREATED,), found(renamed_since=(10, "new")), "after"),
        ((CREATED,), found(), "before"),
        ((CREATED,), found(a=(11, "a stranger's")), "neither"),
        ((DROPPED,), found(), "after"),
        ((DROPPED,), found(b=(20, "old")), "before"),
        ((DROPPED,), found(renamed_since=(20, "old")), "before"),
        ((DROPPED,), found(b=(21, "a stranger's")), "neither"),
        ((ALTERED,), found(c=(30, "new")), "after"),
        ((ALTERED,), found(c=(30, "old")), "before"),
        ((ALTERED,), found(c=(30, "altered since")), "neither"),
        ((ALTERED,), found(c=(31, "new")), "neither"),
        ((ALTERED,), found(), "neither"),
        ((REPLACED,), found(d=(41, "new")), "after"),
        ((REPLACED,), found(d=(40, "old")), "before"),
        ((ALTERED, CREATED), found(c=(30, "old"), a=(10, "new")), "after"),
        ((ALTERED, DROPPED), found(c=(30, "new"), b=(21, "a stranger's")), "after"),
        ((ALTERED, (noted("f", 60, OLD), noted("f", 60, NEW))), found(c=(30, "new"), f=(60, "old")), "neither"),
        (RENAMED, found(h=(70, "old")), "after"),
        (RENAMED, found(h=(70, "altered since")), "after"),
        (RENAMED, found(g=(70, "old")), "before"),
        (RENAMED, found(g=(70, "altered since")), "before"),
        (RENAMED, found(elsewhere=(70, "old")), "neither"),
        ((SECRET,), found(e=(50, "what nobody may see")), "before"),
    ],
)
def test_look(notes: tuple[Any, ...], now: Snapshot, expected: Look) -> None:
    assert look(pending(*notes), now) == expected


def test_an_object_of_another_database_is_not_looked_at() -> None:
    other = tuple(evolve(one, database="other") for one in CREATED)
    assert look(pending((other[0], other[1])), found(a=(10, "new"))) == "before"


RIGHT, OPTION = Privilege("", "bob", "USAGE", "own"), Privilege("", "bob", "USAGE", "own", grantable=True)
STRANGER = Privilege("", "eve", "USAGE", "own")
LISTS: list[tuple[list[Privilege], Look]] = [([], "before"), ([RIGHT], "after"), ([OPTION], "neither")]


@pytest.mark.parametrize("oid", [30, 0], ids=["object", "list without an OID"])
@pytest.mark.parametrize("others", [[], [STRANGER]], ids=["alone", "a stranger granted"])
@pytest.mark.parametrize(("now", "expected"), LISTS)
def test_an_access_list_decides_too(oid: int, others: list[Privilege], now: list[Privilege], expected: Look) -> None:
    """What others granted since is no trace of the transaction, and hides none."""
    seen = holding(Found("schema", "c", oid, Spec("old"), acl=AccessList(tuple(sorted([*now, *others])))))
    assert look(pending((noted("c", oid, OLD), noted("c", oid, OLD, RIGHT))), seen) == expected


def test_a_revoke_is_seen_beside_what_others_granted() -> None:
    notes = pending((noted("c", 30, OLD, RIGHT), noted("c", 30, OLD)))
    assert look(notes, holding(Found("schema", "c", 30, Spec("old"), acl=AccessList((STRANGER,))))) == "after"


@pytest.mark.parametrize(
    ("status", "seen", "committed"),
    [
        ("committed", "after", True),
        ("committed", "before", False),
        ("committed", "same", True),
        ("committed", "neither", True),
        ("aborted", "after", True),
        ("aborted", "before", False),
        ("aborted", "same", False),
        ("aborted", "neither", False),
        ("unknown", "after", True),
        ("unknown", "before", False),
        ("unknown", "same", False),
        ("unknown", "neither", None),
    ],
)
def test_verdict(status: Status, seen: Look, committed: bool | None) -> None:
    assert verdict(status, seen) is committed


# With a server: pending as a crash between two steps leaves it, then altered.


def interrupted(world: World, *, committed: bool, **altered: Any) -> None:
    """Leave a pending transaction behind, as an apply does that dies before COMMIT, or after it."""

    def die() -> None:
        raise KeyboardInterrupt

    plan = world.declare(schema_blocks({"s_a": "new"})).plan()
    with pytest.raises(PgplanError, match="interrupted"):
        world.apply(plan, checkpoint=once(die, "committed" if committed else "noted"))
    with world.opened() as run:
        state, version = run.store.load()
        assert state is not None
        assert state.pending is not None
        run.store.save(evolve(state, pending=evolve(state.pending, **altered)), version)


UNTRUSTED = [{"timeline": 9}, {"lsn": "FFFFFF/0"}, {"xid": "4000000000000"}, {"xid": "3"}]
"""Another timeline; a server that is behind; a number that is not given out yet (22023); one that is long forgotten."""


@pytest.mark.parametrize("altered", UNTRUSTED, ids=str)
@pytest.mark.parametrize("committed", [False, True])
def test_without_evidence_it_is_looked_up(world: World, altered: dict[str, Any], committed: bool) -> None:
    world.declare(schema_blocks({"s_a": "old"})).apply()
    interrupted(world, committed=committed, **altered)
    assert world.resolve().committed is committed
    assert world.schemas() == {"s_a": "new" if committed else "old"}
    world.assert_consistent()


def test_neither_is_left_to_a_person(world: World) -> None:
    world.declare(schema_blocks({"s_a": "old"})).apply()
    interrupted(world, committed=True, timeline=9)
    world.execute("COMMENT ON SCHEMA s_a IS 'by hand'")
    before = world.state()
    with pytest.raises(PgplanError) as raised:
        world.resolve()
    said = str(raised.value)
    assert '"comment": "old"' in said
    assert '"comment": "new"' in said
    assert "bring these objects into one of the two shapes" in said
    assert world.state() == before
    world.execute("COMMENT ON SCHEMA s_a IS 'new'")
    assert world.resolve().committed is True


def test_another_cluster_is_not_asked(world: World) -> None:
    interrupted(world, committed=True, system_identifier="1")
    with pytest.raises(StaleError, match="pending that belongs to another cluster"):
        world.resolve()


def test_a_number_in_progress_is_waited_for(world: World) -> None:
    """Its transaction need not hold our lock: the configuration may have had another name."""
    interrupted(world, committed=False)
    with world.opened() as run:
        xid = run.connection.execute("SELECT pg_current_xact_id()::text AS xid").fetchone()
        pid = run.connection.info.backend_pid
        with world.opened() as other:
            state, version = other.store.load()
            assert state is not None
            assert state.pending is not None
            assert xid is not None
            other.store.save(evolve(state, pending=evolve(state.pending, xid=xid["xid"])), version)
        with pytest.raises(LockedError, match=rf"SELECT pg_terminate_backend\({pid}\)"):
            world.resolve(wait=0.2)
    assert world.resolve().committed is False
    world.assert_consistent()


@pytest.mark.parametrize("superuser", [False, True])
@pytest.mark.parametrize("committed", [False, True])
def test_a_new_password(world: World, server: Server, unique: str, superuser: bool, committed: bool) -> None:
    """Its row version tells a superuser. To others it leaves no trace, so without the server's word it is planned again."""

    def die() -> None:
        raise KeyboardInterrupt

    server.execute(f"CREATE ROLE {unique}_l LOGIN CREATEROLE")
    admin = world if superuser else evolve(world, user=f"{unique}_l")
    block = f'[role.{unique}]\npassword = "hunter-{{}}"\n'
    admin.declare(block.format(1)).apply()
    plan = admin.declare(block.format(2)).plan()
    with pytest.raises(PgplanError, match="interrupted"):
        admin.apply(plan, checkpoint=once(die, "committed" if committed else "noted"))
    with admin.opened() as run:
        state, version = run.store.load()
        assert state is not None
        assert state.pending is not None
        assert bool(state.pending.before) == superuser
        run.store.save(evolve(state, pending=evolve(state.pending, timeline=9)), version)
    assert admin.resolve().committed is (superuser and committed)
    assert bool(admin.plan().pending_changes) is not (superuser and committed)
    admin.apply()
    assert not admin.plan().pending_changes
    admin.declare("").apply()
    server.execute(f"DROP ROLE {unique}_l")
