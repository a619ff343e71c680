"""A pooler of PostgreSQL connections as PgBouncer: a session is lent for one transaction at a time.

A client logs in through a new session, which then joins the pool. As PgBouncer does, it lends the
session that was used last, and names another process id than the session's.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from infra.local.ports import LOOPBACK

_SSL_REQUEST: Final = 80_877_103
_READY, _KEY, _TERMINATE = b"Z", b"K", b"X"
_IDLE: Final = b"I"

Session: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class TransactionPooler:
    """The pool. With `keeps_sessions` a client keeps its session until it leaves."""

    target: int
    keeps_sessions: bool
    port: int = 0
    free: list[Session] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client until it leaves."""
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            own: Session | None = await self._log_in(reader, writer)
            while True:
                kind, message = await _message(reader)
                if kind == _TERMINATE:
                    return
                session, own = own or self.free.pop(), None
                session[1].write(message)
                await self._run_transaction(reader, writer, session)
                if self.keeps_sessions:
                    own = session
                else:
                    self.free.append(session)

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Session | None:
        """Forwards the login to a new session, which is then free."""
        session = await asyncio.open_connection(LOOPBACK, self.target)
        self.writers.append(session[1])
        startup = await _startup(reader)
        while struct.unpack(">I", startup[4:8])[0] == _SSL_REQUEST:
            writer.write(b"N")
            startup = await _startup(reader)
        session[1].write(startup)
        answers = asyncio.ensure_future(self._pump(reader, session[1]))
        while True:
            kind, message = await _message(session[0])
            if kind == _KEY:
                message = message[:5] + b"\0\0\0\1" + message[9:]
            if kind == _READY:
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                writer.write(message)
                break
            writer.write(message)
        if self.keeps_sessions:
            return session
        self.free.append(session)
        return None

    async def _run_transaction(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: Session
    ) -> None:
        """Forwards until the session is outside a transaction again."""
        requests = asyncio.ensure_future(self._pump(reader, session[1]))
        while True:
            kind, message = await _message(session[0])
            if kind == _READY and message[5:6] == _IDLE:
                # Before the client knows that it may go on, or its next request would go astray.
                requests.cancel()
                await asyncio.gather(requests, return_exceptions=True)
                writer.write(message)
                return
            writer.write(message)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)


async def _startup(reader: asyncio.StreamReader) -> bytes:
    size = await reader.readexactly(4)
    return size + await reader.readexactly(struct.unpack(">I", size)[0] - 4)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack(">I", head[1:])[0] - 4)


@asynccontextmanager
async def transaction_pooler(
    target: int, *, keeps_sessions: bool = False
) -> AsyncIterator[TransactionPooler]:
    """Runs a pooler in front of the PostgreSQL server on the loopback port `target`."""
    pooler = TransactionPooler(target, keeps_sessions)
    server = await asyncio.start_server(pooler.serve, LOOPBACK, 0)
    pooler.port = server.sockets[0].getsockname()[1]
    try:
        yield pooler
    finally:
        server.close()
        for writer in pooler.writers:
            writer.transport.abort()
