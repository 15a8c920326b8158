"""The TOML files of a directory, and where in them each thing stands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Literal, TypeVar, cast

from attrs import field, frozen

from pgplan.configuration.decode import decode
from pgplan.configuration.keys import Number
from pgplan.configuration.scanner import Path, nearest, scan
from pgplan.errors import ConfigurationError, Problem, Source, raise_all
from pgplan.kind import InvalidBlockError
from pgplan.legible import unfit

T = TypeVar("T")
MAIN = "pgplan.toml"
_NUL = re.compile(r"\\(u0000|U00000000)")
"""How TOML can write one; after another backslash it is none."""

Form = Literal["once", "table", "array"]
"""``[x]``, once in a directory; ``[x.NAME]``, once for each name; or ``[[x]]``."""


@frozen(slots=False)
class SourceFile:
    name: str
    text: str = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    digest: str
    """SHA-256 of the file's bytes."""

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        return scan(self.text)


@frozen(eq=False)
class Place:
    """A key path in a file."""

    file: SourceFile
    path: Path = ()

    def below(self, *steps: str | int) -> Place:
        return Place(self.file, (*self.path, *steps))

    @property
    def name(self) -> str:
        """The path as it is written between brackets."""
        return ".".join(map(str, self.path))

    @property
    def source(self) -> Source:
        """With the line, which costs a scan of the file once: for errors only."""
        return Source(self.file.name, nearest(self.file.lines, self.path))

    @property
    def value(self) -> Any:
        value: Any = self.file.data
        for step in self.path:
            value = value[step]
        return value


class Report:
    """The mistakes found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, place: Place | None, message: str, hint: str = "", address: str = "") -> None:
        self.problems.append(Problem(message, place.source if place else None, address, hint))

    def block(self, place: Place, error: InvalidBlockError, address: str = "") -> None:
        """Every mistake of one block. One without a message is reported where it comes from, at a variable."""
        for path, message, hint in error.mistakes:
            if message:
                self.add(place.below(*path), message, hint, address)

    def decode(self, cls: type[T], values: Any, place: Place, address: str = "", also: Iterable[str] = ()) -> T | None:
        """What `values`, which stand at `place`, decode into; None, with every mistake reported, if they do not."""
        try:
            return decode(cls, values, also)
        except InvalidBlockError as error:
            self.block(place, error, address or place.name)
            return None


def blocks_at(place: Place, form: Form, report: Report) -> Iterator[Place]:
    """Where each block of a top-level table stands. What does not have the form is reported, with what to write."""
    value, name = place.value, place.name
    if form == "array":
        items: list[Any] = cast("list[object]", value) if isinstance(value, list) else [None]
        if all(isinstance(item, dict) for item in items):
            yield from map(place.below, range(len(items)))
        else:
            report.add(place, f"write [[{name}]], once for each", address=name)
    elif not isinstance(value, dict):
        report.add(place, f"write [{name}], once" if form == "once" else f"write [{name}.NAME], one for each", address=name)
    elif form == "once":
        yield place
    else:
        for key, block in cast("dict[str, Any]", value).items():
            if isinstance(block, dict):
                yield place.below(key)
            else:
                wrong = "name one in double brackets only" if isinstance(block, list) else f"{key!r} stands outside of a block"
                report.add(place.below(key), f"write [{name}.NAME]: {wrong}", address=name)


@frozen(eq=False)
class Locator:
    """The places of an address (`Configuration.locate`)."""

    places: Mapping[str, list[Place]]

    def __call__(self, address: str, attribute: str) -> tuple[Source, ...]:
        first, _, rest = attribute.partition(".")
        steps = [step for step in (first.rstrip("_"), rest) if step]
        return tuple(place.below(*steps).source for place in self.places.get(address, ()))


def read_directory(directory: FilePath) -> tuple[SourceFile, ...]:
    """pgplan.toml and every ``*.pgplan.toml`` beside it, in order of their names.

    Raises ConfigurationError with every file that cannot be read.
    """
    if not (directory / MAIN).exists():
        hint = "run `pgplan init` there, or name the directory with -C"
        raise ConfigurationError(Problem(f"there is no {MAIN} in {directory.absolute()}", hint=hint))
    beside = sorted(path for path in directory.glob(f"*.{MAIN}") if not path.name.startswith("."))
    files: list[SourceFile] = []
    problems: list[Problem] = []
    for path in (directory / MAIN, *beside):
        try:
            files.append(read_toml(path, path.name))
        except ConfigurationError as error:
            problems.extend(error.problems)
    raise_all(ConfigurationError, problems)
    return tuple(files)


def read_toml(path: FilePath, name: str) -> SourceFile:
    """Read one file; `name` is what errors call it. A byte order mark is skipped.

    Raises ConfigurationError when it cannot be read, is not UTF-8, or is not TOML.
    """
    import tomli  # noqa: PLC0415 - late: `pgplan --version` reads no TOML

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(Problem(f"cannot read it: {error.strerror}", Source(name))) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(Problem("it is not UTF-8 text", Source(name, line), hint="TOML is always UTF-8")) from None
    try:
        values = tomli.loads(text, parse_float=Number)
    except tomli.TOMLDecodeError as error:
        from pgplan.configuration.syntax import told  # noqa: PLC0415 - late: for errors only

        raise ConfigurationError(told(error, name)) from None
    except RecursionError:
        raise ConfigurationError(Problem("arrays or tables are nested too deeply", Source(name))) from None
    file = SourceFile(name, text, values, hashlib.sha256(data).hexdigest())
    if _NUL.search(text):
        raise_all(ConfigurationError, _nuls(Place(file)))
    return file


def _nuls(place: Place) -> Iterator[Problem]:
    """TOML has no surrogates, and NUL only as an escape."""
    value: Any = place.value
    steps: Iterable[str | int] = ()
    if isinstance(value, dict):
        steps = cast("dict[str, object]", value)
    elif isinstance(value, list):
        steps = range(len(cast("list[object]", value)))
    for step in steps:
        wrong = unfit(step)
        if wrong is None:
            yield from _nuls(place.below(step))
        else:
            yield Problem(f"a key of {place.name or 'the file'} {wrong[0]}", place.source, hint=wrong[1])
    wrong = unfit(value) if isinstance(value, str) else None
    if wrong is not None:
        yield Problem(f"{place.name} {wrong[0]}", place.source, hint=wrong[1])
