from __future__ import annotations

import pytest

from pgplan import __version__
from pgplan.configuration.model import Connection, KindPolicy, Policy, StateSettings
from pgplan.configuration.settings import holds_password
from pgplan.errors import ConfigurationError
from pgplan.secret import Secret
from tests.configuration.conftest import Problems, Project


def test_nothing_said(project: Project) -> None:
    configuration = project.write("").load()
    assert configuration.name == "test"
    assert configuration.connection == Connection()
    assert configuration.state == StateSettings()
    assert configuration.policy == Policy()
    assert configuration.declared == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "pgplan.toml: [pgplan] is missing: it names this configuration\n"),
        ("[pgplan]\n", "pgplan.toml:1: pgplan: 'name' is missing"),
        ('[pgplan]\nname = ""\n', "pgplan.toml:2: the name is empty"),
        ('[pgplan]\nname = "a\\u0007"\n', "pgplan.toml:2: the name holds a control character"),
        ('[pgplan]\nnam = "a"\nname = "b"\n', "pgplan.toml:2: pgplan: unknown key 'nam'\n  did you mean 'name'?"),
        (
            '[pgplan]\nname = "a"\nrequires = ">=99"\n',
            f"pgplan.toml:3: the configuration requires pgplan >=99; this is {__version__}",
        ),
        ('[pgplan]\nname = "a"\nrequires = "new"\n', "pgplan.toml:3: 'new' is no version requirement\n"),
        ('pgplan = "a"\n', "pgplan.toml:1: pgplan: write [pgplan], once"),
    ],
)
def test_project(project: Project, text: str, expected: str) -> None:
    assert project.write(text, header=False).problems()[0].startswith(expected)


@pytest.mark.parametrize("requires", [">=0.0.1", f"=={__version__}", ">=0.0.1,<99"])
def test_requires(project: Project, requires: str) -> None:
    assert project.write(f'[pgplan]\nname = "a"\nrequires = "{requires}"\n', header=False).load().name == "a"


def test_connection(project: Project) -> None:
    text = '[connection]\nurl = "postgres://h/${env.DB}"\npassword = { env = "PW" }\nrole = "deployer"\n'
    project.write(text + 'settings = { lock_timeout = "5s", work_mem = 64 }\n')
    connection = project.load(environ={"DB": "db", "PW": "hunter2"}).connection
    assert isinstance(connection.url, Secret)
    assert connection.url.reveal() == "postgres://h/db"
    assert connection.url.source == "postgres://h/${env.DB}"
    assert connection.password is not None
    assert connection.password.reveal() == "hunter2"
    assert connection.role == "deployer"
    assert connection.settings == {"lock_timeout": "5s", "work_mem": "64"}


def test_a_plain_url_is_shown(project: Project) -> None:
    assert project.write('[connection]\nurl = "embedded"\n').load().connection.url == "embedded"


def test_connection_that_is_not_known_yet(project: Project) -> None:
    """--url may stand in for it, so it is an error only when it is needed."""
    project.write('[connection]\nurl = "${env.DATABASE_URL}"\npassword = { env = "PW" }\n')
    configuration = project.load()
    assert isinstance(configuration.connection.url, Secret)
    assert configuration.connection.url.withheld
    assert configuration.connection.url.source == "${env.DATABASE_URL}"
    assert configuration.connection.password is not None
    assert configuration.connection.password.withheld
    assert configuration.unresolved == {
        "connection.password": "the environment variable PW is not set",
        "connection.url": "the environment variable DATABASE_URL is not set",
    }


def test_offline_needs_neither_connection_nor_state(project: Project) -> None:
    project.write(
        '[connection]\nurl = "${env.URL}"\npassword = { command = ["false"] }\nrole = "${env.ROLE}"\n'
        'settings = { work_mem = "${env.MEM}" }\n[state]\npath = "${env.DIR}/state.json"\nlist = ["${env.A}"]\n'
    )
    configuration = project.load(resolve_secrets=False)
    assert configuration.connection.role == ""
    assert configuration.connection.password is not None
    assert configuration.connection.password.withheld
    assert configuration.state == StateSettings("local", {"list": []})
    assert [problem.split(": ", 1)[1] for problem in project.problems()] == [
        "connection: role: the environment variable ROLE is not set",
        "connection: settings.work_mem: the environment variable MEM is not set",
        "state: path: the environment variable DIR is not set",
        "state: list[0]: the environment variable A is not set",
    ]


def test_a_password_from_a_command_that_needs_a_secret(project: Project) -> None:
    project.write(
        '[variables.token]\nsensitive = true\nfrom = { env = "TOKEN" }\n'
        '[connection]\npassword = { command = ["echo", "<${var.token}>"] }\n'
    )
    # What comes from outside is never searched for references again.
    password = project.load(environ={"TOKEN": "${var.x}", "PATH": "/usr/bin:/bin"}).connection.password
    assert password is not None
    assert password.reveal() == "<${var.x}>"
    assert password.source == "the command echo"
    unknown = project.load(environ={"PATH": "/usr/bin:/bin"})
    assert unknown.connection.password is not None
    assert unknown.connection.password.withheld
    assert unknown.unresolved["connection.password"] == "its origin depends on a sensitive variable that has no value"
    project.write('[connection]\npassword = { env = "${var.none}" }\n')
    for resolve_secrets in (True, False):
        (problem,) = project.problems(resolve_secrets=resolve_secrets)
        assert problem.startswith("pgplan.toml:4: connection: the variable 'none' is not declared")


