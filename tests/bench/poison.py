"""Delay of records from commit to reader, beside a stream with a record that cannot be sent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer

from chassis.store.migrations import migrate
from chassis.store.outbox import shard_of
from chassis.streams.outbox_record import Address
from chassis.streams.record_size import MAX_RECORD_BYTES
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from chassis.streams.topics import Topic, create
from chassis.telemetry.tracing import setup
from chassis.transport.brokers import Bootstrap, client_options
from services.applications import __main__ as service
from tests.bench.bench_stack import BenchStack
from tests.bench.cpu import busy
from tests.bench.result import Result, Target

_TOPIC: Final = "bench.poison"
_STREAMS, _PER_SECOND = 40, 40
_ADD: Final = """
with added as (
  insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                     traceparent, previous_hash, hash)
  values ($1, $2, gen_random_uuid(), 'Added', 'bench', clock_timestamp(), 'OPEN', $3, '', '',
          sha256(gen_random_uuid()::text::bytea))
  returning stream_id, version)
insert into outbox (shard, stream_id, version)
select $4, stream_id, version from added where $5
"""
_POISON: Final = bytes(MAX_RECORD_BYTES + 1)


class _Streams:
    """Adds events to many streams, and on demand records that cannot be sent to one of them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._ids = [uuid4() for _ in range(_STREAMS)]
        # Its shard has other streams, too.
        self._poisoned = next(
            each for each in iter(uuid4, None) if shard_of(each) == shard_of(self._ids[0])
        )
        self._versions: dict[UUID, int] = {}

    async def add(self, stream_id: UUID, payload: bytes, *, is_queued: bool = True) -> None:
        """Adds one event to the stream, and to the outbox."""
        version = self._versions[stream_id] = self._versions.get(stream_id, 0) + 1
        await self._pool.execute(_ADD, stream_id, version, payload, shard_of(stream_id), is_queued)

    async def write(self, seconds: float, *, is_poisoned: bool) -> int:
        """Adds events at a steady rate and returns their number.

        Once a second, an event is added whose record cannot be sent. If `is_poisoned`, it is in the
        outbox, too.
        """
        began, number = time.monotonic(), 0
        while number < seconds * _PER_SECOND:
            if number % _PER_SECOND == 0:
                await self.add(self._poisoned, _POISON, is_queued=is_poisoned)
            await self.add(self._ids[number % _STREAMS], bytes(1_024))
            number += 1
            await asyncio.sleep(max(0.0, began + number / _PER_SECOND - time.monotonic()))
        return number


async def beside_a_poison_record(stack_under_test: BenchStack) -> list[Result]:
    """Measures with and without the poison record in turn; p99 over all rounds."""
    kafka, postgres = stack_under_test.stack.kafka, stack_under_test.stack.postgres
    await create(kafka.bootstrap, [Topic(_TOPIC, 6)], 1)
    database = await asyncio.to_thread(
        postgres.provision, "bench_poison", "bench_poison_owner", "bench_poison_app"
    )
    await asyncio.to_thread(
        migrate, database.owner_dsn, database.app_role, service.HERE / "migrations"
    )
    rounds, seconds = stack_under_test.pick(5, 1), stack_under_test.pick(20, 2)
    telemetry = setup("bench", "0", None, "CRITICAL")
    relay = Relay(
        database.app_dsn,
        kafka.bootstrap,
        "/bench",
        "bench.v1",
        lambda record: (Address(_TOPIC), str(record.stream_id).encode()),
        telemetry,
        RelayMetrics(telemetry.registry),
    )
    delays: dict[bool, list[float]] = {False: [], True: []}
    async with (
        asyncpg.create_pool(database.owner_dsn, min_size=1, max_size=2) as pool,
        _reader(kafka.bootstrap) as consumer,
    ):
        streams, running = _Streams(pool), asyncio.ensure_future(relay.run())
        for number in range(2 * rounds):
            is_poisoned = number % 2 == 1
            reading = asyncio.ensure_future(_read(consumer, seconds * _PER_SECOND))
            await streams.write(seconds, is_poisoned=is_poisoned)
            delays[is_poisoned] += await asyncio.wait_for(reading, 60)
            stack_under_test.report(
                f"window {number + 1} of {2 * rounds}: p99 {_p99(delays[is_poisoned]):.1f} ms"
            )
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return [
        Result(
            "relay: p99 of other streams beside a poison record",
            _p99(delays[True]),
            "ms",
            _p99(delays[False]),
            (
                f"commit to reader, {_PER_SECOND} events/s on {_STREAMS} streams; one record a"
                " second that cannot be sent, all of one stream; baseline:"
                f" the same, not in the outbox; {rounds} windows of {seconds} s in turn; {busy()}"
            ),
            Target(1.10, of_ratio=True),
        )
    ]


@contextlib.asynccontextmanager
async def _reader(bootstrap: Bootstrap) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(_TOPIC, **client_options(bootstrap), auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, count: int) -> list[float]:
    """Returns milliseconds from the commit of each event to its arrival here."""
    found: list[float] = []
    while len(found) < count:
        record = await consumer.getone()
        written = datetime.fromisoformat(dict(record.headers)["ce_time"].decode())
        found.append((time.time() - written.timestamp()) * 1000)
    return found


def _p99(delays: list[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)]
