"""Moves the outbox to Kafka: in order per shard, several replicas sharing the shards, nothing lost, some things twice.

A shard belongs to whoever holds its session advisory lock. Rows leave the outbox only after the broker acknowledged
them with all in-sync replicas; a failed send ends the producer, and the shard is read again from the failed row on, so
nothing ever overtakes. The relay is woken after each commit in this process and polls as a floor for the others'.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.store.outbox import SHARDS
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of, traceparent

_LOG = structlog.get_logger("relay")
# Classes of the advisory locks; the second number is the shard, or 0 for presence.
_SHARD_LOCK, _PRESENCE_LOCK = 7001, 7002
_BATCH = 200
_POLL_S = 0.1
# What is committed soon after a batch leaves with the next one, for a batch costs hardly more than one record. The more
# there were the longer the next gathers: what comes seldom leaves at once, and under load few batches carry all.
_GATHER_S_PER_RECORD, _LONGEST_GATHER_S = 0.005, 0.05
# Bytes of one partition in one request, far below what a broker takes by default; what is more waits for an answer.
_REQUEST_BYTES = 1 << 18
_REBALANCE_S = 1.0
# An idempotent producer never gives up by itself; after this the shards go to a replica that may reach the broker.
_PATIENCE_S = 30.0
# A host that vanishes leaves its session, and with it the locks, until TCP notices: by default that takes two hours.
_KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
# A process that hangs keeps its session alive all the same; a healthy relay asks again within its patience.
_HUNG = {"idle_session_timeout": f"{_PATIENCE_S + 5:.0f}s"}
_IN_THIS_DATABASE = (
    "and database = (select oid from pg_database where datname = current_database())"
)

_CLAIM = f"""
with me as (select greatest(1, count(*)) n from pg_locks
             where locktype = 'advisory' and classid = {_PRESENCE_LOCK} and granted {_IN_THIS_DATABASE}),
 held as (select count(*) n from pg_locks where locktype = 'advisory' and classid = {_SHARD_LOCK} and granted
           and pid = pg_backend_pid() {_IN_THIS_DATABASE}),
 want as (select greatest(0, ceil({SHARDS}.0 / (select n from me))::int - (select n from held)::int) w),
 free as materialized (select s from generate_series(0, {SHARDS - 1}) s where not exists (select 1 from pg_locks
     where locktype = 'advisory' and classid = {_SHARD_LOCK} and objid = s and granted {_IN_THIS_DATABASE})
   order by random() limit (select w from want))
select s from free where pg_try_advisory_lock({_SHARD_LOCK}, s)
"""  # noqa: S608 - constants of this module
_FAIR_SHARE = f"""
select ceil({SHARDS}.0 / greatest(1, count(*)))::int from pg_locks
 where locktype = 'advisory' and classid = {_PRESENCE_LOCK} and granted {_IN_THIS_DATABASE}
"""  # noqa: S608 - same
_NEXT = """
select o.id, o.shard, o.stream_id, o.version, coalesce(o.name, e.name) as name, coalesce(o.body, e.payload) as payload,
       e.event_id, e.occurred_at, e.traceparent, e.hash
  from unnest($1::smallint[]) s(n)
  cross join lateral (select * from outbox where shard = s.n order by id limit $2) o
  left join event e on e.stream_id = o.stream_id and e.version = o.version
 order by o.shard, o.id
"""
_ALWAYS = (("ce_specversion", b"1.0"), ("content-type", b"application/protobuf"))
_FORGET = "delete from outbox where id = any($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a record goes. Without a partition the key decides."""

    topic: str
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """A record that is about to leave."""

    outbox_id: int
    shard: int
    stream_id: UUID | None
    version: int
    name: str
    payload: bytes
    event_id: UUID | None
    occurred_at: datetime | None
    traceparent: str
    hash: bytes


