"""Writes dead letters: records without a readable source stream, to the topic `<topic>.dlq`.

A dead letter keeps the record's key, value and headers byte for byte. Headers that begin with
`dlq_` are added: the record's origin, the group, the reason, the error and the attempts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from chassis.streams.record_size import MAX_DEAD_LETTER_BYTES
from chassis.transport.brokers import Bootstrap, client_options

DEAD_LETTER_SUFFIX: Final = ".dlq"
REDRIVEN_HEADER: Final = "dlq_redriven"
"""Header of a redriven record: id of the dead letter that it was, `topic/partition/offset`."""
GROUP_HEADER: Final = "dlq_group"
"""Header of a dead letter: the consumer group that could not handle it.

A redriven record keeps it and is handled by that group only.
"""


def dead_letter_topic(topic: str) -> str:
    """Returns the name of the topic's dead-letter topic."""
    return topic + DEAD_LETTER_SUFFIX


class DeadLetterWriter:
    """Writes the dead letters of one consumer group."""

    def __init__(self, bootstrap: Bootstrap, group: str) -> None:
        self._bootstrap, self._group = bootstrap, group
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def write(
        self,
        topic: str,
        partition: int,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        headers: Mapping[str, bytes],
        reason: str,
        error: str,
        attempts: int,
    ) -> None:
        """Stores one record, confirmed by all in-sync replicas. Raises KafkaError if it is not.

        `reason` is UPPER_SNAKE, for instance UNDECODABLE; `error` is the type of the exception.
        """
        added = {
            "dlq_topic": topic,
            "dlq_partition": str(partition),
            "dlq_offset": str(offset),
            GROUP_HEADER: self._group,
            "dlq_reason": reason,
            "dlq_error": error,
            "dlq_attempts": str(attempts),
            "dlq_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        # A redriven record that fails again keeps the id of the dead letter that it was.
        kept = [
            (name, raw)
            for name, raw in headers.items()
            if not name.startswith("dlq_") or name == REDRIVEN_HEADER
        ]
        producer = await self._started_producer()
        await producer.send_and_wait(
            dead_letter_topic(topic),
            value,
            key=key,
            headers=[*kept, *((name, text.encode()) for name, text in added.items())],
        )

    async def close(self) -> None:
        """Stops the producer, if one was started."""
        if self._producer is not None:
            await self._producer.stop()

    async def _started_producer(self) -> AIOKafkaProducer:
        # Started with the first dead letter: most processes never write one.
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_options(self._bootstrap),
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=MAX_DEAD_LETTER_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer
