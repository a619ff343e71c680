"""The fair queue: whose item is next."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.shell.fair_queue import FairQueue


def test_a_stream_is_served_in_order() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(5):
        queue.put("one", "1", number)

    assert [queue.take() for _ in range(5)] == list(range(5))


def test_an_item_that_is_put_back_is_first_in_its_stream() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("one", "1", "later")
    queue.put("one", "1", "again", is_first=True)

    assert [queue.take(), queue.take()] == ["again", "later"]


def test_a_bulk_stream_of_a_thousand_does_not_delay_a_single_party() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(1_000):
        queue.put("bulk", "1", "bulk")
    queue.take()
    queue.charge("bulk", 0.005)
    queue.put("single", "", "single")

    assert queue.take() == "single"


def test_callers_get_equal_time_and_not_equal_numbers() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(1_000):
        queue.put("slow", "1", "slow")
        queue.put("quick", "1", "quick")
    used: Counter[str] = Counter()
    for _ in range(550):
        caller = queue.take()
        used[caller] += 10 if caller == "slow" else 1
        queue.charge(caller, 0.010 if caller == "slow" else 0.001)

    assert abs(used["slow"] - used["quick"]) <= 10


def test_the_streams_of_one_caller_take_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(3):
        queue.put("one", "a", "a")
    for _ in range(3):
        queue.put("one", "b", "b")

    assert [queue.take() for _ in range(6)] == ["a", "b", "a", "b", "a", "b"]


def test_many_streams_give_a_caller_no_more_than_one_does() -> None:
    queue: FairQueue[str] = FairQueue()
    for stream in range(50):
        queue.put("many", str(stream), "many")
    for _ in range(50):
        queue.put("one", "", "one")
    served: Counter[str] = Counter()
    for _ in range(40):
        caller = queue.take()
        served[caller] += 1
        queue.charge(caller, 0.005)

    assert served == {"many": 20, "one": 20}


def test_a_caller_that_paused_has_saved_nothing_up() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("old", "", "old")
    queue.take()
    for _ in range(100):
        queue.put("busy", "", "busy")
        queue.take()
        queue.charge("busy", 1.0)
    for _ in range(10):
        queue.put("busy", "", "busy")
        queue.put("old", "", "old")
    served = []
    for _ in range(10):
        served.append(queue.take())
        queue.charge(served[-1], 1.0)

    assert Counter(served)["busy"] >= 4


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12")), max_size=60))
def test_every_queued_item_is_taken_once(waiting: list[tuple[str, str]]) -> None:
    queue: FairQueue[int] = FairQueue()
    for number, (caller, stream) in enumerate(waiting):
        queue.put(caller, stream, number)

    taken = []
    while len(queue):
        taken.append(queue.take())

    assert sorted(taken) == list(range(len(waiting)))
    with pytest.raises(IndexError):
        queue.take()


def test_thousands_of_callers_that_come_once_are_forgotten() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(5_000):
        queue.put(f"caller-{number}", "", number)
        queue.take()
        queue.charge(f"caller-{number}", 0.001)

    assert len(queue._callers) <= 1_001
