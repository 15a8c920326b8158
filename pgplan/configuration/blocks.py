"""The blocks of kinds: ``[kind.NAME]`` and ``[[kind]]``, decoded and multiplied out into what they declare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import attrs
from attrs import evolve, frozen

from pgplan.address import name_problem, part, unpart
from pgplan.configuration.decode import decode
from pgplan.configuration.directives import NAMES, WORDS
from pgplan.configuration.interpolation import fill, has_references
from pgplan.configuration.keys import key_names
from pgplan.configuration.model import Declared, Policy
from pgplan.configuration.settings import literal_secret
from pgplan.configuration.sources import Place, Report, SourceFile, blocks_at
from pgplan.configuration.variables import Variables
from pgplan.errors import Source, suggestion
from pgplan.kind import Declaration, InvalidBlockError, Kind, Renamable, Spec, TextFile
from pgplan.legible import unfit
from pgplan.registry import Registry, is_edge_kind


@frozen
class Common:
    """What every block may say."""

    protect: bool = False
    ignore: tuple[str, ...] = ()
    name: str | None = None
    """Tables only: the object's name, where the key is not."""
    renamed_from: str | None = None
    """Where the server can rename: the name that the object has as long as this is not applied."""
    database: tuple[str, ...] | None = None
    """What is in a database: which, by names and patterns, if that is not the one that is connected to."""


_PLAIN = Common()
_COMMON = frozenset(key_names(Common).values())


@frozen(eq=False)
class Block:
    """One block as it stands in a file. `name` is the key of a table, "" in the array form."""

    kind: Kind
    name: str
    place: Place


