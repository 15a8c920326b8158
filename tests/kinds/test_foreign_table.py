"""Columns of foreign tables: what ALTER can do with them, and how their types are spelled."""

from __future__ import annotations

import pytest

from pgplan.configuration.model import Declared
from pgplan.kind import InvalidBlockError
from pgplan_postgres.column_types import column_type
from tests.kinds.bench import bench, one

pytestmark = pytest.mark.enough(18)

SETUP = "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w"
ALTER = 'ALTER FOREIGN TABLE "public"."t"'


def _table(columns: str, **more: object) -> Declared:
    """Columns as ``a int, b text!, c text?``: b is NOT NULL, c has an option."""
    listed: list[dict[str, object]] = []
    for column in filter(None, columns.split(", ")):
        name, _, type_ = column.rstrip("!?").partition(" ")
        options = {"o": "x"} if "?" in column else {}
        listed.append({"name": name, "type": type_, "not_null": "!" in column, "options": options})
    return one("foreign_table", "public.t", server="s", columns=listed, **more)


@pytest.mark.parametrize(
    ("before", "after", "actions"),
    [
        ("a int", "a int, b text!", 'ADD COLUMN "b" text NOT NULL'),
        ("a int", "a int, b text?!", """ADD COLUMN "b" text OPTIONS ("o" 'x') NOT NULL"""),
        ("a int, b text", "b text", 'DROP COLUMN "a"'),
        ("a int, b text", "b text, a2 int", 'DROP COLUMN "a", ADD COLUMN "a2" integer'),
        ("a int", "a varchar(20)", 'ALTER COLUMN "a" TYPE character varying(20)'),
        ("a int", "a int!", 'ALTER COLUMN "a" SET NOT NULL'),
        ("a int!", "a int", 'ALTER COLUMN "a" DROP NOT NULL'),
        ("a int", "a int?", """ALTER COLUMN "a" OPTIONS (ADD "o" 'x')"""),
        ("a int?", "a int", 'ALTER COLUMN "a" OPTIONS (DROP "o")'),
        ("a int", "", 'DROP COLUMN "a"'),
    ],
)
def test_only_what_changed_is_sent(database: str, before: str, after: str, actions: str) -> None:
    with bench(database) as b:
        b.run(SETUP)
        b.reach(_table(before))
        assert b.reach(_table(after)) == [f"{ALTER} {actions}"]


@pytest.mark.parametrize(
    ("before", "after", "possible"),
    [("a int, b int", "b int, a int", "a, b"), ("a int, b int", "a int, new int, b int", "a, b, new")],
)
def test_no_column_changes_its_place(database: str, before: str, after: str, possible: str) -> None:
    with bench(database) as b:
        b.run(SETUP)
        b.reach(_table(before))
        with pytest.raises(InvalidBlockError, match="neither move a column") as caught:
            b.reach(_table(after))
        assert caught.value.mistakes[0][0] == ("columns",)
        assert possible in caught.value.mistakes[0][2]


def test_another_server_is_a_replacement(database: str) -> None:
    with bench(database) as b:
        b.run(SETUP, "CREATE SERVER other FOREIGN DATA WRAPPER w")
        b.reach(_table("a int", options={"x": "y"}))
        moved = one("foreign_table", "public.t", server="other", columns=[{"name": "b", "type": "int"}])
        assert b.reach(moved)[:2] == [
            'DROP FOREIGN TABLE "public"."t"',
            """CREATE FOREIGN TABLE "public"."t" ("b" integer) SERVER "other" OPTIONS ("x" 'y')""",
        ]


TYPES = (
    *("int", "int2", "bigint", "float", "float(24)", "float(25)", "real", "bool", "text", "jsonb", "uuid", "name", "oid"),
    *("char", "char(3)", "bpchar", '"char"', "character varying", "varchar(20)", "national character varying (5)"),
    *("bit", "bit(3)", "varbit", "bit varying(7)", '"bit"', "pg_catalog.bit"),
    *("numeric", "numeric(10)", "decimal(10,2)", "dec ( 10 , 2 )", "numeric(1000,1000)"),
    *("time", "time(3)", "timetz", "time (0) with time zone", "timestamp(6)", "timestamptz(3)", "timestamp without time zone"),
    *("interval", "interval(3)", "interval year to month", "interval day to second(2)", "interval second (0)", "interval month"),
    *("int[]", "varchar(20)[]", "numeric(10,2)[][]", "timestamp(3)[]", "interval hour to minute[]", "text[3]"),
)


@pytest.mark.parametrize("written", TYPES)
def test_types_are_spelled_as_the_server_spells_them(database: str, written: str) -> None:
    with bench(database) as b:
        b.run(SETUP)
        b.reach(_table_of(written))
        type_ = "SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute"
        row = b.session.execute(f"{type_} WHERE attrelid = 'public.t'::regclass AND attnum = 1".encode()).fetchone()
        assert row is not None
        assert column_type(written) == row["type"]
        assert column_type(row["type"]) == row["type"]


@pytest.mark.pg(">= 15")
def test_a_scale_may_be_negative(database: str) -> None:
    with bench(database) as b:
        b.run(SETUP)
        assert b.reach(_table_of("numeric(2,-3)"))[0].endswith('("a" numeric(2,-3)) SERVER "s"')


def _table_of(type_: str) -> Declared:
    return one("foreign_table", "public.t", server="s", columns=[{"name": "a", "type": type_}])


def test_types_of_other_schemas(database: str) -> None:
    made = 'CREATE TYPE public."My, type" AS ENUM (); CREATE DOMAIN public.d AS varchar(3); CREATE EXTENSION hstore SCHEMA public'
    with bench(database) as b:
        b.run(SETUP, made)
        for written in (
            'public."My, type"',
            'public."My, type"[]',
            "public.d",
            "public.d[]",
            "public.hstore",
            "information_schema.sql_identifier",
        ):
            b.reach(_table_of(written))


def test_it_is_the_table(database: str) -> None:
    """What privileges are on, and what they say there."""
    declared = _table("a int, b int")
    with bench(database) as b:
        b.run(SETUP)
        b.reach(declared)
        b.run("GRANT SELECT ON public.t TO PUBLIC; GRANT UPDATE (b) ON public.t TO PUBLIC")
        catalog = b.catalog("foreign_table", "table")
        found, table = catalog.get("foreign_table", declared.key), catalog.get(*b.kind(declared).object(declared.key))
        assert found is not None
        assert table is not None
        assert (found.oid, found.owner, found.columns) == (table.oid, table.owner, table.columns)
        assert found.acl.privileges == table.acl.privileges
        assert {row.column for row in found.acl.privileges} == {"", "b"}
