"""Whose turn it is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.shell.fair_queue import FairQueue


def test_a_stream_is_served_in_order() -> None:
    turns: FairQueue[int] = FairQueue()
    for number in range(5):
        turns.put("one", "1", number)

    assert [turns.take() for _ in range(5)] == list(range(5))


def test_what_comes_back_is_first_in_its_stream() -> None:
    turns: FairQueue[str] = FairQueue()
    turns.put("one", "1", "later")
    turns.put("one", "1", "again", is_first=True)

    assert [turns.take(), turns.take()] == ["again", "later"]


def test_a_book_of_a_thousand_does_not_hold_a_single_question() -> None:
    turns: FairQueue[str] = FairQueue()
    for _ in range(1_000):
        turns.put("book", "1", "book")
    turns.take()
    turns.charge("book", 0.005)
    turns.put("single", "", "single")

    assert turns.take() == "single"


def test_callers_get_equal_time_and_not_equal_numbers() -> None:
    turns: FairQueue[str] = FairQueue()
    for _ in range(1_000):
        turns.put("slow", "1", "slow")
        turns.put("quick", "1", "quick")
    used: Counter[str] = Counter()
    for _ in range(550):
        caller = turns.take()
        used[caller] += 10 if caller == "slow" else 1
        turns.charge(caller, 0.010 if caller == "slow" else 0.001)

    assert abs(used["slow"] - used["quick"]) <= 10


def test_the_streams_of_one_caller_take_turns() -> None:
    turns: FairQueue[str] = FairQueue()
    for _ in range(3):
        turns.put("one", "a", "a")
    for _ in range(3):
        turns.put("one", "b", "b")

    assert [turns.take() for _ in range(6)] == ["a", "b", "a", "b", "a", "b"]


def test_many_streams_give_a_caller_no_more_than_one_does() -> None:
    turns: FairQueue[str] = FairQueue()
    for stream in range(50):
        turns.put("many", str(stream), "many")
    for _ in range(50):
        turns.put("one", "", "one")
    served: Counter[str] = Counter()
    for _ in range(40):
        caller = turns.take()
        served[caller] += 1
        turns.charge(caller, 0.005)

    assert served == {"many": 20, "one": 20}


def test_whoever_paused_has_saved_nothing_up() -> None:
    turns: FairQueue[str] = FairQueue()
    turns.put("old", "", "old")
    turns.take()
    for _ in range(100):
        turns.put("busy", "", "busy")
        turns.take()
        turns.charge("busy", 1.0)
    for _ in range(10):
        turns.put("busy", "", "busy")
        turns.put("old", "", "old")
    served = []
    for _ in range(10):
        served.append(turns.take())
        turns.charge(served[-1], 1.0)

    assert Counter(served)["busy"] >= 4


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12")), max_size=60))
def test_everything_that_waits_is_taken_once(waiting: list[tuple[str, str]]) -> None:
    turns: FairQueue[int] = FairQueue()
    for number, (caller, stream) in enumerate(waiting):
        turns.put(caller, stream, number)

    taken = []
    while len(turns):
        taken.append(turns.take())

    assert sorted(taken) == list(range(len(waiting)))
    with pytest.raises(IndexError):
        turns.take()


def test_thousands_of_callers_who_come_once_are_forgotten() -> None:
    turns: FairQueue[int] = FairQueue()
    for number in range(5_000):
        turns.put(f"caller-{number}", "", number)
        turns.take()
        turns.charge(f"caller-{number}", 0.001)

    assert len(turns._callers) <= 1_001
