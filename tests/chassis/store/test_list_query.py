"""Pages by keyset over a real table: equal sort values, changes between two pages, conditions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from chassis.store.list_query import (
    MAX_COUNT,
    ListQuery,
    ListTable,
    Order,
    contains,
    differs,
    equal,
    if_given,
)
from infra.local.postgres import Database

THINGS: Final = ListTable(
    name="thing",
    key="id",
    columns={"at": "timestamptz", "partner_id": "text", "state": "text", "words": "text[]"},
)
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
OLDEST: Final = ListQuery(THINGS, Order("at", descending=False))
NEWEST: Final = ListQuery(THINGS, Order("at", descending=True))


@pytest.fixture
async def table(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn)
    await connection.execute(
        "create table thing (id uuid primary key, at timestamptz not null, partner_id text,"
        " state text not null default 'OPEN', words text[] not null default '{}')"
    )
    yield connection
    await connection.close()


async def add(table: asyncpg.Connection, *numbers: int, **columns: Any) -> None:
    """Adds rows. Three successive numbers share a time, to the microsecond."""
    for number in numbers:
        values = {"id": UUID(int=number), "at": NOW + timedelta(microseconds=number // 3)} | columns
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await table.execute(
            f"insert into thing ({', '.join(values)}) values ({places})", *values.values()
        )


async def page(
    table: asyncpg.Connection, query: ListQuery, after: Any = None, size: int = 4
) -> tuple[list[int], Any]:
    """Returns the numbers of a page's rows, and the position of its last row."""
    found = query.page(after, size)
    rows = await table.fetch(found.text, *found.values)
    position = (rows[-1]["at"], rows[-1]["id"]) if rows else None
    return [row["id"].int for row in rows], position


async def pages(table: asyncpg.Connection, query: ListQuery, after: Any = None) -> list[int]:
    """Returns the numbers of all rows behind a position, page after page."""
    found: list[int] = []
    while True:
        numbers, after = await page(table, query, after)
        if not numbers:
            return found
        found += numbers


async def count(table: asyncpg.Connection, query: ListQuery) -> int:
    counted = query.count()
    (row,) = await table.fetch(counted.text, *counted.values)
    return int(row["count"])


@pytest.mark.parametrize(
    ("query", "expected"), [(OLDEST, range(1, 15)), (NEWEST, range(14, 0, -1))]
)
async def test_every_row_is_on_one_page_though_rows_share_a_time(
    table: asyncpg.Connection, query: ListQuery, expected: Sequence[int]
) -> None:
    await add(table, *range(1, 15))

    assert await pages(table, query) == list(expected)


@pytest.mark.parametrize(("query", "change"), [(OLDEST, 1), (NEWEST, -1)])
async def test_changes_between_two_pages_neither_repeat_nor_hide_another_row(
    table: asyncpg.Connection, query: ListQuery, change: int
) -> None:
    opened = query.where(equal("state", "OPEN"))
    steady = list(range(10, 30))[::change]
    await add(table, *steady)
    first, position = await page(table, opened)

    await add(table, 1, 2, 40, 41)
    await table.execute("delete from thing where id = $1", position[1])
    await table.execute("update thing set state = 'DONE' where id = $1", UUID(int=steady[1]))
    await table.execute("update thing set state = 'DONE' where id = $1", UUID(int=steady[10]))
    rest = await pages(table, opened, position)

    left = [number for number in steady[4:] if number != steady[10]]
    assert first == steady[:4]
    assert [number for number in rest if 10 <= number < 30] == left
    assert [number for number in rest if number not in steady] == (
        [40, 41] if change > 0 else [2, 1]
    )


async def test_rows_fulfil_all_conditions_and_so_does_their_count(
    table: asyncpg.Connection,
) -> None:
    await add(table, 1, partner_id="example-1", words=["lome", "hospital"])
    await add(table, 2, partner_id="example-1", words=["lome"])
    await add(table, 3, partner_id="example-2", words=["lome", "hospital"])
    named = OLDEST.where(contains("words", "hospital", "lome"))

    assert await pages(table, named) == [1, 3]
    assert await pages(table, named.where(equal("partner_id", "example-1"))) == [1]
    assert await count(table, named) == 2
    assert await count(table, named.where(equal("partner_id", "example-1"))) == 1
    assert await count(table, named.where(equal("partner_id", "example-3"))) == 0


async def test_a_row_whose_partner_is_not_known_is_left_out_where_a_partner_is_excluded(
    table: asyncpg.Connection,
) -> None:
    await add(table, 1, partner_id="example-1")
    await add(table, 2, partner_id="example-2")
    await add(table, 3)

    assert await pages(table, OLDEST.where(differs("partner_id", "example-1"))) == [2]


async def test_a_condition_that_is_not_given_adds_nothing_to_the_text() -> None:
    assert OLDEST.where(None, if_given("state", None)) == OLDEST


async def test_a_value_is_a_parameter_and_no_part_of_the_text() -> None:
    value = "OPEN' or true --"

    for found in (OLDEST.where(equal("state", value)).page(None, 5), OLDEST.count()):
        assert value not in found.text
    assert OLDEST.where(equal("state", value)).count().values == (value,)


async def test_a_column_that_the_table_does_not_declare_is_an_error() -> None:
    with pytest.raises(KeyError):
        OLDEST.where(equal("secret", 1)).page(None, 5)


async def test_a_count_ends_one_row_behind_the_greatest_number(
    table: asyncpg.Connection,
) -> None:
    await table.execute(
        "insert into thing (id, at) select gen_random_uuid(), now() from generate_series(1, $1)",
        MAX_COUNT + 500,
    )

    assert await count(table, OLDEST) == MAX_COUNT + 1
