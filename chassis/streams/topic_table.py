"""Reads a whole compacted topic into the process and follows it, as a table of the newest records.

Every replica reads every partition. There is no consumer group, and no offset is committed: a
process that starts reads the topic from its beginning.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.streams.record_size import MAX_RECORD_BYTES
from chassis.streams.topic_id import topic_id
from chassis.transport.brokers import Bootstrap, client_options

_LOG = structlog.get_logger("topic_table")
_RESTART_S = 0.5
_ID_CHECK_S = 1.0
"""Seconds between two checks whether the topic is still the same."""

OnStart = Callable[[UUID, Mapping[int, int]], Awaitable[None]]


async def _nothing(_topic_id: UUID, _ends: Mapping[int, int]) -> None:
    """Does nothing when reading begins."""


class _TopicRecreatedError(Exception):
    """The topic has another id than when reading began."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the topic."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    type: str
    """Short name of the event, for instance StandingChanged; empty without a type header."""
    traceparent: str


class TopicTableReader:
    """Passes every record of `topic` to `on_records`, in the order of each partition.

    `on_start` is awaited each time reading begins, also after a lost connection, before the first
    record is passed. It gets the topic's id and the end of each partition. A topic that is created
    again, under another id, is read from its beginning.

    `caught_up` is set once every record that was in the topic when reading began has been passed.
    """

    def __init__(
        self,
        bootstrap: Bootstrap,
        topic: str,
        on_records: Callable[[list[Entry]], None],
        on_start: OnStart = _nothing,
    ) -> None:
        self._bootstrap, self._topic, self._on_records = bootstrap, topic, on_records
        self._on_start = on_start
        self._topic_id: UUID | None = None
        self._next: dict[int, int] = {}
        self.caught_up = asyncio.Event()
        self.partitions: frozenset[int] = frozenset()

    async def run(self) -> None:
        """Reads until cancelled. If the broker is lost, it goes on from the last offset later."""
        while True:
            try:
                await self._read()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # aiokafka cancels a request whose connection is lost; nobody cancelled this task.
                _LOG.warning("reading starts again", topic=self._topic, error="CancelledError")
            except Exception as error:  # noqa: BLE001 - after any error, reading goes on
                _LOG.warning("reading starts again", topic=self._topic, error=type(error).__name__)
            await asyncio.sleep(_RESTART_S)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **client_options(self._bootstrap),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
            request_timeout_ms=10_000,
            metadata_max_age_ms=30_000,
        )
        try:
            await consumer.start()
            found = await self._read_topic_id(consumer)
            if found != self._topic_id:
                self._topic_id = found
                self._next.clear()
            assigned = await self._partitions(consumer)
            consumer.assign(list(assigned))
            for partition in assigned:
                if partition.partition in self._next:
                    consumer.seek(partition, self._next[partition.partition])
                else:
                    await consumer.seek_to_beginning(partition)
            ends = {
                partition.partition: offset
                for partition, offset in (await consumer.end_offsets(assigned)).items()
            }
            self.partitions = frozenset(partition.partition for partition in assigned)
            await self._on_start(found, ends)
            checked_at = time.monotonic()
            while True:
                if time.monotonic() - checked_at > _ID_CHECK_S:
                    checked_at = time.monotonic()
                    if await self._read_topic_id(consumer) != found:
                        raise _TopicRecreatedError
                positions = {each.partition: await consumer.position(each) for each in assigned}
                self._note_progress(ends, positions)
                batches = await consumer.getmany(timeout_ms=200, max_records=2000)
                for partition, records in batches.items():
                    self._on_records([_entry(record) for record in records])
                    self._next[partition.partition] = records[-1].offset + 1
        finally:
            # An error of `stop` must not replace the error that ended the reading.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _read_topic_id(self, consumer: AIOKafkaConsumer) -> UUID:
        return await topic_id(consumer._client, self._topic)  # noqa: SLF001 - no public call; tests/chassis/streams/test_private_fields.py

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        # `partitions_for_topic` knows subscribed topics only. A subscription would join a group.
        metadata = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - no public call; tests/chassis/streams/test_private_fields.py
        partitions = metadata.partitions_for_topic(self._topic)
        if not partitions:
            raise LookupError(f"topic {self._topic} does not exist yet")
        return [TopicPartition(self._topic, partition) for partition in sorted(partitions)]

    def _note_progress(self, ends: dict[int, int], positions: dict[int, int]) -> None:
        if not self.caught_up.is_set() and all(
            positions[partition] >= end for partition, end in ends.items()
        ):
            self.caught_up.set()


def _entry(record: object) -> Entry:
    headers = dict(record.headers or ())  # type: ignore[attr-defined]  # aiokafka ships no types
    return Entry(
        partition=record.partition,  # type: ignore[attr-defined]  # same
        offset=record.offset,  # type: ignore[attr-defined]  # same
        key=record.key or b"",  # type: ignore[attr-defined]  # same
        value=record.value or b"",  # type: ignore[attr-defined]  # same
        type=headers.get("ce_type", b"").decode().rpartition(".")[2],
        traceparent=headers.get("traceparent", b"").decode(),
    )
