"""The hash chain of a stream's events, and a stored event.

Every event's hash covers the hash of the event before it, so no stored event can be changed,
removed or inserted without breaking the chain (docs/adr/0008-hash-chain.md).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

GENESIS_HASH: Final = bytes(32)
"""The hash before the first event of every stream."""

EVENT_COLUMNS: Final = (
    "stream_id, version, event_id, name, actor, occurred_at, state, payload, traceparent,"
    " previous_hash, hash"
)
"""Columns of table `event`, in the order of the fields of `StoredEvent`."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of table `event`."""

    stream_id: UUID
    version: int
    """1 for the first event of the stream, then without gaps."""
    event_id: UUID
    name: str
    actor: str
    occurred_at: datetime
    state: str
    """Lifecycle state of the stream after the event. Not covered by the hash."""
    payload: bytes
    traceparent: str
    """W3C trace context of the command; empty when it was not traced. Not covered by the hash."""
    previous_hash: bytes
    hash: bytes

    @property
    def trace_id(self) -> str:
        """W3C trace id, hexadecimal; empty when the command was not traced."""
        return self.traceparent[3:35]


def chain_hash(
    previous: bytes,
    stream_id: UUID,
    version: int,
    occurred_at: datetime,
    name: str,
    actor: str,
    payload: bytes,
) -> bytes:
    """Returns the SHA-256 over the previous hash, the event's columns and its payload's digest.

    `name` and `actor` are preceded by their lengths, so that no text can move from one to the
    other. The payload enters by its digest: after a recorded erasure of personal data the chain can
    still be verified.
    """
    micros = int(occurred_at.timestamp()) * 1_000_000 + occurred_at.microsecond
    numbers = struct.pack(">iq", version, micros)
    texts = b"".join(
        struct.pack(">i", len(text)) + text for text in (name.encode(), actor.encode())
    )
    return hashlib.sha256(
        previous + stream_id.bytes + numbers + texts + hashlib.sha256(payload).digest()
    ).digest()


def event_id_of(event_hash: bytes) -> UUID:
    """Returns the event's id: a UUID of version 8 (RFC 9562), made of the event's hash.

    An event therefore has the same id wherever it is computed.
    """
    raw = bytearray(event_hash[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))
