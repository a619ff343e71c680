"""Reads a service's journal: at one snapshot stream by stream, or event by event as it is now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from chassis.store.hash_chain import EVENT_COLUMNS, StoredEvent
from operations.audit.chain_faults import StateRow
from operations.audit.checkpoint import Head
from operations.audit.texts import KeptText
from operations.environment import database_tls
from operations.error_messages import InputError
from operations.outbox.tables import outbox_tables

FETCH_ROWS: Final = 100
"""Rows per fetch. A payload may be a megabyte, so this bounds the memory."""
CONNECT_S: Final = 10.0

_STATE_ROWS: Final = "select id, version, latest_hash, state from stream order by id"
_EVENTS: Final = f"select {EVENT_COLUMNS} from event order by stream_id, version"  # noqa: S608 - constant
_EVENTS_OF_STREAM: Final = (
    f"select {EVENT_COLUMNS} from event where stream_id = $1 order by version"  # noqa: S608 - constant
)
_EVENTS_BY_ID: Final = (
    "select event_id, stream_id, version, hash, payload from event where event_id = any($1::uuid[])"
)

_HEADS: Final = """
select s.id, s.version, e.hash from stream s
  left join event e on e.stream_id = s.id and e.version = s.version and e.hash = s.latest_hash
 order by s.id
"""
_TEXTS: Final = (
    "select digest, kind, version, file_name, content, retired_at is null from stored_text"
    " order by kind, stored_at, digest"
)
_HASHES: Final = """
select e.stream_id, e.hash from unnest($1::uuid[], $2::int[]) as p (stream_id, version)
  join event e on e.stream_id = p.stream_id and e.version = p.version
"""


@dataclass(frozen=True, slots=True)
class AuditedStream:
    """A stream as it is stored: its state row, if there is one, and its events by version."""

    id: UUID
    state_row: StateRow | None
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class ComparedEvent:
    """The columns of a stored event that are compared with its published record."""

    stream_id: UUID
    version: int
    hash: bytes
    payload: bytes


class SnapshotReader:
    """Reads a journal as it was when the reader was opened."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def streams(self) -> AsyncIterator[AuditedStream]:
        """Yields every stream by id: also those without a state row and those without events.

        At most one stream is held in memory.
        """
        state_rows = _PeekableCursor(self._connection, _STATE_ROWS, "id")
        events = _PeekableCursor(self._connection, _EVENTS, "stream_id")
        await state_rows.fill()
        await events.fill()
        while (
            stream_id := min(
                (each for each in (state_rows.next_id, events.next_id) if each is not None),
                default=None,
            )
        ) is not None:
            state_row: StateRow | None = None
            rows: list[StoredEvent] = []
            if state_rows.next_id == stream_id:
                _, version, latest_hash, state = (await state_rows.take()).values()
                state_row = StateRow(version, latest_hash, state)
            while events.next_id == stream_id:
                rows.append(StoredEvent(*(await events.take()).values()))
            yield AuditedStream(stream_id, state_row, tuple(rows))

    async def stream(self, stream_id: UUID) -> AuditedStream | None:
        """Returns one stream, or None."""
        rows = await self._connection.fetch(_EVENTS_OF_STREAM, stream_id)
        found = await self._connection.fetchrow(
            "select version, latest_hash, state from stream where id = $1", stream_id
        )
        if found is None and not rows:
            return None
        state_row = StateRow(*found.values()) if found is not None else None
        return AuditedStream(
            stream_id, state_row, tuple(StoredEvent(*row.values()) for row in rows)
        )

    async def texts(self) -> dict[bytes, KeptText]:
        """Returns the kept texts by digest; none if the service keeps none."""
        if not await self._connection.fetchval("select to_regclass('stored_text') is not null"):
            return {}
        rows = await self._connection.fetch(_TEXTS)
        return {row["digest"]: KeptText(*row.values()) for row in rows}

    async def heads(self, service: str) -> AsyncIterator[Head]:
        """Yields the head of every stream by id. Raises InputError at one without its event."""
        async for row in self._connection.cursor(_HEADS):
            if row["hash"] is None:
                raise InputError(
                    "BROKEN",
                    f"the newest event of stream {row['id']} of {service} is not that of its row:"
                    " run `safeconduct audit verify`",
                )
            yield Head(service, row["id"], row["version"], row["hash"])

    async def hashes(self, positions: Sequence[tuple[UUID, int]]) -> dict[UUID, bytes]:
        """Returns the hash of each stream's event at a version, by stream, as far as it exists."""
        rows = await self._connection.fetch(
            _HASHES, [each for each, _ in positions], [version for _, version in positions]
        )
        return {row["stream_id"]: row["hash"] for row in rows}

    async def dangling_outbox(self) -> list[tuple[UUID, int]]:
        """Returns stream and version of the outbox rows whose event does not exist."""
        rows = await self._connection.fetch(f"""
select o.stream_id, o.version from ({await self._outboxes()}) o
  left join event e on e.stream_id = o.stream_id and e.version = o.version
 where e.stream_id is null order by o.stream_id, o.version
""")  # noqa: S608 - constants
        return [(row["stream_id"], row["version"]) for row in rows]

    async def outbox(self) -> set[tuple[UUID, int]]:
        """Returns stream and version of the events in the outbox, which are not yet published."""
        rows = await self._connection.fetch(await self._outboxes())
        return {(row["stream_id"], row["version"]) for row in rows}

    async def _outboxes(self) -> str:
        """Returns a query of stream and version of the events in all outboxes of the service."""
        found = await outbox_tables(self._connection)
        return " union all ".join(
            f"select stream_id, version from {table} where stream_id is not null"  # noqa: S608 - constants
            for table in found
        )


