"""Passwords, settings and what the connected role must not lose."""

from __future__ import annotations

import pytest
from attrs import evolve

from pgplan.kind import Found
from tests.kinds.bench import bench, one

PASSWORDS = (
    "simple",
    "with blank",
    "Ünï",
    "soft\u00adhyphen",
    "no\u00a0break",
    "ﬁ ligature",
    "א hebrew",
    "אב",
    "\u0221",
    "a\tb",
    "'\\",
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["scram-sha-256", "md5"])
def test_a_password_is_recognised(database: str, unique: str, form: str) -> None:
    """The server, which makes the verifier from the clear text here, is the referee."""
    with bench(database) as b:
        b.run("SET LOCAL client_min_messages = error", f"SET LOCAL password_encryption = '{form}'")
        for password in PASSWORDS:
            declared = one("role", unique, password=password)
            b.reach(declared)
            found = b.found(declared)
            assert found is not None
            kind, kept = b.kind(declared), found.secrets["password"]
            assert kind.slot_matches("password", password, kept)
            assert not kind.slot_matches("password", password + "x", kept)
            assert kind.slot_matches("password", kept.reveal().partition(" ")[0], kept)


def test_a_password_is_hidden_from_others(database: str, unique: str) -> None:
    declared = one("role", unique, login=True, password="p", config={"jit": True}, comment="c")
    with bench(database) as b:
        b.reach(declared)
        b.run(f"SET LOCAL ROLE {unique}")
        found = b.found(declared)
        assert found is not None
        assert (found.hidden, found.spec.password, found.secrets, found.extra) == (("password",), None, {}, {})
        assert b.decide(declared, recorded=declared).changed == ()
        assert b.decide(declared).changed == ("password",)


def test_lock_out(database: str) -> None:
    declared = one(
        "role", "postgres", login=True, superuser=True, createdb=True, createrole=True, replication=True, bypassrls=True
    )
    with bench(database) as b:
        kind, found, facts = b.kind(declared), b.found(declared), b.snapshot().facts
        assert isinstance(found, Found)
        assert kind.lock_out(found, declared.spec, facts) is None
        assert kind.lock_out(found, None, facts) == "the role postgres itself"
        weaker = evolve(declared.spec, superuser=False, login=False, inherit=False, connection_limit=0)
        assert kind.lock_out(found, weaker, facts) == "SUPERUSER, LOGIN, INHERIT, every connection"
        # SET ROLE to another: the session's own role counts as well.
        assert kind.lock_out(found, weaker, evolve(facts, role="x")) is not None
        assert kind.lock_out(found, weaker, evolve(facts, role="x", session_role="y")) is None
