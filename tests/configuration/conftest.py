from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pgplan.configuration.load import Inputs, load
from pgplan.configuration.model import Configuration, Declared
from pgplan.errors import ConfigurationError
from tests.configuration.kinds import registry

HEADER = '[pgplan]\nname = "test"\n'
"""Two lines: what a test writes begins on line 3."""


class Project:
    """A directory with a configuration in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, text: str, name: str = "pgplan.toml", *, header: bool = True) -> Project:
        with_header = header and name == "pgplan.toml"
        (self.directory / name).write_text((HEADER if with_header else "") + text, "utf-8", newline="")
        return self

    def load(
        self,
        variables: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        var_files: tuple[Path, ...] = (),
        *,
        resolve_secrets: bool = True,
    ) -> Configuration:
        inputs = Inputs(variables or {}, var_files, environ or {})
        return load(self.directory, registry(), inputs, resolve_secrets=resolve_secrets)

    def one(self, address: str, environ: Mapping[str, str] | None = None, *, resolve_secrets: bool = True) -> Declared:
        declared = self.load(environ=environ, resolve_secrets=resolve_secrets).declared
        return next(one for one in declared if one.address == address)

    def problems(self, variables: Mapping[str, str] | None = None, *, resolve_secrets: bool = True) -> list[str]:
        """Each mistake as it is shown."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(variables, resolve_secrets=resolve_secrets)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


Problems = Callable[[str], list[str]]


@pytest.fixture
def problems(project: Project) -> Problems:
    """The mistakes in a configuration that is otherwise fine."""
    return lambda text: project.write(text).problems()