class LiveReader:
    """Reads a journal as it is at the time of each call."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def events_by_id(self, ids: Sequence[UUID]) -> dict[UUID, ComparedEvent]:
        """Returns the stored events with these ids, by id."""
        rows = await self._connection.fetch(_EVENTS_BY_ID, list(ids))
        return {
            row["event_id"]: ComparedEvent(
                row["stream_id"], row["version"], row["hash"], row["payload"]
            )
            for row in rows
        }

    async def event_id_at(self, stream_id: UUID, version: int) -> UUID | None:
        """Returns the id of the event at a version of a stream, or None."""
        found: UUID | None = await self._connection.fetchval(
            "select event_id from event where stream_id = $1 and version = $2", stream_id, version
        )
        return found


@asynccontextmanager
async def open_snapshot(dsn: str) -> AsyncIterator[SnapshotReader]:
    """Opens a read-only snapshot of the journal. Raises asyncpg's errors."""
    async with (
        _connected(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        # The first query of the transaction takes the snapshot. Without it, the snapshot would be
        # as late as the first stream that is read.
        await connection.fetchval("select count(*) from (select 1 from stream limit 1) s")
        yield SnapshotReader(connection)


@asynccontextmanager
async def open_live(dsn: str) -> AsyncIterator[LiveReader]:
    """Opens the journal without a snapshot. Raises asyncpg's errors."""
    async with _connected(dsn) as connection:
        yield LiveReader(connection)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        dsn,
        ssl=database_tls(),
        timeout=CONNECT_S,
        server_settings={"application_name": "safeconduct audit"},
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_S)


class _PeekableCursor:
    """The rows of a query in the order of an id. The id of the next row is known in advance."""

    def __init__(self, connection: asyncpg.Connection, query: str, column: str) -> None:
        self._connection, self._query, self._column = connection, query, column
        self._cursor: Any = None
        self._rows: Iterator[Any] = iter(())
        self._next: Any = None

    @property
    def next_id(self) -> UUID | None:
        """The id of the next row; None after the last one."""
        return self._next[self._column] if self._next is not None else None

    async def take(self) -> Any:
        """Returns the next row and moves on."""
        taken = self._next
        await self.fill()
        return taken

    async def fill(self) -> None:
        """Reads the row that `take` will return. Must be called once before the first `take`."""
        if self._cursor is None:
            self._cursor = await self._connection.cursor(self._query)
        self._next = next(self._rows, None)
        if self._next is None:
            self._rows = iter(await self._cursor.fetch(FETCH_ROWS))
            self._next = next(self._rows, None)
