"""Compares what was published with what is stored: the anchor outside, which a rewritten chain cannot move.

Every record with an event's id must be the event that is stored, hash and payload; and every stored event must have
been published, wait in the outbox, or be older than what the topics keep.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from chassis.store.hash_chain import StoredEvent
from chassis.streams.dead_letters import DEAD_LETTER_SUFFIX
from operations.audit.chain import Fault, Kind
from operations.audit.store import Kept, Latest
from operations.kafka import Log, Record, Topic, reading, topics

SKEW_S: Final = 60.0
"""How far the clocks of services and brokers may be apart where the age of a record is judged."""


@dataclass(frozen=True, slots=True)
class Told:
    """A record that says it is a stored event."""

    service: str
    event_id: UUID
    stream_id: UUID
    version: int
    hash: bytes
    payload: bytes
    name: str
    topic: str


@dataclass(slots=True)
class Published:
    """What the topics hold of each service, and what of it does not fit what is stored."""

    records: int = 0
    """Records that say they are events of a service that was asked about."""
    foreign: int = 0
    """Records of facts topics that no service wrote in this form."""
    faults: dict[tuple[str, UUID, Fault], None] = field(default_factory=dict)
    """By service and stream, each once, in the order found."""
    _seen: dict[str, set[bytes]] = field(default_factory=dict)
    _topic_of: dict[tuple[str, str], Topic] = field(default_factory=dict)
    _newest: dict[tuple[str, bytes], int] = field(default_factory=dict)
    _oldest_ms: dict[str, dict[int, int]] = field(default_factory=dict)
    _lossy: set[str] = field(default_factory=set)

    def judge(self, service: str, event: StoredEvent) -> Fault | None:
        """What is wrong with a stored event that does not wait in the outbox: nothing, or that nobody published it."""
        if event.event_id.bytes in self._seen.get(service, ()):
            return None
        topic = self._topic_of.get((service, event.name))
        if topic is None:
            is_excused = bool(self._lossy)
        elif topic.is_compacted:
            is_excused = event.version < self._newest.get((topic.name, event.stream_id.bytes), 0)
        else:
            is_excused = (
                topic.name in self._lossy
                and event.occurred_at.timestamp() < self._kept_since(topic)
            )
        return (
            None if is_excused else Fault(Kind.UNPUBLISHED, event.version, "it was never published")
        )

    def _kept_since(self, topic: Topic) -> float:
        """Whatever was published after this moment must be there, in seconds since 1970; infinite when that is open."""
        oldest = self._oldest_ms.get(topic.name, {})
        if set(oldest) != set(topic.partitions):
            return float("inf")
        return max(oldest.values()) / 1000 + SKEW_S

    def note(self, told: Told, topic: Topic) -> None:
        """Remembers that the event was published."""
        self.records += 1
        self._seen.setdefault(told.service, set()).add(told.event_id.bytes)
        self._topic_of[told.service, told.name] = topic
        if topic.is_compacted:
            key = (topic.name, told.stream_id.bytes)
            self._newest[key] = max(self._newest.get(key, 0), told.version)

    def note_topics(self, log: Log, wanted: Sequence[Topic]) -> None:
        """Remembers which topics have lost their first records."""
        self._lossy = {topic.name for topic in wanted if log.has_lost(topic.name)}

    def note_age(self, record: Record) -> None:
        """Remembers the oldest record of each partition."""
        self._oldest_ms.setdefault(record.topic, {}).setdefault(
            record.partition, record.timestamp_ms
        )


@contextlib.asynccontextmanager
async def log_of_facts(bootstrap: str) -> AsyncIterator[tuple[Log, list[Topic]]]:
    """Every topic but the dead letters', as they are now."""
    wanted = [
        topic for topic in await topics(bootstrap) if not topic.name.endswith(DEAD_LETTER_SUFFIX)
    ]
    async with reading(bootstrap, wanted) as log:
        yield log, wanted


async def compare(
    log: Log,
    wanted: Sequence[Topic],
    journals: Mapping[str, Latest],
    progress: Callable[[int], None],
) -> Published:
    """Reads the topics to their end and looks every event up in the journal of its service, by the service's name."""
    published = Published()
    published.note_topics(log, wanted)
    by_name = {topic.name: topic for topic in wanted}
    async for batch in log.batches():
        for service, told in _by_service(batch, published).items():
            if service not in journals:
                continue
            kept = await journals[service].by_id([each.event_id for each in told])
            for each in told:
                published.note(each, by_name[each.topic])
                if (
                    fault := await _fault(each, kept.get(each.event_id), journals[service])
                ) is not None:
                    published.faults[service, each.stream_id, fault] = None
        progress(published.records)
    return published


def _by_service(batch: Sequence[Record], published: Published) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for record in batch:
        published.note_age(record)
        if "ce_hash" not in record.headers and record.text("ce_id").startswith(
            record.text("ce_source") + "/"
        ):
            continue  # a ready body, such as a tick: no event stands behind it
        told = _told(record)
        if told is None:
            published.foreign += 1
        else:
            found.setdefault(told.service, []).append(told)
    return found


def _told(record: Record) -> Told | None:
    try:
        return Told(
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


async def _fault(told: Told, kept: Kept | None, journal: Latest) -> Fault | None:
    if kept is None:
        other = await journal.id_at(told.stream_id, told.version)
        if other is None:
            return Fault(
                Kind.UNRECORDED,
                told.version,
                f"{told.name} {told.event_id} was published and is not stored",
            )
        detail = f"{told.name} {told.event_id} was published, {other} is stored"
        return Fault(Kind.REWRITTEN, told.version, detail)
    differs = [
        name
        for name, is_same in (
            ("stream or version", (kept.stream_id, kept.version) == (told.stream_id, told.version)),
            ("hash", kept.hash == told.hash),
            ("payload", kept.payload == told.payload),
        )
        if not is_same
    ]
    if not differs:
        return None
    detail = f"what was published under its id has another {' and another '.join(differs)}"
    return Fault(Kind.REWRITTEN, told.version, detail)
