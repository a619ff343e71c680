"""A row of the outbox as a Kafka record: its topic, its key and its CloudEvents headers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg


@dataclass(frozen=True, slots=True)
class Address:
    """The topic of a record, and its partition. Without a partition the key selects one."""

    topic: str
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """A row of the outbox, joined with its event.

    A record without an event, for instance a heartbeat, has no stream, event id, time or hash.
    """

    outbox_id: int
    shard: int
    stream_id: UUID | None
    version: int
    """The event's version; 0 without an event."""
    name: str
    """Short name of the event, for instance LicenseIssued."""
    payload: bytes
    event_id: UUID | None
    occurred_at: datetime | None
    traceparent: str
    hash: bytes


Route = Callable[[OutboxRecord], tuple[Address, bytes]]
"""Returns the address and the key of a record."""

_FIXED_HEADERS = (("ce_specversion", b"1.0"), ("content-type", b"application/protobuf"))


def outbox_record_of(row: asyncpg.Record) -> OutboxRecord:
    """Returns the record of a row of the relay's query."""
    return OutboxRecord(
        outbox_id=row["id"],
        shard=row["shard"],
        stream_id=row["stream_id"],
        version=row["version"] or 0,
        name=row["name"],
        payload=row["payload"],
        event_id=row["event_id"],
        occurred_at=row["occurred_at"],
        traceparent=row["traceparent"] or "",
        hash=row["hash"] or b"",
    )


def headers_of(
    record: OutboxRecord, source: str, prefix: str, traceparent: str
) -> list[tuple[str, bytes]]:
    """Returns the headers of CloudEvents 1.0 (Kafka protocol binding, binary mode) and the trace.

    `source` is the publishing service, for instance /applications. `prefix` is the package of the
    event, which goes before its short name in `ce_type`.
    """
    headers = [
        *_FIXED_HEADERS,
        ("ce_type", f"{prefix}.{record.name}".encode()),
        ("ce_source", source.encode()),
    ]
    if record.event_id is not None and record.occurred_at is not None:
        headers += [
            ("ce_id", str(record.event_id).encode()),
            ("ce_time", record.occurred_at.isoformat().replace("+00:00", "Z").encode()),
            ("ce_subject", str(record.stream_id).encode()),
            ("ce_streamversion", b"%d" % record.version),
            ("ce_hash", record.hash.hex().encode()),
        ]
    else:
        headers.append(("ce_id", f"{source}/{record.outbox_id}".encode()))
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return headers
