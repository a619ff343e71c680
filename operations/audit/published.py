"""Compares the published events with the stored ones.

A hash chain that was rewritten as a whole is consistent in the database. The published records are
outside of it, so they reveal the rewriting. Every published record with an event id must equal the
stored event in hash and payload. Every stored event must have been published, be in the outbox, or
be older than the records that the topics still keep.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from chassis.store.hash_chain import StoredEvent
from chassis.streams.dead_letters import DEAD_LETTER_SUFFIX
from chassis.transport.brokers import Bootstrap
from operations.audit.chain_faults import LEGEND, Fault, Kind
from operations.audit.journal_reader import ComparedEvent, LiveReader
from operations.kafka import Record, Topic, TopicReader, list_topics, open_reader

CLOCK_SKEW_S: Final = 60.0
"""Allowed difference between the clocks of services and brokers, for the age of records."""


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """A record with the headers of a stored event."""

    service: str
    event_id: UUID
    stream_id: UUID
    version: int
    hash: bytes
    payload: bytes
    name: str
    topic: str


@dataclass(slots=True)
class PublishedEvents:
    """The events that the topics hold, by service, and their faults."""

    records: int = 0
    """Records of events of the audited services."""
    unrecognized: int = 0
    """Records that are no event, heartbeat or dead letter of a service."""
    faults: dict[tuple[str, UUID, Fault], None] = field(default_factory=dict)
    """By service and stream, each once, in the order found."""
    _seen: dict[str, set[bytes]] = field(default_factory=dict)
    _topic_of: dict[tuple[str, str], Topic] = field(default_factory=dict)
    """Topic by service and event name."""
    _newest: dict[tuple[str, bytes], int] = field(default_factory=dict)
    """Newest published version by compacted topic and stream."""
    _oldest_ms: dict[str, dict[int, int]] = field(default_factory=dict)
    """Timestamp of the oldest record by topic and partition."""
    _expired: set[str] = field(default_factory=set)
    """Topics of which retention has deleted records."""

    def unpublished_fault(self, service: str, event: StoredEvent) -> Fault | None:
        """Returns UNPUBLISHED for a stored event that should be in the topics and is not.

        The event must not be in the outbox. An event that compaction or retention may have deleted
        is no fault.
        """
        if event.event_id.bytes in self._seen.get(service, ()):
            return None
        topic = self._topic_of.get((service, event.name))
        if topic is None:
            may_be_deleted = bool(self._expired)
        elif topic.is_compacted:
            newest = self._newest.get((topic.name, event.stream_id.bytes), 0)
            may_be_deleted = event.version < newest
        else:
            may_be_deleted = (
                topic.name in self._expired
                and event.occurred_at.timestamp() < self._kept_since(topic)
            )
        return None if may_be_deleted else _fault(Kind.UNPUBLISHED, event.version)

    def _kept_since(self, topic: Topic) -> float:
        """Returns the Unix time since which the topic holds every record.

        It is infinite if a partition is empty: then nobody knows what retention has deleted there.
        """
        oldest = self._oldest_ms.get(topic.name, {})
        if set(oldest) != set(topic.partitions):
            return float("inf")
        return max(oldest.values()) / 1000 + CLOCK_SKEW_S

    def add(self, event: PublishedEvent, topic: Topic) -> None:
        """Counts a published event."""
        self.records += 1
        self._seen.setdefault(event.service, set()).add(event.event_id.bytes)
        self._topic_of[event.service, event.name] = topic
        if topic.is_compacted:
            key = (topic.name, event.stream_id.bytes)
            self._newest[key] = max(self._newest.get(key, 0), event.version)

    def note_expired(self, reader: TopicReader, topics: Sequence[Topic]) -> None:
        """Notes of which topics retention has deleted records."""
        self._expired = {topic.name for topic in topics if reader.has_expired_records(topic.name)}

    def note_age(self, record: Record) -> None:
        """Notes the timestamp of the first record of each partition."""
        self._oldest_ms.setdefault(record.topic, {}).setdefault(
            record.partition, record.timestamp_ms
        )


@contextlib.asynccontextmanager
async def open_event_topics(
    bootstrap: Bootstrap,
) -> AsyncIterator[tuple[TopicReader, list[Topic]]]:
    """Opens all topics except those of dead letters. Raises KafkaError."""
    topics = [
        topic
        for topic in await list_topics(bootstrap)
        if not topic.name.endswith(DEAD_LETTER_SUFFIX)
    ]
    async with open_reader(bootstrap, topics) as reader:
        yield reader, topics


async def compare(
    reader: TopicReader,
    topics: Sequence[Topic],
    journals: Mapping[str, LiveReader],
    progress: Callable[[int], None],
) -> PublishedEvents:
    """Reads the topics to their end and compares every event with its service's journal.

    `journals` are by service name. Events of other services are skipped.
    """
    published = PublishedEvents()
    published.note_expired(reader, topics)
    by_name = {topic.name: topic for topic in topics}
    async for batch in reader.batches():
        for service, events in _by_service(batch, published).items():
            if service not in journals:
                continue
            stored = await journals[service].events_by_id([each.event_id for each in events])
            for each in events:
                published.add(each, by_name[each.topic])
                fault = await _compare(each, stored.get(each.event_id), journals[service])
                if fault is not None:
                    published.faults[service, each.stream_id, fault] = None
        progress(published.records)
    return published


def _by_service(
    batch: Sequence[Record], published: PublishedEvents
) -> dict[str, list[PublishedEvent]]:
    found: dict[str, list[PublishedEvent]] = {}
    for record in batch:
        published.note_age(record)
        if "ce_hash" not in record.headers and record.text("ce_id").startswith(
            record.text("ce_source") + "/"
        ):
            continue  # a record without a stored event, for instance a heartbeat
        event = _published_event(record)
        if event is None:
            published.unrecognized += 1
        else:
            found.setdefault(event.service, []).append(event)
    return found


def _published_event(record: Record) -> PublishedEvent | None:
    try:
        return PublishedEvent(
            service=record.text("ce_source").removeprefix("/"),
            event_id=UUID(record.text("ce_id")),
            stream_id=UUID(record.text("ce_subject")),
            version=int(record.text("ce_streamversion")),
            hash=bytes.fromhex(record.text("ce_hash")),
            payload=record.value or b"",
            name=record.text("ce_type").rpartition(".")[2],
            topic=record.topic,
        )
    except ValueError:
        return None


async def _compare(
    event: PublishedEvent, stored: ComparedEvent | None, journal: LiveReader
) -> Fault | None:
    if stored is None:
        other = await journal.event_id_at(event.stream_id, event.version)
        if other is None:
            detail = f"{event.name} {event.event_id} was published, but is not stored"
            return Fault(Kind.UNRECORDED, event.version, detail)
        detail = f"{event.name} {event.event_id} was published, but {other} is stored"
        return Fault(Kind.REWRITTEN, event.version, detail)
    position = (event.stream_id, event.version)
    comparisons = {
        "stream or version": (stored.stream_id, stored.version) == position,
        "hash": stored.hash == event.hash,
        "payload": stored.payload == event.payload,
    }
    different = [name for name, is_equal in comparisons.items() if not is_equal]
    if not different:
        return None
    detail = f"the published event has another {' and another '.join(different)}"
    return Fault(Kind.REWRITTEN, event.version, detail)


def _fault(kind: Kind, version: int) -> Fault:
    return Fault(kind, version, LEGEND[kind])
