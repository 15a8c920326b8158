"""What an address means that is only found: `adoptable`."""

from __future__ import annotations

import pytest

from pgplan.kind import InvalidBlockError
from pgplan_postgres.grant import GrantKind
from pgplan_postgres.privileges import Right
from pgplan_postgres.revoke import RevokeKind
from tests.grants.bench import bench
from tests.servers import Server


def test_what_is_found_becomes_a_spec(server: Server, database: str, unique: str) -> None:
    a, c = f"{unique}_a", f"{unique}_c"
    setup = [
        f"CREATE ROLE {a}",
        f"CREATE ROLE {c}",
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (x int)",
        "CREATE TABLE s.u (x int)",
        f"GRANT USAGE ON SCHEMA s TO {a}",
        f"GRANT SELECT, INSERT ON s.t, s.u TO {a}",
        f"GRANT SELECT ON s.t TO {a} WITH GRANT OPTION",
        f"GRANT UPDATE (x) ON s.t TO {a}",
        f"SET ROLE {a}",
        f"GRANT SELECT ON s.t TO {c}",
        "RESET ROLE",
        "CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]
    grant, revoke = GrantKind(), RevokeKind()
    with bench(database, setup) as b:
        snapshot = b.snapshot("table", "function", "schema")
        spec = grant.adoptable(f"{a}/table:s.t", snapshot)
        assert spec is not None
        assert spec.rights == (Right("INSERT"), Right("SELECT", grantable=True), Right("UPDATE", ("x",)))
        assert spec.key == f"{a}/table:s.t"
        # recording it and declaring it is no change
        assert all(wanted.edge.grantee == a for wanted in grant.edges(spec, snapshot))
        common = grant.adoptable(f"{a}/tables_in:s", snapshot)
        assert common is not None
        assert common.rights == (Right("INSERT"), Right("SELECT"))
        given = grant.adoptable(f"{c}/table:s.t", snapshot)
        assert given is not None
        assert given.rights == (Right("SELECT"),)
        assert grant.adoptable(f"{c}/table:s.u", snapshot) is None
        assert grant.adoptable(f"{c}/table:s.nix", snapshot) is None
        assert grant.adoptable("PUBLIC/function:s.f", snapshot) is not None
        absent = revoke.adoptable("PUBLIC/schema:public", snapshot)
        if server.version < 15:
            assert absent is None
        else:
            assert absent is not None
            assert absent.rights == (Right("CREATE"),)
        assert revoke.adoptable("PUBLIC/function:s.f(integer)", snapshot) is None


@pytest.mark.parametrize("key", ["", "a", "a/b", "a/nix:b", "a/table:b", "a/function:s.f(int)", "a b/schema:s", "a/schema:a.b"])
def test_what_is_no_key(database: str, key: str) -> None:
    with bench(database) as b, pytest.raises(InvalidBlockError, match=r"write|names no"):
        GrantKind().adoptable(key, b.snapshot())
