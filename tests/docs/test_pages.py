"""What the reference promises to list is listed, and every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest

from pgplan.cli.commands import pgplan
from pgplan.cli.options import common_options
from pgplan.configuration.blocks import Common
from pgplan.configuration.directives import DIRECTIVES
from pgplan.configuration.keys import key_names
from pgplan.configuration.model import KindPolicy
from pgplan.configuration.origin import Origin
from pgplan.errors import Exit
from pgplan.registry import installed
from pgplan.state.model import Digest, Entry, Pending, State, Target, Tombstone
from pgplan_postgres.access_block import On
from tests.docs.pages import KINDS, PAGES, ROOT, Block, blocks

REFERENCE = ROOT / "docs" / "reference"
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def _links(page: Path) -> Iterator[str]:
    text = _CODE.sub("", page.read_text())
    yield from (link for link in _LINK.findall(text) if not link.startswith(("http://", "https://")))


def _anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in _links(page):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if fragment:
            assert fragment in _anchors(target), f"{link} leads to no heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_path_of_a_machine(page: Path) -> None:
    assert not re.findall(r"(?<![\w.:])/(?:tmp|root|work|home)/\S*", page.read_text())


TAKEN = [block for page in PAGES for block in blocks(page) if block.source is not None]


@pytest.mark.parametrize("block", TAKEN, ids=lambda block: block.place)
def test_code_is_as_in_its_file(block: Block) -> None:
    assert block.source is not None
    assert block.text in block.source.read_text()


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command by its whole name, groups too."""
    yield name, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=name)
        for sub in command.list_commands(ctx):
            found = command.get_command(ctx, sub)
            assert found is not None
            yield from _commands(found, f"{name} {sub}")


COMMANDS = dict(_commands(pgplan, "pgplan"))
SHARED = {option.name for option in common_options()} | {"help"}


def _section(text: str, heading: str) -> str:
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match is not None, f"there is no section {heading!r}"
    return match[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_listed(name: str) -> None:
    section = _section((REFERENCE / "commands.md").read_text(), f"`{name}`")
    said = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", section))
    own = [one for one in COMMANDS[name].params if isinstance(one, click.Option) and one.name not in SHARED]
    options = {text for one in own for text in one.opts}
    assert options <= said
    for one in own:
        if isinstance(one.type, click.Choice):
            assert all(f"`{choice}`" in section for choice in one.type.choices), one.name


def test_no_option_is_invented() -> None:
    text = (REFERENCE / "commands.md").read_text()
    real = {text for command in COMMANDS.values() for one in command.params for text in one.opts} | {"--help", "-h", "--version"}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text)) <= real


def test_every_common_option_is_listed() -> None:
    section = _section((REFERENCE / "commands.md").read_text(), "Common options")
    assert all(f"`{text}" in section or f", `{text}" in section for option in common_options() for text in option.opts)


def _rows(text: str) -> list[str]:
    """The names in the first column of the tables."""
    return [
        name for row in re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    ]


@pytest.mark.parametrize("kind", sorted(installed().kinds))
def test_every_attribute_is_in_the_page_of_its_kind(kind: str) -> None:
    section = _section((KINDS / f"{kind}.md").read_text(), "Attributes")
    rows = _rows(section)
    attributes = list(key_names(installed().kinds[kind].block).values())
    on = [field.name.rstrip("_") for field in attrs.fields(On)] if kind == "grant" else []
    assert sorted(rows) == sorted(attributes + on)


def _versions(cell: str) -> list[int]:
    """The versions at the head of a column: ``14, 15`` or ``14 to 18``."""
    first, _, last = cell.partition(" to ")
    return [*range(int(first), int(last) + 1)] if last else [int(one) for one in cell.split(",")]


@pytest.mark.parametrize("kind", sorted(installed().kinds))
def test_the_rights_that_a_kind_needs_are_told_for_every_version(kind: str) -> None:
    assert f"]({kind}.md) |" in (KINDS / "README.md").read_text()
    section = _section((KINDS / f"{kind}.md").read_text(), "Rights that are needed")
    lines = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)
    head, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    assert [version for cell in head[1:] for version in _versions(cell)] == [14, 15, 16, 17, 18]
    assert all(len(row) == len(head) and all(row) for row in rows)
    assert {"superuser", "`CREATEROLE`"} <= {row[0].partition(":")[0] for row in rows}


def test_the_common_keys_are_listed() -> None:
    assert set(key_names(Common).values()) <= set(_rows((KINDS / "README.md").read_text()))


HEADINGS = {"once": "[{}]", "table": "[{}.NAME]", "array": "[[{}]]"}


@pytest.mark.parametrize(
    ("section", "cls"),
    [
        *((HEADINGS[one.form].format(one.name), one.block) for one in DIRECTIVES),
        ("[policy]", KindPolicy),
        ("[variables.NAME]", Origin),
    ],
)
def test_every_setting_is_in_the_page_of_the_configuration(section: str, cls: type[object]) -> None:
    rows = _rows(_section((REFERENCE / "configuration.md").read_text(), f"`{section}`"))
    assert set(key_names(cls).values()) <= set(rows)


@pytest.mark.parametrize("cls", [State, Entry, Target, Digest, Tombstone, Pending])
def test_every_field_of_the_state_is_in_its_page(cls: type[attrs.AttrsInstance]) -> None:
    text = (REFERENCE / "state.md").read_text()
    assert {field.name for field in attrs.fields(cls)} <= set(_rows(text))


def test_every_exit_code_is_in_its_page() -> None:
    assert [int(row) for row in _rows((REFERENCE / "exit-codes.md").read_text())] == sorted(Exit)
