"""Parts of tables that are declared once."""

from __future__ import annotations

import pytest
from attrs import frozen

from pgplan.plan.ignored import as_found, parts_of, without


@frozen
class Spec:
    flat: dict[str, str] | None = None
    deep: dict[str, dict[str, str]] | None = None
    name: str = "n"


@pytest.mark.parametrize(
    ("ignore", "said", "there", "kept"),
    [
        (("flat.a",), Spec({"a": "1", "b": "1"}), Spec({"a": "2", "b": "2"}), Spec({"a": "2", "b": "1"})),
        (("flat.a", "name"), Spec({"a": "1"}), Spec({}, name="m"), Spec({})),
        (("flat.a",), Spec({}), Spec({"a": "2", "c": "2"}), Spec({"a": "2"})),
        (("flat.a.b",), Spec({"a.b": "1", "a": "1"}), Spec({"a.b": "2", "a": "2"}), Spec({"a.b": "2", "a": "1"})),
        (("flat.a",), Spec(None), Spec({"a": "2"}), Spec(None)),
        (("flat.a",), Spec({"a": "1"}), Spec(None), Spec({"a": "1"})),
        (("deep.d",), Spec(deep={"d": {"x": "1"}}), Spec(deep={}), Spec(deep={})),
        (
            ("deep.d.x",),
            Spec(deep={"d": {"x": "1", "y": "1"}}),
            Spec(deep={"d": {"x": "2"}}),
            Spec(deep={"d": {"x": "2", "y": "1"}}),
        ),
        (("deep.d.x",), Spec(deep={}), Spec(deep={"d": {"x": "2", "y": "2"}}), Spec(deep={"d": {"x": "2"}})),
        (("deep.d.x",), Spec(deep={}), Spec(deep={"d": {"y": "2"}}), Spec(deep={})),
        (("deep.d.x",), Spec(deep={"d": {"x": "1"}, "e": {}}), Spec(deep={}), Spec(deep={"e": {}})),
        (("deep.d.e.x",), Spec(deep={"d.e": {"x": "1"}}), Spec(deep={"d.e": {"x": "2"}}), Spec(deep={"d.e": {"x": "2"}})),
    ],
)
def test_parts_are_kept_as_found(ignore: tuple[str, ...], said: Spec, there: Spec, kept: Spec) -> None:
    parts = parts_of(ignore)
    assert as_found(said, there, parts) == kept


def test_images_are_compared_without_them() -> None:
    image = {"flat": {"a": "1", "b": "1"}, "deep": {"d": {"x": "1"}}, "name": "n", "none": None}
    parts = parts_of(("flat.a", "deep.d.x", "none.x", "name"))
    assert without(image, parts) == {"flat": {"b": "1"}, "deep": {}, "name": "n", "none": None}
    assert without(image, {}) is image
