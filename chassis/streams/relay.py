"""The relay: publishes an outbox to Kafka at least once, in the order of each shard.

The replicas of a service share the shards: a shard belongs to the replica whose database session
holds its advisory lock. A replica takes part only while its producer can send. Every shard is a
pipeline of its own: it has one batch in flight, and no shard waits for another. A row is deleted
only after all in-sync replicas of the broker have acknowledged its record. After a failed send the
session ends, and a new one reads every shard from its first row, so no record overtakes another of
its shard. A record that can never be sent parks its stream and not its shard. A commit in this
process wakes the relay; it also polls, for the commits of other replicas.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import asyncpg
import structlog

from chassis.store.outbox import EVENT_OUTBOX, Outbox
from chassis.streams.outbox_record import OutboxRecord, Route
from chassis.streams.outbox_rows import OutboxRows
from chassis.streams.record_sender import SEND_TIMEOUT_S, RecordSender, SentBatch
from chassis.streams.relay_metrics import RelayMetrics
from chassis.streams.relay_producer import new_producer, stop_producer, watch_broker
from chassis.streams.shard_locks import ShardLocks
from chassis.telemetry.tracing import Telemetry
from chassis.transport.brokers import Bootstrap
from chassis.transport.renewed_tls import RenewedContext

_LOG = structlog.get_logger("relay")
_BATCH = 200
_POLL_S = 0.1
# After a batch the relay lingers, so that later commits share the next batch: a batch costs little
# more than one record. The time grows with the last batch: a rare record leaves at once, and under
# load few batches carry many records.
_LINGER_S_PER_RECORD, _LONGEST_LINGER_S = 0.005, 0.05
_BALANCE_S = 1.0
# If a host vanishes, PostgreSQL keeps its session and the locks until TCP notices. The default of
# two hours would stop the shards for that long.
_KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
# If a process hangs, TCP stays alive. A healthy relay sends a query at least this often.
_IDLE_TIMEOUT = {"idle_session_timeout": f"{SEND_TIMEOUT_S + 5:.0f}s"}
_FIRST_RESTART_S, _LONGEST_RESTART_S = 0.1, 2.0
# A session that lasted this long was healthy: the next restart waits the shortest time again.
_HEALTHY_SESSION_S = 10.0


class Relay:
    """One replica's relay of one outbox. It survives the loss of the database and of the broker."""

    def __init__(
        self,
        dsn: str,
        bootstrap: Bootstrap,
        source: str,
        type_prefix: str,
        route: Route,
        telemetry: Telemetry,
        metrics: RelayMetrics,
        outbox: Outbox = EVENT_OUTBOX,
        database_tls: RenewedContext | None = None,
    ) -> None:
        self._dsn, self._bootstrap, self._database_tls = dsn, bootstrap, database_tls
        self._source, self._prefix, self._route = source, type_prefix, route
        self._tracer, self._metrics, self._outbox = telemetry.tracer, metrics, outbox
        self._wake_up = _WakeUp()
        self._suspects: dict[int, int] = {}

    def wake(self) -> None:
        """Makes the relay read the outbox now, after a commit in this process."""
        self._wake_up.after_commit()

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
                _LOG.warning(
                    "the relay starts a new session",
                    outbox=self._outbox.table,
                    error=type(_cause(error)).__name__,
                )
            self._metrics.owned.labels(self._outbox.table).set(0)
            was_healthy = time.monotonic() - began > _HEALTHY_SESSION_S
            delay = _FIRST_RESTART_S if was_healthy else min(delay * 2, _LONGEST_RESTART_S)
            await asyncio.sleep(delay)

    async def _run_session(self) -> None:
        """Publishes with one producer and one database connection until either fails.

        Both end together. The producer ends first: one that outlived the connection could send
        after another replica has taken its shards.
        """
        producer = new_producer(self._bootstrap)
        connection: asyncpg.Connection | None = None
        try:
            # First the producer: without a broker, this replica must not get a share of the shards.
            await producer.start()
            connection = await asyncpg.connect(
                self._dsn,
                ssl=self._database_tls,
                timeout=5,
                command_timeout=10,
                server_settings=_KEEPALIVE | _IDLE_TIMEOUT,
            )
            # If a crash loses a delete, its record is published twice, which consumers accept.
            # Waiting for the disk on each delete would only add latency.
            await connection.execute("set synchronous_commit = off")
            sender = RecordSender(
                producer, self._route, self._source, self._prefix, self._tracer, self._metrics
            )
            session = _Session(
                connection, self._outbox, sender, self._metrics, self._wake_up, self._suspects
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(watch_broker(producer, lambda: sender.acknowledged_at))
                tasks.create_task(session.run())
        finally:
            # Step of the model: EndSession
            await stop_producer(producer)
            if connection is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(connection.close(), 1)
                connection.terminate()


class _WakeUp:
    """Ends the relay's pause: after a commit of this process, and when a pipeline has finished."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.commits = 0
        """Number of commits, by which the relay knows whether there may be new rows."""

    def after_commit(self) -> None:
        """Counts a commit and ends the pause."""
        self.commits += 1
        self.event.set()


class _Session:
    """Publishes the owned shards, each as a pipeline of its own, over one shared connection.

    suspects: by shard, how many records are still sent one by one, since the broker refused a batch
    for what is in it. They outlive the session, which a refusal ends.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        outbox: Outbox,
        sender: RecordSender,
        metrics: RelayMetrics,
        wake_up: _WakeUp,
        suspects: dict[int, int],
    ) -> None:
        self._locks, self._rows = ShardLocks(connection, outbox), OutboxRows(connection, outbox)
        self._sender, self._wake_up, self._suspects = sender, wake_up, suspects
        self._metrics, self._table = metrics, outbox.table
        self._pipelines: dict[int, asyncio.Task[SentBatch]] = {}
        """The batches in flight, by shard."""
        self._oldest: dict[int, float] = {}
        """Time of the first event of each batch in flight, by shard."""
        self._unread: set[int] = set()
        """Shards that may have more rows, although neither a commit nor the poll says so."""

    async def run(self) -> None:
        """Publishes until an error. Raises the first error of a pipeline or of the database."""
        try:
            await self._locks.announce()
            await self._publish()
        finally:
            for task in self._pipelines.values():
                task.cancel()
            await asyncio.gather(*self._pipelines.values(), return_exceptions=True)

    async def _publish(self) -> None:
        balanced = polled = float("-inf")
        commits = -1
        while True:
            if time.monotonic() - balanced > _BALANCE_S:
                await self._balance()
                balanced = time.monotonic()
            self._wake_up.event.clear()
            began, count = time.monotonic(), 0
            await self._finish()
            is_due = commits != self._wake_up.commits or began - polled >= _POLL_S
            if is_due or self._unread - self._pipelines.keys():
                polled, commits = began, self._wake_up.commits
                count = await self._start_batches()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._wake_up.event.wait()
            if count < _BATCH:
                linger = min(_LONGEST_LINGER_S, count * _LINGER_S_PER_RECORD)
                await asyncio.sleep(max(0.0, began + linger - time.monotonic()))

    async def _balance(self) -> None:
        await self._locks.balance(self._pipelines.keys())
        self._metrics.owned.labels(self._table).set(len(self._locks.owned))
        self._metrics.oldest.labels(self._table).set(
            max(0.0, time.time() - min(self._oldest.values())) if self._oldest else 0
        )
        parked = await self._rows.parked()
        self._metrics.parked.labels(self._table).set(parked.count)
        self._metrics.parked_age.labels(self._table).set(parked.oldest_age_s)

    async def _start_batches(self) -> int:
        """Reads the next rows of every idle shard and sends them; returns how many there are."""
        idle = self._locks.owned - self._pipelines.keys()
        # Rows of the other shards may come while their batches are in flight.
        self._unread = set(self._pipelines)
        if not idle:
            return 0
        found = await self._rows.next(
            {shard: 1 if shard in self._suspects else _BATCH for shard in sorted(idle)}
        )
        for shard, records in found.items():
            self._pipelines[shard] = task = asyncio.create_task(self._sender.send(shard, records))
            task.add_done_callback(lambda _: self._wake_up.event.set())
            if records[0].occurred_at is not None:
                self._oldest[shard] = records[0].occurred_at.timestamp()
            if len(records) >= _BATCH or shard in self._suspects:
                self._unread.add(shard)
        return sum(map(len, found.values()))

    async def _finish(self) -> None:
        """Deletes and parks what the finished pipelines tell. Raises the first of their failures.

        Only then may their shards be read again: until the delete, their rows are still there.
        """
        batches = [task.result() for task in self._pipelines.values() if task.done()]
        acknowledged = [record for batch in batches for record in batch.acknowledged]
        if acknowledged:
            await self._rows.delete(acknowledged)
        for batch in batches:
            del self._pipelines[batch.shard]
            self._oldest.pop(batch.shard, None)
            for record, reason in batch.unsendable:
                await self._park(record, reason)
            self._note_suspects(batch)
        for batch in batches:
            if batch.failure is not None:
                raise batch.failure

    async def _park(self, record: OutboxRecord, reason: str) -> None:
        await self._rows.park(record, reason)
        _LOG.error(
            "a record cannot be sent; its stream waits in the outbox",
            outbox=self._table,
            outbox_id=record.outbox_id,
            stream_id=str(record.stream_id),
            version=record.version,
            event_type=record.name,
            reason=reason,
        )

    def _note_suspects(self, batch: SentBatch) -> None:
        if batch.is_refused and batch.size > 1:
            # One record of the batch is at fault. One by one, the broker tells which.
            self._suspects[batch.shard] = batch.size
        elif batch.shard in self._suspects:
            self._suspects[batch.shard] -= batch.size
            if self._suspects[batch.shard] <= 0:
                del self._suspects[batch.shard]


def _cause(error: BaseException) -> BaseException:
    """Returns the first error of a group of errors."""
    return _cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
