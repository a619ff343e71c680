"""The relay: publishes the outbox to Kafka at least once, in the order of each shard.

The replicas of a service share the shards: a shard belongs to the replica whose database session
holds its advisory lock. A row is deleted from the outbox only after all in-sync replicas of the
broker have acknowledged its record. A failed send ends the producer, and the shard is read again
from the failed row on, so no record overtakes another of its shard. A commit in this process wakes
the relay; it also polls, for the commits of other replicas.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from functools import lru_cache

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.store.outbox import SHARDS
from chassis.streams.outbox_record import OutboxRecord, Route, headers_of, outbox_record_of
from chassis.streams.record_size import MAX_RECORD_BYTES
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of, traceparent

_LOG = structlog.get_logger("relay")
# Classes of the advisory locks. The second number is the shard, or 0 for a replica's presence.
_SHARD_LOCK, _PRESENCE_LOCK = 7001, 7002
_BATCH = 200
_POLL_S = 0.1
# After a batch the relay lingers, so that later commits share the next batch: a batch costs little
# more than one record. The time grows with the last batch: a rare record leaves at once, and under
# load few batches carry many records.
_LINGER_S_PER_RECORD, _LONGEST_LINGER_S = 0.005, 0.05
# Bytes for one partition in one request, far below the 1 MiB that a broker accepts by default.
_REQUEST_BYTES = 1 << 18
_BALANCE_S = 1.0
# An idempotent producer retries for ever. After this time the session ends, so that a replica that
# can reach the broker may take the shards.
_SEND_TIMEOUT_S = 30.0
# If a host vanishes, PostgreSQL keeps its session and the locks until TCP notices. The default of
# two hours would stop the shards for that long.
_KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
# If a process hangs, TCP stays alive. A healthy relay sends a query at least this often.
_IDLE_TIMEOUT = {"idle_session_timeout": f"{_SEND_TIMEOUT_S + 5:.0f}s"}
_FIRST_RESTART_S, _LONGEST_RESTART_S = 0.1, 2.0
# A session that lasted this long was healthy: the next restart waits the shortest time again.
_HEALTHY_SESSION_S = 10.0

_IN_THIS_DATABASE = (
    "and database = (select oid from pg_database where datname = current_database())"
)
# Locks free shards up to the fair share: all shards divided by the present replicas, rounded up.
_CLAIM_SHARDS = f"""
with replicas as (
  select greatest(1, count(*)) n from pg_locks
   where locktype = 'advisory' and classid = {_PRESENCE_LOCK} and granted {_IN_THIS_DATABASE}),
 owned as (
  select count(*) n from pg_locks
   where locktype = 'advisory' and classid = {_SHARD_LOCK} and granted
     and pid = pg_backend_pid() {_IN_THIS_DATABASE}),
 missing as (
  select greatest(0, ceil({SHARDS}.0 / (select n from replicas))::int
                     - (select n from owned)::int) n),
 free as materialized (
  select s from generate_series(0, {SHARDS - 1}) s
   where not exists (
     select 1 from pg_locks
      where locktype = 'advisory' and classid = {_SHARD_LOCK} and objid = s
        and granted {_IN_THIS_DATABASE})
   order by random() limit (select n from missing))
select s from free where pg_try_advisory_lock({_SHARD_LOCK}, s)
"""  # noqa: S608 - constants of this module
_FAIR_SHARE = f"""
select ceil({SHARDS}.0 / greatest(1, count(*)))::int from pg_locks
 where locktype = 'advisory' and classid = {_PRESENCE_LOCK} and granted {_IN_THIS_DATABASE}
"""  # noqa: S608 - constants of this module
_NEXT_ROWS = """
select o.id, o.shard, o.stream_id, o.version, coalesce(o.name, e.name) as name,
       coalesce(o.body, e.payload) as payload, e.event_id, e.occurred_at, e.traceparent, e.hash
  from unnest($1::smallint[]) s(n)
  cross join lateral (select * from outbox where shard = s.n order by id limit $2) o
  left join event e on e.stream_id = o.stream_id and e.version = o.version
 order by o.shard, o.id
