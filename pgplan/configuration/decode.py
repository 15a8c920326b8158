"""TOML values into attrs blocks, strictly, with every mistake at its path.

On top of `pgplan.strict`, `pgplan.configuration.hooks` has what TOML writes in its own way:

* a string, boolean, integer, number or date is exactly that; `Literal` is one of its words;
* where a list is expected, a single string or table is a list of one;
* values of a mapping to text (options, settings) may be numbers and booleans: they become text;
* a `Secret` only goes where the annotation says `Secret`; there a plain string becomes a literal Secret, and a string made from
  references one that has a source. With ``str | Secret``, a plain string stays a string;
* an attribute that would be a Python keyword is written with an underscore behind it, which the TOML key does not have.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pgplan.configuration.hooks import Toml

T = TypeVar("T")


def decode(cls: type[T], data: Any, also: Iterable[str] = ()) -> T:
    """The `cls` that `data` stands for. `also`: keys that are known, though not to `cls`, for suggestions.

    Raises InvalidBlockError with every mistake.
    """
    return _toml().decode(cls, data, also)


@cache
def _toml() -> Toml:
    from pgplan.configuration.hooks import Toml  # noqa: PLC0415 - late: importing cattrs takes time

    return Toml()
