"""A pool of database connections of which calls get a part, and for which they wait a bounded time.

The other connections are for what the service does by itself: heartbeats, consumed events, timers.
A relay has a connection of its own. So no number of calls delays a revocation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.rpc.authentication import is_inside_a_call
from chassis.rpc.errors import CommonReason, unavailable

CALL_CONNECTIONS: Final = 8
"""Measured: eight give all the throughput that a replica can use. More only add waiting."""
RESERVED_CONNECTIONS: Final = 4
WAIT_SECONDS: Final = 2.0
"""Longest wait of a call. With the time of its statements, it ends before a client's deadline."""
OWN_WAIT_SECONDS: Final = 10.0
"""Longest wait of what the service does by itself, and then tries again."""


class ConnectionPool(asyncpg.Pool):
    """A pool of which calls use at most `call_connections`, and others all of `max_size`.

    If no connection becomes free, `acquire` raises RpcError DATABASE_BUSY in a call after `wait_s`,
    and TimeoutError elsewhere after `own_wait_s`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        call_connections: int = CALL_CONNECTIONS,
        max_size: int = CALL_CONNECTIONS + RESERVED_CONNECTIONS,
        wait_s: float = WAIT_SECONDS,
        own_wait_s: float = OWN_WAIT_SECONDS,
        **connecting: Any,
    ) -> None:
        super().__init__(
            dsn,
            min_size=0,
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            reset=_no_reset,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **connecting,
        )
        self._free_for_calls = asyncio.Semaphore(call_connections)
        self._wait_s, self._own_wait_s = wait_s, own_wait_s

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Returns a context manager with a connection, for `async with` only."""
        if is_inside_a_call():
            return self._for_a_call(self._wait_s if timeout is None else timeout)
        return super().acquire(timeout=self._own_wait_s if timeout is None else timeout)

    @asynccontextmanager
    async def _for_a_call(self, within_s: float) -> AsyncIterator[PoolConnectionProxy]:
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within_s):
                await self._free_for_calls.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            left_s = began + within_s - asyncio.get_running_loop().time()
            try:
                connection = await super().acquire(timeout=max(0.0, left_s))
            except TimeoutError:
                raise _busy() from None
            try:
                yield connection
            finally:
                await self.release(connection)
        finally:
            self._free_for_calls.release()


def _busy() -> Exception:
    message = "no connection to the database became free in time; nothing was done, call again"
    return unavailable(CommonReason.DATABASE_BUSY, message, 0.5)


async def _no_reset(connection: asyncpg.Connection) -> None:
    """Replaces the pool's reset, a round trip a command. We change no settings of a connection."""
