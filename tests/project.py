"""A configuration's directory and the command line run in it, as a user would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field, frozen

from tests import inside

PGPLAN = str(Path(sys.executable).parent / "pgplan")
AT_START = re.compile("PYTHON.*|LC_.*|LANG|LANGUAGE|TZ|LD_.*")
"""Variables that the interpreter and the C library look at when a process starts, and not again."""


def patched(directory: Path) -> dict[str, str]:
    """The variable with which the program finds a ``sitecustomize`` in `directory` first, and all else where we do."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))}


@frozen
class Result:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@define
class Project:
    """`everything` collects all that was ever printed, to look for what must not be there."""

    directory: Path
    url: str
    environment: dict[str, str] = field(factory=dict[str, str])
    everything: str = ""

    def write(self, text: str, name: str = "pgplan.toml") -> None:
        (self.directory / name).write_text(text)

    def edit(self, old: str, new: str, name: str = "pgplan.toml") -> None:
        text = (self.directory / name).read_text()
        assert old in text
        self.write(text.replace(old, new), name)

    def process(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start pgplan as a process: for tests of signals, closed output, and of what two processes do at once."""
        pipe, variables = subprocess.PIPE, self.variables(environment)
        return subprocess.Popen(
            self.command(*arguments), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=variables
        )

    def run(self, *arguments: str, expect: int = 0, environment: Mapping[str, str] | None = None) -> Result:
        """Run pgplan and check its exit code.

        It runs inside the process of the tests, for most of what a small run takes is imports; but as a process of its own where
        a variable of `AT_START` is another one than ours.
        """
        variables = self.variables(environment)
        names = filter(AT_START.fullmatch, {*variables, *os.environ})
        if any(variables.get(name) != os.environ.get(name) for name in names):
            return self.apart(*arguments, expect=expect, environment=environment)
        return self._ended(arguments, *inside.run(self.command(*arguments), variables), expect)

    def apart(self, *arguments: str, expect: int = 0, environment: Mapping[str, str] | None = None) -> Result:
        """As `run`, as a process of its own: where the point is what ends with it, such as an embedded server."""
        process = self.process(*arguments, environment=environment)
        out, err = process.communicate(timeout=inside.SECONDS)
        return self._ended(arguments, process.returncode, out, err, expect)

    def _ended(self, arguments: tuple[str, ...], code: int, out: str, err: str, expect: int) -> Result:
        self.everything += out + err
        assert code == expect, f"pgplan {' '.join(arguments)} ended with {code}:\n{out}\n{err}"
        return Result(code, out, err)

    def command(self, *arguments: str) -> list[str]:
        return [PGPLAN, "-C", str(self.directory), *arguments]

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        merged = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return merged | self.environment | {"DATABASE_URL": self.url} | dict(more or {})

    @property
    def plan_file(self) -> str:
        return str(self.directory / "plan.bin")

    def plan_and_apply(self) -> None:
        """By way of a saved plan; afterwards there is nothing left to do."""
        self.run("plan", "--out", self.plan_file)
        self.run("apply", self.plan_file)
        self.nothing_to_do()

    def nothing_to_do(self) -> None:
        result = self.run("plan", "--detailed-exitcode")
        assert "No changes. The database matches the configuration." in result.out.splitlines(), result.out

    def sql(self, *arguments: str) -> list[str]:
        """The statements that a plan would run now."""
        shown = self.run("plan", "--format", "sql", *arguments).out
        lines = [line for line in shown.splitlines() if line and not line.startswith(("--", "\\", "BEGIN", "COMMIT"))]
        return [re.sub(r"\s+", " ", line).removesuffix(";") for line in lines]
