"""Sends tombstones to a compacted topic: after compaction no record of their keys is left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from chassis.streams.relay_producer import new_producer, stop_producer
from chassis.transport.brokers import Bootstrap

_TIMEOUT_S: Final = 15.0


async def send_tombstones(
    bootstrap: Bootstrap, topic: str, source: str, keys: Sequence[tuple[int, bytes]]
) -> None:
    """Sends an empty record for each partition and key; returns when all are acknowledged.

    `source` is the publishing service, for instance /enforcement. Raises KafkaError, OSError or,
    after 15 s, TimeoutError; then any of the records may have been sent.
    """
    producer = new_producer(bootstrap)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await producer.start()
            sent = [
                await producer.send(
                    topic,
                    None,
                    key=key,
                    partition=partition,
                    headers=[("ce_source", source.encode())],
                )
                for partition, key in keys
            ]
            await asyncio.gather(*sent)
    finally:
        await stop_producer(producer)
