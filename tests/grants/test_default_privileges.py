"""Default privileges: blocks and their mistakes, lists with and without a row, what new objects are born with, and SQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgplan import sql
from pgplan.address import Identity
from pgplan.configuration.decode import decode
from pgplan.errors import PgplanError
from pgplan.images import image, restore
from pgplan.kind import Claim, Edge, EdgeChange, Facts, InvalidBlockError, Item, Reference
from pgplan.snapshot import NO_LIST, AccessList
from pgplan_postgres.default_lists import DefaultPrivilegesReader, parse_list
from pgplan_postgres.default_privileges import DefaultPrivileges, DefaultPrivilegesKind, DefaultRight
from pgplan_postgres.grantable import DEFAULTS
from pgplan_postgres.provider import provider
from pgplan_postgres.rights import Rights
from pgplan_postgres.selectors import Named
from tests.grants.bench import Block, bench, declared, found, rights
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

KIND = DefaultPrivilegesKind()
TYPE = "default_privileges"
FACTS = Facts(180000, "", 1, "here", 5, "me", "me", superuser=False)
BASE: Block = {"owner": "o", "schema": "s", "objects": "tables", "privileges": ["SELECT"], "to": "r"}


def block(**changes: Any) -> Block:
    """The simplest block, changed; None takes a key away."""
    return {key: value for key, value in {**BASE, **changes}.items() if value is not None}


def everywhere(**changes: Any) -> Block:
    return block(**{"schema": None, "global": True, **changes})


ADDRESSES: list[tuple[Block, list[str]]] = [
    (block(), ["o/s/tables/r"]),
    (everywhere(), ["o/*/tables/r"]),
    (block(schema="*"), ['o/"*"/tables/r']),
    (block(owner="a/b", schema="s.t", to='"PUBLIC"'), ['"a/b"/"s.t"/tables/"PUBLIC"']),
    (everywhere(objects=["schemas", "large_objects"], privileges=["ALL"]), ["o/*/large_objects/r", "o/*/schemas/r"]),
    (
        block(owner=["a", "b"], schema=["s", "t"], to=["x", "PUBLIC"]),
        [f"{owner}/{schema}/tables/{to}" for owner in "ab" for schema in "st" for to in ("PUBLIC", "x")],
    ),
    (everywhere(to=None, objects="functions", privileges=["EXECUTE"], **{"from": "PUBLIC"}), ["o/*/functions/PUBLIC"]),
]


@pytest.mark.parametrize(("one", "keys"), ADDRESSES, ids=str)
def test_addresses(one: Block, keys: list[str]) -> None:
    made = declared(one)
    assert [each.key for each in made] == keys
    for each in made:
        assert restore(image(each.spec), DefaultPrivileges) == each.spec
        again = [DefaultPrivilegesKind().declare("", decode(KIND.block, text)) for text in KIND.blocks(each.spec)]
        assert [declaration.spec for declarations in again for declaration in declarations] == [each.spec]


MISTAKES: list[tuple[Block, tuple[str | int, ...], str]] = [
    (block(schema=None), (), "neither schema nor global"),
    (everywhere(schema="s"), (), "contradict each other"),
    (block(to=None), (), "neither to nor from"),
    (block(**{"from": "x"}), (), "to and from contradict"),
    (block(objects="tabels"), ("objects", 0), "no default privileges on 'tabels'"),
    (block(objects="schemas", privileges=["USAGE"]), ("objects", 0), "schemas are in no schema"),
    (block(objects="large_objects"), ("objects", 0), "large_objects are in no schema"),
    (block(privileges=["USAGE"]), ("privileges", 0), "tables have no privilege 'USAGE'"),
    (block(objects=["tables", "sequences"], privileges=["DELETE"]), ("privileges", 0), "sequences have no privilege 'DELETE'"),
    (block(privileges=[]), ("privileges",), "privileges is empty"),
    (block(privileges=["ALL", "SELECT"]), ("privileges",), "ALL stands alone"),
    (block(to="PUBLIC", grantable=True), ("grantable",), "PUBLIC with grant option"),
    (block(to=None, grantable=True, **{"from": "x"}), ("grantable",), "grantable goes with to"),
    (block(owner="PUBLIC"), ("owner", 0), "PUBLIC is not a role"),
    (block(to="public"), ("to", 0), "PostgreSQL reserves the name"),
    (everywhere(to=None, **{"from": ["x", "o"]}), ("from",), "the owner's own rights stay"),
    (
        block(to=None, objects="functions", privileges=["EXECUTE"], **{"from": "PUBLIC"}),
        ("from",),
        "EXECUTE on functions is PUBLIC's in all schemas",
    ),
    (block(to=None, objects="types", privileges=["ALL"], **{"from": "PUBLIC"}), ("from",), "USAGE on types is PUBLIC's"),
]


@pytest.mark.parametrize(("one", "path", "message"), MISTAKES, ids=[message for _, _, message in MISTAKES])
def test_mistakes(one: Block, path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        declared(one)
    assert [(at, text) for at, text, _ in caught.value.mistakes if at == path and message in text]


def test_to_and_from_add_up_and_must_agree() -> None:
    (one,) = declared(
        block(privileges=["SELECT", "INSERT"]),
        block(grantable=True),
        block(to=None, privileges=["DELETE"], **{"from": "r"}),
    )
    assert one.spec.rights == (
        DefaultRight("DELETE", absent=True),
        DefaultRight("INSERT"),
        DefaultRight("SELECT", grantable=True),
    )
    named = Named(TYPE, "o/s/tables")
    assert KIND.claims(one.spec, FACTS) == [
        Claim(named, (Item("", "r", "INSERT"),)),
        Claim(named, (Item("", "r", "SELECT"),), grantable=True),
        Claim(named, (Item("", "r", "DELETE"),), forbids=True),
    ]
    assert len(KIND.blocks(one.spec)) == 3
    for wanted, absent, what in ((["SELECT"],) * 2 + ("SELECT",), (["ALL"], ["SELECT"], "SELECT"), (["ALL"], ["ALL"], "ALL")):
        with pytest.raises(InvalidBlockError, match=f"{what} on tables is in `to` and in `from` for r"):
            declared(block(privileges=wanted), block(to=None, privileges=absent, **{"from": "r"}))


def test_what_it_refers_to() -> None:
    owner, schema = Reference("role", "o", "owner"), Reference("schema", "s", "schema")
    (one,) = declared(block())
    assert KIND.references(one.spec) == [owner, schema, Reference("role", "r", "to")]
    (one,) = declared(everywhere(to=None, **{"from": "PUBLIC"}))
    assert KIND.references(one.spec) == [owner]


def test_large_objects_are_known_from_18_on() -> None:
    (one,) = declared(everywhere(objects="large_objects"))
    assert KIND.claims(one.spec, FACTS)
    with pytest.raises(InvalidBlockError, match="default privileges on large_objects exist from 18 on"):
        KIND.claims(one.spec, Facts(170000, "", 1, "here", 5, "me", "me", superuser=False))


@pytest.mark.parametrize(
    "key", ["", "o", "o/s", "o/s/tables", "o/s/nix/r", "o/s/schemas/r", '"o"/s/tables/r', 'o/s/tables/"r"', "o/s/tables/"]
)
def test_what_is_no_key(database: str, key: str) -> None:
    with bench(database) as b, pytest.raises(InvalidBlockError, match=r"not the key|write"):
        KIND.adoptable(key, b.catalog(TYPE))


def test_a_list_without_a_row_is_implied() -> None:
    reader = DefaultPrivilegesReader()

    def implied(key: str) -> AccessList | None:
        one = reader.implied(key, FACTS)
        assert one is None or (one.type, one.key, one.oid, one.owner) == (TYPE, key, 0, "o")
        return one.acl if one else None

    assert implied("o/s/tables") is NO_LIST
    functions, sequences = implied("o/*/functions"), implied("o/*/sequences")
    assert functions is not None
    assert sequences is not None
    assert functions.held("PUBLIC") == {("", "EXECUTE"): False}
    assert {item.privilege for item in sequences.rows} == {"SELECT", "UPDATE", "USAGE"}
    for none in ("o", "o/*/nix", "o/s/schemas"):
        assert reader.implied(none, FACTS) is None
    assert reader.implied("o/*/large_objects", Facts(170000, "", 1, "here", 5, "me", "me", superuser=False)) is None


def setup(unique: str) -> list[str]:
    return [*(f"CREATE ROLE {unique}_{name}" for name in "oab"), "CREATE SCHEMA s", f"GRANT ALL ON SCHEMA s TO {unique}_o"]


def test_lists_are_read_as_they_hold(database: str, unique: str) -> None:
    o, a = f"{unique}_o", f"{unique}_a"
    alter = f"ALTER DEFAULT PRIVILEGES FOR ROLE {o}"
    statements = [
        f"{alter} GRANT SELECT ON TABLES TO {a} WITH GRANT OPTION",
        f"{alter} IN SCHEMA s GRANT INSERT ON TABLES TO {a}, PUBLIC",
        f"{alter} REVOKE ALL ON FUNCTIONS FROM PUBLIC, {o}",
        f"{alter} REVOKE ALL ON TYPES FROM PUBLIC",
    ]
    with bench(database, [*setup(unique), *statements]) as b:
        catalog = b.catalog(TYPE)
        mine = {one.key: one for one in catalog.of(TYPE) if one.owner == o}
        assert set(mine) == {f"{o}/*/tables", f"{o}/*/functions", f"{o}/*/types", f"{o}/s/tables"}
        assert mine[f"{o}/*/tables"].acl.held(a) == {("", "SELECT"): True}
        assert ("", "DELETE") in mine[f"{o}/*/tables"].acl.held(o)
        assert mine[f"{o}/s/tables"].acl.held("PUBLIC") == mine[f"{o}/s/tables"].acl.held(a) == {("", "INSERT"): False}
        # PostgreSQL ignores an empty list for all schemas
        assert mine[f"{o}/*/functions"].acl.rows == {}
        assert provider.born("function", "s.f()", o, catalog).held("PUBLIC") == {("", "EXECUTE"): False}
        assert mine[f"{o}/*/types"].acl.held("PUBLIC") == {}
        assert {one.spec for one in mine.values()} == {parse_list(key) for key in mine}
        specs = {made.key: made.spec.rights for one in mine.values() for made in KIND.declarations(one)}
        assert specs == {
            f"{o}/*/tables/{a}": (DefaultRight("SELECT", grantable=True),),
            f"{o}/s/tables/{a}": (DefaultRight("INSERT"),),
            f"{o}/s/tables/PUBLIC": (DefaultRight("INSERT"),),
            f"{o}/*/types/PUBLIC": (DefaultRight("USAGE", absent=True),),
        }
        for key, expected in specs.items():
            spec = KIND.adoptable(key, catalog)
            assert spec is not None
            assert (spec.key, spec.rights) == (key, expected)
        assert KIND.adoptable(f"{o}/s/sequences/{a}", catalog) is None


OBJECTS = {
    "table": ("CREATE TABLE s.x (a int)", "s.x"),
    "sequence": ("CREATE SEQUENCE s.x", "s.x"),
    "function": ("CREATE FUNCTION s.x() RETURNS int LANGUAGE sql AS 'SELECT 1'", "s.x()"),
    "schema": ("CREATE SCHEMA x", "x"),
}


@pytest.mark.parametrize("type_", OBJECTS)
def test_what_is_born_is_what_the_server_makes(database: str, unique: str, type_: str) -> None:
    """Built in, then for all schemas, then for one schema too."""
    o, a = f"{unique}_o", f"{unique}_a"
    create, key = OBJECTS[type_]
    word = f"{type_}s"
    privilege = {"table": "SELECT", "sequence": "USAGE", "function": "EXECUTE", "schema": "USAGE"}[type_]
    steps = [
        "SELECT",
        f"ALTER DEFAULT PRIVILEGES GRANT {privilege} ON {word} TO {a}",
        f"ALTER DEFAULT PRIVILEGES REVOKE ALL ON {word} FROM PUBLIC",
        f"ALTER DEFAULT PRIVILEGES GRANT {privilege} ON {word} TO {a} WITH GRANT OPTION",
    ]
    if type_ != "schema":
        steps.append(f"ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT ALL ON {word} TO {a}, PUBLIC")
    grant = f"GRANT CREATE ON DATABASE {unique}_db TO {o}"
    with bench(database, [*setup(unique), grant, f"SET LOCAL ROLE {o}"]) as b:
        for step in steps:
            b.run(step)
            made = provider.born(type_, key, o, b.catalog(TYPE))
            b.run("SAVEPOINT made", create)
            assert found(b.catalog(type_), type_, key).acl.privileges == made.privileges, step
            b.run("ROLLBACK TO SAVEPOINT made")


def test_what_has_no_default_privileges_is_born_built_in(database: str) -> None:
    with bench(database) as b:
        catalog = b.catalog(TYPE)
        assert provider.born("server", "x", "postgres", catalog).held("postgres") == {("", "USAGE"): False}
        assert provider.born("role", "x", "postgres", catalog) is NO_LIST


def test_whose_defaults_one_may_change(server: Server, database: str, unique: str) -> None:
    """What it says is missing, the server refuses."""
    o, a, member = f"{unique}_o", f"{unique}_a", f"{unique}_b"
    options = " WITH INHERIT FALSE" if server.version >= 16 else ""
    grants = [f"ALTER ROLE {member} NOINHERIT", f"GRANT {o} TO {member}{options}"]
    edge = Edge(Identity(TYPE, f"{o}/s/tables", f"{unique}_db"), Item("", a, "SELECT"))
    change = EdgeChange("grant", edge)
    (statement,) = provider.edge_statements([change])

    def missing() -> str | None:
        told = Rights(catalog := b.catalog(TYPE, "role", "membership"), catalog).missing_for(change, ())
        b.run("SAVEPOINT tried")
        if told is None:
            b.run(statement.statement.sql)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                b.run(statement.statement.sql)
        b.run("ROLLBACK TO SAVEPOINT tried")
        return told

    with bench(database, [*setup(unique), f"SET LOCAL ROLE {member}"]) as b:
        told = missing()
        assert told is not None
        inherit = ", inherit = true" if server.version >= 16 else ""
        assert told.endswith(f'declare a [[membership]] with role = "{o}", member = "{member}"{inherit}')
        b.run("RESET ROLE", *grants, f"SET LOCAL ROLE {member}")
        assert (missing() is None) == (server.version < 16)
        b.run(
            "RESET ROLE",
            f"ALTER ROLE {member} INHERIT",
            f"GRANT {o} TO {member}{options.replace('FALSE', 'TRUE')}",
            f"SET LOCAL ROLE {member}",
        )
        assert missing() is None


def test_from_any_state_to_any_other(database: str, unique: str) -> None:
    o, a, b_ = (f"{unique}_{name}" for name in "oab")
    tables = {"owner": o, "schema": "s", "objects": "tables"}
    functions: Block = {"owner": o, "global": True, "objects": "functions", "privileges": ["EXECUTE"]}
    with bench(database, setup(unique)) as b:
        assert b.apply({**tables, "privileges": ["SELECT", "INSERT"], "to": [a, b_]}, {**functions, "from": "PUBLIC"}) == [
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{o}" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{o}" IN SCHEMA "s" GRANT INSERT, SELECT ON TABLES TO "{a}", "{b_}"',
        ]
        assert b.apply({**tables, "privileges": ["SELECT"], "to": a, "grantable": True}, {**functions, "to": a}) == [
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{o}" IN SCHEMA "s" REVOKE INSERT ON TABLES FROM "{a}"',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{o}" IN SCHEMA "s" REVOKE INSERT, SELECT ON TABLES FROM "{b_}"',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{o}" GRANT EXECUTE ON FUNCTIONS TO "{a}"',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{o}" IN SCHEMA "s" GRANT SELECT ON TABLES TO "{a}" WITH GRANT OPTION',
        ]
        # what `from` took is not given back
        assert rights(b.catalog(TYPE), TYPE, f"{o}/*/functions") == {("", a, "EXECUTE", False)}
        b.apply({**functions, "to": [a, o]})
        assert rights(b.catalog(TYPE), TYPE, f"{o}/s/tables") == set()
        b.apply()
        assert [one.key for one in b.catalog(TYPE).of(TYPE) if one.owner == o] == [f"{o}/*/functions"]


def test_a_schema_that_is_not_there_is_an_error_of_the_plan(database: str, unique: str) -> None:
    with bench(database, setup(unique)) as b, pytest.raises(PgplanError, match="schema"):
        b.plan(block(owner=f"{unique}_o", schema="nix", to=f"{unique}_a"))


def test_every_type_of_object(server: Server, database: str, unique: str) -> None:
    """For one schema where there can be such a list, and for all of them, to and from, names of every sort included."""
    o, a = f'{unique}_"o/*.', f"{unique}_PUBLIC"
    known = [parse_list(f"o/*/{word}") for word in DEFAULTS]
    objects = [one.objects for one in known if one.defaults.since <= server.version]
    in_schema = [one.objects for one in known if one.defaults.in_schema]
    names = [sql.Identifier(name).text for name in (o, a)]
    with bench(database, [*(f"CREATE ROLE {name}" for name in names), 'CREATE SCHEMA "*"']) as b:

        def rows() -> tuple[int, int]:
            mine = [one.spec for one in b.catalog(TYPE).of(TYPE) if one.owner == o]
            return len(mine), sum(one.schema == "*" for one in mine)

        of_schema = block(owner=o, schema="*", to=["PUBLIC", a], objects=in_schema, privileges=["ALL"])
        b.apply(everywhere(owner=o, to=a, objects=objects, privileges=["ALL"]), of_schema)
        assert rows() == (len(objects) + len(in_schema), len(in_schema))
        b.apply(everywhere(owner=o, to=None, objects=objects, privileges=["ALL"], **{"from": a}))
        assert rows() == (0, 0)
