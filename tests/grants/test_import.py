"""What an address means that is only found: `adoptable`."""

from __future__ import annotations

import pytest

from pgplan.kind import EdgeKind, Found, InvalidBlockError
from pgplan_postgres.access import Access
from pgplan_postgres.grant import GrantKind
from pgplan_postgres.privileges import Right
from pgplan_postgres.revoke import RevokeKind
from tests.grants.bench import bench, found
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


def declarations_of(kind: EdgeKind, one: Found) -> dict[str, Access]:
    made = list(kind.declarations(one))
    assert {declaration.kind for declaration in made} <= {kind.name}
    return {declaration.key: declaration.spec for declaration in made}


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
        catalog = b.catalog("table", "function", "schema")
        spec = grant.adoptable(f"{a}/table:s.t", catalog)
        assert spec is not None
        assert spec.rights == (Right("INSERT"), Right("SELECT", grantable=True), Right("UPDATE", ("x",)))
        assert spec.key == f"{a}/table:s.t"
        # recording it and declaring it is no change
        assert declarations_of(grant, found(catalog, "table", "s.t"))[f"{a}/table:s.t"] == spec
        common = grant.adoptable(f"{a}/tables_in:s", catalog)
        assert common is not None
        assert common.rights == (Right("INSERT"), Right("SELECT"))
        assert set(declarations_of(grant, found(catalog, "table", "s.t"))) == {f"{a}/table:s.t", f"{c}/table:s.t"}
        assert declarations_of(revoke, found(catalog, "table", "s.t")) == {}
        given = grant.adoptable(f"{c}/table:s.t", catalog)
        assert given is not None
        assert given.rights == (Right("SELECT"),)
        assert grant.adoptable(f"{c}/table:s.u", catalog) is None
        assert grant.adoptable(f"{c}/table:s.nix", catalog) is None
        assert grant.adoptable("PUBLIC/function:s.f", catalog) is not None
        absent = revoke.adoptable("PUBLIC/schema:public", catalog)
        if server.version < 15:
            assert absent is None
        else:
            assert absent is not None
            assert absent.rights == (Right("CREATE"),)
        assert revoke.adoptable("PUBLIC/function:s.f(integer)", catalog) is None


@pytest.mark.parametrize("key", ["", "a", "a/b", "a/nix:b", "a/table:b", "a/function:s.f(int)", "a b/schema:s", "a/schema:a.b"])
def test_what_is_no_key(database: str, key: str) -> None:
    with bench(database) as b, pytest.raises(InvalidBlockError, match=r"write|names no"):
        GrantKind().adoptable(key, b.catalog())
