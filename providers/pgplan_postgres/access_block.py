"""Blocks of grant and revoke: what TOML says, checked and multiplied out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import ClassVar

from attrs import frozen

from pgplan.sdk import PUBLIC, Mistakes, Path
from pgplan_postgres.access import Access
from pgplan_postgres.grantable import BULK, GRANTABLE
from pgplan_postgres.privileges import ALL, SYNONYMS, Right
from pgplan_postgres.targets import except_key, is_reached, object_key, schemas_key
from pgplan_postgres.words import ON

Names = tuple[str, ...]


@frozen
class Target:
    """What ``on`` means: an object, or all of some schemas."""

    type: str
    """A type of object, or ``tables_in`` and its like."""
    key: str
    """The object's; with ``*_in`` a schema's, or a pattern."""
    excepted: Names = ()
    extension_members: bool = False


@frozen
class On:
    """``on``: exactly one type with one name or several, and what ``*_in`` leaves out."""

    WORDS: ClassVar[Mapping[str, str]] = ON

    database: Names | None = None
    schema: Names | None = None
    table: Names | None = None
    sequence: Names | None = None
    function: Names | None = None
    type: Names | None = None
    language: Names | None = None
    foreign_data_wrapper: Names | None = None
    server: Names | None = None
    tablespace: Names | None = None
    large_object: Names | None = None
    parameter: Names | None = None
    tables_in: Names | None = None
    sequences_in: Names | None = None
    functions_in: Names | None = None
    types_in: Names | None = None
    except_: Names = ()
    extension_members: bool = False

    def named(self) -> list[tuple[str, Names]]:
        """The types that are said, with their names."""
        values = ((type_, getattr(self, type_)) for type_ in (*GRANTABLE, *BULK))
        return sorted((type_, names) for type_, names in values if names is not None)


@frozen
class AccessBlock:
    """What ``[[grant]]`` and ``[[revoke]]`` share, under the names of the spec."""

    grantees: Names
    on: tuple[On, ...]
    privileges: Names
    columns: Names | None = None
    grantable: bool = False
    with_sequences: bool = False


def accesses(block: AccessBlock, attribute: str) -> list[Access]:
    """One spec for each grantee and object. `attribute` is what the block calls the grantee.

    Raises InvalidBlockError with every mistake.
    """
    mistakes = Mistakes()
    grantees = [mistakes.grantee((attribute, i), grantee) for i, grantee in enumerate(block.grantees)]
    said = _said(block.on, mistakes)
    columns = _columns(block, said, mistakes)
    if block.grantable and PUBLIC in grantees:
        mistakes.add(
            ("grantable",), "PostgreSQL gives nothing to PUBLIC with grant option", "grant to PUBLIC in a block of its own"
        )
    mistakes.some((attribute,), block.grantees)
    privileges = _privileges(block, {type_ for _, _, type_, _ in said}, mistakes)
    inserting = _inserting(block, privileges, said, mistakes)
    specs: list[Access] = []
    for one in _targets(said, mistakes):
        rights = [
            Right(each, columns, block.grantable, one.excepted, one.extension_members, with_sequences=each in inserting)
            for each in privileges
        ]
        specs += [Access(grantee, one.type, one.key, rights) for grantee in grantees]
    mistakes.done()
    return specs


def targets(on: Sequence[On], mistakes: Mistakes) -> list[Target]:
    """What each of `on` means, products multiplied out."""
    return list(_targets(_said(on, mistakes), mistakes))


_Said = Sequence[tuple[int, On, str, Names]]
"""Each of `on` by its number, with the one type that it names, and the names."""


def _said(on: Sequence[On], mistakes: Mistakes) -> _Said:
    mistakes.some(("on",), on)
    return [(i, each, *said) for i, each in enumerate(on) if (said := _type_of(each, i, mistakes)) is not None]


def _targets(said: _Said, mistakes: Mistakes) -> Iterator[Target]:
    for i, on, type_, names in said:
        mistakes.some(("on", i, type_), names)
        keys = _keys(type_, names, ("on", i, type_), mistakes)
        excepted = _excepted(on, i, type_, keys, mistakes)
        for key in keys:
            yield Target(type_, key, tuple(one for one in excepted if is_reached(one, key)), on.extension_members)


def _type_of(on: On, i: int, mistakes: Mistakes) -> tuple[str, Names] | None:
    """The one type that `on` names."""
    said = on.named()
    if not said:
        mistakes.add(("on", i), "on names no object", f"write one of {', '.join((*GRANTABLE, *BULK))}")
        return None
    if len(said) > 1:
        types = " and ".join(type_ for type_, _ in said)
        mistakes.add(("on", i), f"on names {types} at once", "write a list, on = [{ … }, { … }], for objects of several types")
        return None
    if said[0][0] not in BULK:
        for key, value in (("except", on.except_), ("extension_members", on.extension_members)):
            if value:
                mistakes.add(("on", i, key), f"{key} goes with {', '.join(BULK)}, not with {said[0][0]}")
    return said[0]


def _columns(block: AccessBlock, said: _Said, mistakes: Mistakes) -> Names:
    if block.columns is None:
        return ()
    if not block.columns:
        mistakes.add(("columns",), "columns is empty", "name columns, or leave it out to mean the whole table")
    for i, column in enumerate(block.columns):
        mistakes.name(("columns", i), column)
    for i, _, type_, _ in said:
        if BULK.get(type_, type_) != "table":
            message = f"columns go with table and tables_in, not with {type_}"
            mistakes.add(("columns",), message, f"see on, block {i + 1}" if i else "")
    return block.columns


def _inserting(
    block: AccessBlock, privileges: Sequence[str], targets: Sequence[tuple[int, On, str, Names]], mistakes: Mistakes
) -> list[str]:
    """The privileges that `with_sequences` is about."""
    if not block.with_sequences:
        return []
    inserting = [privilege for privilege in privileges if privilege in ("INSERT", ALL)]
    others = sorted({type_ for _, _, type_, _ in targets if BULK.get(type_, type_) != "table"})
    if others:
        message = f"with_sequences goes with table and tables_in, not with {', '.join(others)}"
        mistakes.add(("with_sequences",), message, "name these objects in a block of their own")
    elif not inserting:
        message = "with_sequences gives what INSERT needs, and privileges has no INSERT"
        mistakes.add(("with_sequences",), message, "add INSERT, or grant on = { sequences_in = … } what is needed")
    return inserting


def _privileges(block: AccessBlock, types: set[str], mistakes: Mistakes) -> list[str]:
    """The privileges, synonyms resolved, each checked against every type that the block names."""
    privileges = [SYNONYMS.get(privilege, privilege) for privilege in block.privileges]
    if not privileges:
        mistakes.add(("privileges",), "privileges is empty", 'name privileges, or write ["ALL"]')
    if ALL in privileges and len(privileges) > 1:
        mistakes.add(("privileges",), "ALL stands alone", 'write privileges = ["ALL"], or name them one by one')
    for i, privilege in enumerate(privileges):
        for type_ in sorted(types) if privilege != ALL else ():
            _check_privilege(privilege, BULK.get(type_, type_), block.columns is not None, ("privileges", i), mistakes)
    return privileges


def _check_privilege(privilege: str, type_: str, columns: bool, path: Path, mistakes: Mistakes) -> None:
    known = GRANTABLE[type_].columns if columns and type_ == "table" else GRANTABLE[type_].privileges
    if privilege in known:
        return
    what = "a column" if columns and type_ == "table" else f"a {type_}"
    close = get_close_matches(privilege.upper(), [*known, ALL], n=1, cutoff=0.7)
    hint = f"did you mean {close[0]}?" if close else f"{what} has {', '.join(known)}"
    mistakes.add(path, f"{what} has no privilege {privilege!r}", hint)


def _excepted(on: On, i: int, type_: str, keys: Sequence[str], mistakes: Mistakes) -> Names:
    """What is left out, as keys. Each must be in one of the schemas: what leaves out nothing, a name that was mistyped for
    instance, would give what it was to keep from being given."""
    if type_ not in BULK:
        return ()

    def excepted(text: str) -> str:
        key = except_key(BULK[type_], text)
        if keys and not any(is_reached(key, schemas) for schemas in keys):
            raise ValueError(f"except names {text}, which is not in {' or '.join(keys)}: write schema.name for an object")
        return key

    return tuple(_checked(on.except_, ("on", i, "except"), excepted, mistakes))


def _keys(type_: str, names: Names, path: Path, mistakes: Mistakes) -> list[str]:
    return list(_checked(names, path, schemas_key if type_ in BULK else partial(object_key, type_), mistakes))


def _checked(names: Names, path: Path, key: Callable[[str], str], mistakes: Mistakes) -> Iterator[str]:
    for i, text in enumerate(names):
        try:
            yield key(text)
        except ValueError as error:
            mistakes.add((*path, i), str(error))
