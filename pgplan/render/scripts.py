"""SQL that a reader can trust: what cannot be seen in it is escaped, in such a way that it still means the same.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re

from pgplan.invisible import escaped, is_hidden, is_plain
from pgplan.render.escape import visible

_TOKEN = re.compile(
    r"""
      --[^\r\n]* | /\* .*? \*/
    | (?P<unicode> [uU]& (?: ' (?: [^'] | '' )* ' | " (?: [^"] | "" )* " ) )
    | (?P<escapes> [eE]' (?: [^'\\] | '' | \\. )* ' )
    | (?P<literal> ' (?: [^'] | '' )* ' )
    | (?P<name> " (?: [^"] | "" )* " )
    | (?P<dollars> (?P<tag> \$ (?: [^\W\d]\w* )? \$ ) .*? (?P=tag) )
    | \w [\w$]*
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_BACKSLASH = "\\"
_CHARACTER = re.compile(r"\\.|.", re.DOTALL)
"""Of ``E'…'``."""


def plain_sql(text: str) -> str:
    """`text`, which means the same as long as standard_conforming_strings is on, without a character that cannot be seen.

    Where there is no way to write such a character, outside of literals and names, it is escaped all the same: then the server
    refuses the statement, which is better than to do what nobody sees. Line breaks there are layout and stay.
    """
    return text if is_plain(text) else _TOKEN.sub(_seen, text)


def _seen(match: re.Match[str]) -> str:
    said = match[0]
    if match["escapes"]:
        return _CHARACTER.sub(lambda one: escaped(one[0][-1]) if is_hidden(one[0][-1]) else one[0], said)
    if match["unicode"]:
        return _coded(said)
    quoted = match["name"] or match["literal"] or match["dollars"]
    if quoted and any(map(is_hidden, quoted)):
        return _in_unicode(match)
    return said if said == "\n" else visible(said)


def _in_unicode(match: re.Match[str]) -> str:
    """A name or a literal as ``U&"…"`` or ``U&'…'``."""
    tag = match["tag"]
    if tag:
        quote, inner = "'", match["dollars"][len(tag) : -len(tag)].replace("'", "''")
    else:
        quote, inner = match[0][0], match[0][1:-1]
    return f"U&{quote}{_coded(inner.replace(_BACKSLASH, _BACKSLASH * 2))}{quote}"


def _coded(text: str) -> str:
    """As between the quotes of ``U&"…"``: four digits after a backslash, or six after ``\\+``."""
    return "".join(_code(c) if is_hidden(c) else c for c in text)


def _code(character: str) -> str:
    code = ord(character)
    return f"\\{code:04x}" if code <= 0xFFFF else f"\\+{code:06x}"  # noqa: PLR2004 - the end of the basic plane
