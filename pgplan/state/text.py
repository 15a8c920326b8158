"""The text of a state file: JSON, sorted, one entry a line, so that two versions compare entry by entry.

docs/reference/state.md describes the format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pgplan.errors import PgplanError, Problem
from pgplan.images import image, mistakes, restore
from pgplan.legible import unfit
from pgplan.state import content
from pgplan.state.model import FORMAT, State
from pgplan.version import __version__

FIRST = 2
"""The first format of a release."""
_SHOWN_MISTAKES = 5
_ESCAPED = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
"""How JSON can hold what no text of PostgreSQL can be."""


class StateError(PgplanError):
    """The stored state is damaged, of a newer format, or another configuration's."""


def encode(state: State) -> bytes:
    """The bytes of a state file."""
    return joined(lines(state))


def lines(state: State) -> dict[str, str]:
    """The text of each part of a state."""
    document: dict[str, Any] = image(state)
    return {key: _lines(part) for key, part in document.items()}


def line(part: Any) -> str:
    """The text of a part that is no list."""
    return _line(image(part))


def joined(parts: Mapping[str, str]) -> bytes:
    """The bytes of a state file, of the text of its parts."""
    return ("{\n" + ",\n".join(f"{_line(key)}: {parts[key]}" for key in sorted(parts)) + "\n}\n").encode()


def decode(data: bytes, location: str) -> State:
    """Read a state file strictly. Raises StateError."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(location, (f"it is not JSON: {error}",)) from error
    _check_format(document, location)
    if _ESCAPED.search(data):
        illegible = tuple(_illegible(document))
        if illegible:
            raise damaged(location, illegible)
    try:
        state = restore(document, State)
    except Exception as error:  # besides MismatchError, whatever a class raises
        raise damaged(location, mistakes(error)) from error
    wrong = tuple(content.mistakes(state))
    if wrong:
        raise damaged(location, wrong)
    return state


def _illegible(document: dict[str, Any]) -> Iterator[str]:
    """Which parts, or entries, hold such text."""
    for key, part in document.items():
        items = cast("list[object]", part) if isinstance(part, list) else [part]
        for item in items:
            wrong = unfit(item)
            if wrong is not None:
                name = cast("dict[str, Any]", item).get("address", "") if isinstance(item, dict) else ""
                yield f"{key}: {name} {wrong[0]}" if name else f"{key} {wrong[0]}"


def _check_format(document: Any, location: str) -> None:
    try:
        version = document["format"]
    except (KeyError, TypeError):
        version = None
    if type(version) is not int or version < 1:
        raise damaged(location, ("it has no format number",))
    if version < FIRST:
        raise StateError(
            Problem(
                f"the state {location} was written by an unreleased version of pgplan, in format {version}",
                hint='move it away; then record what it managed with: pgplan import ADDRESS…, or apply with existing = "adopt"',
            )
        )
    if version > FORMAT:
        raise StateError(
            Problem(
                f"the state {location} has format {version}; pgplan {__version__} knows formats up to {FORMAT}",
                hint="a newer pgplan has written it: use that version or a later one",
            )
        )


def damaged(location: str, what: tuple[str, ...]) -> StateError:
    """The error that says what is wrong with a state."""
    more = f"; and {len(what) - _SHOWN_MISTAKES} more mistakes" if len(what) > _SHOWN_MISTAKES else ""
    hint = "put back a good copy of it; what it held can also be recorded again with: pgplan import ADDRESS…"
    return StateError(Problem(f"the state {location} is damaged: {'; '.join(what[:_SHOWN_MISTAKES])}{more}", hint=hint))


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _lines(value: Any) -> str:
    """A list with one item a line; anything else on one line."""
    if not isinstance(value, list) or not value:
        return _line(value)
    items = cast("Sequence[Any]", value)
    return "[\n  " + ",\n  ".join(map(_line, items)) + "\n]"
