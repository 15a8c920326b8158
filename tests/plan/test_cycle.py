from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgplan.cycle import find_cycle

NAMES = st.sampled_from("abcdef")
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=12)


@pytest.mark.parametrize(
    ("pairs", "path"),
    [
        ([], ""),
        (["ab", "bc", "ac", "ab"], ""),
        (["aa"], "aa"),
        (["bc", "cb", "ab"], "bcb"),
        (["cd", "dc", "ab", "ba"], "aba"),
        (["ab", "bc", "ca"], "abca"),
    ],
)
def test_the_first_cycle_is_a_path(pairs: list[str], path: str) -> None:
    assert "".join(find_cycle((pair[0], pair[1]) for pair in pairs)) == path


@given(PAIRS.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_the_path_does_not_depend_on_the_order_of_the_pairs(twice: tuple[list[tuple[str, str]], list[tuple[str, str]]]) -> None:
    pairs, others = twice
    path = find_cycle(pairs)
    assert path == find_cycle(others)
    assert set(pairwise(path)) <= set(pairs)
    if path:
        assert path[0] == path[-1]
