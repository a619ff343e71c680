from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from chassis.store.connections import ConnectionPool
from infra.local.postgres import Database
from tests.chassis.callers import acting_as

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))


@pytest.fixture
async def pool(store: Database) -> AsyncIterator[ConnectionPool]:
    """Three connections, two of them for calls, and a short wait."""
    made = ConnectionPool(store.app_dsn, call_connections=2, max_size=3, wait_s=0.2, own_wait_s=0.2)
    await made
    yield made
    made.terminate()


async def test_calls_wait_a_bounded_time_and_leave_connections_to_the_service(
    pool: ConnectionPool,
) -> None:
    async with AsyncExitStack() as held:
        with acting_as(PARTNER):
            for _ in range(2):
                await held.enter_async_context(pool.acquire())
            with pytest.raises(RpcError) as caught:
                await pool.fetchval("select 1")
        own = await pool.fetchval("select 2")

    assert (caught.value.code, caught.value.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "DATABASE_BUSY",
    )
    assert own == 2


async def test_a_call_gets_the_connection_that_becomes_free_while_it_waits(
    pool: ConnectionPool,
) -> None:
    with acting_as(PARTNER):
        async with AsyncExitStack() as held:
            for _ in range(2):
                await held.enter_async_context(pool.acquire())
            waiting = asyncio.ensure_future(pool.fetchval("select 1"))
            await asyncio.sleep(0)
        found = await waiting

    assert found == 1


async def test_what_is_no_call_may_use_all_connections_and_waits_a_bounded_time_too(
    pool: ConnectionPool,
) -> None:
    async with AsyncExitStack() as held:
        for _ in range(3):
            await held.enter_async_context(pool.acquire())
        with pytest.raises(TimeoutError):
            await pool.fetchval("select 1")
        with acting_as(PARTNER), pytest.raises(RpcError) as caught:
            await pool.fetchval("select 1")

    assert caught.value.reason == "DATABASE_BUSY"


async def test_a_call_that_is_cancelled_while_it_waits_takes_no_connection_with_it(
    pool: ConnectionPool,
) -> None:
    with acting_as(PARTNER):
        async with AsyncExitStack() as held:
            for _ in range(2):
                await held.enter_async_context(pool.acquire())
            waiting = asyncio.ensure_future(pool.fetchval("select 1"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})

        assert await asyncio.gather(*(pool.fetchval("select 1") for _ in range(4))) == [1] * 4
