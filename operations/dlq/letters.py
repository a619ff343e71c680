"""Dead letters as they lie in their topics, and which of them are on their way again.

A letter is a record of `<topic>.dlq`. Behind it may stand marks: records without a value that say when it was sent
again and to where. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from chassis.streams.dead_letters import DEAD_LETTER_SUFFIX, GROUP_HEADER, REDRIVEN_HEADER
from operations.kafka import Record

MARK: Final = "dlq_mark"
"""Header of a mark: the letter it is about, `topic/partition/offset`."""
_AT, _TO = "dlq_at", "dlq_to"


@dataclass(frozen=True, slots=True)
class Sent:
    """That a letter was sent again: when (ISO 8601), and where it lies now (`topic/partition/offset`)."""

    at: str
    to: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `group` could not handle it, for `reason`; `origin` is where it lay (`topic/partition/offset`)."""

    record: Record
    topic: str
    partition: int | None
    origin: str
    group: str
    reason: str
    error: str
    attempts: str
    at: str
    event_type: str
    event_id: str
    subject: str
    traceparent: str
    was: str
    """The letter that it was before, when it had been sent again; else empty."""
    sent: tuple[Sent, ...] = ()

    @property
    def id(self) -> str:
        """Names it: `topic/partition/offset`."""
        return place(self.record.topic, self.record.partition, self.record.offset)

    @property
    def trace_id(self) -> str:
        """W3C trace id of the step that told the fact, or empty."""
        return self.traceparent[3:35]


def place(topic: str, partition: int, offset: int) -> str:
    """How a record is named."""
    return f"{topic}/{partition}/{offset}"


def letters(records: Iterable[Record]) -> list[Letter]:
    """The letters among the records of dead-letter topics, in the order of the records, with their marks."""
    found: dict[str, Letter] = {}
    marks: dict[str, list[Sent]] = {}
    for record in records:
        about = record.text(MARK)
        if about:
            marks.setdefault(about, []).append(Sent(record.text(_AT), record.text(_TO)))
        else:
            letter = _letter(record, ())
            found[letter.id] = letter
    return [_letter(letter.record, tuple(marks.get(name, ()))) for name, letter in found.items()]


def mark(letter: Letter, to: str, at: str) -> list[tuple[str, bytes]]:
    """Headers of the mark that the letter was sent again."""
    return [(name, text.encode()) for name, text in ((MARK, letter.id), (_TO, to), (_AT, at))]


def redriven(letter: Letter) -> list[tuple[str, bytes | None]]:
    """Headers with which the letter is sent again: its own, which letter it was, and the group that it is for."""
    own: Mapping[str, bytes | None] = {
        name: raw for name, raw in letter.record.headers.items() if not name.startswith("dlq_")
    }
    return [
        *own.items(),
        (REDRIVEN_HEADER, letter.id.encode()),
        (GROUP_HEADER, letter.group.encode()),
    ]


def _letter(record: Record, sent: tuple[Sent, ...]) -> Letter:
    topic = record.text("dlq_topic") or record.topic.removesuffix(DEAD_LETTER_SUFFIX)
    partition, offset = record.text("dlq_partition"), record.text("dlq_offset")
    return Letter(
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
        was=record.text(REDRIVEN_HEADER),
        sent=sent,
    )
