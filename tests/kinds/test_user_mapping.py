"""The statements of user mappings, and which options the server hides from whom."""

from __future__ import annotations

import pytest

from pgplan.configuration.model import Declared
from pgplan.testing import Bench
from pgplan_postgres.user_mapping_reader import UserMappingReader
from tests.kinds.bench import bench, declare, one

pytestmark = pytest.mark.enough(14, 18)

SERVER = ("CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER w")
ALTER = 'ALTER USER MAPPING FOR PUBLIC SERVER "s" OPTIONS'


def _mapping(of: str = "PUBLIC", /, **options: str) -> Declared:
    return one("user_mapping", "", server="s", user=of, options=options)


@pytest.mark.parametrize(
    ("before", "after", "sql"),
    [
        ({"user": "a", "x": "1"}, {"user": "b", "x": "1"}, [f"{ALTER} (SET \"user\" 'b')"]),
        ({"user": "a"}, {"user": "a", "x": "1"}, [f"{ALTER} (ADD \"x\" '1')"]),
        ({"user": "a", "x": "1"}, {"user": "a"}, [f'{ALTER} (DROP "x")']),
        ({"password": "a"}, {"password": "a"}, []),
        ({"password": "a"}, {}, [f'{ALTER} (DROP "password")']),
        # Something without the secret comes first: it takes the lock.
        (
            {"password": "a"},
            {"password": "b"},
            [f'{ALTER} (DROP "password")', f"{ALTER} (ADD \"password\" :'options.password')"],
        ),
        (
            {"user": "a"},
            {"user": "b", "password": "c"},
            [f"{ALTER} (SET \"user\" 'b')", f"{ALTER} (ADD \"password\" :'options.password')"],
        ),
        (
            {},
            {"password": "c"},
            [f"{ALTER} (ADD \"password\" '')", f"{ALTER} (SET \"password\" :'options.password')"],
        ),
    ],
)
def test_only_what_changed_is_sent(database: str, before: dict[str, str], after: dict[str, str], sql: list[str]) -> None:
    with bench(database) as b:
        b.run(*SERVER)
        b.reach(_mapping(**before))
        assert b.reach(_mapping(**after)) == sql


def test_no_statement_holds_a_secret(database: str) -> None:
    with bench(database) as b:
        b.run(*SERVER)
        made = b.reach(_mapping(user="a", password="hush", Api_Key="hush"))
        assert made == [
            'CREATE USER MAPPING FOR PUBLIC SERVER "s" OPTIONS ("user" \'a\')',
            f"{ALTER} (ADD \"Api_Key\" :'options.Api_Key')",
            f"{ALTER} (ADD \"password\" :'options.password')",
        ]
        found = b.found(_mapping())
        assert "hush" not in repr(found)


def _as(b: Bench, role: str) -> None:
    b.run(f"SET LOCAL ROLE {role}")


def test_hidden_is_never_empty(database: str, unique: str) -> None:
    """The server's owner makes mappings that it cannot read."""
    with bench(database) as b:
        b.run(SERVER[0], f"CREATE ROLE {unique}_own; CREATE ROLE {unique}_m")
        b.run(f"GRANT USAGE ON FOREIGN DATA WRAPPER w TO {unique}_own")
        b.run(f"GRANT CREATE ON DATABASE {unique}_db TO {unique}_own")
        _as(b, f"{unique}_own")
        b.run("CREATE SERVER s FOREIGN DATA WRAPPER w")
        first, second = _mapping(f"{unique}_m", user="a", password="p"), _mapping(f"{unique}_m", user="b", password="p")
        decision = b.decide(first)
        b.send(first, decision.kind.create(decision.spec))
        found = b.found(first)
        assert found is not None
        assert (found.hidden, found.spec.options, found.secrets) == (("options",), None, {})
        assert b.decide(first, recorded=first).changed == ()
        # What is recorded is taken for what is there; no digest of the password is recorded here, so that is sent.
        decision = b.decide(second, recorded=first)
        assert decision.changed == ("options",)
        alter = f'ALTER USER MAPPING FOR "{unique}_m" SERVER "s" OPTIONS'
        assert [each.sql for each in b.statements(decision)] == [
            f'{alter} (DROP "password", SET "user" \'b\')',
            f"{alter} (ADD \"password\" :'options.password')",
        ]
        # Not recorded: nothing can be said, so the mapping is made anew.
        assert b.decide(second).changed == ("options",)
        b.send(second, b.statements(b.decide(second)))
        b.run("RESET ROLE")
        b.expect_nothing(second)


