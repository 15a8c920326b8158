"""An object as the TOML block that declares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from pgplan.address import Address, part, unpart
from pgplan.images import MARKER, image
from pgplan.kind import BlockWriter, Kind, Spec
from pgplan.render.escape import key, quoted
from pgplan.render.omission import spelled, spoken
from pgplan.render.sql import variable
from pgplan.render.values import value

_WIDTH = 110


class _Variable(str):
    """A reference to a variable, in a place where a secret was."""

    __slots__ = ()


def block_text(kind: Kind, address: Address, spec: Spec, hidden: Sequence[str] = ()) -> str:
    """What declares `spec`, one block or more, so that nothing is changed by it. What an omission means anyway is left out.

    A secret attribute is left out, which leaves it alone. A secret in a table becomes a variable that is yet to be given its
    value: left out, it would be dropped. Attributes that are `hidden` from this role are ignored.
    """
    where = [f"database = {_literal(_database(address.database))}"] if address.database else []
    if isinstance(kind, BlockWriter):
        blocks = [[f"[[{kind.name}]]", *where, *_lines(block)] for block in kind.blocks(spec)]
    else:
        said = {attribute: _referring(data, f"{address}_{attribute}") for attribute, data in _said(kind, spec).items()}
        head = [f"[[{kind.name}]]"] if kind.form == "array" else _head(kind, address, spec)
        block = [*head, *where, *_lines(said), *_ignoring(hidden)]
        blocks = [*([f"[variables.{name}]", "sensitive = true"] for name in _variables(said)), block]
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


def _database(name: str) -> str:
    """In double quotes where it would mean something else: an asterisk makes a pattern."""
    return part(name) if "*" in name or name.startswith('"') else name


def _head(kind: Kind, address: Address, spec: Spec) -> Iterator[str]:
    name = str(spelled(kind, {"name": getattr(spec, "name", unpart(address.key))})["name"])
    # A reference cannot stand in a key, nor be escaped there.
    shown = name.replace("${", "$")
    yield f"[{kind.name}.{key(shown)}]"
    if shown != name:
        yield f"name = {_literal(name)}"


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    for attribute, data in said.items():
        if data == MARKER:
            yield f'# {attribute} = "${{var.…}}"  a secret: its value is not shown here'
        else:
            yield from _assignment(attribute, data)


def _ignoring(hidden: Sequence[str]) -> Iterator[str]:
    if hidden:
        yield f"ignore = {_literal(list(hidden))}  # hidden from this role"


def _said(kind: Kind, spec: Spec) -> dict[str, Any]:
    """Attributes of the block, as TOML spells them, whose value is not what omission means."""
    known = {field.name for field in attrs.fields(kind.block)}
    return {
        attribute.rstrip("_"): data
        for attribute, data in spoken(kind, cast("dict[str, Any]", image(spec))).items()
        if attribute in known
    }


def _referring(data: Any, path: str) -> Any:
    """`data` with a variable in place of each secret in it."""
    if data == MARKER or not isinstance(data, dict):
        return data
    return {
        name: _Variable(variable(path, name)) if item == MARKER else _referring(item, f"{path}_{name}")
        for name, item in cast("dict[str, Any]", data).items()
    }


def _variables(data: Any) -> Iterator[str]:
    if isinstance(data, _Variable):
        yield data
    elif isinstance(data, Mapping):
        for item in cast("Mapping[str, Any]", data).values():
            yield from _variables(item)


def _assignment(attribute: str, data: Any) -> Iterator[str]:
    line = f"{key(attribute)} = {_literal(data)}"
    if len(line) <= _WIDTH or not isinstance(data, list):
        yield line
        return
    yield f"{key(attribute)} = ["
    yield from (f"  {_literal(item)}," for item in cast("Sequence[Any]", data))
    yield "]"


def _literal(data: Any) -> str:
    """A TOML value; ``${`` in a string stands for itself."""
    if isinstance(data, _Variable):
        return f'"${{var.{data}}}"'
    if isinstance(data, str):
        return quoted(data.replace("${", "$${"))
    if isinstance(data, list):
        return "[" + ", ".join(map(_literal, cast("Sequence[Any]", data))) + "]"
    if isinstance(data, dict):
        items = cast("dict[str, Any]", data)
        inner = ", ".join(f"{key(name)} = {_literal(item)}" for name, item in items.items())
        return "{ " + inner + " }" if inner else "{}"
    return value(data)
