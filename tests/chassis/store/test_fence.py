"""An event of a stream is handled once, and never after a newer one of the same stream."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.store.fence import EventKey, ParkedBehindError
from chassis.store.idempotency import IdempotencyKey
from infra.local.asyncio_thread import run_coroutine
from infra.local.postgres import Database
from tests.chassis.sample_aggregate import (
    Added,
    Event,
    Refusal,
    Sample,
    SampleJournal,
    adding,
    new_journal,
    open_pool,
)

ACTOR = "service/others"


def key_of(source_stream: UUID, version: int) -> EventKey:
    return EventKey(uuid4(), "Added", "/others", source_stream, version)


async def total_of(journal: SampleJournal, sample: UUID) -> int:
    current = await journal.read(sample)
    return current.state.total if current is not None else 0


async def handled(owner: asyncpg.Connection, source_stream: UUID) -> int | None:
    version: int | None = await owner.fetchval(
        "select version from handled where source = '/others' and stream_id = $1", source_stream
    )
    return version


async def test_an_older_event_that_comes_after_a_newer_one_changes_nothing(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, source = uuid4(), uuid4()

    for version, amount in ((2, 1), (4, 10), (3, 100), (4, 1_000)):
        await journal.execute(sample, key_of(source, version), ACTOR, adding(sample, amount))

    assert await total_of(journal, sample) == 11
    assert await handled(owner, source) == 4


async def test_events_leave_one_row_for_each_source_stream_and_no_idempotency_key(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, source = uuid4(), uuid4()
    before = await owner.fetchval("select count(*) from idempotency")

    for version in (1, 2, 3):
        await journal.execute(sample, key_of(source, version), ACTOR, adding(sample, 1, 1))

    assert await total_of(journal, sample) == 6
    assert await owner.fetchval("select count(*) from handled where stream_id = $1", source) == 1
    assert await owner.fetchval("select count(*) from idempotency") == before


async def test_an_event_without_effect_moves_the_fence_and_nothing_else(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, source = uuid4(), uuid4()

    await journal.execute(sample, key_of(source, 5), ACTOR, lambda _: ())
    await journal.execute(sample, key_of(source, 5), ACTOR, adding(sample, 1))

    assert await handled(owner, source) == 5
    assert await journal.read(sample) is None


async def test_a_refused_event_does_not_move_the_fence(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, source = uuid4(), uuid4()

    with pytest.raises(Exception, match="ENOUGH"):
        await journal.execute(sample, key_of(source, 1), ACTOR, lambda _: Refusal())

    assert await handled(owner, source) is None


async def test_streams_of_two_services_with_one_id_have_fences_of_their_own(
    journal: SampleJournal,
) -> None:
    sample, source = uuid4(), uuid4()

    await journal.execute(sample, key_of(source, 5), ACTOR, adding(sample, 1))
    other = EventKey(uuid4(), "Added", "/third", source, 1)
    await journal.execute(sample, other, ACTOR, adding(sample, 1))

    assert await total_of(journal, sample) == 2


async def test_an_event_that_an_earlier_release_handled_is_a_duplicate(
    journal: SampleJournal,
) -> None:
    sample, key = uuid4(), key_of(uuid4(), 1)
    earlier = IdempotencyKey.of_event(key.event_id, key.name)
    await journal.execute(sample, earlier, ACTOR, adding(sample, 1))

    await journal.execute(sample, key, ACTOR, adding(sample, 1))

    assert await total_of(journal, sample) == 1


async def test_one_event_handled_by_eight_tasks_at_once_has_one_effect(
    pool: asyncpg.Pool,
) -> None:
    sample, source = uuid4(), uuid4()
    replicas = [new_journal(pool) for _ in range(8)]

    await asyncio.gather(
        *(each.execute(sample, key_of(source, 1), ACTOR, adding(sample, 1)) for each in replicas)
    )

    assert await total_of(replicas[0], sample) == 1


async def test_an_event_that_loses_its_race_to_a_newer_one_is_a_duplicate(
    store: Database, journal: SampleJournal
) -> None:
    sample, other, source = uuid4(), uuid4(), uuid4()
    decided: list[Sample | None] = []

    def decide(state: Sample | None) -> tuple[Event, ...]:
        decided.append(state)
        run_coroutine(_handle_elsewhere(store.app_dsn, other, key_of(source, 4)))
        return (Added(sample, 1),)

    await journal.execute(sample, key_of(source, 3), ACTOR, decide)

    assert len(decided) == 1
    assert await journal.read(sample) is None
    assert await total_of(journal, other) == 1


async def _handle_elsewhere(dsn: str, sample: UUID, key: EventKey) -> None:
    pool = await open_pool(dsn)
    await new_journal(pool).execute(sample, key, ACTOR, adding(sample, 1))
    await pool.close()


async def test_the_fence_never_falls_whoever_writes_it(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, source = uuid4(), uuid4()
    await journal.execute(sample, key_of(source, 4), ACTOR, adding(sample, 1))

    for version in (3, 4):
        with pytest.raises(asyncpg.SerializationError, match="was handled before"):
            await owner.execute(
                "update handled set version = $2 where stream_id = $1", source, version
            )


async def test_an_event_waits_behind_a_parked_one_of_its_stream_and_only_of_its_stream(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, source, other = uuid4(), uuid4(), uuid4()
    await owner.execute(
        "insert into parked (topic, partition, record_offset, source, stream_id, version,"
        " event_id, type, payload, headers, reason) values"
        " ('t', 0, 0, '/others', $1, 2, gen_random_uuid(), 'Added', '', '', 'HANDLER_FAILED')",
        source,
    )

    with pytest.raises(ParkedBehindError):
        await journal.execute(sample, key_of(source, 3), ACTOR, adding(sample, 1))
    await journal.execute(sample, key_of(other, 3), ACTOR, adding(sample, 10))
    await journal.execute(sample, key_of(source, 2), ACTOR, adding(sample, 100))

    assert await total_of(journal, sample) == 110
