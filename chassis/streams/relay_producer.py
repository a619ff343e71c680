"""The Kafka producer of a relay: its settings, its end without a flush, and whether it can send."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, Never

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from chassis.streams.record_size import MAX_RECORD_BYTES
from chassis.transport.brokers import Bootstrap, client_options

# Bytes for one partition in one request, far below the 2 MiB that our topics accept.
_REQUEST_BYTES: Final = 1 << 18
_REQUEST_TIMEOUT_MS: Final = 10_000
_PROBE_S: Final = 2.0
# Longer than a request: a broker that hangs is given up after it, and another one is asked.
_PROBE_TIMEOUT_S: Final = 15.0
_FLUSH_S: Final = 1.0


def new_producer(bootstrap: Bootstrap) -> AIOKafkaProducer:
    """Returns a producer that is not started. It keeps the order of each partition."""
    return AIOKafkaProducer(
        **client_options(bootstrap),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=_REQUEST_BYTES,
        max_request_size=MAX_RECORD_BYTES,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Stops the producer. Its unsent records are read from the outbox again.

    Without a broker, `stop` would wait for ever to flush, and the sender would go on once there is
    a broker. After 1 s the sender is therefore closed directly.
    """
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=_FLUSH_S)
    if not stopping.done():
        stopping.cancel()
        with contextlib.suppress(Exception):
            await producer._sender.close()  # noqa: SLF001 - no public call ends a producer without flushing
        with contextlib.suppress(Exception):
            await producer.client.close()
    await asyncio.gather(stopping, return_exceptions=True)


async def watch_broker(
    producer: AIOKafkaProducer, last_acknowledgement: Callable[[], float]
) -> Never:
    """Asks the cluster for its metadata every 2 s. Raises KafkaConnectionError after 15 s without.

    `last_acknowledgement` returns the time.monotonic() of the newest record that was acknowledged,
    which counts as an answer, too. A replica that is cut off from Kafka and has nothing to send
    would notice nothing, and would keep its shards from the replicas that can send.
    """
    answered = time.monotonic()
    while True:
        await asyncio.sleep(_PROBE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                if await producer.client.force_metadata_update():
                    answered = time.monotonic()
        silent_s = time.monotonic() - max(answered, last_acknowledgement())
        if silent_s >= _PROBE_TIMEOUT_S:
            raise KafkaConnectionError("no broker answers")
