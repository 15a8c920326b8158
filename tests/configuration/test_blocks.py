from __future__ import annotations

import pytest

from pgplan.errors import Source
from pgplan.secret import Secret
from tests.configuration.conftest import Problems, Project
from tests.configuration.kinds import Grant, Membership, On


def test_tables_and_arrays(project: Project) -> None:
    project.write(
        '[role.b]\nlogin = true\n[role."a.b"]\n[[membership]]\nrole = ["r", "s"]\nmember = "b"\n'
        '[[grant]]\nto = "b"\non = [{ schema = "x", except = "y" }, { schema = "z" }]\nprivileges = ["USAGE"]\n'
    )
    declared = project.load().declared
    assert [one.address for one in declared] == [
        "grant.b/schema:x",
        "grant.b/schema:z",
        "membership.r/b",
        "membership.s/b",
        "role.a.b",
        "role.b",
    ]
    assert declared[0].spec == Grant("b", On("x", None, ("y",)), ("USAGE",), {})
    assert declared[2].spec == Membership("r", "b")
    assert declared[5].spec.block.login is True


def test_a_name_overrides_the_key(project: Project) -> None:
    project.write('[role.one]\nname = "${env.STAGE}-app"\n')
    assert [one.key for one in project.load(environ={"STAGE": "test"}).declared] == ["test-app"]


def test_protect_and_ignore(project: Project) -> None:
    project.write('[role.a]\nprotect = true\nignore = ["comment", "password"]\nmember_of = ["b"]\n')
    membership, role = project.load().declared
    assert (role.protect, role.ignore) == (True, ("comment", "password"))
    assert (membership.protect, membership.ignore) == (True, ())


def test_edges_add_up_over_blocks_and_files(project: Project) -> None:
    grant = '[[grant]]\nto = ["a", "b"]\non = { schema = "x" }\nprivileges = '
    project.write(grant + '["USAGE"]\n').write(grant + '["CREATE"]\nprotect = true\n', "more.pgplan.toml")
    configuration = project.load()
    first, second = configuration.declared
    assert first.spec.privileges == second.spec.privileges == ("CREATE", "USAGE")
    assert first.protect
    assert [source.file for source in first.sources] == ["pgplan.toml", "more.pgplan.toml"]
    assert configuration.locate("grant.b/schema:x", "privileges") == (Source("pgplan.toml", 6), Source("more.pgplan.toml", 4))


