"""What is wrong with a text that is no TOML, in the words of TOML. Used on the error path only."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pgplan.configuration.scanner import Path, scan
from pgplan.errors import Problem, Source
from pgplan.render.escape import key

if TYPE_CHECKING:
    from tomli import TOMLDecodeError

_NAMES = re.compile(r"\((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|, |,)+\)")
_WORD = re.compile(r"[^\s,\]}#]*")
_ASSIGNED = re.compile(r"""\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w.-])+)\s*=""")
_BOOLEANS = {"True": "true", "yes": "true", "on": "true", "False": "false", "no": "false", "off": "false"}
_NOTHING = ("None", "null", "nil", "NULL")


def told(error: TOMLDecodeError, name: str) -> Problem:
    """The mistake with its line, and what to write instead where that can be told. `name` is the file's."""
    message, hint = _told(error)
    return Problem(message, Source(name, error.lineno), hint=hint)


def _told(error: TOMLDecodeError) -> tuple[str, str]:
    text, start = error.doc, error.doc.rfind("\n", 0, error.pos) + 1
    line = text[start : (text.find("\n", start) + 1) or len(text)].strip()
    names = _NAMES.search(error.msg)
    path: Path = ast.literal_eval(names[0]) if names else ()
    if error.msg.startswith("Cannot declare"):
        return f"[{_dotted(path)}] stands here a second time{_first(text[:start], path)}", "put both together, under one heading"
    if error.msg.startswith(("Cannot mutate", "Cannot redefine")):
        hint = "put all of it into one place: under one heading, or between one pair of braces"
        return f"{_dotted(path)} was written as a whole before{_first(text[:start], path)}: nothing can be added to it", hint
    if error.msg.startswith("Cannot overwrite"):
        assigned = _ASSIGNED.match(line)
        what = f"{assigned[1]} has" if assigned and not line.startswith("[") else "this has"
        return f"{what} a value already", "keep one of the two"
    if error.msg.startswith("Duplicate inline table key"):
        return f"{error.msg.removeprefix('Duplicate inline table key ')} stands twice between these braces", "keep one of the two"
    if error.msg == "Invalid value":
        return _value(_WORD.match(text, error.pos), error)
    return f"this is not valid TOML: {error.msg} (column {error.colno})", ""


def _value(match: re.Match[str] | None, error: TOMLDecodeError) -> tuple[str, str]:
    """Words are not shown where they may be a secret without its quotes."""
    word = match[0] if match else ""
    if word in _BOOLEANS:
        return f"{word} is no value in TOML", f"write {_BOOLEANS[word]}"
    if word in _NOTHING:
        return f"{word} is no value in TOML", "leave the key out: what is not said is not managed, or has its default"
    return f"there is no value that TOML knows (column {error.colno})", 'text stands in quotes: "…"; booleans are true and false'


def _first(before: str, path: Path) -> str:
    """Where it stood first. Whatever stands before the mistake has been accepted."""
    line = scan(before).get(path)
    return f", after line {line}" if line else ""


def _dotted(path: Path) -> str:
    return ".".join(key(str(step)) for step in path)
