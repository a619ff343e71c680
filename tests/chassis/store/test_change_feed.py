"""The change feed: every watcher receives every event once, in whatever order they commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.rpc.errors import RpcError
from chassis.store.change_feed import Change, ChangeFeed, Cursor
from infra.local.postgres import Database, Postgres
from tests.chassis.sample_aggregate import (
    SampleJournal,
    SampleStream,
    SingleConnectionPool,
    add,
    adding,
    new_journal,
    new_key,
    open_pool,
)
from tests.chassis.waiting import eventually, stopped

Seen = list[Change]


@pytest.fixture
async def feed(pool: asyncpg.Pool) -> AsyncIterator[ChangeFeed]:
    made = ChangeFeed(new_journal(pool), "owner")
    running = asyncio.create_task(made.run())
    yield made
    await stopped(running)


@pytest.fixture
async def watch(feed: ChangeFeed) -> AsyncIterator[Callable[..., Awaitable[Seen]]]:
    """Opens a watch and returns the list that it fills."""
    running: list[asyncio.Task[None]] = []

    async def follow(
        start: Cursor, owner: str | None = None, stream_id: UUID | None = None
    ) -> Seen:
        seen: Seen = []

        async def fill() -> None:
            async for batch in feed.watch(start, owner, stream_id):
                seen.extend(batch.changes)

        running.append(asyncio.create_task(fill()))
        return seen

    yield follow
    await stopped(*running)


def new_waking_journal(pool: Any, feed: ChangeFeed) -> SampleJournal:
    return new_journal(pool, feed.wake)


def positions(seen: Sequence[Change]) -> list[tuple[UUID, int]]:
    return [(change.stream_id, change.version) for change in seen]


async def test_a_watcher_receives_events_that_commit_after_it_began(
    pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, sample = new_waking_journal(pool, feed), uuid4()
    seen = await watch(await feed.current_cursor())

    await add(journal, sample, 1, 2)

    await eventually(lambda: len(seen) >= 2, "both events")
    recorded = await journal.history(sample)
    assert positions(seen) == [(sample, 1), (sample, 2)]
    assert [(c.name, c.state, c.occurred_at, c.trace_id, c.owner) for c in seen] == [
        ("Added", "OPEN", each.occurred_at, each.trace_id, "somebody") for each in recorded
    ]


async def test_nothing_is_missed_with_many_writers_and_a_slow_transaction_among_them(
    store: Database, pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, slow, quick = new_waking_journal(pool, feed), uuid4(), [uuid4() for _ in range(10)]
    start = await feed.current_cursor()
    watchers = [await watch(start) for _ in range(3)]
    connection = await asyncpg.connect(store.app_dsn)

    async with connection.transaction():
        await add(
            new_journal(SingleConnectionPool(connection)), slow, 1
        )  # drawn first, committed last
        for _ in range(5):
            await asyncio.gather(*(add(journal, sample, 1) for sample in quick))
        held_back = await feed.read_after(start, 1_000)
    await add(journal, quick[0], 1)

    await connection.close()
    expected = (
        {(slow, 1)} | {(sample, n) for sample in quick for n in range(1, 6)} | {(quick[0], 6)}
    )
    for seen in watchers:
        await eventually(lambda seen=seen: len(seen) >= len(expected), "every event")
        assert len(seen) == len(expected)
        assert set(positions(seen)) == expected
        assert [change.cursor for change in seen] == sorted(change.cursor for change in seen)
        for sample in quick:
            versions = [version for stream_id, version in positions(seen) if stream_id == sample]
            assert versions == sorted(versions)
    assert held_back == []


async def test_a_transaction_that_is_rolled_back_delays_no_watcher_and_yields_no_event(
    store: Database, pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, never, sample = new_waking_journal(pool, feed), uuid4(), uuid4()
    seen = await watch(await feed.current_cursor())
    connection = await asyncpg.connect(store.app_dsn)
    transaction = connection.transaction()
    await transaction.start()
    await add(new_journal(SingleConnectionPool(connection)), never, 1)
    await add(journal, sample, 1)

    await transaction.rollback()

    await connection.close()
    await eventually(lambda: seen, "the event behind it")
    assert positions(seen) == [(sample, 1)]


async def test_resuming_from_any_cursor_yields_exactly_the_later_events(
    pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, samples = new_waking_journal(pool, feed), [uuid4() for _ in range(4)]
    start = await feed.current_cursor()
    for _ in range(3):
        await asyncio.gather(*(add(journal, sample, 1, 1) for sample in samples))
    whole = await feed.read_after(start, 1_000)
    assert len(whole) == 24

    for number, change in enumerate(whole, 1):
        assert await feed.read_after(change.cursor, 1_000) == whole[number:]
        seen = await watch(change.cursor)
        await eventually(
            lambda seen=seen, number=number: len(seen) >= len(whole) - number, "the rest"
        )
        assert seen == whole[number:]


async def test_a_watch_that_begins_while_others_write_has_no_gap_and_no_repetition(
    pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, sample = new_waking_journal(pool, feed), uuid4()
    start = await feed.current_cursor()
    watchers: list[Seen] = []

    async def write() -> None:
        for _ in range(60):
            await add(journal, sample, 1)

    async def join() -> None:
        for _ in range(20):
            watchers.append(await watch(start))
            await asyncio.sleep(0)

    await asyncio.gather(write(), join())

    for seen in watchers:
        await eventually(lambda seen=seen: len(seen) >= 60, "all of them")
        assert positions(seen) == [(sample, version) for version in range(1, 61)]


async def test_an_event_that_commits_before_the_feed_runs_reaches_a_watch_that_is_open_already(
    pool: asyncpg.Pool,
) -> None:
    feed, sample = ChangeFeed(new_journal(pool), "owner"), uuid4()
    changes = feed.watch(await feed.current_cursor(), heartbeat_s=0.01)
    assert (await anext(changes)).changes == ()  # the old events are read

    await add(new_journal(pool), sample, 1)
    running = asyncio.create_task(feed.run())

    async with asyncio.timeout(10):
        while not (received := (await anext(changes)).changes):
            pass
    assert positions(received) == [(sample, 1)]
    await changes.aclose()
    await stopped(running)


async def test_a_watcher_receives_only_the_events_of_its_owner_that_its_filter_is_wanted(
    pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, one, other = new_waking_journal(pool, feed), uuid4(), uuid4()
    await add(journal, one, 1)
    start = await feed.current_cursor()
    wanting = await watch(start, stream_id=one)
    strangers = await watch(start, owner="somebody else")
    own = await watch(start, owner="somebody")

    await add(journal, other, 1)
    await add(journal, one, 1)

    await eventually(lambda: wanting and len(own) >= 2, "the wanted event")
    assert positions(wanting) == [(one, 2)]
    assert positions(own) == [(other, 1), (one, 2)]
    assert strangers == []


async def test_commits_of_another_replica_are_found_by_polling(
    pool: asyncpg.Pool, feed: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    sample = uuid4()
    seen = await watch(await feed.current_cursor())

    await add(new_journal(pool), sample, 1)

    await eventually(lambda: seen, "the event")
    assert positions(seen) == [(sample, 1)]


async def test_a_watcher_with_too_many_unread_events_is_ended_and_may_resume(
    pool: asyncpg.Pool, feed: ChangeFeed
) -> None:
    journal, sample = new_waking_journal(pool, feed), uuid4()
    changes = feed.watch(await feed.current_cursor(), heartbeat_s=0.01)
    assert (await anext(changes)).changes == ()
    prompt = feed.watch(await feed.current_cursor())
    receiving = asyncio.ensure_future(anext(prompt))

    await journal.execute(sample, new_key(), "officer/licensing-1", adding(sample, *([1] * 2_001)))

    last = (await receiving).changes[-1]
    while last.version < 2_001:
        last = (await anext(prompt)).changes[-1]
    with pytest.raises(RpcError, match="UNAVAILABLE SLOW_CONSUMER"):
        await anext(changes)
    await prompt.aclose()


async def test_a_watch_without_events_yields_heartbeats(feed: ChangeFeed) -> None:
    changes = feed.watch(await feed.current_cursor(), heartbeat_s=0.01)

    assert [(await anext(changes)).changes for _ in range(3)] == [(), (), ()]
    await changes.aclose()


async def test_the_cursor_of_a_watch_advances_with_the_feed_though_all_events_are_of_others(
    pool: asyncpg.Pool, feed: ChangeFeed
) -> None:
    journal, other = new_waking_journal(pool, feed), uuid4()
    start = await feed.current_cursor()
    strange = feed.watch(start, owner="somebody else", heartbeat_s=0.01)
    of_one = feed.watch(start, stream_id=uuid4(), heartbeat_s=0.01)
    await anext(strange)
    await anext(of_one)

    await add(journal, other, 1, 1)

    async def are_readable() -> bool:
        return len(await feed.read_after(start, 1_000)) == 2

    await eventually(are_readable, "both events")
    (_, last) = await feed.read_after(start, 1_000)
    for changes in (strange, of_one):
        async with asyncio.timeout(10):
            while (heartbeat := await anext(changes)).cursor < last.cursor:
                assert heartbeat.changes == ()
        assert (heartbeat.changes, heartbeat.cursor) == ((), last.cursor)
        await changes.aclose()


async def test_no_event_is_missed_by_watches_that_resume_at_every_cursor_they_got(
    pool: asyncpg.Pool, feed: ChangeFeed
) -> None:
    """Each batch and heartbeat is the last of its watch; the next one begins at its cursor."""
    journal, own, others = new_waking_journal(pool, feed), uuid4(), [uuid4() for _ in range(5)]
    cursor, seen = await feed.current_cursor(), list[Change]()

    async def write() -> None:
        for _ in range(40):
            await asyncio.gather(*(add(journal, sample, 1) for sample in (own, *others)))

    writing = asyncio.create_task(write())
    async with asyncio.timeout(30):
        while len(seen) < 40:
            changes = feed.watch(cursor, stream_id=own, heartbeat_s=0.001)
            batch = await anext(changes)
            await changes.aclose()
            seen, cursor = [*seen, *batch.changes], batch.cursor
    await writing

    assert positions(seen) == [(own, version) for version in range(1, 41)]


FOREIGN = """
with strangers as (
  insert into stream (id, version, state_data, latest_hash, state, traceparent, created_at,
                      updated_at, owner)
  select gen_random_uuid(), 1000, '', '', 'OPEN', '', now(), now(), 'stranger'
    from generate_series(1, 100) returning id)
insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                   traceparent, previous_hash, hash, owner)
select id, version, gen_random_uuid(), 'Added', '', now(), 'OPEN', '', '', '', '', $1
  from strangers, generate_series(1, 1000) as version
"""
READ_ROWS = """
select (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'event')
     + (select seq_tup_read from pg_stat_user_tables where relname = 'event')
"""


async def test_a_resume_behind_100_000_foreign_events_reads_none_of_them(
    own_store: Database,
) -> None:
    owner = await asyncpg.connect(own_store.owner_dsn)
    connection = await asyncpg.connect(own_store.app_dsn)
    feed = ChangeFeed(new_journal(SingleConnectionPool(connection)), "owner")
    journal, own = new_journal(SingleConnectionPool(connection)), uuid4()
    start = await feed.current_cursor()
    await add(journal, own, 1)
    await owner.execute(FOREIGN, "stranger")
    await add(journal, own, 1)
    await owner.execute("analyze")

    async def rows_read() -> int:
        await connection.execute("select pg_stat_force_next_flush()")
        return int(await owner.fetchval(READ_ROWS))

    before = await rows_read()
    of_owner = await feed.read_after(start, 500, owner="somebody")
    between = await rows_read()
    of_stream = await feed.read_after(start, 500, stream_id=own)
    after = await rows_read()
    await feed.read_after(start, 500)
    with_foreign = await rows_read()

    await connection.close()
    await owner.close()
    assert positions(of_owner) == positions(of_stream) == [(own, 1), (own, 2)]
    assert between - before < 10
    assert after - between < 10
    assert with_foreign - after >= 500


async def test_events_that_a_release_before_the_column_of_the_owner_wrote_are_found_by_their_stream(
    store: Database, pool: asyncpg.Pool, feed: ChangeFeed
) -> None:
    """Both releases write side by side during an upgrade, the old one without the column."""
    old_stream = SampleStream()
    old_stream.owner_column = None
    old, new, sample, foreign = (
        new_journal(pool, stream=old_stream),
        new_journal(pool),
        uuid4(),
        uuid4(),
    )
    start = await feed.current_cursor()

    for journal in (old, new, old, new):
        await add(journal, sample, 1)
    owner = await asyncpg.connect(store.owner_dsn)
    await add(old, foreign, 1)
    await owner.execute("update stream set owner = 'stranger' where id = $1", foreign)
    await owner.close()

    found = await feed.read_after(start, 500, owner="somebody")
    pages = await feed.read_after(start, 3, owner="somebody")
    pages += await feed.read_after(pages[-1].cursor, 3, owner="somebody")
    assert positions(found) == [(sample, version) for version in range(1, 5)] == positions(pages)
    assert {change.owner for change in found} == {"somebody"}


async def test_a_watch_survives_a_restart_of_the_database(
    postgres: Postgres, own_store: Database
) -> None:
    pool, sample = await open_pool(own_store.app_dsn), uuid4()
    feed = ChangeFeed(new_journal(pool), "owner")
    running = asyncio.create_task(feed.run())
    await add(new_journal(pool), sample, 1)
    changes = feed.watch(Cursor(0, 0), heartbeat_s=0.01)
    assert positions((await anext(changes)).changes) == [(sample, 1)]

    postgres.kill()
    postgres.restart()

    async def write() -> bool:
        try:
            await add(new_journal(pool), sample, 1)
        except RpcError:
            return False
        return True

    await eventually(write, "the database is back")
    async with asyncio.timeout(20):
        while not (received := (await anext(changes)).changes):
            pass
    assert positions(received) == [(sample, 2)]
    await changes.aclose()
    await stopped(running)
    await pool.close()
