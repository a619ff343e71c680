"""Detects a pooler that gives each transaction another session, as PgBouncer in transaction mode.

Shards of the outbox and the leader of screening are advisory locks of a session. Behind such a
pooler a lock stays with a session that serves other clients: two relays may own one shard, and
nothing fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

SHARED_SESSIONS: Final = (
    "a pooler between this service and PostgreSQL gives each transaction another session (PgBouncer"
    " in transaction mode?), which breaks session locks; connect to PostgreSQL itself, or use"
    " pool_mode=session"
)
_OTHERS: Final = 4

Connect = Callable[[], Awaitable[asyncpg.Connection]]


async def are_sessions_shared(connect: Connect) -> bool:
    """Returns whether a connection keeps its session only for the time of a transaction.

    `connect` opens a new connection. Other connections begin transactions one after another: a
    pooler lends them the session of the first one, which is idle and was used last. Without a
    pooler, or with one that keeps sessions, no other connection can get it.
    """
    ours = await connect()
    others: list[asyncpg.Connection] = []
    try:
        # PostgreSQL names the session when a connection begins. PgBouncer names another number.
        is_direct = await _session_of(ours) == ours.get_server_pid()
        # All connect first: a login may leave a new session in the pool, which is lent first.
        others += [await connect() for _ in range(1 if is_direct else _OTHERS)]
        session = await _session_of(ours)
        for other in others:
            await other.execute("begin")
            borrowed = await other.fetchval("select pg_backend_pid()")
            if borrowed == session or await _session_of(ours) != session:
                return True
        return False
    finally:
        for connection in (ours, *others):
            connection.terminate()


async def _session_of(connection: asyncpg.Connection) -> int:
    """Returns the process id of the session that serves a transaction of the connection.

    The transaction keeps the statements together: asyncpg prepares them.
    """
    async with connection.transaction():
        found: int = await connection.fetchval("select pg_backend_pid()")
        return found
