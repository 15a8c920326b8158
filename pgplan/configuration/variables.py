"""Variables: ``[variables.NAME]``, and where their values come from.

In this order: ``--var``, ``--var-file`` (the last one wins), ``PGPLAN_VAR_NAME``, `from`, `default`. For a sensitive variable an
empty value is no value: it is what a pipeline hands over for a secret that it does not have.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import astuple

from pgplan.configuration.directives import Variable
from pgplan.configuration.interpolation import Missing, fill, has_references, references, scalar_text, wrong_reference
from pgplan.configuration.keys import Number
from pgplan.configuration.model import Inputs
from pgplan.configuration.origin import Origin, Unresolved, resolve
from pgplan.configuration.sources import Place, Report, SourceFile, read_toml
from pgplan.errors import ConfigurationError, suggestion
from pgplan.legible import unfit
from pgplan.secret import Secret

ENVIRONMENT_PREFIX = "PGPLAN_VAR_"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SILENT = Missing("", wrong=True)
"""The mistake is reported at the variable, once, not wherever it is used."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "table": (dict,),
}


class Variables:
    """Values by name, each found out once and only when something asks for it."""

    def __init__(self, directory: Path, inputs: Inputs, report: Report, *, resolve_secrets: bool) -> None:
        self.directory = directory
        self.inputs = inputs
        self.report = report
        self.resolve_secrets = resolve_secrets
        self.unresolved: dict[str, str] = {}
        """Why a sensitive variable has no value, by name."""
        self._declared: dict[str, tuple[Variable | None, Place]] = {}
        self._from_files: dict[str, tuple[Any, Place]] = {}
        self._values: dict[str, Any] = {}
        self._resolving: set[str] = set()
        self._defaulted: set[str] = set()
        """Variables that nothing declares to be sensitive, and whose value is the text of their `default`."""

    def _declare(self, place: Place) -> None:
        """Take up one ``[variables.NAME]``; one that cannot be read is known, but has no value."""
        name = str(place.path[-1])
        variable: Variable | None = None
        if not _NAME.fullmatch(name):
            self.report.add(place, f"{name!r} cannot be a variable's name", "letters, digits, - and _, as in region_1")
        else:
            variable = self.report.decode(Variable, place.value, place, f"var.{name}")
        if variable is not None and variable.sensitive and variable.type != "string":
            self.report.add(place.below("type"), "a sensitive variable is a string", address=f"var.{name}")
            variable = None
        self._declared[name] = (variable, place)

    def literal_secrets(self) -> list[Place]:
        """Where the value of a sensitive variable stands in the configuration."""
        return [
            place.below("default")
            for variable, place in self._declared.values()
            if variable is not None and variable.sensitive and isinstance(variable.default, str) and "${" not in variable.default
        ]

    def origins(self) -> dict[str, str]:
        """SHA-256 of how each sensitive variable gets its value: `from` as written, and a `default` that refers to others."""
        found: dict[str, str] = {}
        for name, (variable, _) in sorted(self._declared.items()):
            if variable is not None and variable.sensitive:
                default = variable.default if has_references(variable.default) else None  # without them it is the value
                text = json.dumps([variable.from_ and astuple(variable.from_), default])
                found[name] = _sha256(text)
        return found

    def hashes(self, secret: Iterable[str]) -> dict[str, str]:
        """SHA-256 of each used value that is no secret: neither declared as one, nor part of one of the `secret` templates.

        Lists and tables are left out: they may hold a secret that no template names.
        """
        private: set[str] = set()
        queue = list(secret)
        while queue:
            named = {name for scope, name in references(queue.pop()) if scope == "var"} & self._declared.keys() - private
            private |= named
            queue += [text for name in named for text in self._templates(name)]
        plain = {name: value for name, value in sorted(self._values.items()) if name not in private}
        return {name: _sha256(scalar_text(value)) for name, value in plain.items() if isinstance(value, (str, int, float))}

    def _templates(self, name: str) -> Iterable[str]:
        """The texts that the value of a variable is made of."""
        variable, _ = self._declared[name]
        if variable is not None:
            yield from (variable.from_.words if variable.from_ else ())
            yield from (text for text in (variable.default,) if isinstance(text, str))

    def defaults_of(self, template: str) -> list[Place]:
        """The defaults that `template` consists of, if it is made of nothing else: as a secret, it would stand here in clear."""
        named = references(template)
        if any(scope != "var" or name not in self._defaulted for scope, name in named):
            return []
        return [self._declared[name][1].below("default") for _, name in named]

    def lacking(self, template: str) -> str:
        """Why `template` has no value here."""
        for scope, name in references(template):
            if scope == "env" and name not in self.inputs.environ:
                return f"the environment variable {name} is not set"
            if scope == "var" and name in self.unresolved:
                return f"the variable {name} has no value: {self.unresolved[name]}"
        return "its value is empty"

    def read(self, declarations: Iterable[Place]) -> None:
        """Take up every ``[variables.NAME]`` and the variable files, and check that everything given has a declaration."""
        for place in declarations:
            self._declare(place)
        for path in self.inputs.var_files:
            try:
                file = read_toml(path, str(path))
            except ConfigurationError as error:
                self.report.problems.extend(error.problems)
            else:
                self._take(file)
        for name in self.inputs.variables:
            if name not in self._declared:
                self.report.add(None, f"--var sets {name!r}, which is not declared", self._advice(name))

    def _take(self, file: SourceFile) -> None:
        for name, value in file.data.items():
            place = Place(file, (name,))
            if name in self._declared:
                self._from_files[name] = (value, place)
            else:
                self.report.add(place, f"the variable {name!r} is not declared", self._advice(name))

    def check(self) -> None:
        """Report every variable without a value, used or not; a command runs only for one that is used."""
        for name, (variable, _) in self._declared.items():
            if variable is not None and not (variable.from_ and variable.from_.command):
                self.value(name)

    def lookup(self, scope: str, name: str) -> Any:
        """What ``${var.NAME}`` or ``${env.NAME}`` stands for: a TOML value, a Secret, or Missing."""
        if scope == "env":
            value = self.inputs.environ.get(name)
            if value is None:
                return Missing(f"the environment variable {name} is not set")
            wrong = unfit(value)
            return (
                value
                if wrong is None
                else Missing(f"what the environment variable {name} gives {wrong[0]}", wrong[1], wrong=True)
            )
        if name in self._declared:
            return self.value(name)
        return Missing(f"the variable {name!r} is not declared", self._advice(name), wrong=True)

    def value(self, name: str) -> Any:
        if name in self._resolving:
            return Missing(f"the variable {name!r} needs its own value", wrong=True)
        if name not in self._values:
            variable, place = self._declared[name]
            self._resolving.add(name)
            self._values[name] = _SILENT if variable is None else self._resolve(name, variable, place)
            self._resolving.remove(name)
        return self._values[name]

    def _resolve(self, name: str, variable: Variable, place: Place) -> Any:
        words = variable.from_.words if variable.from_ else ()
        for key, values in (("from", words), ("default", (variable.default,))):
            wrong = wrong_reference(values, self.lookup)
            if wrong is not None:
                if wrong.message:
                    self.report.add(place.below(key), wrong.message, wrong.hint, f"var.{name}")
                return _SILENT
        return self._sensitive(name, variable, place) if variable.sensitive else self._plain(name, variable, place)

    def _sensitive(self, name: str, variable: Variable, place: Place) -> Secret:
        if not self.resolve_secrets:
            return Secret(None, f"${{var.{name}}}")
        value = self._found(name, variable, place)
        if isinstance(value, Secret):
            value = None if value.withheld else value.reveal()
        if isinstance(value, Unresolved):
            self.unresolved[name] = value.reason
        elif value == "":
            self.unresolved[name] = "its value is empty"
        return Secret(value if isinstance(value, str) and value else None, f"${{var.{name}}}")

    def _plain(self, name: str, variable: Variable, place: Place) -> Any:
        value = self._found(name, variable, place)
        if not isinstance(value, Unresolved):
            return value
        if value.not_run:
            return Missing(f"the variable {name!r} comes from a command, which is not run here", f"give it: --var {name}=…")
        if value.reason:
            self.report.add(place, f"the variable has no value: {value.reason}", f"give it: --var {name}=…", f"var.{name}")
        return _SILENT

    def _found(self, name: str, variable: Variable, place: Place) -> Any:
        """The value from the first place that has one, as the variable's type."""
        key = ENVIRONMENT_PREFIX + name
        if name in self.inputs.variables:
            return self._parsed(name, variable, self.inputs.variables[name], "--var", None)
        if name in self._from_files:
            return self._typed(name, variable, *self._from_files[name])
        if key in self.inputs.environ:
            return self._parsed(name, variable, self.inputs.environ[key], f"the environment variable {key}", None)
        return self._configured(name, variable, place)

    def _configured(self, name: str, variable: Variable, place: Place) -> Any:
        """From `from`, else from `default`, which must not hide that `from` has failed."""
        reason = "there is no default"
        if variable.from_ is not None:
            found = self._resolved(variable.from_, sensitive=variable.sensitive)
            if isinstance(found, str):
                return self._parsed(name, variable, found, "from", place.below("from"))
            if found.hint:
                self.report.add(place.below("from"), found.reason, found.hint, f"var.{name}")
                return Unresolved("")
            if found.failed or found.not_run:
                return found
            reason = found.reason
        if variable.default is None:
            return Unresolved(reason)
        if isinstance(variable.default, str) and "${" not in variable.default and not variable.sensitive:
            self._defaulted.add(name)
        return self._typed(name, variable, fill(variable.default, self.lookup), place.below("default"))

    def _resolved(self, origin: Origin, *, sensitive: bool) -> str | Unresolved:
        commands = self.resolve_secrets
        return resolve(origin, self.directory, self.inputs.environ, self.lookup, commands=commands, sensitive=sensitive)

    def _parsed(self, name: str, variable: Variable, text: str, origin: str, place: Place | None) -> Any:
        """`text` as the variable's type; lists and tables are written as in TOML. Messages never show it."""
        parse = _PARSERS[variable.type]
        wrong, value = unfit(text), None
        try:
            value = parse(text) if wrong is None else None
        except ValueError:
            wrong = f"is no {variable.type}", _FORMS.get(variable.type, "")
        wrong = wrong or unfit(value)
        if wrong is None:
            return value
        self.report.add(place, f"what {origin} gives {wrong[0]}", wrong[1], f"var.{name}")
        return Unresolved("")

    def _typed(self, name: str, variable: Variable, value: Any, place: Place) -> Any:
        if isinstance(value, Missing):
            return Unresolved(value.message)
        if isinstance(value, Secret):
            return value
        allowed = _TYPES[variable.type]
        if not isinstance(value, allowed) or (isinstance(value, bool) and variable.type != "boolean"):
            self.report.add(place, f"the value is no {variable.type}", f"the variable's type is {variable.type!r}", f"var.{name}")
            return Unresolved("")
        return str(value) if isinstance(value, str) else value

    def _advice(self, name: str) -> str:
        close = suggestion(name, self._declared)
        return close if close.startswith("did") else f"declare it: [variables.{name}]"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(text)
    return int(text)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text] if text in ("true", "false") else _fail(text)


def _fail(text: str) -> bool:
    raise ValueError(text)


def _toml(kind: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        import tomli  # noqa: PLC0415 - late, as everywhere

        values = tomli.loads(f"value = {text}", parse_float=Number)
        if len(values) != 1 or not isinstance(values["value"], kind):
            raise ValueError(kind.__name__)
        return values["value"]

    return parse


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "integer": _integer,
    "number": Number,
    "boolean": _boolean,
    "list": _toml(list),
    "table": _toml(dict),
}
_FORMS = {
    "boolean": "write true or false",
    "list": 'write it as TOML: ["a", "b"]',
    "table": 'write it as TOML: { key = "value" }',
}
