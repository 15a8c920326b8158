"""Memberships with several grantors, and what the version of the server means for their options."""

from __future__ import annotations

import pytest
from attrs import evolve

from pgplan.kind import Found, InvalidBlockError
from pgplan.testing import Bench
from tests.kinds.bench import REGISTRY, bench, one


def _rows(b: Bench, role: str) -> list[tuple[object, ...]]:
    query = (
        "SELECT m.rolname, g.rolname AS grantor, a.admin_option, a.inherit_option, a.set_option FROM pg_auth_members AS a"
        " JOIN pg_roles AS m ON m.oid = a.member JOIN pg_roles AS g ON g.oid = a.grantor"
        " WHERE a.roleid = (SELECT oid FROM pg_roles WHERE rolname = %s) ORDER BY 1, 2"
    )
    return [tuple(row.values()) for row in b.session.execute(query, (role,))]


def _by_two(b: Bench, u: str) -> None:
    """r is granted to m by postgres, and by g with all options."""
    b.run(
        f"CREATE ROLE {u}_r; CREATE ROLE {u}_m; CREATE ROLE {u}_g; GRANT {u}_r TO {u}_g WITH ADMIN OPTION",
        f"GRANT {u}_r TO {u}_m WITH INHERIT FALSE, SET FALSE",
        f"GRANT {u}_r TO {u}_m WITH ADMIN TRUE, INHERIT TRUE, SET TRUE GRANTED BY {u}_g",
    )


@pytest.mark.pg(">= 16")
def test_what_any_grantor_gives_counts(database: str, unique: str) -> None:
    with bench(database) as b:
        _by_two(b, unique)
        both = one("membership", "", role=f"{unique}_r", member=f"{unique}_m", admin=True)
        b.expect_nothing(both)
        # What other grantors gave is taken away where it is, by name.
        declared = one("membership", "", role=f"{unique}_r", member=f"{unique}_m", inherit=False)
        assert b.reach(declared) == [
            f'REVOKE ADMIN OPTION FOR "{unique}_r" FROM "{unique}_m" GRANTED BY "{unique}_g"',
            f'REVOKE INHERIT OPTION FOR "{unique}_r" FROM "{unique}_m" GRANTED BY "{unique}_g"',
        ]
        b.drop(declared)
        assert [row[0] for row in _rows(b, f"{unique}_r")] == [f"{unique}_g"]


@pytest.mark.pg(">= 16")
def test_the_row_of_one_grantor(database: str, unique: str) -> None:
    with bench(database) as b:
        _by_two(b, unique)
        mine = one("membership", "", role=f"{unique}_r", member=f"{unique}_m", granted_by=f"{unique}_g")
        assert mine.address == f"membership.{unique}_r/{unique}_m/{unique}_g"
        b.reach(mine)
        assert (f"{unique}_m", "postgres", False, False, False) in _rows(b, f"{unique}_r")
        b.drop(mine)
        assert (f"{unique}_m", "postgres", False, False, False) in _rows(b, f"{unique}_r")


@pytest.mark.pg(">= 16")
def test_who_made_a_role_grants_it_to_himself(database: str, unique: str) -> None:
    """The bootstrap superuser gave the ADMIN option; what the maker adds is a row of its own, without it."""
    u = unique
    with bench(database) as b:
        b.run(f"CREATE ROLE {u}_maker CREATEROLE", f"SET LOCAL ROLE {u}_maker", f"CREATE ROLE {u}_made")
        declared = one("membership", "", role=f"{u}_made", member=f"{u}_maker", admin=True)
        b.reach(declared)
        assert _rows(b, f"{u}_made") == [
            (f"{u}_maker", "postgres", True, False, False),
            (f"{u}_maker", f"{u}_maker", False, True, True),
        ]
        b.run("RESET ROLE")
        b.drop(declared)


@pytest.mark.pg(">= 16")
@pytest.mark.parametrize("inherit", [True, False])
def test_omitted_inherit_follows_the_member(database: str, unique: str, *, inherit: bool) -> None:
    with bench(database) as b:
        b.run(f"CREATE ROLE {unique}_r; CREATE ROLE {unique}_m {'INHERIT' if inherit else 'NOINHERIT'}")
        declared = one("membership", "", role=f"{unique}_r", member=f"{unique}_m")
        decision = b.decide(declared)
        assert (decision.spec.inherit, decision.spec.set) == (inherit, True)
        b.reach(declared)


@pytest.mark.pg("< 16")
@pytest.mark.parametrize("option", ["inherit", "set", "granted_by"])
def test_options_need_16(database: str, option: str) -> None:
    declared = one("membership", "", role="r", member="m", **{option: "g" if option == "granted_by" else True})
    with bench(database) as b, pytest.raises(InvalidBlockError, match=f"{option} of a membership needs PostgreSQL 16"):
        b.completed(declared, b.catalog())


@pytest.mark.parametrize(
    ("pairs", "loop"),
    [
        (("ab", "bc", "ac"), ""),
        (("ab", "ba"), "a → b → a"),
        (("ab", "bc", "ca"), "a → c → b → a"),
    ],
)
def test_a_loop_is_told_once(pairs: tuple[str, ...], loop: str) -> None:
    """Each pair is a role and its member."""
    declared = [one("membership", "", role=pair[0], member=pair[1]) for pair in pairs]
    told = list(REGISTRY.object_kind("membership").together({each.key: each.spec for each in declared}))
    messages = [f"dependency cycle: {loop} (member → role)"] if loop else []
    assert [message for _, message, _ in told] == messages
    assert {key for key, *_ in told} <= {each.key for each in declared}


def test_predefined_memberships_are_the_systems(database: str) -> None:
    with bench(database) as b:
        found = b.found(one("membership", "", role="pg_read_all_stats", member="pg_monitor"))
        assert found is not None
        assert found.system


def test_lock_out(database: str, unique: str) -> None:
    with bench(database) as b:
        b.run(f"CREATE ROLE {unique}; GRANT {unique} TO postgres WITH ADMIN OPTION")
        declared = one("membership", "", role=unique, member="postgres")
        kind, found = b.kind(declared), b.found(declared)
        facts = b.snapshot().facts
        assert isinstance(found, Found)
        completed = b.completed(declared, b.catalog()).spec
        assert kind.lock_out(found, completed, facts) == f"ADMIN OPTION of {unique}"
        assert kind.lock_out(found, evolve(completed, admin=True), facts) is None
        assert kind.lock_out(found, None, facts) == f"the membership of {unique}"
        assert kind.lock_out(found, None, evolve(facts, role="x", session_role="x")) is None
