"""Publishes copies of the services' records, and records that no handler can process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from safeconduct.enforcement.v1 import events_pb2

from chassis.transport.brokers import Bootstrap, client_options

T = TypeVar("T")
APPLICATIONS: Final = "safeconduct.applications.v1"
SCREENING: Final = "safeconduct.screening.v1"
ENFORCEMENT: Final = "safeconduct.enforcement.v1"
STANDING: Final = "safeconduct.standing.v1"
COPY: Final = "injected_copy"
"""The header of copies that the run sends. The services do not know it."""
FACTS: Final = (APPLICATIONS, SCREENING, ENFORCEMENT)
HEARS: Final = {
    APPLICATIONS: ("safeconduct.screening", "safeconduct.enforcement"),
    SCREENING: ("safeconduct.applications", "safeconduct.enforcement"),
    ENFORCEMENT: ("safeconduct.applications", "safeconduct.screening"),
}
"""Consumer groups of each topic."""
INJECTED_STREAMS: Final = "6661756c-7473-"
"""The ids of injected streams begin so: `faults` in hexadecimal digits."""
_SOURCE: Final = "/enforcement"
"""The owner of the topic: services believe no other."""
UNKNOWN_EVENT: Final = "LicenseFramed"
"""An event that no release knows."""
KEY: Final = b"faults"
"""Key of every injected record. It shows whether a send that failed was written after all."""
PARTITIONS: Final = 6
SHARDS: Final = 16
"""Number of partitions of each topic."""
COPIES: Final = 150
"""Number of the newest records of a topic that one injection publishes again."""


@dataclass(frozen=True, slots=True)
class Poison:
    """An injected record that each of `groups` must dead-letter, for one of `reasons`."""

    topic: str
    partition: int
    offset: int
    groups: tuple[str, ...]
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """An injected event that each of `services` must park, for one of `reasons`.

    It may be several records: copies of an event are parked once.
    """

    source: str
    stream_id: str
    version: int
    services: tuple[str, ...]
    reasons: frozenset[str]


def poison_of(record: Any) -> Poison | None:
    """Returns the injected record without a readable stream that this record is, or None."""
    if record.key != KEY or record.headers:
        return None
    place = record.topic, record.partition, record.offset
    return Poison(*place, HEARS[record.topic], frozenset({"UNDECODABLE"}))


def refused_of(record: Any) -> Refused | None:
    """Returns the injected event with a readable stream that this record is, or None.

    Events of an unknown type are left out: the run drops them as an operator would.
    """
    if record.key != KEY or not record.headers:
        return None
    headers = {name: raw.decode() for name, raw in record.headers}
    if headers["ce_type"].endswith(UNKNOWN_EVENT):
        return None
    stream = headers["ce_source"], headers["ce_subject"], int(headers["ce_streamversion"])
    is_first = headers["ce_streamversion"] == "1"
    # Screening does not handle suspensions.
    reasons = {"NOT_FOUND"} if is_first else {"NOT_FOUND", "BEHIND"}
    return Refused(*stream, ("applications",), frozenset(reasons))


async def newest(bootstrap: Bootstrap, topics: Sequence[str], count: int = COPIES) -> list[Any]:
    """Returns the newest records of the topics, in order within a partition."""
    consumer = AIOKafkaConsumer(
        **client_options(bootstrap), enable_auto_commit=False, request_timeout_ms=10_000
    )
    try:
        await consumer.start()
        counts = {topic: SHARDS if topic == STANDING else PARTITIONS for topic in topics}
        partitions = [
            TopicPartition(topic, number) for topic in topics for number in range(counts[topic])
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for tp, end in ends.items():
            consumer.seek(tp, max(0, end - max(1, count // counts[tp.topic])))
        found: list[Any] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(records)
        return found
    finally:
        await consumer.stop()


async def send_again(bootstrap: Bootstrap, rng: random.Random | None) -> int:
    """Publishes the newest events again, in order or shuffled by `rng`; returns their number.

    Standings are among them. This is what a relay does that lost its shard with a record in flight:
    an older standing follows a newer one.
    """
    # Heartbeats have no version; only standings of licenses count on the standing topic.
    found = await newest(bootstrap, (*FACTS, STANDING))
    records = [each for each in found if "ce_streamversion" in dict(each.headers or ())]
    if rng is not None:
        rng.shuffle(records)
    producer = AIOKafkaProducer(**client_options(bootstrap), acks="all", request_timeout_ms=10_000)
    try:
        await producer.start()
        for record in records:
            await producer.send_and_wait(
                record.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=[*record.headers, (COPY, b"true")],
            )
    finally:
        await producer.stop()
    return len(records)


async def poison(bootstrap: Bootstrap, rng: random.Random) -> None:
    """Publishes undecodable bytes on one partition of every event topic."""
    for topic in FACTS:
        await _put(bootstrap, topic, rng.randrange(PARTITIONS), rng.randbytes(40), [])


async def failing(bootstrap: Bootstrap, rng: random.Random) -> None:
    """Publishes an event about a license that was never issued; its handler must refuse it."""
    stream = _injected_stream(rng)
    await _put_event(bootstrap, rng, rng.randrange(PARTITIONS), stream, 1, "LicenseSuspended")


async def unknown_type(bootstrap: Bootstrap, rng: random.Random) -> None:
    """Publishes an event of a type that no release knows, and a known one behind it.

    The services must park both, and all the same handle every other stream of the partition.
    """
    stream, partition = _injected_stream(rng), rng.randrange(PARTITIONS)
    await _put_event(bootstrap, rng, partition, stream, 1, UNKNOWN_EVENT)
    await _put_event(bootstrap, rng, partition, stream, 2, "LicenseSuspended")


async def wrong_order(bootstrap: Bootstrap, rng: random.Random) -> UUID:
    """Publishes two events of a stream, the later one first; returns the stream.

    Both are about a license that was never issued.
    """
    stream, partition = _injected_stream(rng), rng.randrange(PARTITIONS)
    for version in (2, 1, 2):
        await _put_event(bootstrap, rng, partition, stream, version, "LicenseSuspended")
    return stream


def _injected_stream(rng: random.Random) -> UUID:
    return UUID(bytes=b"faults" + rng.randbytes(10), version=4)


async def _put_event(
    bootstrap: Bootstrap, rng: random.Random, partition: int, stream: UUID, version: int, name: str
) -> None:
    published = events_pb2.LicenseSuspended(
        license_id=str(stream),
        application_id=str(UUID(bytes=rng.randbytes(16), version=4)),
        standing_version=2,
    )
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(UUID(bytes=rng.randbytes(16), version=4)),
        "ce_source": _SOURCE,
        "ce_type": f"{ENFORCEMENT}.{name}",
        "ce_subject": str(stream),
        "ce_streamversion": str(version),
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/protobuf",
    }
    raw = [(key, text.encode()) for key, text in headers.items()]
    await _put(bootstrap, ENFORCEMENT, partition, published.SerializeToString(), raw)


async def _put(
    bootstrap: Bootstrap, topic: str, partition: int, body: bytes, headers: list[tuple[str, bytes]]
) -> None:
    producer = AIOKafkaProducer(**client_options(bootstrap), acks="all", request_timeout_ms=10_000)
    try:
        await producer.start()
        await producer.send_and_wait(topic, body, key=KEY, partition=partition, headers=headers)
    finally:
        await producer.stop()
