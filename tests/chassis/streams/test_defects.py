"""The same error on three streams in a row is a defect; a bad record fails alone."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.streams.defects import Defects


def raised(error: Exception) -> Exception:
    """The error with the place at which this line raised it."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def raised_elsewhere(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def failing(defects: Defects, stream: UUID | None = None) -> bool:
    return defects.is_defect("Added", stream or uuid4(), raised(ValueError("x")))


def test_the_third_stream_in_a_row_with_the_same_error_shows_a_defect() -> None:
    defects = Defects()

    assert [failing(defects) for _ in range(3)] == [False, False, True]
    assert defects.reason == "every Added fails with ValueError; consumption is stopped"


def test_one_stream_that_fails_again_and_again_shows_none() -> None:
    defects, stream = Defects(), uuid4()

    assert not any(failing(defects, stream) for _ in range(9))
    assert defects.reason is None


@pytest.mark.parametrize(
    "other", [raised_elsewhere(ValueError("x")), raised(KeyError("x"))], ids=["place", "type"]
)
def test_another_error_starts_the_count_anew(other: Exception) -> None:
    defects = Defects()
    failing(defects)
    failing(defects)

    assert not defects.is_defect("Added", uuid4(), other)
    assert not failing(defects)


def test_each_event_type_is_counted_by_itself() -> None:
    defects = Defects()
    failing(defects)
    failing(defects)

    assert not defects.is_defect("Named", uuid4(), raised(ValueError("x")))


def test_a_success_of_the_type_starts_the_count_anew() -> None:
    defects = Defects()
    failing(defects)
    failing(defects)
    defects.note_success("Added")

    assert not failing(defects)


def test_an_error_of_the_database_schema_shows_a_defect_at_once() -> None:
    column = raised(asyncpg.UndefinedColumnError("x"))
    unique = raised(asyncpg.UniqueViolationError("x"))

    assert Defects().is_defect("Added", uuid4(), column)
    assert not Defects().is_defect("Added", uuid4(), unique)


async def test_who_waits_goes_on_when_the_last_defect_is_gone() -> None:
    defects, column = Defects(), raised(asyncpg.UndefinedColumnError("x"))
    for event_type in ("Added", "Named"):
        defects.is_defect(event_type, uuid4(), column)
    waiting = asyncio.create_task(defects.wait_until_none())

    defects.note_success("Added")
    await asyncio.sleep(0)
    assert not waiting.done()
    assert defects.reason == "every Named fails with UndefinedColumnError; consumption is stopped"

    defects.note_success("Named")
    await waiting
    assert defects.reason is None
