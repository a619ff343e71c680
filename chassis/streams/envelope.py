"""A consumed event with its CloudEvents headers decoded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


class Undecodable(Exception):  # noqa: N818 - the record is at fault, not the program
    """A record that cannot be decoded, now or later. It becomes a dead letter without a retry."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as it was consumed."""

    event_id: UUID
    type: str
    """Short name of the event, for instance LicenseIssued."""
    source: str
    """The publishing service, for instance /applications."""
    subject: str
    """Id of the event's stream; empty if the publisher gave none."""
    occurred_at: datetime
    traceparent: str
    """W3C trace context of the publisher's command; empty when it was not traced."""
    payload: bytes
    topic: str
    partition: int
    offset: int


Handler = Callable[[Envelope], Awaitable[None]]


def envelope_of(
    topic: str, partition: int, offset: int, headers: Mapping[str, bytes], payload: bytes
) -> Envelope:
    """Returns the record as an envelope.

    Raises Undecodable if a CloudEvents header is missing or malformed.
    """
    try:
        text = {
            name: headers[name].decode() for name in ("ce_id", "ce_type", "ce_source", "ce_time")
        }
        return Envelope(
            event_id=UUID(text["ce_id"]),
            type=text["ce_type"].rpartition(".")[2],
            source=text["ce_source"],
            subject=headers.get("ce_subject", b"").decode(),
            occurred_at=_parse_time(text["ce_time"]),
            traceparent=headers.get("traceparent", b"").decode(),
            payload=payload,
            topic=topic,
            partition=partition,
            offset=offset,
        )
    # AttributeError: a header may be null. OverflowError: a time near year 1 or 9999 may have no
    # equivalent in UTC.
    except (AttributeError, KeyError, OverflowError, ValueError) as error:
        raise Undecodable("the record has no valid CloudEvents headers") from error


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"ce_time {text!r} has no UTC offset")
    return time.astimezone(UTC)
