"""Keeps what could not be handled: `<topic>.dlq`, with where it came from and why.

The record is kept byte for byte with its own headers; ours begin with `dlq_`. Nothing is judged here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

DEAD_LETTER_SUFFIX: Final = ".dlq"
REDRIVEN_HEADER: Final = "dlq_redriven"
"""Header of a record that was a dead letter and is on its way again: which letter, `topic/partition/offset`."""
GROUP_HEADER: Final = "dlq_group"
"""Header of a dead letter: the group that could not handle it. A redriven record is for that group alone."""


def dead_letter_topic(topic: str) -> str:
    """The dead-letter topic of a topic."""
    return topic + DEAD_LETTER_SUFFIX


class DeadLetterWriter:
    """Writes dead letters; each write is confirmed by all in-sync replicas or raises."""

    def __init__(self, bootstrap: str, group: str) -> None:
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
        """Stores one record with its origin, reason, error type and attempts. Raises what Kafka raises."""
        ours = {
            "dlq_topic": topic, "dlq_partition": str(partition), "dlq_offset": str(offset), GROUP_HEADER: self._group,
            "dlq_reason": reason, "dlq_error": error, "dlq_attempts": str(attempts),
            "dlq_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }  # fmt: skip
        # A letter that comes back says which one it was.
        kept = [
            (name, raw)
            for name, raw in headers.items()
            if not name.startswith("dlq_") or name == REDRIVEN_HEADER
        ]
        producer = await self._started()
        await producer.send_and_wait(
            dead_letter_topic(topic),
            value,
            key=key,
            headers=[*kept, *((name, text.encode()) for name, text in ours.items())],
        )

    async def close(self) -> None:
        """Ends the producer."""
        if self._producer is not None:
            await self._producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer
