"""A pooler that lends sessions for transactions is detected."""

from __future__ import annotations

import asyncio
from functools import partial

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from chassis.store.session_check import are_sessions_shared
from infra.local.postgres import Database
from tests.chassis.transaction_pooler import transaction_pooler


def port_of(dsn: str) -> int:
    port = make_url(dsn).port
    assert port is not None
    return port


def behind(dsn: str, port: int) -> str:
    return make_url(dsn).set(port=port).render_as_string(hide_password=False)


def connecting(dsn: str) -> partial:
    return partial(asyncpg.connect, dsn, timeout=5, command_timeout=5, statement_cache_size=0)


async def test_a_direct_connection_keeps_its_session(database: Database) -> None:
    assert not await are_sessions_shared(connecting(database.app_dsn))


@pytest.mark.parametrize("clients", [0, 10])
async def test_a_pooler_in_transaction_mode_shares_sessions(
    database: Database, clients: int
) -> None:
    async with transaction_pooler(port_of(database.app_dsn)) as pooler:
        dsn = behind(database.app_dsn, pooler.port)
        others = [await connecting(dsn)() for _ in range(clients)]
        ending = asyncio.Event()

        async def load(connection: asyncpg.Connection) -> None:
            while not ending.is_set():
                async with connection.transaction():
                    await connection.fetchval("select pg_backend_pid()")

        working = [asyncio.ensure_future(load(each)) for each in others]
        is_shared = await are_sessions_shared(connecting(dsn))
        ending.set()
        await asyncio.gather(*working)
        for each in others:
            each.terminate()

    assert is_shared


async def test_a_pooler_that_keeps_sessions_is_no_fault(database: Database) -> None:
    async with transaction_pooler(port_of(database.app_dsn), keeps_sessions=True) as pooler:
        dsn = behind(database.app_dsn, pooler.port)

        assert not await are_sessions_shared(connecting(dsn))


async def test_behind_the_pooler_a_session_lock_does_not_keep_out_others(
    database: Database,
) -> None:
    """The reason for the refusal: both connections hold the lock."""
    async with transaction_pooler(port_of(database.app_dsn)) as pooler:
        dsn = behind(database.app_dsn, pooler.port)
        first, second = await connecting(dsn)(), await connecting(dsn)()
        took = []
        for connection in (first, second):
            async with connection.transaction():
                took.append(await connection.fetchval("select pg_try_advisory_lock(7)"))
            connection.terminate()

    assert took == [True, True]
