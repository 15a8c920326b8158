"""An object as the TOML block that declares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from pgplan.address import Address, unpart
from pgplan.images import MARKER, image
from pgplan.kind import Kind, Spec
from pgplan.render.escape import key, quoted, value

_WIDTH = 110


def block_text(kind: Kind, address: Address, spec: Spec) -> str:
    """The block that declares `spec`. What an omission means anyway is left out; so are secrets, and a comment says where."""
    return "\n".join(_lines(kind, address, spec)) + "\n"


def _lines(kind: Kind, address: Address, spec: Spec) -> Iterator[str]:
    table = kind.form == "table"
    name = str(getattr(spec, "name", unpart(address.key))) if table else ""
    # A reference cannot stand in a key.
    shown = name.replace("${", "$") if table else ""
    yield f"[{kind.name}.{key(shown)}]" if table else f"[[{kind.name}]]"
    if shown != name:
        yield f"name = {_literal(name)}"
    for attribute, data in _said(kind, spec):
        kept, secrets = _without_secrets(data, attribute)
        for secret in secrets:
            yield f'# {secret} = "${{var.…}}"  a secret: its value is not shown here'
        if kept not in (None, {}):
            yield from _assignment(attribute, kept)


def _said(kind: Kind, spec: Spec) -> Iterator[tuple[str, Any]]:
    """Attributes of the block, as TOML spells them, whose value is not what omission means."""
    defaults = {field.name: _default(field) for field in attrs.fields(kind.block)}
    for attribute, data in cast("dict[str, Any]", image(spec)).items():
        if attribute in defaults and data not in (None, "", [], {}, defaults[attribute]):
            yield attribute.rstrip("_"), data


def _default(field: attrs.Attribute[Any]) -> Any:
    if field.default is attrs.NOTHING:
        return None
    factory = getattr(field.default, "factory", None)
    return image(factory() if factory else field.default)


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
