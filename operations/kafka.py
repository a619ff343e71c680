"""Reads topics from their first record to the one that was newest when reading began. There is no group."""

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

ASK_MS: Final = 15_000
STALLED_S: Final = 30.0
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the broker has it. A compacted one keeps the last record of each key."""

    name: str
    partitions: tuple[int, ...]
    is_compacted: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is kept. A header that stands twice counts once, the last time."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]

    def text(self, name: str) -> str:
        """A header as text; empty when it is missing, null, or no text."""
        try:
            return (self.headers.get(name) or b"").decode()
        except UnicodeDecodeError:
            return ""


async def topics(bootstrap: str) -> list[Topic]:
    """Every topic but Kafka's own, by name. Raises what Kafka raises."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=ASK_MS)
    try:
        await admin.start()
        found = [each for each in await admin.describe_topics() if not each["is_internal"]]
        names = [each["topic"] for each in found]
        policies = await _policies(admin, names)
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


async def _policies(admin: AIOKafkaAdminClient, names: Sequence[str]) -> Mapping[str, str]:
    if not names:
        return {}
    wanted = [
        ConfigResource(ConfigResourceType.TOPIC, name, {"cleanup.policy": None}) for name in names
    ]
    answers: list[Any] = await admin.describe_configs(wanted)
    return {
        name: str(entry[1])
        for answer in answers
        for _code, _message, _type, name, entries in answer.resources
        for entry in entries
        if entry[0] == "cleanup.policy"
    }


class Log:
    """Some topics, from their first record to the newest at the time of `reading`."""

    def __init__(
        self, consumer: AIOKafkaConsumer, begins: Mapping[Any, int], ends: Mapping[Any, int]
    ) -> None:
        self._consumer, self._begins, self._ends = consumer, begins, ends

    def has_lost(self, topic: str) -> bool:
        """Whether the topic's first records are gone: retention took them."""
        return any(begin for partition, begin in self._begins.items() if partition.topic == topic)

    async def batches(self) -> AsyncIterator[list[Record]]:
        """The records, in order per partition. Raises KafkaTimeoutError when the broker gives nothing for long."""
        open_ = {
            partition for partition, end in self._ends.items() if end > self._begins[partition]
        }
        moved = time.monotonic()
        while open_:
            found = await self._consumer.getmany(*open_, timeout_ms=200, max_records=BATCH)
            records = [
                _record(raw)
                for partition, raws in found.items()
                for raw in raws
                if raw.offset < self._ends[partition]
            ]
            if records:
                moved = time.monotonic()
                yield records
            open_ = {tp for tp in open_ if await self._consumer.position(tp) < self._ends[tp]}
            if time.monotonic() - moved > STALLED_S:
                raise KafkaTimeoutError(f"no record for {STALLED_S:g} s, though there are more")


@asynccontextmanager
async def reading(bootstrap: str, wanted: Sequence[Topic]) -> AsyncIterator[Log]:
    """The topics as they are now. Raises what Kafka raises."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=ASK_MS,
    )
    try:
        await consumer.start()
        parts = [
            TopicPartition(topic.name, partition)
            for topic in wanted
            for partition in topic.partitions
        ]
        consumer.assign(parts)
        begins = await consumer.beginning_offsets(parts) if parts else {}
        ends = await consumer.end_offsets(parts) if parts else {}
        for part in parts:
            consumer.seek(part, begins[part])
        yield Log(consumer, begins, ends)
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
