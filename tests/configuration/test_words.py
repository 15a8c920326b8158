"""Mistakes in the words of TOML, and answers for those who know Terraform or SQL: with the built-in kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgplan.configuration.load import load
from pgplan.configuration.model import Inputs
from pgplan.errors import ConfigurationError
from pgplan.registry import installed


def _problems(directory: Path, text: str) -> list[str]:
    """What is wrong with `text`, whose first line is line 3."""
    (directory / "pgplan.toml").write_text(f'[pgplan]\nname = "x"\n{text}')
    with pytest.raises(ConfigurationError) as caught:
        load(directory, installed(), Inputs(), resolve_secrets=False)
    return [str(problem) for problem in caught.value.problems]


GRANT = '[[grant]]\nto = "a"\nprivileges = ["SELECT"]\non = {{ {} = "a.b" }}\n'


ONE_PLACE = "put all of it into one place: under one heading, or between one pair of braces"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[role.z]\n[role.z]\n", ":4: [role.z] stands here a second time, after line 3\n  put both together, under one heading"),
        (
            '[schema."a.b"]\ncomment = "1"\n\n[schema."a.b"]\n',
            ':6: [schema."a.b"] stands here a second time, after line 3\n  put both together, under one heading',
        ),
        ("[role.z]\nlogin = true\nlogin = true\n", ":5: login has a value already\n  keep one of the two"),
        ("[role.z]\nconfig = { a = 1, a = 2 }\n", ":4: 'a' stands twice between these braces\n  keep one of the two"),
        ("[role.z]\nlogin = True\n", ":4: True is no value in TOML\n  write true"),
        ("[role.z]\nlogin = no\n", ":4: no is no value in TOML\n  write false"),
        (
            "[role.z]\ncomment = None\n",
            ":4: None is no value in TOML\n  leave the key out: what is not said is not managed, or has its default",
        ),
        (
            "[role.z]\npassword = hunter2\n",
            ':4: there is no value that TOML knows (column 12)\n  text stands in quotes: "…"; booleans are true and false',
        ),
        (
            "[role.z.config]\n[role]\nz.config.b = 1\n",
            f":5: role.z.config was written as a whole before, after line 3: nothing can be added to it\n  {ONE_PLACE}",
        ),
        ("[role.z\n", ":3: this is not valid TOML: Expected ']' at the end of a table declaration (column 8)"),
    ],
)
def test_what_is_no_toml_is_told_in_its_words(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = _problems(tmp_path, text)
    assert problem == f"pgplan.toml{said}"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("[user.a1]\n", 3, "a login is a role: write [role.NAME] with login = true"),
        ("[group.a1]\n", 3, 'a group is a role: write [role.NAME], and member_of = ["NAME"] in the roles that are in it'),
        ("[view.v]\n", 3, 'write [[grant]] with on = { table = "…" }'),
        ("[procedure.p]\n", 3, 'write [[grant]] with on = { function = "…" }'),
        ("[resource.postgresql_role.p]\n", 3, "a block is [KIND.NAME] or [[KIND]]"),
        ("[provider.postgresql]\n", 3, "where the server is stands in [connection]"),
        ("[postgresql_grant.p]\n", 3, "write [[grant]]"),
        ("[role.a]\ncreate_database = true\n", 4, "write createdb = true"),
        ('[role.a]\nroles = ["b"]\n', 4, 'write member_of = ["…"]'),
        ("[role.a]\nbypass_row_level_security = true\n", 4, "write bypassrls = true"),
        ('[role.a]\nsearch_path = "b"\n', 4, "config = { search_path = … }"),
        (GRANT.format("table") + "with_grant_option = true\n", 7, "write grantable = true"),
        (GRANT.format("tables"), 6, 'write table = "schema.name" for one table, or tables_in = "schema" for all of a schema'),
        (GRANT.format("functions"), 6, "functions_in"),
        (GRANT.format("view"), 6, 'write table = "schema.name"'),
        (GRANT.format("materialized_view"), 6, 'write table = "schema.name"'),
        (GRANT.format("procedure"), 6, 'write function = "schema.name(types)"'),
        (GRANT.format("tabel"), 6, "did you mean 'table'?"),
    ],
)
def test_words_of_terraform_and_of_sql_are_answered(tmp_path: Path, text: str, line: int, hint: str) -> None:
    (problem,) = (one for one in _problems(tmp_path, text) if "unknown" in one)
    assert problem.startswith(f"pgplan.toml:{line}: ")
    assert hint in problem.splitlines()[1]


def test_a_word_that_is_unlike_all_others_gets_no_suggestion(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "[customer.x]\n")
    assert "did you mean" not in problem
    assert "known: " in problem


DEFAULTS = '[[default_privileges]]\nowner = {0}\nschema = {0}\nobjects = {0}\nprivileges = ["SELECT"]\nto = {0}\n'


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ('[[grant]]\nto = []\non = { schema = "s" }\nprivileges = ["USAGE"]\n', ["to"]),
        ('[[grant]]\nto = "a"\non = []\nprivileges = ["USAGE"]\n', ["on"]),
        ('[[grant]]\nto = "a"\non = { schema = [] }\nprivileges = []\n', ["schema", "privileges"]),
        ('[[revoke]]\nfrom = []\non = { schema = "s" }\nprivileges = ["USAGE"]\n', ["from"]),
        ("[[membership]]\nrole = []\nmember = []\n", ["role", "member"]),
        ("[[user_mapping]]\nserver = []\nuser = []\n", ["server", "user"]),
        (DEFAULTS.format("[]"), ["owner", "schema", "objects", "to"]),
    ],
)  # fmt: skip
def test_a_list_that_says_nothing_is_a_mistake(tmp_path: Path, text: str, attributes: list[str]) -> None:
    problems = _problems(tmp_path, text)
    assert [problem.splitlines()[0].rpartition(": ")[2] for problem in problems] == [f"{one} is empty" for one in attributes]


def test_mistakes_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.pgplan.toml").write_text("[role.z]\nlogn = 1\n")
    problems = _problems(tmp_path, "".join(f"[role.r{n}]\nlogn = 1\n" for n in range(20, 0, -1)) + "[user.x]\n")
    assert [problem.split(": ")[0] for problem in problems] == [
        "a.pgplan.toml:2",
        *(f"pgplan.toml:{line}" for line in range(4, 44, 2)),
        "pgplan.toml:43",
    ]
