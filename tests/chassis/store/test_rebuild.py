"""A rebuild rewrites rows of older releases, and finds rows that are not as their events fold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from chassis.store import rebuild as module
from chassis.store.rebuild import FIRST, RebuildReport, rebuild
from infra.local.postgres import Database
from tests.chassis.next_sample import (
    NextSample,
    NextStream,
    note,
    row_of,
    write_shape,
)
from tests.chassis.sample_aggregate import (
    NOON,
    Awaited,
    Sample,
    SampleJournal,
    SampleStream,
    add,
    new_journal,
    new_key,
    open_pool,
)


@pytest.fixture
async def journal(own_store: Database) -> AsyncIterator[SampleJournal]:
    """The journal of a database with nothing but the samples of one test."""
    pool = await open_pool(own_store.app_dsn)
    yield new_journal(pool)
    await pool.close()


@pytest.fixture
async def owner(own_store: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own_store.owner_dsn)
    yield connection
    await connection.close()


async def rebuilt(
    owner: asyncpg.Connection, stream: Any = None, after: UUID = FIRST
) -> tuple[RebuildReport, list[str]]:
    lines: list[str] = []
    return await rebuild(owner, [stream or SampleStream()], after, lines.append), lines


async def test_rows_that_are_as_their_events_fold_are_equal(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    for amount in range(3):
        await add(journal, uuid4(), amount, 2)

    report, _ = await rebuilt(owner)

    assert report == RebuildReport(equal=3)


async def test_a_row_of_an_older_release_gets_the_new_shape_with_its_columns_and_projection(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(journal, sample, 2, 3)
    await journal.execute(sample, new_key(), "officer/1", lambda _: (Awaited(sample, NOON),))
    before = await row_of(owner, sample)
    await write_shape(owner, sample, 0, {"id": str(sample), "version": 3, "sum": 5})
    await owner.execute("update stream set due_at = null, state = 'X' where id = $1", sample)
    await owner.execute("delete from part")

    report, _ = await rebuilt(owner, NextStream())

    row = await row_of(owner, sample)
    assert report == RebuildReport(rewritten=1)
    assert msgspec.msgpack.decode(row["state_data"], type=NextSample) == NextSample(
        sample, 3, 5, until=NOON
    )
    assert row["schema"] == 2
    assert {name for name in row.keys() if row[name] != before[name]} == {"state_data", "schema"}  # noqa: SIM118 - a record iterates over its values
    assert await owner.fetchval("select total from part where sample_id = $1", sample) == 5


async def test_a_row_that_is_not_as_its_events_fold_is_reported_without_values(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, other = sorted((uuid4(), uuid4()))
    for each in (sample, other):
        await add(journal, each, 2, 3)
    await write_shape(owner, sample, 1, Sample(sample, 2, 9))
    await owner.execute("update stream set due_at = now() where id = $1", sample)
    await write_shape(owner, other, 1, "no sample")

    report, lines = await rebuilt(owner)

    assert report.differences == [
        f"{sample}: field total, column due_at",
        f"{other}: the state cannot be decoded",
    ]
    assert lines[:2] == report.differences


async def test_a_row_of_a_later_release_is_left_alone(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(journal, sample, 1)
    await note(new_journal(journal._pool, stream=NextStream()), sample, "a list names the party")
    before = await row_of(owner, sample)

    report, _ = await rebuilt(owner)

    assert report == RebuildReport(newer=1)
    assert await row_of(owner, sample) == before


async def test_a_stream_with_an_event_that_cannot_be_folded_does_not_end_the_rebuild(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, other = sorted((uuid4(), uuid4()))
    await note(new_journal(journal._pool, stream=NextStream()), sample, "a list names the party")
    await add(journal, other, 1)
    await write_shape(owner, sample, 0)

    report, _ = await rebuilt(owner)

    assert report.differences == [f"{sample}: cannot be folded (RpcError)"]
    assert report.equal == 1


async def test_a_row_that_the_service_changes_meanwhile_keeps_the_change(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(journal, sample, 1)
    next_journal = new_journal(journal._pool, stream=NextStream())

    class Slow:
        """The owner's connection; the service writes before the first rewrite."""

        fetch = owner.fetch

        async def fetchval(self, query: str, *values: object) -> Any:
            if "state_data" in query:
                await add(next_journal, sample, 1)
            return await owner.fetchval(query, *values)

    connection: Any = Slow()
    report = await rebuild(connection, [NextStream()], FIRST, lambda _: None)

    assert report == RebuildReport(changed=1)
    current = await next_journal.read(sample)
    assert current is not None
    assert (current.version, current.state.total) == (2, 2)


async def test_a_rebuild_that_was_stopped_continues_behind_the_last_id_that_it_told(
    journal: SampleJournal, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 2)
    samples = sorted(uuid4() for _ in range(5))
    for sample in samples:
        await add(journal, sample, 1)

    _, lines = await rebuilt(owner)
    report, _ = await rebuilt(owner, after=samples[1])

    assert lines == [
        f"2 of 5 streams, the last {samples[1]}",
        f"4 of 5 streams, the last {samples[3]}",
        f"5 of 5 streams, the last {samples[4]}",
    ]
    assert report == RebuildReport(equal=3)
