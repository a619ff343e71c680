from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chassis.store.group_commit import GroupCommit


class FakeStore:
    """Waits before it writes. A negative number fails its whole transaction; 0 is not written."""

    def __init__(self) -> None:
        self.transactions: list[list[int]] = []
        self.is_open = True
        self.may_write = asyncio.Event()

    async def write(self, numbers: Sequence[int]) -> list[bool]:
        await self.may_write.wait()
        if not self.is_open:
            raise ConnectionError
        if min(numbers) < 0:
            raise ValueError(min(numbers))
        self.transactions.append(list(numbers))
        return [number > 0 for number in numbers]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def group_commit(store: FakeStore) -> GroupCommit[int]:
    return GroupCommit(store.write, lambda error: isinstance(error, OSError), max_batch=3)


async def submit_all(
    group_commit: GroupCommit[int], store: FakeStore, *numbers: int
) -> list[bool | BaseException]:
    """Submits all at once, while the first is being written."""
    waiting = asyncio.gather(
        *(group_commit.submit(number) for number in numbers), return_exceptions=True
    )
    await asyncio.sleep(0)
    store.may_write.set()
    return await waiting


async def test_items_that_arrive_during_a_write_are_written_together_in_the_next(
    group_commit: GroupCommit[int], store: FakeStore
) -> None:
    first = asyncio.create_task(group_commit.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    answers = await submit_all(group_commit, store, 2, 3, 4, 0)

    assert await first
    assert answers == [True, True, True, False]
    assert store.transactions == [[1], [2, 3, 4], [0]]


async def test_an_item_that_cannot_be_written_fails_alone(
    group_commit: GroupCommit[int], store: FakeStore
) -> None:
    one, bad, other = await submit_all(group_commit, store, 1, -2, 3)

    assert (one, other) == (True, True)
    assert isinstance(bad, ValueError)
    assert store.transactions == [[1], [3]]


async def test_a_failure_of_the_store_is_raised_to_every_caller(
    group_commit: GroupCommit[int], store: FakeStore
) -> None:
    store.is_open = False
    answers = await submit_all(group_commit, store, 1, 2, 3, 4)
    store.is_open = True

    assert [type(answer) for answer in answers] == [ConnectionError] * 4
    assert await group_commit.submit(5)


async def test_a_cancelled_caller_delays_no_other(
    group_commit: GroupCommit[int], store: FakeStore
) -> None:
    leaving, staying = (asyncio.create_task(group_commit.submit(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaving.cancel()
    store.may_write.set()

    assert await staying
    assert store.transactions == [[1, 2]]
