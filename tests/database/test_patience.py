"""Waiting for a lock: without a word for a moment, and then with the name of who holds it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pgplan.database.transaction import begin
from pgplan.errors import LockedError
from pgplan.events import Event, Waiting
from pgplan.patience import MOMENT, take
from tests.database.conftest import Connect


def _after(seconds: float, asked: list[float]) -> Callable[[float], str]:
    """A lock that is free after so many seconds."""

    def attempt(given: float) -> str:
        asked.append(given)
        if sum(asked) < seconds:
            raise LockedError("locked by somebody")
        return "taken"

    return attempt


@pytest.mark.parametrize(
    ("free", "timeout", "asked", "said"),
    [
        (0, 0, [0], []),
        (0, 60, [MOMENT], []),
        (1.5, MOMENT, [MOMENT], []),
        (30, 60, [MOMENT, 60 - MOMENT], [Waiting("locked by somebody", 60)]),
    ],
)
def test_a_word_after_a_moment(free: float, timeout: float, asked: list[float], said: list[Waiting]) -> None:
    given: list[float] = []
    heard: list[Event] = []
    assert take(_after(free, given), timeout, heard.append) == "taken"
    assert (given, heard) == (asked, said)


@pytest.mark.parametrize(("timeout", "words"), [(1, 0), (5, 1)])
def test_a_lock_that_is_not_to_be_had(timeout: float, words: int) -> None:
    heard: list[Event] = []
    with pytest.raises(LockedError, match="locked by somebody"):
        take(_after(99, []), timeout, heard.append)
    assert len(heard) == words


@pytest.mark.pg(">= 18")
def test_the_holder_of_the_database_is_named(session: Connect, database: str) -> None:
    holder, waiter = session(database), session(database)
    heard: list[Event] = []
    waiter.tell = heard.append
    begin(holder, "one")
    with pytest.raises(LockedError):
        begin(waiter, "one", wait=MOMENT + 0.2)
    (said,) = heard
    assert said.text.startswith("Waiting up to 2.2 s: the database is locked by another run of 'one': process ")
    holder.rollback()
    begin(waiter, "one", wait=MOMENT + 0.2)
    assert len(heard) == 1
