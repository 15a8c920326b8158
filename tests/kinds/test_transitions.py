"""Every example state of every kind becomes every other on a real server; read back, nothing is left to do."""

from __future__ import annotations

import pytest

from pgplan.address import join
from pgplan.configuration.model import Declared
from pgplan.testing import NAMES, Bench
from tests.kinds.bench import bench, one
from tests.kinds.examples import examples
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

EXAMPLES = [example.name for example in examples("x", 16)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_state_becomes_every_other(server: Server, database: str, unique: str, name: str) -> None:
    example = next((each for each in examples(unique, server.version) if each.name == name), None)
    if example is None:
        pytest.skip("needs PostgreSQL 16")
    with bench(database) as b:
        b.run(*example.setup)
        b.check_states(*example.states, only_the_server_knows=name == "extension")
        b.reach(example.states[0])
        b.check_readers()


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_sort(database: str, name: str) -> None:
    with bench(database) as b:
        b.run("CREATE FOREIGN DATA WRAPPER w", "CREATE ROLE grp", "ALTER SCHEMA public OWNER TO grp")
        role = one("role", name, login=True, password="p", comment="c", config={"search_path": [name]})
        schema = one("schema", name, comment="c")
        server = one("server", name, fdw="w", options={name: name}, comment="c")
        mapping = one("user_mapping", "", server=name, user=name, options={name: f"{name}=", "password": f"{name}!"})
        wrapper = one("foreign_data_wrapper", name, options={name: name}, comment="c")
        column = {"name": name, "type": "int", "options": {name: name}}
        table = one("foreign_table", join(name, name), server=name, columns=[column], options={name: name}, comment="c")
        membership = one("membership", "", role="grp", member=name)
        _make_and_change(b, role, one("role", name, config={"search_path": []}, database_config={"postgres": {"jit": 0}}))
        _make_and_change(b, schema, one("schema", name, owner=name))
        _make_and_change(b, server, one("server", name, fdw="w", owner=name, options={name: "x"}))
        _make_and_change(b, wrapper, one("foreign_data_wrapper", name, options={name: "x"}))
        _make_and_change(
            b, table, one("foreign_table", join(name, name), server=name, owner=name, columns=[column | {"type": "text"}])
        )
        # It takes rows of the table, so its key has the name three times.
        function, *changed = (
            one(
                "function",
                f"{join(name, name)}({join(name, name)}[])",
                arguments=[{"name": name, "type": f"{join(name, name)}[]"}],
                returns=join(name, name),
                language="plpgsql",
                body=f"DECLARE x text := $x${name}$x$; BEGIN{more} END",
                config={"search_path": [name]},
                **owner,
            )
            for more, owner in (("", {}), (" --\n", {}), ("", {"owner": name, "comment": name}))
        )
        _make_and_change(b, function, *changed)
        _make_and_change(b, mapping, one("user_mapping", "", server=name, user=name, options={"password": "q"}))
        _make_and_change(b, membership, one("membership", "", role="grp", member=name, admin=True))
        for declared in (function, membership, mapping, table, server, wrapper, schema, role):
            b.drop(declared)


def _make_and_change(b: Bench, *states: Declared) -> None:
    for state in states:
        b.reach(state)


def test_extension_is_updated_to_a_version(database: str) -> None:
    with bench(database) as b:
        b.reach(one("extension", "hstore", version="1.4"))
        sql = b.reach(one("extension", "hstore", version="1.5", schema="public"))
        assert sql == ["ALTER EXTENSION \"hstore\" UPDATE TO '1.5'"]


def test_extension_brings_what_it_requires_only_when_told(database: str) -> None:
    with bench(database) as b:
        assert 'CREATE EXTENSION "earthdistance" CASCADE' in b.reach(one("extension", "earthdistance", cascade=True))
        b.expect_nothing(one("extension", "earthdistance", cascade=False))


def test_unmanaged_attributes_stand_in_no_statement(database: str, unique: str) -> None:
    with bench(database) as b:
        b.run("CREATE FOREIGN DATA WRAPPER w")
        assert b.reach(one("role", unique)) == [f'CREATE ROLE "{unique}"']
        assert b.reach(one("schema", "s")) == ['CREATE SCHEMA "s"']
        assert b.reach(one("foreign_data_wrapper", "x")) == ['CREATE FOREIGN DATA WRAPPER "x"']
        assert b.reach(one("server", "s", fdw="w")) == ['CREATE SERVER "s" FOREIGN DATA WRAPPER "w"']
        assert b.reach(one("user_mapping", "", server="s", user="PUBLIC")) == ['CREATE USER MAPPING FOR PUBLIC SERVER "s"']
        assert b.reach(one("foreign_table", "s.t", server="s", columns=[])) == ['CREATE FOREIGN TABLE "s"."t" () SERVER "s"']
        assert 'CREATE EXTENSION "hstore"' in b.reach(one("extension", "hstore"))
        b.expect_nothing(one("extension", "hstore", schema="public"))