def test_a_name_from_the_environment(project: Project) -> None:
    project.write('[pgplan]\nname = "${env.NAME}"\n', header=False)
    assert project.load(environ={"NAME": "prod"}).name == "prod"
    with pytest.raises(ConfigurationError, match=r"^pgplan.toml:2: the name is empty$"):
        project.load(environ={"NAME": ""})
    assert project.problems() == ["pgplan.toml:2: pgplan: name: the environment variable NAME is not set"]


def test_mistakes_of_the_connection(problems: Problems) -> None:
    found = problems('[connection]\nurl = 5\npasword = "x"\nrole = "${var.none}"\n[state]\nbackend = 1\n')
    assert [problem.splitlines()[0] for problem in found] == [
        "pgplan.toml:4: connection: url: expected a string, found an integer",
        "pgplan.toml:5: connection: unknown key 'pasword'",
        "pgplan.toml:6: connection: role: the variable 'none' is not declared",
        "pgplan.toml:8: state: backend: expected a string, found an integer",
    ]


def test_a_password_in_clear(project: Project, problems: Problems) -> None:
    text = '[connection]\nurl = "postgres://u:hunter2@h/db"\npassword = "hunter2"\n'
    found = problems(text)
    assert [problem.splitlines()[0] for problem in found] == [
        "pgplan.toml:4: connection: url: a secret stands here in clear",
        "pgplan.toml:5: connection: password: a secret stands here in clear",
    ]
    assert "hunter2" not in str(found)
    project.write(text + '[policy]\nplaintext_secrets = "allow"\n')
    password = project.load().connection.password
    assert password is not None
    assert password.reveal() == "hunter2"


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("embedded", False),
        ("postgresql://h/db", False),
        ("postgresql://u@h/db?sslmode=require", False),
        ("postgresql://u:p@h/db", True),
        ("postgresql://u:p@h1:1,h2:2/db", True),
        ("postgres://h/db?password=p", True),
        ("postgres://h/db?sslpassword=p", True),
        ("host=h user=u", False),
        ("host=h password = p", True),
        ("host=h passfile=/x", False),
    ],
)
def test_holds_password(url: str, held: bool) -> None:
    assert holds_password(url) is held


def test_state(project: Project) -> None:
    project.write(
        '[variables.key]\nsensitive = true\n[state]\nbackend = "local"\nkey = "${var.key}"\nretries = 3\npath = "${env.P}"\n'
    )
    state = project.load({"key": "hunter2"}, {"P": "p"}).state
    assert state.backend == "local"
    assert isinstance(state.options["key"], Secret)
    assert {key: value for key, value in state.options.items() if key != "key"} == {"retries": 3, "path": "p"}


def test_policy(project: Project) -> None:
    project.write(
        '[policy]\nremoved = "forget"\nexisting = "adopt"\nmax_deletes = 10\nundeclared = "ignore"\n'
        '[policy.grant]\nremoved = "delete"\n[policy.role]\nexisting = "error"\n'
    )
    policy = project.load().policy
    assert policy.max_deletes == 10
    assert policy.of("membership") is policy
    assert (policy.removed, policy.existing) == ("forget", "adopt")
    assert policy.of("grant") == KindPolicy("delete", "adopt")
    assert policy.of("role") == KindPolicy("forget", "error")


def test_mistakes_of_the_policy(problems: Problems) -> None:
    found = problems(
        '[policy]\nremoved = "drop"\nmax_deletes = -1\nundeclared = "ignore"\ngrnat = {}\n'
        '[policy.role]\nexisting = "adpt"\n[policy.grant]\nundeclared = "ignore"\nmax_deletes = 5\n[scpe]\nroles = ["a"]\n'
    )
    assert [problem.replace("\n ", "") for problem in found] == [
        'pgplan.toml:4: policy: removed: \'drop\' is not one of "delete", "forget", "error" known: delete, error, forget',
        "pgplan.toml:7: policy: unknown key 'grnat' did you mean 'grant'?",
        "pgplan.toml:9: policy.role: existing: 'adpt' is not one of \"error\", \"adopt\" did you mean 'adopt'?",
        "pgplan.toml:12: policy.grant: unknown key 'max_deletes' known: existing, removed, undeclared",
        "pgplan.toml:13: unknown table [scpe] did you mean 'scope'?",
    ]


def test_what_is_no_key_is_none(project: Project, problems: Problems) -> None:
    assert problems("[policy]\nkinds = {}\n")[0].startswith("pgplan.toml:4: policy: unknown key 'kinds'")
    assert project.write("[state]\noptions = { a = 1 }\n").load().state == StateSettings("local", {"options": {"a": 1}})


def test_a_policy_that_is_no_table(problems: Problems) -> None:
    assert problems("[policy]\nrole = 5\n[policy.grant]\n") == ["pgplan.toml:4: policy.role: expected a table, found an integer"]


def test_a_negative_limit(problems: Problems) -> None:
    assert problems("[policy]\nmax_deletes = -1\n") == ["pgplan.toml:4: expected a number that is not negative"]


def test_a_table_stands_once(project: Project) -> None:
    project.write('[state]\nbackend = "local"\n').write('[state]\nbackend = "local"\n[pgplan]\nname = "b"\n', "more.pgplan.toml")
    assert project.problems() == [
        "more.pgplan.toml:1: [state] stands in pgplan.toml:3 too\n  it stands once in a directory",
        "more.pgplan.toml:3: [pgplan] stands in pgplan.toml:1 too\n  it stands once in a directory",
    ]


def test_a_state_backend_that_is_not_installed(problems: Problems) -> None:
    (problem,) = problems('[state]\nbackend = "locl"\n')
    assert problem == "pgplan.toml:4: state: no state backend 'locl' is installed\n  did you mean 'local'?"
