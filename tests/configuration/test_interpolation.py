from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgplan.configuration.interpolation import Missing, Text, fill, has_references
from pgplan.secret import Secret

VALUES: dict[tuple[str, str], Any] = {
    ("var", "name"): "billing",
    ("var", "port"): 5432,
    ("var", "flag"): True,
    ("var", "list"): ["a", "b"],
    ("var", "tricky"): "${var.name}",
    ("var", "password"): Secret("hunter2", "${var.password}"),
    ("var", "withheld"): Secret(None, "${var.withheld}"),
    ("env", "HOME"): "/home/ann",
}


def lookup(scope: str, name: str) -> Any:
    return VALUES.get((scope, name), Missing(f"no {scope}.{name}", wrong=scope == "var"))


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("${var.name}", "billing"),
        ("${ var.name }", "billing"),
        ("${var.port}", 5432),
        ("${var.flag}", True),
        ("${var.list}", ["a", "b"]),
        ("a-${var.name}-${var.port}-${var.flag}", "a-billing-5432-true"),
        ("${env.HOME}/x", "/home/ann/x"),
        ("${var.name}${var.name}", "billingbilling"),
        ("$${var.name}", "${var.name}"),
        ("$$${var.name}", "$${var.name}"),
        ("$${${var.name}}", "${billing}"),
        ("$$ and $ and {}", "$$ and $ and {}"),
        ("${var.tricky}!", "${var.name}!"),
    ],
)
def test_fill(template: str, value: Any) -> None:
    filled = fill({"key": [template]}, lookup)
    assert filled == {"key": [value]}
    assert type(filled["key"][0]) in (type(value), Text)


def test_a_filled_string_remembers_its_template() -> None:
    assert fill("x${var.name}", lookup).template == "x${var.name}"
    assert type(fill("$${", lookup)) is str  # nothing was referred to: it stays a literal


@pytest.mark.parametrize("template", ["${var.password}", "postgres://u:${var.password}@h/${env.HOME}"])
def test_a_secret_makes_all_of_it_secret(template: str) -> None:
    filled = fill(template, lookup)
    assert isinstance(filled, Secret)
    assert filled.source == template
    assert filled.reveal() == template.replace("${var.password}", "hunter2").replace("${env.HOME}", "/home/ann")


@pytest.mark.parametrize("template", ["${var.withheld}", "x${var.withheld}${var.password}", "${var.password}${env.NONE}"])
def test_a_secret_that_is_not_known_is_withheld(template: str) -> None:
    filled = fill(template, lookup)
    assert isinstance(filled, Secret)
    assert filled.withheld
    assert filled.source == template


def test_what_is_not_set_is_missing() -> None:
    assert fill("${env.NONE}/x", lookup) == Missing("no env.NONE", template="${env.NONE}/x")
    assert fill("${var.none}${var.password}", lookup).wrong
    assert fill("x${var.list}", lookup).wrong


@pytest.mark.parametrize(
    "template", ["${}", "${name}", "${var.}", "${var.a.b}", "${var.name", "a ${", "${local.x}", "${var.${env.X}}"]
)
def test_what_is_no_reference_is_refused(template: str) -> None:
    filled = fill(template, lookup)
    assert isinstance(filled, Missing)
    assert filled.wrong
    assert filled.message.startswith("cannot read the reference ${")


def test_no_references_in_keys() -> None:
    assert has_references({"${var.name}": 1})
    assert fill({"${var.name}": 1}, lookup)["${var.name}"].wrong


@given(st.text(alphabet="a${}.var ", max_size=12))
def test_without_a_reference_nothing_changes(text: str) -> None:
    if not has_references(text):
        assert fill(text, lookup) == text
    escaped = text.replace("${", "$${")
    if "$$$" not in escaped:
        assert fill(escaped, lookup) == text
