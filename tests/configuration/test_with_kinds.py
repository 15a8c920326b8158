"""The loader together with the kinds that are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgplan.configuration.load import Inputs, load
from pgplan.errors import ConfigurationError
from pgplan.registry import installed
from pgplan.secret import Secret

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("directory", sorted(path.parent for path in EXAMPLES.glob("*/pgplan.toml")), ids=lambda path: path.name)
def test_examples_load_offline(directory: Path) -> None:
    assert load(directory, installed(), Inputs(), resolve_secrets=False).declared


def test_foreign_server() -> None:
    inputs = Inputs(environ={"REMOTE_PASSWORD": "hunter2"})
    configuration = load(EXAMPLES / "foreign-server", installed(), inputs, resolve_secrets=True)
    declared = {one.address: one.spec for one in configuration.declared}
    assert list(declared) == [
        "extension.postgres_fdw",
        "grant.dba/server:s1",
        "role.dba",
        "server.s1",
        "user_mapping.s1/PUBLIC",
        "user_mapping.s1/dba",
        "user_mapping.s1/postgres",
    ]
    assert declared["server.s1"].options == {"dbname": "remote_db", "host": "localhost", "port": "5432"}
    options = declared["user_mapping.s1/dba"].options
    assert options["user"] == "remote_admin"
    assert isinstance(options["password"], Secret)
    assert options["password"].reveal() == "hunter2"
    assert "hunter2" not in repr(configuration)


WRONG = """\
[pgplan]
name = "wrong"

[variables.pw]
sensitive = true

[role.a]
logn = true
connection_limit = "5"

[role.b]
password = "hunter2"
valid_until = 2030-01-01

[server.s1]
fdw = "postgres_fdw"
[server.s1.options]
port = 5432
host = "${var.pw}"
password = "x"

[[user_mapping]]
server = "s1"
user = "public"

[[grant]]
to = "a"
on = { schema = "billing" }
privileges = [
  "USAGE",
  "SELECT",
]

[[grant]]
to = "a"
privileges = ["USAGE"]
[grant.on]
schema = "s"
table = "t"

[[revoke]]
from = "public"
on = { schema = "s", scheam = "t" }
privileges = ["CREATE"]

[role.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]
"""


def test_mistakes_of_all_kinds(tmp_path: Path) -> None:
    (tmp_path / "pgplan.toml").write_text(WRONG)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, installed(), Inputs(), resolve_secrets=False)
    lines = WRONG.splitlines()
    places = [(problem.address, lines[problem.source.line - 1].strip()) for problem in caught.value.problems if problem.source]
    assert places == [
        ("role.a", "logn = true"),
        ("role.a", 'connection_limit = "5"'),
        ("role.b", "valid_until = 2030-01-01"),
        ("server.s1", 'host = "${var.pw}"'),
        ("user_mapping", 'user = "public"'),
        ("grant", '"SELECT",'),
        ("grant", "[grant.on]"),
        ("revoke", 'on = { schema = "s", scheam = "t" }'),
        (f"role.{'a' * 64}", f"[role.{'a' * 64}]"),
    ], str(caught.value)
    assert "hunter2" not in str(caught.value)


def _problems(directory: Path, text: str) -> list[str]:
    (directory / "pgplan.toml").write_text('[pgplan]\nname = "x"\n' + text)
    with pytest.raises(ConfigurationError) as caught:
        load(directory, installed(), Inputs(), resolve_secrets=False)
    return [str(problem) for problem in caught.value.problems]


def test_a_key_that_only_tables_have_is_not_suggested(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, '[[membership]]\nname = "x"\nrole = "a"\nmember = "b"\n')
    assert problem.startswith("pgplan.toml:4: membership: unknown key 'name'\n  known: ")
    assert "name" not in problem.partition("known:")[2]


def test_privileges_have_nothing_to_ignore(tmp_path: Path) -> None:
    grant = '[[grant]]\nto = "a"\non = { schema = "s" }\nprivileges = ["USAGE"]\nignore = ["rights"]\n'
    (problem,) = _problems(tmp_path, grant)
    assert problem.startswith("pgplan.toml:7: grant: a grant is there or not")


def test_what_can_be_ignored_is_an_attribute_or_a_part_of_a_table(tmp_path: Path) -> None:
    role = '[role.a]\nconfig = { TimeZone = "UTC", "my.own" = 1 }\nignore = [%s]\n'
    known = '"config.my.own", "config.timezone", "database_config.some db.work_mem", "config.statement_timeout", "comment"'
    (tmp_path / "pgplan.toml").write_text('[pgplan]\nname = "x"\n' + role % known)
    (declared,) = load(tmp_path, installed(), Inputs(), resolve_secrets=False).declared
    assert [f'"{name}"' for name in declared.ignore] == sorted(known.split(", "))
    found = _problems(tmp_path, role % '"confg.x", "comment.x", "config.", "config.TimeZone"')
    assert [problem.partition("role.a: ")[2] for problem in found] == [
        "'comment' is no table: it has no part 'x'\n  write \"comment\"",
        "'config.' names no part of 'config'\n  write \"config\", or the name of the part behind the dot",
        "there is no 'TimeZone' in 'config'\n  write \"config.timezone\"",
        "there is no attribute 'confg'\n  did you mean 'config'?",
    ]


def test_what_is_granted_and_revoked_by_name_is_found_offline(tmp_path: Path) -> None:
    on = 'on = { table = "s.t" }\n'
    found = _problems(
        tmp_path,
        f'[[grant]]\nto = ["a", "b"]\n{on}privileges = ["ALL"]\n'
        f'[[revoke]]\nfrom = "a"\n{on}privileges = ["SELECT", "MAINTAIN"]\n'
        f'[[revoke]]\nfrom = "b"\n{on}columns = ["c"]\nprivileges = ["SELECT"]\n',
    )
    assert [problem.splitlines() for problem in found] == [
        [
            "pgplan.toml:3: grant.a/table:s.t: both granted and revoked: MAINTAIN, SELECT",
            "  remove it here or from revoke.a/table:s.t",
        ],
        [
            "pgplan.toml:7: revoke.a/table:s.t: both granted and revoked: MAINTAIN, SELECT",
            "  remove it here or from grant.a/table:s.t",
        ],
    ]
