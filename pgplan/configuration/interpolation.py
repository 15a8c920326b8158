"""``${var.x}`` and ``${env.X}`` in strings, and what becomes of a string that held them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Self, cast

from attrs import evolve, frozen

from pgplan.secret import Secret

# `$${` is a literal `${`. A reference that is not closed is matched too, so that it can be refused.
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"(var|env)\.([A-Za-z_][A-Za-z0-9_-]*)")


class Text(str):
    """A string with references in it, now filled in. In a secret attribute it is a secret that has a source."""

    __slots__ = ("template",)
    template: str

    def __new__(cls, value: str, template: str) -> Self:
        text = super().__new__(cls, value)
        text.template = template
        return text


@frozen
class Missing:
    """A value that is not known here.

    In a secret attribute it becomes a withheld secret, elsewhere an error; when it is `wrong` (an undeclared variable, a
    reference that cannot be read) an error everywhere. No message: the mistake is already reported at its own place.
    """

    message: str
    hint: str = ""
    wrong: bool = False
    template: str = ""


Lookup = Callable[[str, str], Any]
"""The value of (``var`` or ``env``, name): a TOML value, a Secret, or Missing."""


def has_references(value: Any) -> bool:
    """Whether `fill` would change anything. Configurations are large and references few."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any("${" in key or has_references(item) for key, item in cast("dict[str, Any]", value).items())
    return isinstance(value, list) and any(map(has_references, cast("list[object]", value)))


def fill(value: Any, lookup: Lookup) -> Any:
    """`value` with every reference replaced, in tables and lists too. Strings become `Text`, `Secret` or `Missing` by what
    they refer to; a string that is exactly one reference takes the type of the value."""
    if isinstance(value, str):
        return _fill_string(value, lookup) if "${" in value else value
    if isinstance(value, list):
        return [fill(item, lookup) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _fill_item(key, item, lookup) for key, item in cast("dict[str, Any]", value).items()}
    return value


def references(template: str) -> list[tuple[str, str]]:
    """The references in a string that could all be read, each as (``var`` or ``env``, name)."""
    found = (_NAME.fullmatch(match[1].strip()) for match in _REFERENCE.finditer(template) if match[1] is not None)
    return [(name[1], name[2]) for name in found if name is not None]


def wrong_reference(values: Iterable[Any], lookup: Lookup) -> Missing | None:
    """The first mistake among the references in `values`; what merely is not set here is none."""
    return next(
        (value for value in (fill(value, lookup) for value in values) if isinstance(value, Missing) and value.wrong), None
    )


def _fill_item(key: str, item: Any, lookup: Lookup) -> Any:
    if "${" in key:
        return Missing("a reference stands in a value, not in a key", wrong=True)
    return fill(item, lookup)


def _fill_string(template: str, lookup: Lookup) -> Any:
    pieces: list[Any] = []
    end = 0
    references = 0
    for match in _REFERENCE.finditer(template):
        if match.start() > end:
            pieces.append(template[end : match.start()])
        end = match.end()
        if match.group() == "$${":
            pieces.append("${")
        else:
            references += 1
            pieces.append(_value(match, lookup))
    if end < len(template):
        pieces.append(template[end:])
    if not references:
        return "".join(pieces)
    if len(pieces) == 1:
        return _labelled(pieces[0], template)
    return _joined(pieces, template)


def _value(match: re.Match[str], lookup: Lookup) -> Any:
    name = _NAME.fullmatch(match[1].strip())
    if not match[2] or name is None:
        return Missing(
            f"cannot read the reference {match.group()}",
            "write ${var.NAME} for a variable, ${env.NAME} for the environment, $${ for a literal ${",
            wrong=True,
        )
    return lookup(name[1], name[2])


def _labelled(value: Any, template: str) -> Any:
    if isinstance(value, Missing):
        return evolve(value, template=template)
    if isinstance(value, Secret):
        return Secret(None if value.withheld else value.reveal(), template)
    return Text(value, template) if isinstance(value, str) else value


def _joined(pieces: list[Any], template: str) -> Any:
    missing = [piece for piece in pieces if isinstance(piece, Missing)]
    if any(piece.wrong for piece in missing):
        return next(piece for piece in missing if piece.wrong)
    secrets = [piece for piece in pieces if isinstance(piece, Secret)]
    if secrets and (missing or any(secret.withheld for secret in secrets)):
        return Secret(None, template)
    if missing:
        return evolve(missing[0], template=template)
    if any(isinstance(piece, (list, dict)) for piece in pieces):
        return Missing("a list or a table cannot stand inside a longer string", wrong=True)
    text = "".join(piece.reveal() if isinstance(piece, Secret) else scalar_text(piece) for piece in pieces)
    return Secret(text, template) if secrets else Text(text, template)


def scalar_text(value: Any) -> str:
    """A string, number or boolean as PostgreSQL and TOML would both write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
