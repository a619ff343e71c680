"""Parses the records of dead-letter topics: dead letters, and markers of those that were redriven.

A dead letter is a record of `<topic>.dlq`. Later in the same topic there may be redrive markers:
records without a value that tell when the dead letter was redriven, and its new record. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from chassis.streams.dead_letters import DEAD_LETTER_SUFFIX, GROUP_HEADER, REDRIVEN_HEADER
from operations.kafka import Record

MARKER_HEADER: Final = "dlq_mark"
"""Header of a redrive marker: id of the dead letter, `topic/partition/offset`."""
_AT, _TO = "dlq_at", "dlq_to"


@dataclass(frozen=True, slots=True)
class Redrive:
    """One redrive of a dead letter."""

    at: str
    """ISO 8601 in UTC."""
    to: str
    """Id of the redriven record, `topic/partition/offset`."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter with its `dlq_` headers. A text is empty if its header is missing."""

    record: Record
    topic: str
    """The topic that the record was consumed from."""
    partition: int | None
    origin: str
    """Id of the original record, `topic/partition/offset`."""
    group: str
    """The consumer group that could not handle it, for instance safeconduct.screening."""
    reason: str
    """UPPER_SNAKE, for instance HANDLER_FAILED."""
    error: str
    """Type of the exception."""
    attempts: str
    at: str
    """When it became a dead letter, ISO 8601 in UTC."""
    event_type: str
    event_id: str
    subject: str
    """Id of the event's stream."""
    traceparent: str
    previous_id: str
    """If it was redriven before and failed again: id of the dead letter that it was."""
    redrives: tuple[Redrive, ...] = ()

    @property
    def id(self) -> str:
        """Its own id: `topic/partition/offset`."""
        return record_id(self.record.topic, self.record.partition, self.record.offset)

    @property
    def trace_id(self) -> str:
        """W3C trace id of the command that made the event; empty when it was not traced."""
        return self.traceparent[3:35]


def record_id(topic: str, partition: int, offset: int) -> str:
    """Returns the id of a record: `topic/partition/offset`."""
    return f"{topic}/{partition}/{offset}"


def parse_dead_letters(records: Iterable[Record]) -> list[DeadLetter]:
    """Returns the dead letters among the records, in their order, with their redrives."""
    dead_letters: dict[str, DeadLetter] = {}
    redrives: dict[str, list[Redrive]] = {}
    for record in records:
        marked_id = record.text(MARKER_HEADER)
        if marked_id:
            redrives.setdefault(marked_id, []).append(Redrive(record.text(_AT), record.text(_TO)))
        else:
            dead_letter = _dead_letter(record, ())
            dead_letters[dead_letter.id] = dead_letter
    return [
        _dead_letter(each.record, tuple(redrives.get(name, ())))
        for name, each in dead_letters.items()
    ]


def marker_headers(dead_letter: DeadLetter, redrive: Redrive) -> list[tuple[str, bytes]]:
    """Returns the headers of the marker of a redrive."""
    texts = ((MARKER_HEADER, dead_letter.id), (_TO, redrive.to), (_AT, redrive.at))
    return [(name, text.encode()) for name, text in texts]


def redriven_headers(dead_letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    """Returns the headers of the redriven record: the original ones, the dead letter and its group.

    Consumers of other groups acknowledge the record without handling it.
    """
    original: Mapping[str, bytes | None] = {
        name: raw for name, raw in dead_letter.record.headers.items() if not name.startswith("dlq_")
    }
    return [
        *original.items(),
        (REDRIVEN_HEADER, dead_letter.id.encode()),
        (GROUP_HEADER, dead_letter.group.encode()),
    ]


def _dead_letter(record: Record, redrives: tuple[Redrive, ...]) -> DeadLetter:
    topic = record.text("dlq_topic") or record.topic.removesuffix(DEAD_LETTER_SUFFIX)
    partition, offset = record.text("dlq_partition"), record.text("dlq_offset")
    return DeadLetter(
        record=record,
        topic=topic,
        partition=int(partition) if partition.isdecimal() else None,
        origin=f"{topic}/{partition or '?'}/{offset or '?'}",
        group=record.text(GROUP_HEADER),
        reason=record.text("dlq_reason"),
        error=record.text("dlq_error"),
        attempts=record.text("dlq_attempts"),
        at=record.text(_AT),
        event_type=record.text("ce_type"),
        event_id=record.text("ce_id"),
        subject=record.text("ce_subject"),
        traceparent=record.text("traceparent"),
        previous_id=record.text(REDRIVEN_HEADER),
        redrives=redrives,
    )