"""
_DELETE_ROWS = "delete from outbox where id = any($1::bigint[])"


class _Metrics:
    """The metrics of a relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "safeconduct_relay_published_records",
            "Records acknowledged by the broker.",
            ["topic"],
            registry=registry,
        )
        self.delay = Histogram(
            "safeconduct_relay_publish_delay_seconds",
            "From commit to the broker's acknowledgement.",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
        )
        self.owned = Gauge(
            "safeconduct_relay_owned_shards", "Shards that this replica owns.", registry=registry
        )
        self.oldest = Gauge(
            "safeconduct_outbox_oldest_record_age_seconds",
            "Age of the oldest record of the last batch.",
            registry=registry,
        )
        self._published_to = lru_cache(maxsize=None)(self.published.labels)

    def count(self, topic: str, record: OutboxRecord) -> None:
        """Counts a record that the broker has acknowledged, and its delay if it has an event."""
        self._published_to(topic).inc()
        if record.occurred_at is not None:
            self.delay.observe(max(0.0, time.time() - record.occurred_at.timestamp()))


class Relay:
    """One replica's relay. It survives the loss of the database and of the broker."""

    def __init__(
        self,
        dsn: str,
        bootstrap: str,
        source: str,
        type_prefix: str,
        route: Route,
        telemetry: Telemetry,
    ) -> None:
        self._dsn, self._bootstrap = dsn, bootstrap
        self._source, self._prefix, self._route = source, type_prefix, route
        self._wake_up = asyncio.Event()
        self._tracer, self._metrics = telemetry.tracer, _Metrics(telemetry.registry)
        self._shards: set[int] = set()

    def wake(self) -> None:
        """Makes the relay read the outbox now, after a commit in this process."""
        self._wake_up.set()

    async def run(self) -> None:
        """Publishes until cancelled. It never returns by itself."""
        delay = _FIRST_RESTART_S
        while True:
            began = time.monotonic()
            try:
                await self._run_session()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - after any error the outbox is read again
                _LOG.warning("the relay starts a new session", error=type(error).__name__)
            self._shards.clear()
            self._metrics.owned.set(0)
            was_healthy = time.monotonic() - began > _HEALTHY_SESSION_S
            delay = _FIRST_RESTART_S if was_healthy else min(delay * 2, _LONGEST_RESTART_S)
            await asyncio.sleep(delay)

    async def _run_session(self) -> None:
        """Publishes with one database connection and one producer until either fails.

        Both end together: a producer that outlived the connection could send after another replica
        has taken its shards.
        """
        connection = await asyncpg.connect(
            self._dsn, timeout=5, command_timeout=10, server_settings=_KEEPALIVE | _IDLE_TIMEOUT
        )
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_REQUEST_BYTES,
            request_timeout_ms=10_000,
            max_request_size=MAX_RECORD_BYTES,
        )
        try:
            # If a crash loses a delete, its record is published twice, which consumers accept.
            # Waiting for the disk on each delete would only add latency.
            await connection.execute("set synchronous_commit = off")
            await connection.execute(f"select pg_advisory_lock_shared({_PRESENCE_LOCK}, 0)")
            await producer.start()
            await self._publish_batches(connection, producer)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), 1)
            connection.terminate()
            await _stop_producer(producer)

    async def _publish_batches(
        self, connection: asyncpg.Connection, producer: AIOKafkaProducer
    ) -> None:
        balanced = 0.0
        while True:
            if time.monotonic() - balanced > _BALANCE_S:
                await self._balance(connection)
                balanced = time.monotonic()
            self._wake_up.clear()
            began = time.monotonic()
            count = await self._publish_batch(connection, producer)
            if count >= _BATCH:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._wake_up.wait()
            linger = min(_LONGEST_LINGER_S, count * _LINGER_S_PER_RECORD)
            await asyncio.sleep(max(0.0, began + linger - time.monotonic()))

    async def _balance(self, connection: asyncpg.Connection) -> None:
        """Claims free shards up to the fair share and releases those above it.

        It runs between batches only: no record of a released shard is in flight.
        """
        self._shards |= {row["s"] for row in await connection.fetch(_CLAIM_SHARDS)}
        fair = await connection.fetchval(_FAIR_SHARE)
        for shard in sorted(self._shards)[fair:]:
            await connection.execute(f"select pg_advisory_unlock({_SHARD_LOCK}, $1::int)", shard)
            self._shards.discard(shard)
        self._metrics.owned.set(len(self._shards))

    async def _publish_batch(
        self, connection: asyncpg.Connection, producer: AIOKafkaProducer
    ) -> int:
        """Publishes at most 200 rows of every owned shard; returns how many rows it read."""
        if not self._shards:
            return 0
        rows = await connection.fetch(_NEXT_ROWS, sorted(self._shards), _BATCH)
        if not rows:
            self._metrics.oldest.set(0)
            return 0
        records = [outbox_record_of(row) for row in rows]
        ages = [
            time.time() - record.occurred_at.timestamp() for record in records if record.occurred_at
        ]
        self._metrics.oldest.set(max(ages, default=0.0))
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            published, failure = await self._send(producer, records)
        if published:
            await connection.execute(_DELETE_ROWS, [record.outbox_id for record in published])
        if failure is not None:
            raise failure
        return len(rows)

    async def _send(
        self, producer: AIOKafkaProducer, records: list[OutboxRecord]
    ) -> tuple[list[OutboxRecord], BaseException | None]:
        """Sends the records, those of a shard in order.

        Returns the records that may be deleted, and the first error. Of each shard these are the
        acknowledged records before its first failed one. A record that cannot be sent holds back
        the later records of its shard, and no other shard.
        """
        in_flight: list[tuple[OutboxRecord, str, Span, asyncio.Future[object]]] = []
        blocked: set[int] = set()
        failure: BaseException | None = None
        for record in records:
            if record.shard in blocked:
                continue
            address, key = self._route(record)
            span = self._span(record, address.topic)
            headers = headers_of(record, self._source, self._prefix, traceparent(span))
            try:
                future = await producer.send(
                    address.topic,
                    record.payload,
                    key=key,
                    partition=address.partition,
                    headers=headers,
                )
            except Exception as error:  # noqa: BLE001 - raised by the caller, which ends the session
                failure = failure or error
                blocked.add(record.shard)
                _end_span(span, error)
                continue
            in_flight.append((record, address.topic, span, future))
        published: list[OutboxRecord] = []
        failed: set[int] = set()
        for record, topic, span, future in in_flight:
            try:
                await future
            except Exception as error:  # noqa: BLE001 - raised by the caller, which ends the session
                failure = failure or error
                failed.add(record.shard)
                _end_span(span, error)
                continue
            _end_span(span, None)
            self._metrics.count(topic, record)
            if record.shard not in failed:
                published.append(record)
        return published, failure

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


def _end_span(span: Span, error: BaseException | None) -> None:
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.end()


async def _stop_producer(producer: AIOKafkaProducer) -> None:
    """Stops the producer. Its unsent records are read from the outbox again.

    Without a broker, `stop` would wait for ever to flush, and the sender would go on once there is
    a broker. After 3 s the sender is therefore closed directly.
    """
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=3)
    if not stopping.done():
        stopping.cancel()
        with contextlib.suppress(Exception):
            await producer._sender.close()  # noqa: SLF001 - no public call ends a producer without flushing
        with contextlib.suppress(Exception):
            await producer.client.close()
    await asyncio.gather(stopping, return_exceptions=True)
