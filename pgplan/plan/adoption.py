"""Which edges of an address were there before pgplan came, folded as the state keeps them. Pure.

Created is the default. What an entry lists are the edges that it adopted, or, where that is shorter, all the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from attrs import field, frozen

from pgplan.snapshot import Item
from pgplan.state.model import Adopted, Fold

_Pairs = tuple[tuple[str, str], ...]


@frozen
class Adoption:
    """An `Adopted`, by object."""

    all: bool = False
    listed: Mapping[str, _Pairs] = field(factory=dict[str, _Pairs])
    """By key of the object, (column, privilege)."""

    @classmethod
    def of_state(cls, adopted: Adopted) -> Adoption:
        return cls(adopted.all, {key: fold.items for fold in adopted.listed for key in fold.keys})

    def of(self, key: str) -> _Pairs:
        return self.listed.get(key, ())

    def holds(self, key: str, item: Item) -> bool:
        """Whether the edge on the object was adopted."""
        return ((item.column, item.privilege) in self.of(key)) != self.all


class Split(NamedTuple):
    """Of some objects, the edges that were adopted and those that were made."""

    keys: tuple[str, ...]
    adopted: _Pairs
    made: _Pairs


def folded(splits: Iterable[Split]) -> Adopted:
    """The shorter of the two ways to say it: what was adopted, or that all was but for what was made."""
    splits = tuple(splits)
    adopted = _folds((one.adopted, one.keys) for one in splits)
    if not adopted:
        return Adopted()
    made = _folds((one.made, one.keys) for one in splits)
    return Adopted(all=True, listed=made) if _length(made) < _length(adopted) else Adopted(all=False, listed=adopted)


def _folds(parts: Iterable[tuple[_Pairs, tuple[str, ...]]]) -> tuple[Fold, ...]:
    by_items: dict[_Pairs, set[str]] = {}
    for items, keys in parts:
        if items:
            by_items.setdefault(tuple(sorted(items)), set()).update(keys)
    return tuple(Fold(items, tuple(sorted(by_items[items]))) for items in sorted(by_items))


def _length(folds: Iterable[Fold]) -> int:
    return sum(len(fold.items) + len(fold.keys) for fold in folds)
