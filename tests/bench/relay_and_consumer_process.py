"""Moves events through relay and consumer, and through the bare client library.

Request {"relay": n}, {"produce": n}, {"consume": n} or {"fetch": n}. The answer is the CPU and wall
seconds for n events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chassis.store.parked import ParkedEvents
from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Envelope
from chassis.streams.event_processor import EventProcessor
from chassis.streams.outbox_record import Address
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from chassis.telemetry.tracing import setup
from chassis.transport.brokers import Brokers, client_options
from chassis.transport.renewed_tls import TlsFiles
from tests.bench.child_processes import lines, respond, settings

_WINDOW: Final = 200
_PAYLOAD: Final = bytes(1_024)
_TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_EVENTS: Final = """
insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
  traceparent, previous_hash, hash)
select gen_random_uuid(), 1, gen_random_uuid(), 'ApplicationSubmitted', 'partner/example-1',
  now(), 'SCREENING', $2, $3,
       '', sha256(n::text::bytea) from generate_series(1, $1) n
                 """
_OUTBOX: Final = """
insert into outbox (shard, stream_id, version)
select (('x' || right(stream_id::text, 1))::bit(4))::int, stream_id, 1 from event limit $1
"""


class RelayAndConsumer:
    """The four measured paths."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        files = TlsFiles(*map(Path, given["kafka_files"]))
        self._brokers = Brokers(given["bootstrap"], files)
        self.consumed = 0

    async def relay(self, count: int) -> float:
        """Empties an outbox with the service's relay; returns CPU seconds."""
        connection = await asyncpg.connect(self._given["owner_dsn"])
        if await connection.fetchval("select count(*) from event") < count:
            await connection.execute(_EVENTS, count, _PAYLOAD, _TRACEPARENT)
        await connection.execute(_OUTBOX, count)
        await connection.close()
        telemetry = setup("bench", "0", None, "CRITICAL")
        target = Address(self._given["topic"])
        relay = Relay(
            self._given["dsn"],
            self._brokers,
            "/bench",
            "bench.v1",
            lambda record: (target, str(record.stream_id).encode()),
            telemetry,
            RelayMetrics(telemetry.registry),
        )

        def sent() -> float:
            return (
                telemetry.registry.get_sample_value(
                    "safeconduct_relay_published_records_total", {"topic": target.topic}
                )
                or 0.0
            )

        return await _until(relay.run(), lambda: sent() >= count)

    async def produce(self, count: int) -> float:
        """Sends the same bytes with the bare producer, with the same guarantees and concurrency."""
        producer = AIOKafkaProducer(
            **client_options(self._brokers),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
        )
        await producer.start()
        began = time.process_time()
        for start in range(0, count, _WINDOW):
            window = range(start, min(start + _WINDOW, count))
            flying = [
                await producer.send(
                    self._given["bare_topic"], _PAYLOAD, key=str(uuid4()).encode(), headers=_HEADERS
                )
                for _ in window
            ]
            await asyncio.gather(*flying)
        cpu = time.process_time() - began
        await producer.stop()
        return cpu

    async def consume(self, count: int) -> float:
        """Reads from the beginning with the services' consumer and an empty handler."""
        telemetry, group = setup("bench", "0", None, "CRITICAL"), f"bench-{uuid4()}"
        self.consumed = 0
        letters = DeadLetterWriter(self._brokers, group)
        async with asyncpg.create_pool(self._given["dsn"], min_size=0) as pool:
            handlers = {self._given["topic"]: self._count}
            processor = EventProcessor(group, handlers, letters, ParkedEvents(pool), telemetry)
            consumer = Consumer(self._brokers, processor, telemetry)
            return await _until(
                consumer.run(), lambda: self.consumed >= count, lambda: self.consumed > 0
            )

    async def _count(self, envelope: Envelope) -> None:
        self.consumed += 1

    async def fetch(self, count: int) -> float:
        """Reads the same records with the bare consumer."""
        consumer = AIOKafkaConsumer(
            self._given["topic"],
            **client_options(self._brokers),
            group_id=f"bench-{uuid4()}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        seen, began = 0, time.process_time()
        while seen < count:
            seen += sum(
                len(records) for records in (await consumer.getmany(timeout_ms=500)).values()
            )
        cpu = time.process_time() - began
        await consumer.stop()
        return cpu


_HEADERS: Final = [(f"ce_header{n}", bytes(36)) for n in range(8)]


async def _until(
    run: Awaitable[None], is_done: Callable[[], bool], has_begun: Callable[[], bool] = lambda: True
) -> float:
    """Returns the CPU seconds between start and end of the work; then cancels the task."""
    task = asyncio.ensure_future(run)
    while not has_begun():  # noqa: ASYNC110 - the measured code has no callback
        await asyncio.sleep(0.002)
    began = time.process_time()
    while not is_done():
        if task.done():
            raise RuntimeError("it ended before every event was moved")
        await asyncio.sleep(0.01)
    cpu = time.process_time() - began
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return cpu


async def main(given: dict[str, Any]) -> None:
    """Serves requests until the parent process ends."""
    process = RelayAndConsumer(given)
    parts = {
        part.__name__: part
        for part in (process.relay, process.produce, process.consume, process.fetch)
    }
    respond({"ready": True})
    async for request in lines():
        ((name, count),) = request.items()
        began = time.perf_counter()
        respond({"cpu": await parts[name](count), "seconds": time.perf_counter() - began})


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main(settings()))
