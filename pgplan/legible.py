"""Text that PostgreSQL can hold, and text that it cannot."""

from __future__ import annotations

from typing import Any, cast

UTF8_HINT = "give it as UTF-8 text: what is no text must be encoded first, in base64 for instance, if its reader can decode that"
NUL_HINT = "no text in PostgreSQL can hold one: remove it, or encode the value first, if its reader can decode that"


def unfit(value: Any) -> tuple[str, str] | None:
    """Why no text of PostgreSQL can be `value`, or hold what is in it, in words that do not show it, and what to do."""
    if isinstance(value, str):
        if "\x00" in value:
            return "holds a NUL character", NUL_HINT
        # Python puts bytes that are not UTF-8 into such characters when it reads arguments and the environment.
        return ("is not UTF-8 text", UTF8_HINT) if any("\ud800" <= one <= "\udfff" for one in value) else None
    if isinstance(value, dict):
        items: Any = (item for pair in cast("dict[object, object]", value).items() for item in pair)
        return next(filter(None, map(unfit, items)), None)
    return next(filter(None, map(unfit, cast("list[object]", value))), None) if isinstance(value, list) else None
