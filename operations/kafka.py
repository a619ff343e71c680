"""Reads topics without a consumer group, from the first record to the newest at the opening."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaTimeoutError

from chassis.streams.record_size import MAX_DEAD_LETTER_BYTES
from chassis.transport.brokers import Bootstrap, client_options

REQUEST_TIMEOUT_MS: Final = 15_000
STALLED_S: Final = 30.0
"""Reading fails if no record arrives for so long although there are more."""
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the broker. A compacted topic keeps the newest record of each key."""

    name: str
    partitions: tuple[int, ...]
    is_compacted: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic. If a header occurs twice, its last value counts."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]

    def text(self, name: str) -> str:
        """Returns a header as text; empty if it is missing, null or not UTF-8."""
        try:
            return (self.headers.get(name) or b"").decode()
        except UnicodeDecodeError:
            return ""


async def list_topics(bootstrap: Bootstrap) -> list[Topic]:
    """Returns every topic except Kafka's internal ones, by name. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**client_options(bootstrap), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        found = [each for each in await admin.describe_topics() if not each["is_internal"]]
        names = [each["topic"] for each in found]
        policies = await _cleanup_policies(admin, names)
        return sorted(
            (
                Topic(
                    name=each["topic"],
                    partitions=tuple(sorted(part["partition"] for part in each["partitions"])),
                    is_compacted="compact" in policies.get(each["topic"], ""),
                )
                for each in found
            ),
            key=lambda topic: topic.name,
        )
    finally:
        await admin.close()


async def _cleanup_policies(admin: AIOKafkaAdminClient, names: Sequence[str]) -> Mapping[str, str]:
    if not names:
        return {}
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, {"cleanup.policy": None}) for name in names
    ]
    answers: list[Any] = await admin.describe_configs(resources)
    return {
        name: str(entry[1])
        for answer in answers
        for _code, _message, _type, name, entries in answer.resources
        for entry in entries
        if entry[0] == "cleanup.policy"
    }


class TopicReader:
    """Reads topics up to the offsets that were their ends when `open_reader` was called."""

    def __init__(
        self, consumer: AIOKafkaConsumer, begins: Mapping[Any, int], ends: Mapping[Any, int]
    ) -> None:
        self._consumer, self._begins, self._ends = consumer, begins, ends

    def has_expired_records(self, topic: str) -> bool:
        """Returns whether retention has deleted records of the topic."""
        return any(begin for partition, begin in self._begins.items() if partition.topic == topic)

    async def batches(self) -> AsyncIterator[list[Record]]:
        """Yields the records in batches, in the order of each partition.

        Raises KafkaTimeoutError if the broker sends nothing for 30 s although there are more.
        """
        unread = {
            partition for partition, end in self._ends.items() if end > self._begins[partition]
        }
        progressed = time.monotonic()
        while unread:
            found = await self._consumer.getmany(*unread, timeout_ms=200, max_records=BATCH)
            records = [
                _record(raw)
                for partition, raws in found.items()
                for raw in raws
                if raw.offset < self._ends[partition]
            ]
            if records:
                progressed = time.monotonic()
                yield records
            # By position and not by the last record: the last offsets of a compacted topic may
            # have no record any more.
            unread = {
                each for each in unread if await self._consumer.position(each) < self._ends[each]
            }
            if time.monotonic() - progressed > STALLED_S:
                raise KafkaTimeoutError(f"no record for {STALLED_S:g} s although there are more")


@asynccontextmanager
async def open_reader(bootstrap: Bootstrap, topics: Sequence[Topic]) -> AsyncIterator[TopicReader]:
    """Opens a reader of the topics as they are now. Raises KafkaError."""
    consumer = AIOKafkaConsumer(
        **client_options(bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        max_partition_fetch_bytes=MAX_DEAD_LETTER_BYTES,
    )
    try:
        await consumer.start()
        partitions = [
            TopicPartition(topic.name, number) for topic in topics for number in topic.partitions
        ]
        consumer.assign(partitions)
        begins = await consumer.beginning_offsets(partitions) if partitions else {}
        ends = await consumer.end_offsets(partitions) if partitions else {}
        for partition in partitions:
            consumer.seek(partition, begins[partition])
        yield TopicReader(consumer, begins, ends)
    finally:
        await consumer.stop()


def _record(raw: Any) -> Record:
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp,
        key=raw.key,
        value=raw.value,
        headers=dict(raw.headers or ()),
    )
