"""The keys of a block in TOML, and the numbers in it. Imports nothing that takes time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import attrs

_NO_KEY = "pgplan.no_key"
NO_KEY = {_NO_KEY: True}
"""Metadata of an attribute that no key of the block stands for: it holds what the block's other keys and tables say."""


class Number(float):
    """A TOML float that keeps its digits: as an option value, ``1.10`` is not ``1.1``."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text.replace("_", "")
        return number

    def __str__(self) -> str:
        return self.text


def key_names(cls: type[Any]) -> Mapping[str, str]:
    """The TOML key of each attribute of a block that has one; none for what is no block."""
    return {a.name: a.name.rstrip("_") for a in attrs.fields(cls) if not a.metadata.get(_NO_KEY)} if attrs.has(cls) else {}
