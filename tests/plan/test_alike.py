"""Names that look alike are told, whoever brings them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgplan.address import part
from pgplan.invisible import in_ascii, is_hidden, skeleton
from tests.plan.fakes import Permit, Thing, World, declared, entry, found
from tests.project import Project

# https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt
DEFAULT_IGNORABLE = """00AD 034F 061C 115F-1160 17B4-17B5 180B-180D 180E 180F 200B-200F 202A-202E 2060-2064 2065 2066-206F 3164
FE00-FE0F FEFF FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000 E0001 E0002-E001F E0020-E007F E0080-E00FF E0100-E01EF E01F0-E0FFF"""
BLANK = "2800 1680 2000-200A 2028-2029 202F 205F 3000 00A0 0085 007F"


def characters(ranges: str) -> list[str]:
    bounds = [tuple(int(bound, 16) for bound in one.split("-")) for one in ranges.split()]
    return [chr(code) for first, *last in bounds for code in range(first, (last or [first])[0] + 1)]


def test_all_that_unicode_lets_a_font_ignore_is_hidden() -> None:
    assert [c for c in characters(DEFAULT_IGNORABLE + " " + BLANK) if not is_hidden(c)] == []
    assert [c for c in "aäßжא漢ก🙂\u0301'\\" if is_hidden(c)] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("app", "app\u200b"),
        ("app", "a\u3164pp"),
        ("app", "ap\u034fp"),
        ("app", "app\U000e0100"),
        ("app", "app\x01"),
        ("caf\u00e9", "cafe\u0301"),
        ("fi", "\ufb01"),
        ("a b", "a\u00a0b"),
        ("a.b", "a\uff0eb"),
        ("x\u2800", "x\u115f"),
    ],
)
def test_names_that_look_alike_are_told_with_both_written_out(one: str, other: str) -> None:
    first, second = sorted(f"thing.{part(name)}" for name in (one, other))
    note = f"{in_ascii(first)} and {in_ascii(second)} look alike, but are 2 different names"
    assert note.isascii()
    assert note.isprintable()
    a, b = Thing(part(one)), Thing(part(other))
    assert World((declared(a), declared(b))).both()[1].notes == (note,)
    assert World((declared(a),), (entry(b),), (found(b),)).both()[1].notes == (note,)
    assert World((declared(a),), (), (found(b),)).both()[1].notes == (note,)
    permit = Permit(part(other), part(one), ("A",))
    assert World((declared(permit),), (), (found(a), found(b))).both()[1].notes == (note,)
    assert World((), (), (found(a), found(b))).both()[1].notes == ()


def test_a_name_that_looks_like_everybody_is_told() -> None:
    name = Thing("PUB\u00adLIC")
    (note,) = World((declared(name),)).both()[1].notes
    assert note == "thing.PUB\\u00adLIC looks like PUBLIC, but is a name"
    assert World((declared(Thing(part("PUBLIC"))),)).both()[1].notes == ()


def test_names_that_differ_otherwise_are_not_told() -> None:
    names = ("app", "App", "äpp", "\u0430\u0440\u0440", '"a.b"', "a b")
    assert World(tuple(declared(Thing(name)) for name in names)).both()[1].notes == ()


@given(st.text(min_size=1))
def test_a_skeleton_is_its_own(name: str) -> None:
    once = skeleton(name)
    assert skeleton(once) == once
    assert skeleton(unicodedata.normalize("NFD", name)) == once
    assert skeleton(name + "\u200b") == once


def test_validate_tells_them_too(tmp_path: Path) -> None:
    project = Project(tmp_path, "postgresql://nowhere")
    grant = '[[grant]]\nto = "a\u200bpp"\non = { schema = "s" }\nprivileges = ["USAGE"]\n'
    project.write(f'[pgplan]\nname = "t"\n[role.app]\n{grant}')
    shown = project.run("validate").out
    assert "Note: role.app and role.a\\u200bpp look alike, but are 2 different names\n" in shown
