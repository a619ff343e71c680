"""The outboxes: tables of records to publish, in shards that keep the order of their commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zlib import crc32

SHARDS: Final = 16
BEHIND: Final = "BEHIND"
"""Reason of a record that is parked because an earlier record of its stream is."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """A table of records to publish. One relay empties it, with its own connection and producer."""

    table: str
    shard_lock: int
    """Class of the advisory locks of the shards. The second number is the shard."""
    presence_lock: int
    """Class of the advisory lock that every replica holds that can send. The second number is 0."""


EVENT_OUTBOX: Final = Outbox("outbox", 7001, 7002)
"""The outbox that every service has."""


@dataclass(frozen=True, slots=True)
class SeparateOutbox:
    """An outbox for events, and records without an event, that no other record may delay."""

    outbox: Outbox
    event_names: frozenset[str]
    """Short names of the events that are published from it and not from EVENT_OUTBOX."""


def shard_of(stream_id: UUID) -> int:
    """Returns the outbox shard of a stream, 0 to 15. It never changes for a stream."""
    return crc32(stream_id.bytes) % SHARDS
