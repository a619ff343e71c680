"""The owner of shards notices that its session is not the one that holds the locks."""

from __future__ import annotations

import asyncpg
import pytest

from chassis.store.outbox import EVENT_OUTBOX, SHARDS
from chassis.streams.shard_locks import LostLocksError, ShardLocks
from infra.local.postgres import Database
from tests.chassis.store.test_session_check import behind, connecting, port_of
from tests.chassis.transaction_pooler import transaction_pooler


async def test_a_lone_replica_owns_all_shards_and_keeps_them(database: Database) -> None:
    connection = await asyncpg.connect(database.app_dsn)
    locks = ShardLocks(connection, EVENT_OUTBOX)
    await locks.announce()
    for _ in range(3):
        await locks.balance(frozenset())
    await connection.close()

    assert locks.owned == set(range(SHARDS))


async def test_an_owner_whose_locks_were_released_notices_it(database: Database) -> None:
    connection = await asyncpg.connect(database.app_dsn)
    locks = ShardLocks(connection, EVENT_OUTBOX)
    await locks.announce()
    await locks.balance(frozenset())
    other = await asyncpg.connect(database.app_dsn)
    await connection.execute("select pg_advisory_unlock_all()")
    await other.fetch(
        "select pg_try_advisory_lock($1, s) from generate_series(0, 15) s",
        EVENT_OUTBOX.shard_lock,
    )

    with pytest.raises(LostLocksError):
        await locks.balance(frozenset())
    for each in (connection, other):
        await each.close()


async def test_an_owner_behind_a_pooler_of_transactions_notices_another_session(
    database: Database,
) -> None:
    async with transaction_pooler(port_of(database.app_dsn)) as pooler:
        dsn = behind(database.app_dsn, pooler.port)
        ours, other = await connecting(dsn)(), await connecting(dsn)()
        locks = ShardLocks(ours, EVENT_OUTBOX)
        async with ours.transaction():  # asyncpg prepares its statements
            await locks.announce()
            await locks.balance(frozenset())
        await other.execute("begin")
        async with ours.transaction():
            with pytest.raises(LostLocksError):
                await locks.balance(frozenset())
        for each in (ours, other):
            each.terminate()