class _Metrics:
    """What operators see of a relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter(
            "safeconduct_relay_published_records",
            "Records acknowledged by the broker.",
            ["topic"],
            registry=registry,
        )
        self.age = Histogram(
            "safeconduct_relay_publish_delay_seconds",
            "From commit to the broker's acknowledgement.",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
        )
        self.held = Gauge(
            "safeconduct_relay_owned_shards", "Shards that this replica owns.", registry=registry
        )
        self.backlog = Gauge(
            "safeconduct_outbox_oldest_record_age_seconds",
            "Age of the oldest record of the last batch.",
            registry=registry,
        )
        self._sent_to = lru_cache(maxsize=None)(self.sent.labels)

    def told(self, topic: str, record: OutboxRecord) -> None:
        """The broker has it."""
        self._sent_to(topic).inc()
        if record.occurred_at is not None:
            self.age.observe(max(0.0, time.time() - record.occurred_at.timestamp()))


# Says where a record goes and under which key.
Route = Callable[[OutboxRecord], tuple[Address, bytes]]


class Relay:
    """One replica's relay. `run` never returns by itself; it survives the loss of the database and of the broker."""

    def __init__(
        self,
        dsn: str,
        bootstrap: str,
        source: str,
        type_prefix: str,
        route: Route,
        telemetry: Telemetry,
    ) -> None:
        self._dsn, self._bootstrap, self._source, self._prefix, self._route = (
            dsn,
            bootstrap,
            source,
            type_prefix,
            route,
        )
        self._woken = asyncio.Event()
        self._tracer, self._metrics = telemetry.tracer, _Metrics(telemetry.registry)
        self._shards: set[int] = set()

    def wake(self) -> None:
        """Something was committed: look now."""
        self._woken.set()

    async def run(self) -> None:
        """Relays until cancelled."""
        delay = 0.1
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever broke, the shards are read again from the first row not acknowledged
                _LOG.warning("relay starts over", error=type(error).__name__)
            self._shards.clear()
            self._metrics.held.set(0)
            delay = 0.1 if time.monotonic() - began > 10 else min(delay * 2, 2.0)
            await asyncio.sleep(delay)

    async def _session(self) -> None:
        """One life of one connection and one producer; both end together, so no send outlives the locks for long."""
        connection = await asyncpg.connect(
            self._dsn, timeout=5, command_timeout=10, server_settings=_KEEPALIVE | _HUNG
        )
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_REQUEST_BYTES,
            request_timeout_ms=10_000,
        )
        try:
            # A lost delete is a duplicate, which everybody bears; a slow one is latency, which nobody needs.
            await connection.execute("set synchronous_commit = off")
            await connection.execute(f"select pg_advisory_lock_shared({_PRESENCE_LOCK}, 0)")
            await producer.start()
            await self._serve(connection, producer)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), 1)
            connection.terminate()
            await _end(producer)

    async def _serve(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        balanced = 0.0
        while True:
            if time.monotonic() - balanced > _REBALANCE_S:
                await self._balance(connection)
                balanced = time.monotonic()
            self._woken.clear()
            began = time.monotonic()
            count = await self._drain(connection, producer)
            if count >= _BATCH:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._woken.wait()
            gather = min(_LONGEST_GATHER_S, count * _GATHER_S_PER_RECORD)
            await asyncio.sleep(max(0.0, began + gather - time.monotonic()))

    async def _balance(self, connection: asyncpg.Connection) -> None:
        """Takes free shards up to the fair share and gives up what is above it, between batches only."""
        self._shards |= {row["s"] for row in await connection.fetch(_CLAIM)}
        fair = await connection.fetchval(_FAIR_SHARE)
        for shard in sorted(self._shards)[fair:]:
            await connection.execute(f"select pg_advisory_unlock({_SHARD_LOCK}, $1::int)", shard)
            self._shards.discard(shard)
        self._metrics.held.set(len(self._shards))

    async def _drain(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
        """Publishes one batch of every owned shard; says how many records there were."""
        if not self._shards:
            return 0
        rows = await connection.fetch(_NEXT, sorted(self._shards), _BATCH)
        if not rows:
            self._metrics.backlog.set(0)
            return 0
        records = [_outbound(row) for row in rows]
        ages = [
            time.time() - record.occurred_at.timestamp() for record in records if record.occurred_at
        ]
        self._metrics.backlog.set(max(ages, default=0.0))
        async with asyncio.timeout(_PATIENCE_S):
            sent, failure = await self._publish(producer, records)
        if sent:
            await connection.execute(_FORGET, [record.outbox_id for record in sent])
        if failure is not None:
            raise failure
        return len(rows)

    async def _publish(
        self, producer: AIOKafkaProducer, records: list[OutboxRecord]
    ) -> tuple[list[OutboxRecord], BaseException | None]:
        """Sends records, those of a shard in order; gives what was acknowledged of every shard's front, and a failure.

        What cannot be sent holds back what is behind it in its shard, and nothing else.
        """
        flying: list[tuple[OutboxRecord, str, Span, asyncio.Future[object]]] = []
        held_back: set[int] = set()
        failure: BaseException | None = None
        for record in records:
            if record.shard in held_back:
                continue
            address, key = self._route(record)
            span = self._span(record, address.topic)
            headers = _headers(record, self._source, self._prefix, traceparent(span))
            try:
                future = await producer.send(
                    address.topic,
                    record.payload,
                    key=key,
                    partition=address.partition,
                    headers=headers,
                )
            except Exception as error:  # noqa: BLE001 - judged by the caller: the producer ends
                failure = failure or error
                held_back.add(record.shard)
                _close(span, error)
                continue
            flying.append((record, address.topic, span, future))
        sent: list[OutboxRecord] = []
        broken: set[int] = set()
        for record, topic, span, future in flying:
            try:
                await future
            except Exception as error:  # noqa: BLE001 - same
                failure = failure or error
                broken.add(record.shard)
                _close(span, error)
                continue
            _close(span, None)
            self._metrics.told(topic, record)
            if record.shard not in broken:
                sent.append(record)
        return sent, failure

    def _span(self, record: OutboxRecord, topic: str) -> Span:
        if not record.traceparent:
            return trace.INVALID_SPAN
        attributes: Mapping[str, str] = {
            semconv.MESSAGING_SYSTEM: "kafka",
            semconv.MESSAGING_OPERATION_NAME: "send",
            semconv.MESSAGING_OPERATION_TYPE: "send",
            semconv.MESSAGING_DESTINATION: topic,
            semconv.MESSAGING_MESSAGE_ID: str(record.event_id),
            semconv.EVENT_NAME: record.name,
        }
        return self._tracer.start_span(
            f"send {topic}",
            context=context_of(record.traceparent),
            kind=SpanKind.PRODUCER,
            attributes=attributes,
        )


def _outbound(row: asyncpg.Record) -> OutboxRecord:
    return OutboxRecord(
        outbox_id=row["id"], shard=row["shard"], stream_id=row["stream_id"], version=row["version"] or 0,
        name=row["name"], payload=row["payload"], event_id=row["event_id"], occurred_at=row["occurred_at"],
        traceparent=row["traceparent"] or "", hash=row["hash"] or b"",
    )  # fmt: skip


def _headers(
    record: OutboxRecord, source: str, prefix: str, parent: str
) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0, Kafka protocol binding, binary mode."""
    headers = [
        *_ALWAYS,
        ("ce_type", f"{prefix}.{record.name}".encode()),
        ("ce_source", source.encode()),
    ]
    if record.event_id is not None and record.occurred_at is not None:
        headers += [
            ("ce_id", str(record.event_id).encode()),
            ("ce_time", record.occurred_at.isoformat().replace("+00:00", "Z").encode()),
            ("ce_subject", str(record.stream_id).encode()),
            ("ce_streamversion", b"%d" % record.version),
            ("ce_hash", record.hash.hex().encode()),
        ]
    else:
        headers.append(("ce_id", f"{source}/{record.outbox_id}".encode()))
    if parent:
        headers.append(("traceparent", parent.encode()))
    return headers


def _close(span: Span, error: BaseException | None) -> None:
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.end()


async def _end(producer: AIOKafkaProducer) -> None:
    """Stops the producer; what it still held is read again from the outbox.

    Without a broker `stop` waits for ever, and its sender would go on sending once there is one: it is ended by hand.
    """
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=3)
    if not stopping.done():
        stopping.cancel()
        with contextlib.suppress(Exception):
            await producer._sender.close()  # noqa: SLF001 - no public call ends a producer without flushing it
        with contextlib.suppress(Exception):
            await producer.client.close()
    await asyncio.gather(stopping, return_exceptions=True)
