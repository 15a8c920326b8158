"""The table of grantable types, against what the server says and what blocks can spell."""

from __future__ import annotations

from typing import get_type_hints

import attrs
import pytest

from pgplan.snapshot import Privilege
from pgplan_postgres.access_block import On
from pgplan_postgres.acl import built_in
from pgplan_postgres.grantable import BULK, GRANTABLE, every
from tests.servers import Server


def test_on_names_what_the_table_has() -> None:
    names = [field.name for field in attrs.fields(On)]
    assert sorted(names) == sorted([*GRANTABLE, *BULK, "except_", "extension_members"])
    assert len({str(get_type_hints(On)[name]) for name in (*GRANTABLE, *BULK)}) == 1


def test_privileges_and_types_are_sorted() -> None:
    assert list(GRANTABLE) == sorted(GRANTABLE)
    for one in GRANTABLE.values():
        assert list(one.privileges) == sorted(one.privileges)
        assert set(one.columns) <= set(one.privileges)
        assert set(one.public) <= set(one.privileges)


@pytest.mark.parametrize("type_", GRANTABLE)
def test_built_in_defaults_are_the_servers(server: Server, type_: str) -> None:
    if not every(type_, server.version * 10000):
        pytest.skip("needs a later PostgreSQL")
    query = f"""SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE 'postgres' END, e.privilege_type, e.is_grantable
                  FROM aclexplode(acldefault('{GRANTABLE[type_].letter}', 10)) AS e"""
    expected = sorted(Privilege("", grantee, name, "postgres", option) for grantee, name, option in server.rows(query))
    assert list(built_in(type_, "postgres", server.version * 10000).privileges) == expected


def test_columns_have_what_the_server_grants_on_them(server: Server, database: str) -> None:
    name = database.split("/")[3].split("?", maxsplit=1)[0]
    server.execute("CREATE TABLE public.t (a int)", "GRANT ALL (a) ON public.t TO PUBLIC", database=name)
    rows = server.rows(
        "SELECT (aclexplode(attacl)).privilege_type FROM pg_attribute WHERE attacl IS NOT NULL "
        "AND attrelid = 'public.t'::regclass",
        database=name,
    )
    assert sorted(row[0] for row in rows) == list(every("table", server.version * 10000, columns=True))
