"""Characters that a reader cannot see, or takes for a blank. Pure.

https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
"""

from __future__ import annotations

import re
import unicodedata

_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point, letters and marks among them: shown as nothing, if a font does not know better."""
_BLANK = "\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159"
"""Symbols and letters that are drawn as a blank, although no category says so: Braille, hieroglyphs, Khitan, a null notehead."""
_UNSEEN = re.compile(f"[{_IGNORABLE}{_BLANK}]")


def is_hidden(character: str) -> bool:
    """Whether it is no visible character and no plain blank."""
    category = unicodedata.category(character)
    return category in _CATEGORIES or (category == "Zs" and character != " ") or _UNSEEN.match(character) is not None


def is_plain(text: str) -> bool:
    """Whether all of it is visible ASCII and plain blanks."""
    return text.isascii() and text.isprintable()


def escaped(character: str) -> str:
    """As TOML and JSON write it: ``\\u001b``."""
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the basic plane


def in_ascii(text: str) -> str:
    """`text` with everything escaped that is not plain ASCII, so that what looks the same is told apart."""
    return "".join(c if is_plain(c) else escaped(c) for c in text)


def skeleton(text: str) -> str:
    """The same for all texts that differ only in what cannot be seen, or in what Unicode takes for the same (NFKC)."""
    if is_plain(text):
        return text
    shown = (" " if c.isspace() else c for c in unicodedata.normalize("NFKC", text) if c.isspace() or not is_hidden(c))
    return unicodedata.normalize("NFKC", "".join(shown))
