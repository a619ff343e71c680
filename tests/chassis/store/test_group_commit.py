from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chassis.store.group_commit import GroupCommit


class Book:
    """Takes a while to write; a negative number cannot be written, and refuses everything beside it; 0 is not new."""

    def __init__(self) -> None:
        self.pages: list[list[int]] = []
        self.is_open = True
        self.turned = asyncio.Event()

    async def write(self, numbers: Sequence[int]) -> list[bool]:
        await self.turned.wait()
        if not self.is_open:
            raise ConnectionError
        if min(numbers) < 0:
            raise ValueError(min(numbers))
        self.pages.append(list(numbers))
        return [number > 0 for number in numbers]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def combined(book: Book) -> GroupCommit[int]:
    return GroupCommit(book.write, lambda error: isinstance(error, OSError), most=3)


async def put_all(
    combined: GroupCommit[int], book: Book, *numbers: int
) -> list[bool | BaseException]:
    """All of them at once, while the first is being written."""
    waiting = asyncio.gather(*(combined.put(number) for number in numbers), return_exceptions=True)
    await asyncio.sleep(0)
    book.turned.set()
    return await waiting


async def test_what_comes_during_a_write_goes_with_the_next(
    combined: GroupCommit[int], book: Book
) -> None:
    first = asyncio.create_task(combined.put(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    answers = await put_all(combined, book, 2, 3, 4, 0)

    assert await first
    assert answers == [True, True, True, False]
    assert book.pages == [[1], [2, 3, 4], [0]]


async def test_what_cannot_be_written_fails_alone(combined: GroupCommit[int], book: Book) -> None:
    one, bad, other = await put_all(combined, book, 1, -2, 3)

    assert (one, other) == (True, True)
    assert isinstance(bad, ValueError)
    assert book.pages == [[1], [3]]


async def test_when_nothing_can_be_written_everybody_is_told(
    combined: GroupCommit[int], book: Book
) -> None:
    book.is_open = False
    answers = await put_all(combined, book, 1, 2, 3, 4)
    book.is_open = True

    assert [type(answer) for answer in answers] == [ConnectionError] * 4
    assert await combined.put(5)


async def test_a_caller_that_leaves_keeps_nobody_waiting(
    combined: GroupCommit[int], book: Book
) -> None:
    leaving, staying = (asyncio.create_task(combined.put(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaving.cancel()
    book.turned.set()

    assert await staying
    assert book.pages == [[1, 2]]
