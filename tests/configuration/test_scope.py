from __future__ import annotations

from pathlib import Path

import pytest

from pgplan import registry
from pgplan.configuration.load import load
from pgplan.configuration.model import NOWHERE, Configuration, Inputs, ScopeSettings
from pgplan.errors import ConfigurationError

HEAD = '[pgplan]\nname = "t"\n'
"""Two lines: what a test writes begins on line 3."""


def loaded(directory: Path, text: str) -> Configuration:
    (directory / "pgplan.toml").write_text(HEAD + text)
    return load(directory, registry.installed(), Inputs(), resolve_secrets=False)


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(directory, text)
    return [str(problem) for problem in caught.value.problems]


def test_what_it_says(tmp_path: Path) -> None:
    text = """
[policy]
undeclared = "report"
[policy.grant]
undeclared = "delete"
[policy.role]
removed = "forget"
[scope]
schemas = ["billing", "Shipping *", "billing"]
roles = ["PUBLIC", '"PUBLIC"', "bob@example.com"]
exclude_roles = "rds*"
objects = ["database:app", "server:*"]
exclude_schemas = ["x"]
exclude_databases = ["*_old"]
"""
    configuration = loaded(tmp_path, text)
    assert configuration.scope == ScopeSettings(
        schemas=("billing", "Shipping *"),
        roles=("PUBLIC", '"PUBLIC"', "bob@example.com"),
        objects=("database:app", "server:*"),
        exclude_schemas=("x",),
        exclude_roles=("rds*",),
        exclude_databases=("*_old",),
    )
    policies = {kind: configuration.policy.of(kind).undeclared for kind in ("grant", "role", "schema")}
    assert policies == {"grant": "delete", "role": "report", "schema": "report"}
    assert loaded(tmp_path, "").scope == NOWHERE


def test_mistakes(tmp_path: Path) -> None:
    assert problems(tmp_path, '[scope]\nschema = ["a"]\n') == [
        "pgplan.toml:4: scope: unknown key 'schema'\n  did you mean 'schemas'?"
    ]
    names = f'[scope]\nschemas = ["", "{64 * "x"}"]\nroles = ["public", \'"a*\']\nobjects = ["app", "databas:app", "table:"]\n'
    expected = (
        "pgplan.toml:4: scope: schemas: a name is empty",
        f"pgplan.toml:4: scope: schemas: the name '{64 * 'x'}' is 64 bytes long",
        "pgplan.toml:5: scope: roles: '\"a*' is not a pattern: a double quote is not closed",
        "pgplan.toml:5: scope: roles: no role is called 'public': PUBLIC, in capitals, means every role",
        "pgplan.toml:6: scope: objects: 'app' names no object: write type:name",
        "pgplan.toml:6: scope: objects: there is no type of object 'databas': did you mean 'database'?",
        "pgplan.toml:6: scope: objects: 'table:' names no object: write type:name",
    )
    for problem, begin in zip(sorted(problems(tmp_path, names)), sorted(expected), strict=True):
        assert problem.startswith(begin)


@pytest.mark.parametrize("table", ["[policy]", "[policy.grant]"])
@pytest.mark.parametrize("policy", ["delete", "report"])
def test_a_policy_that_looks_nowhere(tmp_path: Path, table: str, policy: str) -> None:
    """What is only excluded is nowhere either."""
    (problem,) = problems(tmp_path, f'{table}\nundeclared = "{policy}"\n[scope]\nexclude_schemas = ["a"]\n')
    assert problem.startswith(f'pgplan.toml:4: undeclared = "{policy}": there is nothing in [scope]\n  say where to look')


@pytest.mark.parametrize("kind", ["revoke", "ownership", "database", "import_foreign_schema"])
def test_a_policy_that_finds_nothing(tmp_path: Path, kind: str) -> None:
    (problem,) = problems(tmp_path, f'[policy.{kind}]\nundeclared = "delete"\n[scope]\nschemas = ["a"]\n')
    assert problem == f'pgplan.toml:4: undeclared = "delete": nothing is ever an undeclared {kind}\n  leave it out'
