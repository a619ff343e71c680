"""Reads a service's journal as it stands at one moment, stream by stream, without ever holding more than one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from chassis.store.hash_chain import EVENT_COLUMNS, StoredEvent
from operations.audit.chain import Head

AT_ONCE: Final = 100
"""Rows fetched in one go: a payload may be a megabyte."""
CONNECT_S: Final = 10.0

_STREAMS: Final = "select id, version, latest_hash, state from stream order by id"
_EVENTS: Final = f"select {EVENT_COLUMNS} from event order by stream_id, version"  # noqa: S608 - constant
_OF_STREAM: Final = f"select {EVENT_COLUMNS} from event where stream_id = $1 order by version"  # noqa: S608 - constant
_DANGLING: Final = """
select o.stream_id, o.version from outbox o left join event e on e.stream_id = o.stream_id and e.version = o.version
 where o.stream_id is not null and e.stream_id is null order by o.id
"""
_BY_ID: Final = (
    "select event_id, stream_id, version, hash, payload from event where event_id = any($1::uuid[])"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stream as it is stored: what its state row says of it, if there is one, and its events."""

    id: UUID
    head: Head | None
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as far as it is compared with a published one."""

    stream_id: UUID
    version: int
    hash: bytes
    payload: bytes


class Snapshot:
    """A service's journal at the moment when it was opened."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def streams(self) -> AsyncIterator[Stored]:
        """Every stream, by id: those with events, those with a state row, and those with both."""
        heads, events = (
            _Ahead(self._connection, _STREAMS, "id"),
            _Ahead(self._connection, _EVENTS, "stream_id"),
        )
        await heads.fill()
        await events.fill()
        while (
            stream_id := min(
                (each for each in (heads.at, events.at) if each is not None), default=None
            )
        ) is not None:
            head: Head | None = None
            rows: list[StoredEvent] = []
            if heads.at == stream_id:
                _, version, hashed, state = (await heads.take()).values()
                head = Head(version, hashed, state)
            while events.at == stream_id:
                rows.append(StoredEvent(*(await events.take()).values()))
            yield Stored(stream_id, head, tuple(rows))

    async def stream(self, stream_id: UUID) -> Stored | None:
        """One stream, or None."""
        rows = await self._connection.fetch(_OF_STREAM, stream_id)
        state = await self._connection.fetchrow(
            "select version, latest_hash, state from stream where id = $1", stream_id
        )
        if state is None and not rows:
            return None
        head = Head(*state.values()) if state is not None else None
        return Stored(stream_id, head, tuple(StoredEvent(*row.values()) for row in rows))

    async def dangling(self) -> list[tuple[UUID, int]]:
        """Stream and version of the pointers in the outbox that have no event."""
        return [
            (row["stream_id"], row["version"]) for row in await self._connection.fetch(_DANGLING)
        ]

    async def pending(self) -> set[tuple[UUID, int]]:
        """Stream and version of the events that wait in the outbox."""
        rows = await self._connection.fetch(
            "select stream_id, version from outbox where stream_id is not null"
        )
        return {(row["stream_id"], row["version"]) for row in rows}


class Latest:
    """A service's journal as it is at each question."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def by_id(self, ids: Sequence[UUID]) -> dict[UUID, Kept]:
        """The events of these ids that there are."""
        rows = await self._connection.fetch(_BY_ID, list(ids))
        return {
            row["event_id"]: Kept(row["stream_id"], row["version"], row["hash"], row["payload"])
            for row in rows
        }

    async def id_at(self, stream_id: UUID, version: int) -> UUID | None:
        """The id of the event that stands at a version, or None."""
        found: UUID | None = await self._connection.fetchval(
            "select event_id from event where stream_id = $1 and version = $2", stream_id, version
        )
        return found


@asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[Snapshot]:
    """The journal at this moment, read-only. Raises what asyncpg raises."""
    async with (
        _connected(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.fetchval(
            "select count(*) from (select 1 from stream limit 1) s"
        )  # from here on it stands
        yield Snapshot(connection)


@asynccontextmanager
async def latest(dsn: str) -> AsyncIterator[Latest]:
    """The journal, read anew each time. Raises what asyncpg raises."""
    async with _connected(dsn) as connection:
        yield Latest(connection)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_S, server_settings={"application_name": "safeconduct audit"}
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_S)


class _Ahead:
    """The rows of a query through a cursor, with a look at the next one's id. Rows come in the order of that id."""

    def __init__(self, connection: asyncpg.Connection, query: str, column: str) -> None:
        self._connection, self._query, self._column = connection, query, column
        self._cursor: Any = None
        self._rows: Iterator[Any] = iter(())
        self._next: Any = None

    @property
    def at(self) -> UUID | None:
        """The next row's id; None behind the last one."""
        return self._next[self._column] if self._next is not None else None

    async def take(self) -> Any:
        """The next row."""
        taken = self._next
        await self.fill()
        return taken

    async def fill(self) -> None:
        """Looks at the next row."""
        if self._cursor is None:
            self._cursor = await self._connection.cursor(self._query)
        self._next = next(self._rows, None)
        if self._next is None:
            self._rows = iter(await self._cursor.fetch(AT_ONCE))
            self._next = next(self._rows, None)
