"""A consumed event with its CloudEvents headers decoded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from chassis.store.fence import EventKey

_NEEDED: Final = ("ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_streamversion")
_MAX_VERSION: Final = 2**31 - 1
"""The largest `int` of PostgreSQL."""


class Undecodable(Exception):  # noqa: N818 - the record is at fault, not the program
    """A record that cannot be decoded, now or later, so that a retry is of no use."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as it was consumed."""

    event_id: UUID
    type: str
    """Short name of the event, for instance LicenseIssued."""
    source: str
    """The publishing service, for instance /applications."""
    stream_id: UUID
    """Id of the event's stream at the publisher."""
    version: int
    """The event's version in that stream, from 1."""
    occurred_at: datetime
    traceparent: str
    """W3C trace context of the publisher's command; empty when it was not traced."""
    payload: bytes
    topic: str
    partition: int
    offset: int

    @property
    def key(self) -> EventKey:
        """The key by which the journal handles this event once, and none behind a newer one."""
        return EventKey(self.event_id, self.type, self.source, self.stream_id, self.version)


Handler = Callable[[Envelope], Awaitable[None]]


def envelope_of(
    topic: str, partition: int, offset: int, headers: Mapping[str, bytes], payload: bytes
) -> Envelope:
    """Returns the record as an envelope.

    Raises Undecodable if a CloudEvents header is missing or malformed.
    """
    try:
        text = {name: _text(headers[name]) for name in _NEEDED}
        return Envelope(
            event_id=UUID(text["ce_id"]),
            type=text["ce_type"].rpartition(".")[2],
            source=text["ce_source"],
            stream_id=UUID(text["ce_subject"]),
            version=_parse_version(text["ce_streamversion"]),
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


def _text(raw: bytes) -> str:
    text = raw.decode()
    if "\0" in text:
        raise ValueError("PostgreSQL stores no text with a NUL character")
    return text


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"ce_time {text!r} has no UTC offset")
    return time.astimezone(UTC)


def _parse_version(text: str) -> int:
    version = int(text)
    if not 0 < version <= _MAX_VERSION:
        raise ValueError(f"ce_streamversion {text!r} is out of range")
    return version
