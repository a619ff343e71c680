"""Table `parked`: consumed events that cannot be handled yet, and the later ones of their streams.

An event that fails must not be overtaken by a later one of its stream, and must not stop any other
stream. So it is stored here and acknowledged. The first event of a stream says why it waits. All
others wait behind it (reason BEHIND).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

BEHIND: Final = "BEHIND"
"""Reason of an event that only waits for an earlier one of its stream."""
UNKNOWN_TYPE: Final = "UNKNOWN_TYPE"
"""Reason of an event whose type a later release introduced."""

Headers = Sequence[tuple[str, bytes | None]]

_BATCH: Final = 100
_ADD: Final = """
insert into parked (topic, partition, record_offset, source, stream_id, version, event_id, type,
                    key, payload, headers, reason, error, attempts)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (source, stream_id, version) do nothing
"""
_DUE: Final = f"""
select source, stream_id
  from (select distinct on (source, stream_id) source, stream_id, topic, type, reason, retry_at
          from parked order by source, stream_id, version) first
 where reason = '{BEHIND}' or retry_at <= now()
    or (reason = '{UNKNOWN_TYPE}' and topic || '.' || type = any($1))
 limit {_BATCH}
"""  # noqa: S608 - constants of this module
_FIRST: Final = """
select * from parked where source = $1 and stream_id = $2 order by version limit 1
"""
_FAILED: Final = """
update parked set reason = $2, error = $3, attempts = attempts + $4, retry_at = null where id = $1
"""
_REMOVE_HANDLED: Final = """
delete from parked p using handled h
 where h.source = p.source and h.stream_id = p.stream_id and h.version >= p.version
"""
_SUMMARY: Final = """
select count(*) as events, coalesce(extract(epoch from now() - min(parked_at)), 0)::float8 as age
  from parked
"""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """A record as it was consumed, with the reason why it waits."""

    topic: str
    partition: int
    offset: int
    source: str
    stream_id: UUID
    version: int
    event_id: UUID
    type: str
    """Short name of the event, for instance LicenseIssued."""
    key: bytes | None
    payload: bytes
    headers: Headers
    reason: str
    """BEHIND, UNKNOWN_TYPE, UNDECODABLE, HANDLER_FAILED, or the reason of a refusal."""
    error: str = ""
    """Type of the exception."""
    attempts: int = 0
    id: int = 0
    """Number of the row; 0 before it is stored."""


class ParkedEvents:
    """The parked events of one service. Every method raises what asyncpg raises."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, event: ParkedEvent) -> None:
        """Stores the event. If it is stored already, nothing changes."""
        await self._pool.execute(
            _ADD, event.topic, event.partition, event.offset, event.source, event.stream_id,
            event.version, event.event_id, event.type, event.key, event.payload,
            msgspec.msgpack.encode(event.headers), event.reason, event.error, event.attempts,
        )  # fmt: skip

    async def due_streams(
        self, known_types: Mapping[str, frozenset[str]]
    ) -> list[tuple[str, UUID]]:
        """Returns source and id of at most 100 streams whose first event may be tried now.

        These are events that an operator wants to be tried, events whose predecessor is gone, and
        events of a type that this release knows. `known_types` has their short names by topic.
        """
        names = [f"{topic}.{name}" for topic, known in known_types.items() for name in known]
        return [tuple(row) for row in await self._pool.fetch(_DUE, names)]

    async def first(self, source: str, stream_id: UUID) -> ParkedEvent | None:
        """Returns the first parked event of a stream, or None."""
        row = await self._pool.fetchrow(_FIRST, source, stream_id)
        return None if row is None else parked_event_of(row)

    async def remove(self, event: ParkedEvent) -> None:
        """Deletes an event that was handled."""
        await self._pool.execute("delete from parked where id = $1", event.id)

    async def remove_handled(self) -> None:
        """Deletes the events that were handled after all, and would only hold up later ones.

        A record whose offset was not committed is delivered again after it was parked, and its
        handler may then succeed.
        """
        await self._pool.execute(_REMOVE_HANDLED)

    async def note_failure(
        self, event: ParkedEvent, reason: str, error: str, attempts: int
    ) -> None:
        """Stores why the event failed again. It then waits for an operator."""
        await self._pool.execute(_FAILED, event.id, reason, error, attempts)

    async def summary(self) -> tuple[int, float]:
        """Returns the number of parked events, and the age of the oldest in seconds."""
        row = await self._pool.fetchrow(_SUMMARY)
        assert row is not None, "an aggregate returns one row"
        return row["events"], row["age"]


def parked_event_of(row: Any) -> ParkedEvent:
    """Returns the event of a row."""
    return ParkedEvent(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        source=row["source"],
        stream_id=row["stream_id"],
        version=row["version"],
        event_id=row["event_id"],
        type=row["type"],
        key=row["key"],
        payload=row["payload"],
        headers=[(name, raw) for name, raw in msgspec.msgpack.decode(row["headers"])],
        reason=row["reason"],
        error=row["error"],
        attempts=row["attempts"],
        id=row["id"],
    )
