from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from attrs import field, frozen

from pgplan.configuration.decode import decode
from pgplan.configuration.interpolation import Missing, Text
from pgplan.configuration.keys import Number
from pgplan.errors import suggestion
from pgplan.kind import InvalidBlockError
from pgplan.secret import Secret


@frozen
class Inner:
    name: str
    size: int = 0


@frozen
class Block:
    flag: bool | None = None
    count: int = 0
    ratio: float = 0.0
    text: str = ""
    word: Literal["red", "green"] = "red"
    names: tuple[str, ...] = ()
    numbers: list[int] = field(factory=list[int])
    inner: tuple[Inner, ...] = ()
    options: Mapping[str, str] = field(factory=dict[str, str])
    secrets: Mapping[str, str | Secret] = field(factory=dict[str, "str | Secret"])
    deep: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(factory=dict[str, Any])
    password: Secret | None = None
    token: Inner | Secret | None = None
    from_: str | tuple[str, ...] = ""
    until: dt.datetime | str | None = None
    anything: Any = None


def mistakes(data: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str]]:
    with pytest.raises(InvalidBlockError) as caught:
        decode(Block, data)
    return list(caught.value.mistakes)


def test_each_type_is_exactly_that() -> None:
    cases: tuple[tuple[str, Any, str], ...] = (
        ("flag", "no", "expected a boolean, found a string"),
        ("flag", 1, "expected a boolean, found an integer"),
        ("count", True, "expected an integer, found a boolean"),
        ("count", Number("1.0"), "expected an integer, found a number"),
        ("ratio", "1", "expected a number, found a string"),
        ("ratio", True, "expected a number, found a boolean"),
        ("text", 5, "expected a string, found an integer"),
        ("text", ["a"], "expected a string, found a list"),
        ("text", {}, "expected a string, found a table"),
        ("text", dt.date(2025, 1, 1), "expected a string, found a date"),
        ("word", 1, 'expected one of "red", "green", found an integer'),
        ("names", 5, "expected a list, found an integer"),
        ("options", ["a"], "expected a table, found a list"),
        ("inner", 1, "expected a list, found an integer"),
        ("password", 5, "expected a string, found an integer"),
        ("until", dt.date(2025, 1, 1), "expected a date-time or a string, found a date"),
        ("from", 1, "expected a string or a list, found an integer"),
    )
    for key, value, expected in cases:
        assert mistakes({key: value}) == [((key,), f"{key}: {expected}", "")]


def test_all_mistakes_at_their_paths() -> None:
    found = mistakes(
        {
            "flg": True,
            "word": "gren",
            "names": ["a", 1, 2],
            "inner": [{"name": "a"}, {"size": "big", "nam": "b"}],
            "options": {"a": ["b"], "c": {}},
            "deep": {"db": {"x": [1]}},
        }
    )
    assert sorted(found, key=lambda one: tuple(map(str, one[0]))) == [
        (("deep", "db", "x", 0), "deep.db.x[0]: expected a string, found an integer", ""),
        (("flg",), "unknown key 'flg'", "did you mean 'flag'?"),
        (("inner", 1), "inner[1]: 'name' is missing", ""),
        (("inner", 1, "nam"), "inner[1]: unknown key 'nam'", "did you mean 'name'?"),
        (("inner", 1, "size"), "inner[1].size: expected an integer, found a string", ""),
        (("names", 1), "names[1]: expected a string, found an integer", ""),
        (("names", 2), "names[2]: expected a string, found an integer", ""),
        (("options", "a"), "options.a: expected a string, found a list", ""),
        (("options", "c"), "options.c: expected a string, found a table", ""),
        (("word",), 'word: \'gren\' is not one of "red", "green"', "did you mean 'green'?"),
    ]


def test_one_is_a_list_of_one() -> None:
    block = decode(Block, {"names": "a", "inner": {"name": "b"}, "from": ["c"]})
    assert (block.names, block.inner, block.from_) == (("a",), (Inner("b"),), ("c",))
    assert decode(Block, {"from": "c"}).from_ == "c"
    assert mistakes({"numbers": 1}) == [(("numbers",), "numbers: expected a list, found an integer", "")]


