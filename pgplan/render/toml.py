"""An object as the TOML block that declares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from pgplan.address import Address, unpart
from pgplan.images import MARKER, image
from pgplan.kind import BlockWriter, Kind, Spec
from pgplan.render.escape import key, quoted
from pgplan.render.omission import spoken
from pgplan.render.values import value

_WIDTH = 110


def block_text(kind: Kind, address: Address, spec: Spec) -> str:
    """What declares `spec`, one block or more. What an omission means anyway is left out; so are secrets, and a comment says
    where."""
    if isinstance(kind, BlockWriter):
        blocks = [[f"[[{kind.name}]]", *_lines(block)] for block in kind.blocks(spec)]
    elif kind.form == "array":
        blocks = [[f"[[{kind.name}]]", *_lines(_said(kind, spec))]]
    else:
        blocks = [[*_head(kind, address, spec), *_lines(_said(kind, spec))]]
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


def _head(kind: Kind, address: Address, spec: Spec) -> Iterator[str]:
    name = str(getattr(spec, "name", unpart(address.key)))
    # A reference cannot stand in a key, nor be escaped there.
    shown = name.replace("${", "$")
    yield f"[{kind.name}.{key(shown)}]"
    if shown != name:
        yield f"name = {_literal(name)}"


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    for attribute, data in said.items():
        kept, secrets = _without_secrets(data, attribute)
        for secret in secrets:
            yield f'# {secret} = "${{var.…}}"  a secret: its value is not shown here'
        if kept not in (None, {}):
            yield from _assignment(attribute, kept)


def _said(kind: Kind, spec: Spec) -> dict[str, Any]:
    """Attributes of the block, as TOML spells them, whose value is not what omission means."""
    known = {field.name for field in attrs.fields(kind.block)}
    return {
        attribute.rstrip("_"): data
        for attribute, data in spoken(kind, cast("dict[str, Any]", image(spec))).items()
        if attribute in known
    }


def _without_secrets(data: Any, path: str) -> tuple[Any, list[str]]:
    """`data` without the secrets in it, and where they were."""
    if data == MARKER:
        return None, [path]
    if not isinstance(data, Mapping):
        return data, []
    kept: dict[str, Any] = {}
    secrets: list[str] = []
    for name, item in cast("Mapping[str, Any]", data).items():
        rest, found = _without_secrets(item, f"{path}.{key(name)}")
        secrets += found
        if not found or rest is not None:
            kept[name] = rest
    return kept, secrets


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
    if isinstance(data, str):
        return quoted(data.replace("${", "$${"))
    if isinstance(data, list):
        return "[" + ", ".join(map(_literal, cast("Sequence[Any]", data))) + "]"
    if isinstance(data, dict):
        items = cast("dict[str, Any]", data)
        inner = ", ".join(f"{key(name)} = {_literal(item)}" for name, item in items.items())
        return "{ " + inner + " }" if inner else "{}"
    return value(data)
