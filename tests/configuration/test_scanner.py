from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given, settings

from pgplan.configuration.scanner import Path, nearest, scan
from tests.configuration.toml_texts import documents, is_list, is_table


def paths(value: Any, path: Path = ()) -> set[Path]:
    """Every path in what tomli has read."""
    items = value.items() if is_table(value) else enumerate(value) if is_list(value) else ()
    return {path}.union(*(paths(item, (*path, step)) for step, item in items)) - {()}


@settings(max_examples=100, deadline=None)
@given(documents())
def test_finds_every_path_on_its_line(case: tuple[dict[str, Any], str, dict[Path, int]]) -> None:
    document, text, lines = case
    read = tomli.loads(text)
    assert read == document  # the writer wrote what it was given
    found = scan(text)
    assert found == lines
    assert found.keys() == paths(read)


EXAMPLE = """\
# [[grant]] in a comment
[pgplan]
name = "x"

[role."a.b"]   # a dotted name
config = { search_path = [
  "one",     # ]
  "two",
], "x.y" = '''
[grant]
''' }

[[grant]]
to = ["a"]
[grant.on]
schema = "s"

[[grant]]
on.schema = \"\"\"two quotes: \"\"\"\"\"
to = [ { x = 1,
         y = 2 }, 3 ]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("pgplan",), 2),
        (("pgplan", "name"), 3),
        (("role",), 5),
        (("role", "a.b"), 5),
        (("role", "a.b", "config", "search_path", 1), 8),
        (("role", "a.b", "config", "x.y"), 9),
        (("grant",), 13),
        (("grant", 0), 13),
        (("grant", 0, "to", 0), 14),
        (("grant", 0, "on"), 15),
        (("grant", 0, "on", "schema"), 16),
        (("grant", 1), 18),
        (("grant", 1, "on", "schema"), 19),
        (("grant", 1, "to", 0, "y"), 21),
        (("grant", 1, "to", 1), 21),
    ],
)
def test_example(path: Path, line: int) -> None:
    assert scan(EXAMPLE)[path] == line


def test_nearest_is_what_stands_around() -> None:
    lines = scan(EXAMPLE)
    assert nearest(lines, ("grant", 1, "privileges")) == 18
    assert nearest(lines, ("server", "s1")) == 0
    assert nearest(lines, ("grant", 1, "on", 0, "schema", 0)) == 19
    assert nearest(lines, ("grant", 1, "on", 1, "schema")) == 19
    assert nearest(lines, ("grant", 7, "to")) == 13


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "a = 1", "[a]", "[[a]]\r\n"])
def test_small_texts(text: str) -> None:
    assert scan(text).keys() == paths(tomli.loads(text))