def test_values_of_a_mapping_become_text() -> None:
    block = decode(Block, {"options": {"port": 5432, "on": True, "off": False, "cost": Number("1_0.10"), "name": "x"}})
    assert block.options == {"port": "5432", "on": "true", "off": "false", "cost": "10.10", "name": "x"}
    assert decode(Block, {"secrets": {"port": 5432}}).secrets == {"port": "5432"}
    assert decode(Block, {"deep": {"db": {"work_mem": 64, "search_path": ["a", "b"]}}}).deep == {
        "db": {"work_mem": "64", "search_path": ("a", "b")}
    }
    assert mistakes({"options": {"x": Number("nan")}})[0][0] == ("options", "x")
    assert mistakes({"options": {"x": dt.date(2025, 1, 1)}})[0][1] == "options.x: expected a string, found a date"


def test_secrets_only_where_they_belong() -> None:
    secret = Secret("hunter2", "${var.x}")
    (path, message, _), *more = mistakes({"text": secret, "options": {"a": secret}, "names": [secret], "word": secret})
    assert path == ("text",)
    assert message == "text: the value is sensitive and this attribute is not: it would be shown and stored in clear"
    assert [path for path, _, _ in more] == [("word",), ("names", 0), ("options", "a")]
    block = decode(Block, {"password": secret, "secrets": {"a": secret}, "token": secret, "anything": {"b": [secret]}})
    assert block.password is secret
    assert block.secrets["a"] is secret
    assert block.token is secret
    assert block.anything["b"][0] is secret


def test_strings_in_secret_attributes() -> None:
    block = decode(Block, {"password": "plain", "secrets": {"plain": "p", "filled": Text("v", "${env.V}")}, "token": "t"})
    assert block.password is not None
    assert block.password.literal
    assert block.secrets["plain"] == "p"
    filled = block.secrets["filled"]
    assert isinstance(filled, Secret)
    assert (filled.reveal(), filled.source) == ("v", "${env.V}")
    assert isinstance(block.token, Secret)
    assert decode(Block, {"token": {"name": "n"}}).token == Inner("n")


def test_filled_strings_are_plain_elsewhere() -> None:
    filled = Text("green", "${env.V}")
    block = decode(Block, {"text": filled, "word": filled, "names": [filled], "options": {"a": filled}, "anything": [filled]})
    values: tuple[Any, ...] = (block.text, block.word, block.names[0], block.options["a"], block.anything[0])
    assert values == ("green",) * 5
    assert {type(value) for value in values} == {str}


def test_missing_values() -> None:
    unset = Missing("the environment variable V is not set", "set it", template="${env.V}")
    assert mistakes({"text": unset, "options": {"a": unset}, "anything": [unset]}) == [
        (("text",), f"text: {unset.message}", "set it"),
        (("options", "a"), f"options.a: {unset.message}", "set it"),
        (("anything", 0), f"anything[0]: {unset.message}", "set it"),
    ]
    block = decode(Block, {"password": unset, "secrets": {"a": unset}})
    assert block.password is not None
    assert block.password.withheld
    assert block.password.source == "${env.V}"
    assert isinstance(block.secrets["a"], Secret)
    wrong = Missing("the variable 'x' is not declared", wrong=True)
    assert mistakes({"password": wrong}) == [(("password",), f"password: {wrong.message}", "")]


def test_a_wrong_type_never_shows_the_value() -> None:
    assert "12345" not in str(mistakes({"password": 12345, "token": 12345, "text": [12345]}))


def test_what_a_converter_refuses_is_a_mistake() -> None:
    @frozen
    class Checked:
        size: int = field(default=0)

        @size.validator  # pyright: ignore[reportAttributeAccessIssue, reportUntypedFunctionDecorator, reportUnknownMemberType] - attrs' own way
        def _check(self, _: Any, value: int) -> None:
            if value > 9:
                raise ValueError("size is more than 9")

    with pytest.raises(InvalidBlockError) as caught:
        decode(Checked, {"size": 10})
    assert caught.value.mistakes == (((), "size is more than 9", ""),)


def test_a_bug_in_a_block_is_not_a_mistake() -> None:
    @frozen
    class Broken:
        size: int = 0

        def __attrs_post_init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decode(Broken, {"size": 1})


def test_suggestions() -> None:
    assert suggestion("pasword", ["password", "login"]) == "did you mean 'password'?"
    assert suggestion("zzz", ["b", "a"]) == "known: a, b"
    assert suggestion("zzz", []) == ""
