"""Text as a terminal may show it: a name with control characters or direction marks must not fool the reader."""

from __future__ import annotations

import json
import re

from pgplan.invisible import escaped, is_hidden, is_plain

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def visible(text: str) -> str:
    """`text` in one line, with everything that is not a visible character or a plain blank escaped as ``\\u001b``."""
    if is_plain(text):
        return text
    return "".join(escaped(c) if is_hidden(c) else c for c in text)


def quoted(text: str) -> str:
    """`text` in double quotes, escaped as in TOML and JSON."""
    return visible(json.dumps(text, ensure_ascii=False))


def key(text: str) -> str:
    """A key of a table, quoted only if it must be."""
    return text if _BARE.fullmatch(text) else quoted(text)
