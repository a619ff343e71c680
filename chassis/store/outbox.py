"""The shards of the outbox: records of one shard are published in the order of their commits."""

from __future__ import annotations

from typing import Final
from uuid import UUID
from zlib import crc32

SHARDS: Final = 16


def shard_of(stream_id: UUID) -> int:
    """Returns the outbox shard of a stream, 0 to 15. It never changes for a stream."""
    return crc32(stream_id.bytes) % SHARDS
