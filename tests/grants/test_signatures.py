"""Routine keys: types spelled as PostgreSQL spells them, found again by the server, whatever they are called."""

from __future__ import annotations

import pytest
from psycopg import sql

from pgplan_postgres.signatures import catalog_type, normal_arguments, normal_type, signature_sql, split_signature
from tests.grants.bench import bench
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

SPELLINGS = {
    "int": "integer",
    "int4": "integer",
    "pg_catalog.int8": "bigint",
    "varchar": "character varying",
    "character  varying": "character varying",
    "varchar []": "character varying[]",
    "int[][]": "integer[]",
    "decimal": "numeric",
    "float": "double precision",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "char": "character",
    '"char"': '"char"',
    '"any"': '"any"',
    "text": "text",
    "billing.Money": "billing.Money",
    'billing."a,b"[]': 'billing."a,b"[]',
    '"my type"': '"my type"',
}


@pytest.mark.parametrize(("written", "normal"), SPELLINGS.items())
def test_types_are_spelled_as_postgresql_spells_them(written: str, normal: str) -> None:
    assert normal_type(written) == normal
    assert normal_type(normal) == normal


@pytest.mark.parametrize(
    ("written", "normal"), {"": "()", " ": "()", "int, text[]": "(integer,text[])", 'x."a,b",int': '(x."a,b",integer)'}.items()
)
def test_argument_lists(written: str, normal: str) -> None:
    assert normal_arguments(written) == normal


@pytest.mark.parametrize("written", ["int,", ",int", "int,,int", "varchar(20)", "numeric(10,2)", "a.b.c", "int[3]", '"open'])
def test_what_is_no_argument_list(written: str) -> None:
    with pytest.raises(ValueError, match="type"):
        normal_arguments(written)


def test_names_with_parentheses_and_quotes() -> None:
    assert split_signature('s."f(x)""("(int)') == ('s."f(x)""("', "int")
    assert split_signature("s.f") == ("s.f", None)
    assert signature_sql('s."f(x"(integer,s."a,b"[],text)') == '"s"."f(x"(IN integer, IN "s"."a,b"[], IN text)'
    for broken in ("s.f(int", "s.f)int(", 's."f(int)'):
        with pytest.raises(ValueError, match="not a function"):
            split_signature(broken)


def test_every_type_of_the_server_has_its_own_spelling(database: str) -> None:
    """`format_type` is the referee: our spelling is its spelling, but for quotes, and is read back as the same type."""
    query = """SELECT t.oid::int AS oid, n.nspname AS schema, t.typname AS name, format_type(t.oid, NULL) AS spelled
                 FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
                WHERE n.nspname = 'pg_catalog' AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)"""
    with bench(database) as b:
        rows = b.session.execute(query.encode()).fetchall()
        assert len(rows) > 150
        for row in rows:
            ours = catalog_type(row["schema"], row["name"])
            assert ours == row["spelled"], row
            assert normal_type(ours) == ours
            written = signature_sql(f"f({ours})").removeprefix('"f"(IN ').removesuffix(")")
            read = b.session.execute(sql.SQL("SELECT {}::regtype::oid::int AS oid").format(sql.Literal(written))).fetchone()
            assert read == {"oid": row["oid"]}


ROUTINES = {
    "s.f()": "FUNCTION s.f()",
    "s.f(integer)": "FUNCTION s.f(int)",
    "s.f(integer[])": "FUNCTION s.f(int[])",
    "s.f(character varying,s.mood[])": "FUNCTION s.f(varchar(20), s.mood[])",
    's.f("char",character)': """FUNCTION s.f("char", char)""",
    's.f(s."a ""b,c"[])': """FUNCTION s.f(s."a ""b,c"[])""",
    "s.f(s.Mixed,int2vector,oidvector)": """FUNCTION s.f(s."Mixed", int2vector, oidvector)""",
    's."f(x"(timestamp with time zone)': """FUNCTION s."f(x"(timestamptz)""",
    's."Ünï.""q"(text)': """FUNCTION s."Ünï.""q"(text)""",
}


def test_overloads_are_different_objects(server: Server, database: str, unique: str) -> None:
    """Each is found under its own key, and a grant on one of them leaves the others alone."""
    setup = [
        f"CREATE ROLE {unique}_a",
        "CREATE SCHEMA s",
        "CREATE TYPE s.mood AS ENUM ('x')",
        'CREATE TYPE s."Mixed" AS (a int)',
        'CREATE DOMAIN s."a ""b,c" AS int',
        *(f"CREATE {text} RETURNS int LANGUAGE sql AS 'SELECT 1'" for text in ROUTINES.values()),
        # a procedure's output arguments are no part of its key, though ROUTINE looks at them
        "CREATE PROCEDURE s.p(INOUT a int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE s.p(a int, b int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.g(a int, OUT b int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.agg_step(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE AGGREGATE s.agg(int) (SFUNC = s.agg_step, STYPE = int)",
        """CREATE AGGREGATE s.hypothetical(float8 ORDER BY anyelement)
             (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)""",
    ]
    others: dict[str, tuple[str, ...]] = {
        "s.p(integer)": ("a procedure",),
        "s.p(integer,integer)": ("a procedure",),
        "s.g(integer)": (),
        "s.agg_step(integer,integer)": (),
        "s.agg(integer)": ("an aggregate",),
        "s.hypothetical(double precision,anyelement)": ("an aggregate",),
    }
    with bench(database, setup) as b:
        catalog = b.catalog("function")
        mine = {found.key: found.spec.beyond for found in catalog.of("function") if not found.system}
        assert mine == dict.fromkeys(ROUTINES, ()) | others
        for key in mine:
            b.apply({"to": f"{unique}_a", "on": {"function": key}, "privileges": ["EXECUTE"]})
            after = b.catalog("function")
            having = [one.key for one in after.of("function") if any(p.grantee == f"{unique}_a" for p in one.acl.privileges)]
            assert having == [key], server.version


def test_a_procedure_beside_one_with_an_output_argument(database: str, unique: str) -> None:
    """Without IN, ROUTINE s.p(integer) would be ambiguous: `p(OUT integer)` has these types too."""
    setup = [
        f"CREATE ROLE {unique}_a",
        "CREATE SCHEMA s",
        "CREATE PROCEDURE s.p(a int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE s.p(OUT b int) LANGUAGE sql AS 'SELECT 1'",
    ]
    with bench(database, setup) as b:
        for key in ("s.p(integer)", "s.p()"):
            b.apply({"to": f"{unique}_a", "on": {"function": key}, "privileges": ["EXECUTE"]})
