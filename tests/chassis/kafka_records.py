"""Reads and writes records of a topic in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition


async def records_in(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Returns all records of the topic, in the order of their offsets in each partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        metadata = await consumer._client.fetch_all_metadata()
        partitions = [
            TopicPartition(topic, number)
            for number in sorted(metadata.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[ConsumerRecord] = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


def event_headers(number: int, **headers: bytes | None) -> list[tuple[str, bytes | None]]:
    """Returns CloudEvents headers of event `number`, the first of a stream with the same number.

    Keyword arguments replace some of them.
    """
    plain: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": str(UUID(int=number)).encode(),
        "ce_type": b"safeconduct.samples.v1.Added",
        "ce_source": b"/samples",
        "ce_time": b"2026-03-01T12:00:00Z",
        "ce_subject": str(UUID(int=number)).encode(),
        "ce_streamversion": b"1",
    }
    return list((plain | headers).items())


async def produce(
    bootstrap: str,
    topic: str,
    records: Iterable[tuple[bytes, list[tuple[str, bytes | None]]]],
    partition: int = 0,
) -> None:
    """Writes records with these values and headers to one partition, in order."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        # Larger than any topic accepts: the broker decides.
        max_request_size=8 << 20,
    ) as producer:
        sent = [
            await producer.send(topic, value, key=b"sample", partition=partition, headers=headers)
            for value, headers in records
        ]
        await asyncio.gather(*sent)
