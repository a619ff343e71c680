"""The events of a case file with their payloads decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message
from safeconduct.applications.v1 import events_pb2 as applications

from operations.audit.case_file import CaseFile
from operations.audit.events import decode_event

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """An event with its decoded payload."""

    service: str
    event_id: UUID
    hash: str
    name: str
    message: Message | None
    """None if the type is unknown or the payload is malformed."""


def decode_events(file: CaseFile) -> tuple[list[DecodedEvent], list[str]]:
    """Returns all events, and the faults of payloads that cannot be decoded."""
    events: list[DecodedEvent] = []
    faults: list[str] = []
    for stream in file.streams:
        for event in stream.events:
            try:
                message = decode_event(stream.service, event.name, event.payload)
            except ValueError as fault:
                faults.append(f"{stream.service} version {event.version}: {fault}")
                message = None
            events.append(
                DecodedEvent(stream.service, event.event_id, event.hash, event.name, message)
            )
    return events, faults


def newest(events: Sequence[DecodedEvent], message_type: type[M]) -> M | None:
    """Returns the newest event of a type, or None."""
    return next(
        (each.message for each in reversed(events) if isinstance(each.message, message_type)), None
    )


def issued_grant(events: Sequence[DecodedEvent]) -> applications.LicenseGrant | None:
    """Returns the grant of the issued license, or None."""
    issued = newest(events, applications.LicenseIssued)
    return issued.license if issued is not None else None
