"""Reads a whole compacted topic into the process, again and again from where it stopped.

Every replica reads every partition; there is no group and nothing is acknowledged. It knows offsets and nothing of
what the records say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

_LOG = structlog.get_logger("compacted")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the topic."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    type: str
    """Short name of the event, or empty."""
    traceparent: str


class TopicTableReader:
    """Gives every record of `topic` to `hear`, in order per partition. `run` survives the loss of the broker.

    `caught_up` is set once everything that was in the topic when the reader started has been heard.
    """

    def __init__(self, bootstrap: str, topic: str, hear: Callable[[list[Entry]], None]) -> None:
        self._bootstrap, self._topic, self._hear = bootstrap, topic, hear
        self._next: dict[int, int] = {}
        self.caught_up = asyncio.Event()
        self.partitions: frozenset[int] = frozenset()

    async def run(self) -> None:
        """Reads until cancelled."""
        while True:
            try:
                await self._read()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever broke, reading goes on from the last offset
                _LOG.warning("reader starts over", topic=self._topic, error=type(error).__name__)
            await asyncio.sleep(0.5)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_wait_ms=100, request_timeout_ms=10_000, metadata_max_age_ms=30_000,
        )  # fmt: skip
        try:
            await consumer.start()
            known = await self._partitions(consumer)
            consumer.assign(list(known))
            for tp in known:
                if tp.partition in self._next:
                    consumer.seek(tp, self._next[tp.partition])
                else:
                    await consumer.seek_to_beginning(tp)
            ends = {
                tp.partition: offset for tp, offset in (await consumer.end_offsets(known)).items()
            }
            self.partitions = frozenset(tp.partition for tp in known)
            while True:
                self._note_progress(
                    ends, {tp.partition: await consumer.position(tp) for tp in known}
                )
                batches = await consumer.getmany(timeout_ms=200, max_records=2000)
                for tp, records in batches.items():
                    self._hear([_entry(record) for record in records])
                    self._next[tp.partition] = records[-1].offset + 1
        finally:
            # A consumer that does not stop in peace must not hide why it was stopped.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        # The topic is not subscribed to, so the client has not asked for it by itself.
        metadata = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - no public call gives partitions of any topic
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
        partition=record.partition,  # type: ignore[attr-defined]
        offset=record.offset,  # type: ignore[attr-defined]
        key=record.key or b"",  # type: ignore[attr-defined]
        value=record.value or b"",  # type: ignore[attr-defined]
        type=headers.get("ce_type", b"").decode().rpartition(".")[2],
        traceparent=headers.get("traceparent", b"").decode(),
    )