class Blocks:
    """Takes blocks one by one. Mistakes go to the report, and that block declares nothing."""

    def __init__(self, registry: Registry, variables: Variables, policy: Policy, report: Report) -> None:
        self.registry = registry
        self.variables = variables
        self.policy = policy
        self.report = report
        self.declared: dict[str, Declared] = {}
        self.places: dict[str, list[Place]] = {}
        self.files: dict[str, str] = {}
        """The files that blocks name, and the SHA-256 of their bytes."""

    def take(self, block: Block) -> None:
        values = block.place.value
        about = f"{block.kind.name}.{part(block.name)}" if block.name else block.kind.name
        if has_references(values):
            values = fill(values, self.variables.lookup)
        try:
            common, values = _split(block, values)
            name = block.name if common.name is None else common.name
            decoded = self._with_files(decode(block.kind.block, values, _allowed(block)))
            databases = _databases(common)
            for declaration in block.kind.declare(name, decoded):
                for database in databases:
                    self._add(block, common, declaration, database)
        except InvalidBlockError as error:
            self.report.block(block.place, error, about)

    def _with_files(self, decoded: Any) -> Any:
        """The block with the text of the files that it names."""
        values = ((a.name, getattr(decoded, a.name)) for a in attrs.fields(decoded.__class__))
        named = {name: value for name, value in values if isinstance(value, TextFile)}
        return evolve(decoded, **{name: self._read(name, value) for name, value in named.items()}) if named else decoded

    def _read(self, attribute: str, one: TextFile) -> TextFile:
        def wrong(message: str, hint: str = "") -> InvalidBlockError:
            return InvalidBlockError(((attribute,), f"{attribute}: {one.path} {message}", hint))

        path = self.variables.directory / one.path
        if not path.is_file():
            raise wrong("is not a file", f"a name is relative to the configuration: this one means {path.absolute()}")
        try:
            data = path.read_bytes()
            text = data.decode("utf-8-sig")
        except OSError as error:
            raise wrong(f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise wrong("is not UTF-8 text") from None
        unfitting = unfit(text)
        if unfitting is not None:
            raise wrong(*unfitting)
        self.files[one.path] = hashlib.sha256(data).hexdigest()
        return evolve(one, text=text)

    def _add(self, block: Block, common: Common, declaration: Declaration, database: str) -> None:
        kind = self.registry.kinds[declaration.kind]
        database = database if kind.scope == "database" else ""
        pattern = is_pattern(database)
        address = f"{declaration.kind}.{declaration.key}"
        if database:
            address += f"@{database if pattern else part(unpart(database))}"
        own = declaration.kind == block.kind.name
        new = Declared(
            address=address,
            kind=declaration.kind,
            key=declaration.key,
            spec=declaration.spec,
            sources=(Source(block.place.file.name),),
            protect=common.protect,
            ignore=_ignored(common.ignore, declaration.spec, kind) if common.ignore and own else (),
            former=_former(common.renamed_from, declaration.key, kind) if own else "",
            database=database if pattern else unpart(database),
            pattern=pattern,
        )
        if self.policy.plaintext_secrets == "error":
            self._refuse_literals(kind, new, block.place)
        first = self.declared.get(address)
        if first is None:
            self.declared[address] = new
            self.places[address] = [block.place]
        elif is_edge_kind(kind) and (spec := kind.merge(first.spec, new.spec)) is not None:
            self.declared[address] = first.merged(new, spec)
            self.places[address].append(block.place)
        else:
            before = self.places[address][0]
            where = "in this block already" if before is block.place else f"in {before.source} too"
            self.report.add(block.place, f"it is declared {where}", "keep one of the two", address)

    def _refuse_literals(self, kind: Kind, declared: Declared, place: Place) -> None:
        for slot, secret in kind.secrets(declared.spec).items():
            if secret.literal:
                attribute = slot.split(".", 1)
                literal_secret(self.report, place.below(*attribute), declared.address, *attribute)
            for default in self.variables.defaults_of(secret.source or ""):
                literal_secret(self.report, default, f"var.{default.path[1]}", "default")


def blocks_of(file: SourceFile, registry: Registry, report: Report) -> Iterator[Block]:
    """Every block of a file, in its order; what is no block of a known kind is reported."""
    for key in file.data:
        place = Place(file, (key,))
        if key in registry.kinds:
            yield from _blocks(registry.kinds[key], place, report)
        elif key not in NAMES:
            hint = {**WORDS, **registry.words}.get(key) or suggestion(key, (*registry.kinds, *NAMES))
            report.add(place, f"unknown table [{key}]", hint)


def _blocks(kind: Kind, place: Place, report: Report) -> Iterator[Block]:
    for here in blocks_at(place, kind.form, report):
        name = str(here.path[-1]) if kind.form == "table" else ""
        if "${" in name:
            hint = f'write [{kind.name}.SOMETHING] with name = "{name}"'
            report.add(here, "a reference stands in a value, not in a key", hint, kind.name)
        elif kind.form == "table" and not name:
            report.add(here, "the name is empty", address=kind.name)
        else:
            yield Block(kind, name, here)


def _allowed(block: Block) -> frozenset[str]:
    """The common keys, but for those that the kind has an attribute of its own for, or no use."""
    keys = _COMMON if block.kind.form == "table" else _COMMON - {"name"}
    keys = keys if isinstance(block.kind, Renamable) else keys - {"renamed_from"}
    keys = keys if block.kind.scope == "database" else keys - {"database"}
    return keys.difference(key_names(block.kind.block).values())


def _split(block: Block, values: Mapping[str, Any]) -> tuple[Common, Mapping[str, Any]]:
    """What is common to all kinds, and the rest."""
    if _COMMON.isdisjoint(values):
        return _PLAIN, values
    allowed = _allowed(block)
    common = {key: value for key, value in values.items() if key in allowed}
    return decode(Common, common), {key: value for key, value in values.items() if key not in allowed}


def is_pattern(database: str) -> bool:
    """Whether it is to be matched with names. A name that holds an asterisk is written in double quotes."""
    return "*" in database and unpart(database) == database


def _databases(common: Common) -> Sequence[str]:
    """As they are written: a name may stand in double quotes."""
    if common.database is None:
        return ("",)
    if not common.database:
        raise InvalidBlockError((("database",), "it names no database", "leave it out for the one that is connected to"))
    mistakes = [wrong for one in common.database if not is_pattern(one) and (wrong := name_problem(unpart(one)))]
    if mistakes:
        raise InvalidBlockError(*((("database",), wrong, "") for wrong in mistakes))
    return tuple(dict.fromkeys(common.database))


def _former(name: str | None, key: str, kind: Kind) -> str:
    """The key that `renamed_from` means, "" where it is not said."""
    if name is None or not isinstance(kind, Renamable):
        return ""
    former = kind.former(name, key)
    if former == key:
        raise InvalidBlockError((("renamed_from",), "it is called so already", "remove renamed_from"))
    return former


def _ignored(names: tuple[str, ...], spec: Spec, kind: Kind) -> tuple[str, ...]:
    """The spec's attributes that `ignore` names, and the parts of its tables, as ``options.password``."""
    if is_edge_kind(kind):
        message = f"a {kind.name} is there or not: it has no attribute of its own that could drift"
        raise InvalidBlockError((("ignore",), message, "leave the block out: what nothing declares is left alone"))
    known = {attribute.name.rstrip("_"): attribute.name for attribute in attrs.fields(kind.spec)}
    said = [name.partition(".") for name in names]
    wrong = [(("ignore",), *mistake) for of, dot, part in said for mistake in _meaningless(of, dot, part, known, spec, kind)]
    if wrong:
        raise InvalidBlockError(*wrong)
    return tuple(sorted({known[of] + dot + part for of, dot, part in said}))


def _meaningless(of: str, dot: str, part: str, known: Mapping[str, str], spec: Spec, kind: Kind) -> Iterator[tuple[str, str]]:
    """Why a name in `ignore` means nothing, and what to write instead."""
    if of not in known:
        yield f"there is no attribute {of!r}", suggestion(of, known)
        return
    if not dot:
        return
    hint = get_type_hints(kind.spec)[known[of]]
    if not any(get_origin(one) is dict for one in (hint, *get_args(hint))):
        yield f"{of!r} is no table: it has no part {part!r}", f'write "{of}"'
    elif not part:
        yield f"{of + dot!r} names no part of {of!r}", f'write "{of}", or the name of the part behind the dot'
    else:
        # The catalogs may keep a name in lower case; then the spec has it so, too.
        keys = {key.lower(): key for key in getattr(spec, known[of]) or ()}
        meant = keys.get(part.lower(), part)
        if meant != part:
            yield f"there is no {part!r} in {of!r}", f'write "{of}.{meant}"'
