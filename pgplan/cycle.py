"""Finding a dependency cycle. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter


def find_cycle(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The first cycle among (from, to) pairs as a path that ends where it begins, or an empty list.

    The same pairs give the same path in whatever order they come.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for one, other in sorted(pairs):
        sorter.add(one)  # the search goes through the names in the order in which they were added
        sorter.add(other, one)
    try:
        sorter.prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        return path
    return []
