"""Markdown pages as the tests see them: fenced blocks, and the marks that stand before them.

A mark is an HTML comment on the line before a fence:

* ``<!-- setup -->``: SQL that a superuser runs before the next TOML block;
* ``<!-- plan -->``: the SQL that the plan of the TOML block before sends, from some version on with ``<!-- plan >= 16 -->``;
* ``<!-- pg >= 16 -->``: a TOML block for these servers only;
* ``<!-- from PATH -->``: code that stands in this file of the repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md")))
KINDS = ROOT / "docs" / "reference" / "kinds"
EXAMPLES = tuple(sorted((ROOT / "examples").glob("*/pgplan.toml")))

_FENCE = re.compile(r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_VERSION = re.compile(r"(?:pg|plan) >= (\d+)")


@frozen
class Block:
    """One fenced block. `place` is ``page:line``."""

    page: Path
    place: str
    language: str
    text: str
    mark: str = ""

    @property
    def source(self) -> Path | None:
        """The file that it is taken from."""
        return ROOT / self.mark.removeprefix("from ") if self.mark.startswith("from ") else None

    @property
    def since(self) -> int:
        """The first major version that it is about."""
        match = _VERSION.fullmatch(self.mark)
        return int(match[1]) if match else 0


@frozen
class Example:
    """A TOML block with the SQL around it."""

    toml: Block
    setup: tuple[str, ...] = ()
    plan: Block | None = None


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        yield Block(page, f"{page.relative_to(ROOT)}:{line}", match["language"], match["text"], match["mark"] or "")


def examples(page: Path) -> list[Example]:
    """Every TOML block of a page."""
    found: list[Example] = []
    setup: list[str] = []
    for block in blocks(page):
        if block.language == "toml":
            found.append(Example(block, tuple(setup)))
            setup = []
        elif block.mark == "setup":
            setup.append(block.text)
        elif block.mark.startswith("plan"):
            found[-1] = evolve(found[-1], plan=block)
    return found


def of_file(path: Path) -> Example:
    """An example in a directory of its own; setup.sql there says what it finds."""
    setup = path.with_name("setup.sql")
    block = Block(path, str(path.relative_to(ROOT)), "toml", path.read_text())
    return Example(block, (setup.read_text(),) if setup.exists() else ())
