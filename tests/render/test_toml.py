"""Blocks written from specs declare the same specs again."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from pgplan.address import Address
from pgplan.configuration.load import Inputs, load
from pgplan.configuration.model import Declared
from pgplan.registry import installed
from pgplan.render.toml import block_text

HEAD = '[pgplan]\nname = "x"\n[policy]\nplaintext_secrets = "allow"\n\n'
REGISTRY = installed()
BLOCKS = {
    "role": "[role.'a.b']\nlogin = true\ninherit = false\nconnection_limit = 3\n",
    "settings": '[role.a]\nconfig = { "x.y" = "a\\nb", search_path = ["a", "b"] }\n',
    "reference": "[role.a]\nname = '$${var.x}'\ncomment = '$${env.Y} \"q\" \\ '\n",
    "server": "[server.s]\nfdw = 'postgres_fdw'\noptions = { host = 'h=1', \"odd key\" = 'v', empty = '' }\n",
    "user mapping": "[[user_mapping]]\nserver = 's'\nuser = 'PUBLIC'\noptions = { user = 'u' }\n",
    "membership": "[[membership]]\nrole = 'a'\nmember = 'b'\nadmin = true\ninherit = false\n",
    "grant": "[[grant]]\nto = 'a'\non = { table = 's.\"T.x\"' }\nprivileges = ['SELECT', 'INSERT']\n",
    "columns": "[[grant]]\nto = 'a'\non = { table = 's.t' }\ncolumns = ['c', 'd']\nprivileges = ['SELECT']\ngrantable = true\n",
    "grant on a strange schema": "[[grant]]\nto = '\"PUBLIC\"'\non = { schema = 'a.b' }\nprivileges = ['ALL']\n",
    "pattern": "[[grant]]\nto = 'a'\non = { tables_in = 'app_*', except = ['app_x', 'app_y.z'] }\nprivileges = ['SELECT']\n",
    "star": "[[grant]]\nto = 'a'\non = { tables_in = '\"app*\"', extension_members = true }\nprivileges = ['SELECT']\n",
    "function": "[[grant]]\nto = 'a'\non = { function = 's.f(int, \"T\")' }\nprivileges = ['EXECUTE']\n",
    "revoke": "[[revoke]]\nfrom = 'PUBLIC'\non = { database = 'd.e' }\nprivileges = ['CONNECT']\n",
}


def _declared(directory: Path, text: str) -> tuple[Declared, ...]:
    (directory / "pgplan.toml").write_text(HEAD + text)
    return load(directory, REGISTRY, Inputs(), resolve_secrets=False).declared


@pytest.mark.parametrize("block", BLOCKS.values(), ids=list(BLOCKS))
def test_a_block_written_from_a_spec_declares_it(tmp_path: Path, block: str) -> None:
    first = _declared(tmp_path, block)
    written = "\n".join(block_text(REGISTRY.kinds[one.kind], Address.parse(one.address), one.spec) for one in first)
    again = _declared(tmp_path, written)
    assert [(one.address, one.spec) for one in again] == [(one.address, one.spec) for one in first]


def test_a_secret_in_a_table_becomes_a_variable_and_a_secret_attribute_a_comment(tmp_path: Path) -> None:
    block = "[[user_mapping]]\nserver = 's'\nuser = 'b.c'\noptions = { user = 'u', password = 'hunter2' }\n"
    role, mapping = _declared(tmp_path, "[role.a]\npassword = 'hunter2'\n" + block)
    written = "".join(block_text(REGISTRY.kinds[one.kind], Address.parse(one.address), one.spec) for one in (role, mapping))
    assert "hunter2" not in written
    assert '# password = "${var.…}"' in written
    data = tomli.loads(written)
    assert data["role"] == {"a": {}}
    assert data["variables"] == {"user_mapping_s_b_c__options_password": {"sensitive": True}}
    assert data["user_mapping"][0]["options"] == {"user": "u", "password": "${var.user_mapping_s_b_c__options_password}"}
    assert [one.spec for one in _declared(tmp_path, written)][1] == mapping.spec


def test_what_is_hidden_is_ignored(tmp_path: Path) -> None:
    (one,) = _declared(tmp_path, "[[user_mapping]]\nserver = 's'\nuser = 'b'\n")
    written = block_text(REGISTRY.kinds[one.kind], Address.parse(one.address), one.spec, ["options"])
    assert tomli.loads(written)["user_mapping"] == [{"server": "s", "user": "b", "ignore": ["options"]}]


@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12).filter(
        lambda name: not name.startswith("pg_") and name not in ("public", "none")
    ),
    comment=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
def test_any_name_and_any_text_survive(tmp_path_factory: pytest.TempPathFactory, name: str, comment: str) -> None:
    kind = REGISTRY.kinds["schema"]
    spec = kind.spec(name=name, comment=comment)
    (declaration,) = kind.declare(name, kind.block(comment=comment))
    written = block_text(kind, Address(kind.name, declaration.key), spec)
    (one,) = _declared(tmp_path_factory.mktemp("p"), written)
    assert (one.key, one.spec.name, one.spec.comment or "") == (declaration.key, name, comment)
