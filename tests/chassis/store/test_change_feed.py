"""The tail: every event to every watcher, once, whatever the order of the commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.rpc.errors import RpcError
from chassis.store.change_feed import Change, ChangeFeed, Cursor
from infra.local.postgres import Database, Postgres
from tests.chassis.sample_aggregate import (
    Alone,
    Things,
    add,
    adding,
    eventually,
    new_journal,
    new_key,
    open_pool,
    stopped,
)

Seen = list[Change]


@pytest.fixture
async def tail(pool: asyncpg.Pool) -> AsyncIterator[ChangeFeed]:
    made = ChangeFeed(new_journal(pool), "owner")
    running = asyncio.create_task(made.run())
    yield made
    await stopped(running)


@pytest.fixture
async def watch(tail: ChangeFeed) -> AsyncIterator[Callable[..., Awaitable[Seen]]]:
    """Opens a watch and gives the list that it fills."""
    running: list[asyncio.Task[None]] = []

    async def follow(
        start: Cursor, wants: Callable[[Change], bool] = lambda _: True, owner: str | None = None
    ) -> Seen:
        seen: Seen = []

        async def fill() -> None:
            async for changes in tail.follow(start, wants, owner):
                seen.extend(changes)

        running.append(asyncio.create_task(fill()))
        return seen

    yield follow
    await stopped(*running)


def waking(pool: Any, tail: ChangeFeed) -> Things:
    return new_journal(pool, tail.wake)


def places(seen: Seen) -> list[tuple[UUID, int]]:
    return [(change.stream_id, change.version) for change in seen]


async def test_a_watcher_hears_what_is_committed_after_it_began(
    pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, thing = waking(pool, tail), uuid4()
    seen = await watch(await tail.now())

    await add(journal, thing, 1, 2)

    await eventually(lambda: len(seen) >= 2, "both events")
    recorded = await journal.history(thing)
    assert places(seen) == [(thing, 1), (thing, 2)]
    assert [(c.name, c.state, c.occurred_at, c.trace_id, c.owner) for c in seen] == [
        ("Added", "OPEN", each.occurred_at, each.trace_id, "somebody") for each in recorded
    ]


async def test_nothing_is_missed_with_many_writers_and_a_slow_transaction_among_them(
    store: Database, pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, slow, quick = waking(pool, tail), uuid4(), [uuid4() for _ in range(10)]
    start = await tail.now()
    watchers = [await watch(start) for _ in range(3)]
    connection = await asyncpg.connect(store.app_dsn)

    async with connection.transaction():
        await add(new_journal(Alone(connection)), slow, 1)  # drawn first, committed last
        for _ in range(5):
            await asyncio.gather(*(add(journal, thing, 1) for thing in quick))
        held_back = await tail.after(start, 1_000)
    await add(journal, quick[0], 1)

    await connection.close()
    expected = {(slow, 1)} | {(thing, n) for thing in quick for n in range(1, 6)} | {(quick[0], 6)}
    for seen in watchers:
        await eventually(lambda seen=seen: len(seen) >= len(expected), "every event")
        assert len(seen) == len(expected)
        assert set(places(seen)) == expected
        assert [change.at for change in seen] == sorted(change.at for change in seen)
        for thing in quick:
            versions = [version for stream_id, version in places(seen) if stream_id == thing]
            assert versions == sorted(versions)
    assert held_back == []


async def test_a_transaction_that_is_rolled_back_holds_nobody_back_and_is_not_heard(
    store: Database, pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, never, thing = waking(pool, tail), uuid4(), uuid4()
    seen = await watch(await tail.now())
    connection = await asyncpg.connect(store.app_dsn)
    transaction = connection.transaction()
    await transaction.start()
    await add(new_journal(Alone(connection)), never, 1)
    await add(journal, thing, 1)

    await transaction.rollback()

    await connection.close()
    await eventually(lambda: seen, "the event behind it")
    assert places(seen) == [(thing, 1)]


async def test_resuming_from_any_place_gives_exactly_the_rest(
    pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, things = waking(pool, tail), [uuid4() for _ in range(4)]
    start = await tail.now()
    for _ in range(3):
        await asyncio.gather(*(add(journal, thing, 1, 1) for thing in things))
    whole = await tail.after(start, 1_000)
    assert len(whole) == 24

    for number, change in enumerate(whole, 1):
        assert await tail.after(change.at, 1_000) == whole[number:]
        seen = await watch(change.at)
        await eventually(
            lambda seen=seen, number=number: len(seen) >= len(whole) - number, "the rest"
        )
        assert seen == whole[number:]


async def test_a_watch_that_begins_while_others_write_has_no_gap_and_no_repetition(
    pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, thing = waking(pool, tail), uuid4()
    start = await tail.now()
    watchers: list[Seen] = []

    async def write() -> None:
        for _ in range(60):
            await add(journal, thing, 1)

    async def join() -> None:
        for _ in range(20):
            watchers.append(await watch(start))
            await asyncio.sleep(0)

    await asyncio.gather(write(), join())

    for seen in watchers:
        await eventually(lambda seen=seen: len(seen) >= 60, "all of them")
        assert places(seen) == [(thing, version) for version in range(1, 61)]


async def test_what_is_committed_before_the_feed_begins_reaches_a_watch_that_is_open_already(
    pool: asyncpg.Pool,
) -> None:
    tail, thing = ChangeFeed(new_journal(pool), "owner"), uuid4()
    changes = tail.follow(await tail.now(), lambda _: True, None, heartbeat_s=0.01)
    assert await anext(changes) == []  # the backlog is read

    await add(new_journal(pool), thing, 1)
    running = asyncio.create_task(tail.run())

    async with asyncio.timeout(10):
        while not (heard := await anext(changes)):
            pass
    assert places(heard) == [(thing, 1)]
    await changes.aclose()
    await stopped(running)


async def test_a_watcher_hears_only_its_own_and_only_what_it_wants(
    pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    journal, one, other = waking(pool, tail), uuid4(), uuid4()
    await add(journal, one, 1)
    start = await tail.now()
    wanting = await watch(start, lambda change: change.stream_id == one)
    strangers = await watch(start, owner="somebody else")
    own = await watch(start, owner="somebody")

    await add(journal, other, 1)
    await add(journal, one, 1)

    await eventually(lambda: wanting and len(own) >= 2, "the wanted event")
    assert places(wanting) == [(one, 2)]
    assert places(own) == [(other, 1), (one, 2)]
    assert strangers == []


async def test_commits_of_another_replica_are_heard_without_being_woken(
    pool: asyncpg.Pool, tail: ChangeFeed, watch: Callable[..., Awaitable[Seen]]
) -> None:
    thing = uuid4()
    seen = await watch(await tail.now())

    await add(new_journal(pool), thing, 1)

    await eventually(lambda: seen, "the event")
    assert places(seen) == [(thing, 1)]


async def test_a_watcher_that_falls_far_behind_is_told_to_resume(
    pool: asyncpg.Pool, tail: ChangeFeed
) -> None:
    journal, thing = waking(pool, tail), uuid4()
    changes = tail.follow(await tail.now(), lambda _: True, None, heartbeat_s=0.01)
    assert await anext(changes) == []
    prompt = tail.follow(await tail.now(), lambda _: True, None)
    hearing = asyncio.ensure_future(anext(prompt))

    await journal.execute(thing, new_key(), "officer/licensing-1", adding(thing, *([1] * 2_001)))

    last = (await hearing)[-1]
    while last.version < 2_001:
        last = (await anext(prompt))[-1]
    with pytest.raises(RpcError, match="UNAVAILABLE SLOW_CONSUMER"):
        await anext(changes)
    await prompt.aclose()


async def test_a_quiet_watch_beats(tail: ChangeFeed) -> None:
    changes = tail.follow(await tail.now(), lambda _: True, None, heartbeat_s=0.01)

    assert [await anext(changes) for _ in range(3)] == [[], [], []]
    await changes.aclose()


async def test_a_watch_outlives_the_database(postgres: Postgres, own_store: Database) -> None:
    pool, thing = await open_pool(own_store.app_dsn), uuid4()
    tail = ChangeFeed(new_journal(pool), "owner")
    running = asyncio.create_task(tail.run())
    await add(new_journal(pool), thing, 1)
    changes = tail.follow(Cursor(0, 0), lambda _: True, None, heartbeat_s=0.01)
    assert places(await anext(changes)) == [(thing, 1)]

    postgres.kill()
    postgres.restart()

    async def write() -> bool:
        try:
            await add(new_journal(pool), thing, 1)
        except RpcError:
            return False
        return True

    await eventually(write, "the database is back")
    async with asyncio.timeout(20):
        while not (heard := await anext(changes)):
            pass
    assert places(heard) == [(thing, 2)]
    await changes.aclose()
    await stopped(running)
    await pool.close()
