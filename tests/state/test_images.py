"""Images: nothing is lost, nothing is converted, no secret gets in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from attrs import field, fields, frozen, resolve_types
from hypothesis import given, settings
from hypothesis import strategies as st

from pgplan.images import MARKER, canonical, image, mistakes, restore
from pgplan.kind import SecretUse, Statement
from pgplan.plan.model import (
    Change,
    Check,
    Decided,
    ItemCheck,
    Observations,
    Observed,
    Options,
    Phase,
    Plan,
    PlanState,
    Remarks,
    Secrecy,
    Step,
)
from pgplan.planfile import Manifest
from pgplan.secret import Secret
from pgplan.snapshot import Privilege
from pgplan.state.model import Adopted, Digest, Entry, Fold, Noted, Pending, State, Target, Tombstone
from pgplan.strict import MismatchError

PLANNED = [Change, Check, Decided, ItemCheck, Observations, Observed, Options, Phase, Plan, PlanState, Secrecy, Step]
STATED = [Adopted, Digest, Entry, Fold, Noted, Pending, State, Target, Tombstone]
CLASSES = [*PLANNED, *STATED, Statement, SecretUse, Privilege, Remarks, Manifest]

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SECRETS = st.builds(Secret, st.just("TOPSECRET"), st.just("${var.x}"))
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    Any: JSON_VALUES,
    Secret: SECRETS,
}


def values(cls: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that images may hold."""
    if cls in SIMPLE:
        return SIMPLE[cls]
    origin, arguments = get_origin(cls), get_args(cls)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (dict, Mapping):
        return st.dictionaries(TEXT, values(arguments[1]), max_size=3)
    if origin is tuple:
        many = arguments[-1] is ...
        return st.lists(values(arguments[0]), max_size=3).map(tuple) if many else st.tuples(*map(values, arguments))
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    resolve_types(cls)
    return st.builds(cls, **{attribute.name: values(attribute.type) for attribute in fields(cls)})


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_what_plan_and_state_hold_comes_back(cls: type[Any]) -> None:
    # Each class is tried alone and within those that hold it.
    @settings(max_examples=40, deadline=None)
    @given(values(cls))
    def comes_back(one: Any) -> None:
        assert restore(json.loads(canonical(image(one))), cls) == one

    comes_back()


@frozen
class Spec:
    """Every type that a kind's spec may use."""

    text: str | None = None
    hidden: Secret | None = None
    either: str | Secret = ""
    maybe: str | Secret | None = None
    options: Mapping[str, str | Secret] = field(factory=dict[str, "str | Secret"])
    pairs: tuple[tuple[str, str], ...] = ()
    nested: tuple[tuple[str, ...], ...] = ()
    number: int | None = None
    scalar: str | int | bool | None = None
    words: Literal["a", "b", ""] = ""
    ratio: float = 1.0
    inner: tuple[Statement, ...] | None = None
    lists: dict[str, tuple[str, ...]] | None = None
    config: Mapping[str, Mapping[str, str]] = field(factory=dict[str, Mapping[str, str]])


@given(values(Spec))
def test_specs_come_back_without_their_secrets(spec: Spec) -> None:
    text = canonical(image(spec))
    assert b"TOPSECRET" not in text
    assert b"var.x" not in text
    assert restore(json.loads(text), Spec) == spec


def test_a_marker_becomes_a_withheld_secret() -> None:
    spec = restore({"hidden": MARKER, "either": MARKER, "maybe": MARKER, "options": {"password": MARKER, "user": "u"}}, Spec)
    for found in (spec.hidden, spec.either, spec.maybe, spec.options["password"]):
        assert isinstance(found, Secret)
        assert found.withheld
    assert spec.options["user"] == "u"


REFUSED: list[tuple[Any, str]] = [
    ({"text": 1}, "expected a string, found an integer @ $.text"),
    ({"text": MARKER}, "expected a string, found an object @ $.text"),
    ({"number": True}, "expected an integer, found a boolean @ $.number"),
    ({"number": "1"}, "expected an integer, found a string @ $.number"),
    ({"number": 1.0}, "expected an integer, found a number @ $.number"),
    ({"ratio": False}, "expected a number, found a boolean @ $.ratio"),
    ({"hidden": "clear"}, "expected the marker of a secret @ $.hidden"),
    ({"hidden": {"sensitive": 1}}, "expected the marker of a secret @ $.hidden"),
    ({"either": {"sensitive": True, "value": "x"}}, "expected the marker of a secret @ $.either"),
    ({"either": None}, "expected a string or the marker of a secret, found null @ $.either"),
    ({"pairs": [["a"]]}, "expected 2 values, found 1 @ $.pairs[0]"),
    ({"pairs": [["a", 1]]}, "expected a string, found an integer @ $.pairs[0]"),
    ({"nested": "abc"}, "expected an array, found a string @ $.nested"),
    ({"nested": {"a": 1}}, "expected an array, found an object @ $.nested"),
    ({"nested": [["a", None]]}, "expected a string, found null @ $.nested[0][1]"),
    ({"words": "c"}, "@ $.words"),
    ({"scalar": []}, "@ $.scalar"),
    ({"inner": [{"sql": "x", "secret": {"slot": "s", "transport": "mail"}}]}, "@ $.inner[0].secret.transport"),
    ({"inner": [{}]}, "'sql' is missing @ $.inner[0]"),
    ({"lists": {"a": [1]}}, "expected a string, found an integer"),
    ({"textt": "x"}, "unknown key 'textt' @ $.textt"),
    ([], "expected an object, found an array @ $"),
    (None, "expected an object, found null @ $"),
]


@pytest.mark.parametrize(("document", "said"), REFUSED)
def test_nothing_is_converted_and_mistakes_have_a_place(document: Any, said: str) -> None:
    with pytest.raises(MismatchError) as caught:
        restore(document, Spec)
    assert any(said in mistake for mistake in mistakes(caught.value)), mistakes(caught.value)


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(MismatchError) as caught:
        restore({"text": 1, "number": "x", "pairs": [["a"], ["b"]], "more": 1}, Spec)
    assert len(mistakes(caught.value)) == 5
