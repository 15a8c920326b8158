"""Names of encodings, as the server compares them: ``utf-8``, ``UTF8`` and ``unicode`` are one.

https://www.postgresql.org/docs/current/multibyte.html, pg_encname_tbl in src/common/encnames.c
"""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = """
SQL_ASCII EUC_JP EUC_CN EUC_KR EUC_TW EUC_JIS_2004 UTF8 MULE_INTERNAL LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 LATIN7 LATIN8
LATIN9 LATIN10 WIN1256 WIN1258 WIN866 WIN874 KOI8R WIN1251 WIN1252 ISO_8859_5 ISO_8859_6 ISO_8859_7 ISO_8859_8 WIN1250 WIN1253
WIN1254 WIN1255 WIN1257 KOI8U
"""
"""What a database can have: pg_encoding_to_char() knows these, and some that only clients can have."""
_LATIN = {1: 1, 2: 2, 3: 3, 4: 4, 9: 5, 10: 6, 13: 7, 14: 8, 15: 9, 16: 10}
"""By the part of ISO 8859, which Latin alphabet it is."""


def _squeezed(name: str) -> str:
    return "".join(c for c in name.lower() if c.isascii() and c.isalnum())


_KNOWN: Mapping[str, str] = {
    **{_squeezed(name): name for name in _NAMES.split()},
    **{f"iso8859{part}": f"LATIN{number}" for part, number in _LATIN.items()},
    **{f"windows{number}": f"WIN{number}" for number in (866, 874, *range(1250, 1259))},
    "unicode": "UTF8",
    "koi8": "KOI8R",
    "win": "WIN1251",
    "alt": "WIN866",
    "abc": "WIN1258",
    "tcvn": "WIN1258",
    "tcvn5712": "WIN1258",
    "vscii": "WIN1258",
}


def encoding(name: str) -> str:
    """An encoding's name as pg_encoding_to_char() gives it. Raises ValueError for what no database can have."""
    known = _KNOWN.get(_squeezed(name))
    if known is None:
        raise ValueError(f"{name!r} is no encoding that a database can have")
    return known