def test_locate(project: Project) -> None:
    project.write('[role.a]\ncomment = "x"\n\nconfig = { work_mem = 1,\n  "x.y" = 2 }\n')
    locate = project.load().locate
    assert locate("role.a", "") == (Source("pgplan.toml", 3),)
    assert locate("role.a", "comment") == (Source("pgplan.toml", 4),)
    assert locate("role.a", "config.x.y") == (Source("pgplan.toml", 7),)
    assert locate("role.a", "login") == (Source("pgplan.toml", 3),)
    assert locate("role.none", "") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[role]\nlogin = true\n", "pgplan.toml:4: role: write [role.NAME]: 'login' stands outside of a block"),
        ("[[role]]\n", "pgplan.toml:3: role: write [role.NAME], one for each"),
        ("[[role.a]]\n", "pgplan.toml:3: role: write [role.NAME]: name one in double brackets only"),
        ("[grant.a]\n", "pgplan.toml:3: grant: write [[grant]], once for each"),
        ("[grant]\n", "pgplan.toml:3: grant: write [[grant]], once for each"),
        ("[membership]\nmember = []\n", "pgplan.toml:3: membership: write [[membership]], once for each"),
        ("[rol.a]\n", "pgplan.toml:3: unknown table [rol]\n  did you mean 'role'?"),
        ("[[conection]]\n", "pgplan.toml:3: unknown table [conection]\n  did you mean 'connection'?"),
        ('[role.""]\n', "pgplan.toml:3: role: the name is empty"),
        ('[role."${var.x}"]\n', "pgplan.toml:3: role: a reference stands in a value, not in a key\n"),
        ("[role.a]\nlogn = true\n", "pgplan.toml:4: role.a: unknown key 'logn'\n  did you mean 'login'?"),
        ("[role.a]\nprotec = true\n", "pgplan.toml:4: role.a: unknown key 'protec'\n  did you mean 'protect'?"),
        ('[role.a]\nlogin = "yes"\n', "pgplan.toml:4: role.a: login: expected a boolean, found a string"),
        ("[role.a]\nprotect = 1\n", "pgplan.toml:4: role.a: protect: expected a boolean, found an integer"),
        (
            '[role."a.b"]\nignore = ["coment"]\n',
            "pgplan.toml:4: role.\"a.b\": there is no attribute 'coment'\n  did you mean 'comment'?",
        ),
        ('[[membership]]\nname = "x"\nrole = []\nmember = []\n', "pgplan.toml:4: membership: unknown key 'name'"),
        ("[role.pg_x]\n", "pgplan.toml:3: role.pg_x: 'pg_x' is reserved\n  call it something else"),
        ('[[membership]]\nrole = "a"\n', "pgplan.toml:3: membership: 'member' is missing"),
        (
            '[role.a]\nconfig = { "${var.x}" = 1 }\n',
            "pgplan.toml:4: role.a: config.${var.x}: a reference stands in a value, not in a key",
        ),
        ('[role.a]\ncomment = "${env.NONE}"\n', "pgplan.toml:4: role.a: comment: the environment variable NONE is not set"),
        ('[role.a]\ncomment = "${none}"\n', "pgplan.toml:4: role.a: comment: cannot read the reference ${none}\n"),
        ('[role.a]\npassword = "${var.none}"\n', "pgplan.toml:4: role.a: password: the variable 'none' is not declared\n"),
    ],
)
def test_one_mistake(problems: Problems, text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(expected)


def test_a_mistake_of_a_kind_is_on_its_line(problems: Problems) -> None:
    text = '[[grant]]\nto = "a"\non = { schema = "x" }\nprivileges = ["USAGE"]\n[[grant]]\nto = "a"\non = { schema = "y" }\n'
    assert problems(text + 'privileges = [\n  "CREATE",\n  "usage",\n]\n') == ["pgplan.toml:12: grant: no privilege 'usage'"]


def test_all_mistakes_in_one_run(project: Project) -> None:
    project.write('[role.a]\nlogin = 1\nlimit = "x"\nlevel = "lo"\n[policy]\nremoved = 1\n[variables.x]\n[rol.b]\n')
    project.write('[role.c]\ncomment = "${var.y}"\n[[grant]]\n', "b.pgplan.toml")
    assert [problem.splitlines()[0] for problem in project.problems()] == [
        "b.pgplan.toml:2: role.c: comment: the variable 'y' is not declared",
        "b.pgplan.toml:3: grant: 'on' is missing",
        "b.pgplan.toml:3: grant: 'privileges' is missing",
        "b.pgplan.toml:3: grant: 'to' is missing",
        "pgplan.toml:4: role.a: login: expected a boolean, found an integer",
        "pgplan.toml:5: role.a: limit: expected an integer, found a string",
        'pgplan.toml:6: role.a: level: \'lo\' is not one of "low", "high"',
        'pgplan.toml:8: policy: removed: expected one of "delete", "forget", "error", found an integer',
        "pgplan.toml:9: var.x: the variable has no value: there is no default",
        "pgplan.toml:10: unknown table [rol]",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[[membership]]\nrole = "r"\nmember = "a"\n[role.a]\nmember_of = ["r"]\n',
            "pgplan.toml:6: membership.r/a: it is declared in pgplan.toml:3 too\n  keep one of the two",
        ),
        (
            '[[membership]]\nrole = "r"\nmember = ["a", "a"]\n',
            "pgplan.toml:3: membership.r/a: it is declared in this block already\n  keep one of the two",
        ),
        (
            '[role.a]\n[role.b]\nname = "a"\n',
            "pgplan.toml:4: role.a: it is declared in pgplan.toml:3 too\n  keep one of the two",
        ),
    ],
)
def test_declared_twice(problems: Problems, text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_declared_twice_in_two_files(project: Project) -> None:
    project.write("[role.a]\n").write("[role.a]\n", "more.pgplan.toml")
    assert project.problems() == ["more.pgplan.toml:1: role.a: it is declared in pgplan.toml:3 too\n  keep one of the two"]


OPTIONS = '[[grant]]\nto = "a"\non = { schema = "x" }\nprivileges = []\noptions = { user = "u", password = "%s" }\n'


def test_a_secret_in_clear_is_refused(problems: Problems, project: Project) -> None:
    found = problems('[role.b]\npassword = "hunter2"\n' + OPTIONS % "hunter2")
    assert [problem.splitlines()[0] for problem in found] == [
        "pgplan.toml:4: role.b: password: a secret stands here in clear",
        "pgplan.toml:9: grant.a/schema:x: options.password: a secret stands here in clear",
    ]
    assert all("sensitive = true" in problem and "hunter2" not in problem for problem in found)
    project.write('[policy]\nplaintext_secrets = "allow"\n' + OPTIONS % "hunter2")
    assert project.load().declared[0].spec.options == {"user": "u", "password": "hunter2"}


@pytest.mark.parametrize("reference", ["${var.x}", "${env.X}", "<${var.plain}${env.X}>"])
def test_a_reference_is_no_secret_in_clear(project: Project, reference: str) -> None:
    variables = '[variables.x]\nsensitive = true\n[variables.plain]\ndefault = "p"\n'
    project.write(variables + OPTIONS % reference)
    password = project.load(environ={"X": "hunter2"}).declared[0].spec.options["password"]
    assert isinstance(password, Secret)
    assert password.source == reference
    assert not password.literal


def test_escapes_make_no_reference(problems: Problems) -> None:
    (problem,) = problems(OPTIONS % "a$${b")
    assert "a secret stands here in clear" in problem
