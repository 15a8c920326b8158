"""Text as a terminal may show it: a name with control characters or direction marks must not fool the reader."""

from __future__ import annotations

import json
import re
import unicodedata

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in _INVISIBLE or (category == "Zs" and character != " ")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the basic plane


def visible(text: str) -> str:
    """`text` in one line, with everything that is not a visible character or a plain blank escaped as ``\\u001b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if _hidden(c) else c for c in text)


def quoted(text: str) -> str:
    """`text` in double quotes, escaped as in TOML and JSON."""
    return visible(json.dumps(text, ensure_ascii=False))


def key(text: str) -> str:
    """A key of a table, quoted only if it must be."""
    return text if _BARE.fullmatch(text) else quoted(text)
