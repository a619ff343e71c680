"""A lock that one replica holds: an advisory lock of PostgreSQL, kept by one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

_LOCK: Final = 0x5AFE_C0DE
# The session of a host that vanishes keeps the lock until TCP notices. By default that takes two
# hours; with these settings it takes eleven seconds.
_KEEPALIVE: Final = """
select set_config('tcp_keepalives_idle', '5', false),
       set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '3', false)
"""


@asynccontextmanager
async def leader_lock(pool: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy | None]:
    """Yields the connection that holds the lock, or None if another replica has it.

    If the connection is lost, so is the lock: run a statement on it now and then to notice.
    """
    async with pool.acquire() as connection:
        try:
            is_ours = bool(await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK))
            if is_ours:
                await connection.execute(_KEEPALIVE)
            yield connection if is_ours else None
            if is_ours:
                await connection.execute("select pg_advisory_unlock($1)", _LOCK)
        except BaseException:
            # A connection that goes back to the pool would keep the lock.
            connection.terminate()
            raise