ROLES = ("own", "member_of_own", "noinherit_member", "mapped", "mapped_with_usage", "usage_by_group", "stranger")


def test_visibility_is_the_views_own(database: str, unique: str) -> None:
    """For every role and mapping, with and without USAGE for PUBLIC: options that are not there count as none exactly where the
    view would show them."""
    u = unique
    with bench(database) as b:
        b.run(SERVER[0], *(f"CREATE ROLE {u}_{role}" for role in (*ROLES, "grp")), f"ALTER ROLE {u}_noinherit_member NOINHERIT")
        b.run("CREATE SERVER s FOREIGN DATA WRAPPER w", f"GRANT USAGE ON FOREIGN DATA WRAPPER w TO {u}_own")
        b.run(f"ALTER SERVER s OWNER TO {u}_own")
        b.run(f"GRANT {u}_own TO {u}_member_of_own, {u}_noinherit_member; GRANT {u}_grp TO {u}_usage_by_group")
        b.run(f"GRANT USAGE ON FOREIGN SERVER s TO {u}_mapped_with_usage, {u}_grp")
        b.run("CREATE USER MAPPING FOR PUBLIC SERVER s", *(f"CREATE USER MAPPING FOR {u}_{r} SERVER s" for r in ROLES))
        compared = 0
        for usage in ("REVOKE USAGE ON FOREIGN SERVER s FROM PUBLIC", "GRANT USAGE ON FOREIGN SERVER s TO PUBLIC"):
            b.run(usage)
            for role in ROLES:
                _as(b, f"{u}_{role}")
                query = UserMappingReader().query(b.snapshot().facts)
                rows = b.session.execute(query.encode()).fetchall()
                ours = {(row["server"], row["role"]): row["visible"] for row in rows}
                assert ours == _by_the_view(b)
                compared += len(ours)
                b.run("RESET ROLE")
        assert compared == 2 * len(ROLES) * (len(ROLES) + 1)


def _by_the_view(b: Bench) -> dict[tuple[str, str | None], bool]:
    """The condition in the definition of pg_user_mappings, with the functions that readers may not use."""
    query = """
        SELECT s.srvname AS server, r.rolname AS role,
               CASE WHEN m.umuser = 0 THEN pg_has_role(s.srvowner, 'USAGE')
                    ELSE r.rolname = current_user
                         AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')) END AS visible
          FROM pg_user_mappings AS m JOIN pg_foreign_server AS s ON s.oid = m.srvid
          LEFT JOIN pg_roles AS r ON r.oid = m.umuser"""
    return {(row["server"], row["role"]): row["visible"] for row in b.session.execute(query)}


def test_products(database: str) -> None:
    made = declare("user_mapping", "", server=["s", "t.u"], user=["PUBLIC", "a/b", '"PUBLIC"'], options={})
    keys = ["s/PUBLIC", 's/"a/b"', 's/"PUBLIC"', '"t.u"/PUBLIC', '"t.u"/"a/b"', '"t.u"/"PUBLIC"']
    assert [each.key for each in made] == keys
    with bench(database) as b:
        b.run(*SERVER, 'CREATE SERVER "t.u" FOREIGN DATA WRAPPER w; CREATE ROLE "PUBLIC"; CREATE ROLE "a/b"')
        for each in made:
            b.reach(each)
        assert all(b.found(each) is not None for each in made)
        users = {each.spec.user for each in b.catalog("user_mapping").of("user_mapping")}
        assert users == {"PUBLIC", "a/b", '"PUBLIC"'}
