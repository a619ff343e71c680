"""Timers: a due stream is fired once, by the replica that commits first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest

from chassis.rpc.errors import RpcError
from chassis.store.idempotency import IdempotencyKey
from chassis.store.timers import Timers
from infra.local.postgres import Database, Postgres
from tests.chassis.sample_aggregate import (
    NOON,
    Awaited,
    Event,
    Rang,
    Thing,
    Things,
    eventually,
    new_journal,
    new_key,
    open_pool,
    stopped,
)

LATER = NOON + timedelta(days=1)


@pytest.fixture
async def things(own_store: Database) -> AsyncIterator[Things]:
    pool = await open_pool(own_store.app_dsn)
    yield new_journal(pool)
    await pool.close()


async def await_until(journal: Things, thing: UUID, moment: datetime) -> None:
    await journal.execute(
        thing, new_key(), "officer/licensing-1", lambda _: (Awaited(thing, moment),)
    )


def ringing(journal: Things, now: datetime) -> Callable[[UUID, int], Awaitable[None]]:
    """Fires like the services: the decider checks whether the timer is due."""

    async def fire(thing: UUID, version: int) -> None:
        def decide(state: Thing | None) -> tuple[Event, ...]:
            if (
                state is None
                or state.version != version
                or state.until is None
                or state.until > now
            ):
                return ()
            return (Rang(thing),)

        await journal.execute(thing, IdempotencyKey.of_timer(thing, version), "timer", decide)

    return fire


async def rang(journal: Things, things: list[UUID]) -> list[int]:
    states = [await journal.read(thing) for thing in things]
    return [current.state.rang for current in states if current is not None]


async def test_a_due_stream_is_fired_once_though_two_replicas_look(
    own_store: Database, things: Things
) -> None:
    waiting = [uuid4() for _ in range(120)]  # more than one batch
    await asyncio.gather(*(await_until(things, thing, NOON) for thing in waiting))
    fired: list[UUID] = []

    def noting(
        fire: Callable[[UUID, int], Awaitable[None]],
    ) -> Callable[[UUID, int], Awaitable[None]]:
        async def note(thing: UUID, version: int) -> None:
            await fire(thing, version)
            fired.append(thing)

        return note

    replicas = [
        asyncio.create_task(
            Timers(things, noting(ringing(things, LATER)), 0.02, lambda: LATER).run()
        )
        for _ in range(2)
    ]

    async def none_is_due() -> bool:
        return not await things.fetch("select 1 from stream where due_at is not null limit 1")

    await eventually(none_is_due, "all fired")
    await stopped(*replicas)
    assert set(fired) == set(waiting)
    assert await rang(things, waiting) == [1] * 120


async def test_a_stream_that_is_not_due_is_not_fired(things: Things) -> None:
    early, late = uuid4(), uuid4()
    await await_until(things, early, NOON)
    await await_until(things, late, LATER + timedelta(microseconds=1))
    running = asyncio.create_task(Timers(things, ringing(things, LATER), 0.02, lambda: LATER).run())

    async def has_rung() -> bool:
        return await rang(things, [early]) == [1]

    await eventually(has_rung, "the one that is due")
    await stopped(running)
    assert await rang(things, [late]) == [0]


async def test_a_clock_that_runs_behind_the_databases_loses_no_timer(things: Things) -> None:
    """By the database's clock it would be fired and found not due, and its key stored."""
    thing, due = uuid4(), datetime.fromisoformat("2000-01-01T00:00:00Z")
    await await_until(things, thing, due)
    now = due - timedelta(milliseconds=1)
    looked = 0

    def clock() -> datetime:
        nonlocal looked
        looked += 1
        return now

    async def fire(thing: UUID, version: int) -> None:
        await ringing(things, now)(thing, version)

    running = asyncio.create_task(Timers(things, fire, 0.01, clock).run())
    await eventually(lambda: looked > 2, "it looked")
    now = due

    async def has_rung() -> bool:
        return await rang(things, [thing]) == [1]

    await eventually(has_rung, "it rang")
    await stopped(running)


@pytest.mark.parametrize("fault", [ValueError("a defect"), "refused"])
async def test_streams_that_cannot_be_fired_starve_no_other(fault: object, things: Things) -> None:
    broken, others = [uuid4() for _ in range(101)], [uuid4() for _ in range(3)]
    for thing in broken:
        await await_until(things, thing, NOON - timedelta(days=1))
    for thing in others:
        await await_until(things, thing, NOON)

    async def fire(thing: UUID, version: int) -> None:
        if thing in broken:
            raise fault if isinstance(fault, Exception) else _refusal()
        await ringing(things, LATER)(thing, version)

    running = asyncio.create_task(Timers(things, fire, 0.02, lambda: LATER).run())

    async def have_rung() -> bool:
        return await rang(things, others) == [1, 1, 1]

    await eventually(have_rung, "the others rang")
    await stopped(running)


def _refusal() -> RpcError:
    return RpcError(grpc.StatusCode.FAILED_PRECONDITION, "ENOUGH", "it is enough")


async def test_timers_survive_a_restart_of_the_database(
    postgres: Postgres, own_store: Database
) -> None:
    pool: asyncpg.Pool = await open_pool(own_store.app_dsn)
    things, thing = new_journal(pool), uuid4()
    await await_until(things, thing, LATER)
    now = NOON

    async def fire(thing: UUID, version: int) -> None:
        await ringing(things, now)(thing, version)

    running = asyncio.create_task(Timers(things, fire, 0.02, lambda: now).run())

    postgres.kill()
    postgres.restart()
    now = LATER

    async def has_rung() -> bool:
        try:
            return await rang(things, [thing]) == [1]
        except RpcError:
            return False

    await eventually(has_rung, "it rang")
    await stopped(running)
    await pool.close()
