"""Hears other services' facts: a Faust group consumer in the strict pattern.

Bytes in; one record at a time per partition; acknowledged only after the handler's transaction or after the broker
confirmed its dead letter. The wrapper never raises into Faust, which would skip the record (see the canary tests).
When doubt is left (a dead letter that cannot be written, a consumer that will not stop), the fatal latch falls and the
process ends without acknowledging. A lost broker ends one life of the consumer, and another one begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Never
from uuid import UUID

import faust
import grpc
import structlog
from faust.assignor.partition_assignor import PartitionAssignor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.rpc.errors import RpcError, is_storage_fault
from chassis.streams.dead_letters import GROUP_HEADER, REDRIVEN_HEADER, DeadLetterWriter
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of, forget_ids, link_to

_LOG = structlog.get_logger("consumer")
# A record's own fault is tried so often, within about 12 s, well below the 30 s in which a rebalance waits.
_ATTEMPTS = 6
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.2, 5.0
_BOOT_S, _STOP_S, _LAST_S = 60.0, 20.0, 3.0


class Undecodable(Exception):  # noqa: N818 - a verdict on a record, not a fault of ours
    """The record cannot be understood, now or later: it goes to the dead letters at once."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A fact as it came in."""

    event_id: UUID
    type: str
    """Short name of the event, for instance LicenseIssued."""
    source: str
    subject: str
    occurred_at: datetime
    traceparent: str
    payload: bytes
    topic: str
    partition: int
    offset: int


Handler = Callable[[Envelope], Awaitable[None]]


def envelope_of(
    topic: str, partition: int, offset: int, headers: Mapping[str, bytes], payload: bytes
) -> Envelope:
    """The record as an envelope. Raises Undecodable when a CloudEvents header is missing or malformed."""
    try:
        text = {
            name: headers[name].decode() for name in ("ce_id", "ce_type", "ce_source", "ce_time")
        }
        return Envelope(
            event_id=UUID(text["ce_id"]),
            type=text["ce_type"].rpartition(".")[2],
            source=text["ce_source"],
            subject=headers.get("ce_subject", b"").decode(),
            occurred_at=_moment(text["ce_time"]),
            traceparent=headers.get("traceparent", b"").decode(),
            payload=payload,
            topic=topic,
            partition=partition,
            offset=offset,
        )
    # A header may be null, and a moment may leave the calendar on its way to UTC.
    except (AttributeError, KeyError, OverflowError, ValueError) as error:
        raise Undecodable("the record has no valid CloudEvents headers") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone could be any")
    return moment.astimezone(UTC)


class _Metrics:
    """What operators see of a consumer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.handled = Counter(
            "safeconduct_consumer_records",
            "Records handled.",
            ["topic", "outcome"],
            registry=registry,
        )
        self.duration = Histogram(
            "safeconduct_consumer_record_duration_seconds",
            "Time to handle one record.",
            ["topic"],
            registry=registry,
        )
        self.lag = Gauge(
            "safeconduct_consumer_lag_seconds",
            "Age of the newest record when handled.",
            ["topic"],
            registry=registry,
        )
        self.assigned = Gauge(
            "safeconduct_consumer_assigned_partitions",
            "Partitions assigned to this replica.",
            registry=registry,
        )


class _App(faust.App):
    """A Faust app that keeps nothing on disk."""

    def _create_directories(self) -> None:
        """None: without tables they would stay empty, and a container's file system is read-only."""


class _Assignor(PartitionAssignor):
    """Faust's, but a leader that does not know a topic hands out nothing, where Faust's would leave the topic out.

    Just after a broker began, its metadata names no topics. What was left out then nobody would hear until the next
    rebalance, and all would look well. Instead this life of the consumer ends, and the next one asks again.
    """

    def assign(self, cluster: Any, member_metadata: Any) -> Any:
        subscribed = {topic for member in member_metadata.values() for topic in member.subscription}
        unknown = sorted(topic for topic in subscribed if not cluster.partitions_for_topic(topic))
        if unknown:
            raise LookupError(f"topics that the broker does not know yet: {', '.join(unknown)}")
        return super().assign(cluster, member_metadata)


class Consumer:
    """One replica's share of the group. `run` returns only through the fatal latch."""

    def __init__(
        self,
        group: str,
        bootstrap: str,
        handlers: Mapping[str, Handler],
        letters: DeadLetterWriter,
        telemetry: Telemetry,
    ) -> None:
        self._group, self._bootstrap, self._handlers, self._letters = (
            group,
            bootstrap,
            dict(handlers),
            letters,
        )
        self._tracer, self._metrics = telemetry.tracer, _Metrics(telemetry.registry)
        self._fatal = asyncio.Event()
        self._app: faust.App | None = None

    @property
    def is_assigned(self) -> bool:
        """True while the group has given this replica its partitions."""
        return self._app is not None and _assigned(self._app) > 0

    async def run(self) -> None:
        """Consumes until the fatal latch falls or the task is cancelled; leaves the group cleanly on cancellation."""
        delay = 0.5
        while not self._fatal.is_set():
            began = time.monotonic()
            app = self._app = self._build()
            try:
                await self._live(app)
            finally:
                self._app = None
                self._metrics.assigned.set(0)
                # After the latch fell a record holds its partition, so a peaceful end is not to be had.
                if not await _stopped(app, _LAST_S if self._fatal.is_set() else _STOP_S):
                    _LOG.error("consumer does not stop; the process ends")
                    self._fatal.set()
            if self._fatal.is_set():
                return
            delay = 0.5 if time.monotonic() - began > 30 else min(delay * 2, 5.0)
            _LOG.warning("consumer starts over", after_seconds=delay)
            await asyncio.sleep(delay)

    async def _live(self, app: faust.App) -> None:
        """One life of a Faust app: until it crashes, the watchdog barks, or the latch falls."""
        fatal = asyncio.ensure_future(self._fatal.wait())
        dog = asyncio.ensure_future(_watch(app, self._metrics.assigned))
        boot = asyncio.ensure_future(app.start())
        tasks = {fatal, dog, boot}
        try:
            await asyncio.wait(tasks, timeout=_BOOT_S, return_when=asyncio.FIRST_COMPLETED)
            if boot.done() and not boot.exception() and not dog.done() and not fatal.done():
                died = asyncio.ensure_future(app.wait_until_stopped())
                tasks.add(died)
                await asyncio.wait({fatal, dog, died}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _build(self) -> faust.App:
        app = _App(
            self._group,
            broker=[f"kafka://{host}" for host in self._bootstrap.split(",")],
            PartitionAssignor=_Assignor,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            store="memory://",
            key_serializer="raw",
            value_serializer="raw",
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=2.0,
            broker_rebalance_timeout=30.0,
            broker_max_poll_records=500,
            broker_commit_interval=0.5,
            stream_wait_empty=True,
        )
        for name, handler in self._handlers.items():
            topic = app.topic(
                name,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                internal=False,
            )
            app.agent(topic, name=f"hear-{name}", isolated_partitions=True)(
                self._agent(name, handler)
            )
        return app

    def _agent(self, name: str, handler: Handler) -> Callable[[Any], Awaitable[None]]:
        async def hear(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    await self._deliver(name, handler, event.message)
                except Exception:  # noqa: BLE001 - a defect of ours: raised into Faust, it would lose the record
                    _LOG.critical(
                        "record neither handled nor kept; the process ends",
                        topic=name,
                        exc_info=True,
                    )
                    await self._fall()
                await stream.ack(event)

        return hear

    async def _deliver(self, topic: str, handler: Handler, message: Any) -> None:
        """Handles one record to its end. Returns only when it may be acknowledged."""
        # What the last record bound to the log says nothing of this one.
        forget_ids()
        began = time.perf_counter()
        headers: dict[str, bytes] = dict(message.headers or ())
        outcome = await self._judge(topic, handler, message, headers)
        self._metrics.handled.labels(topic, outcome).inc()
        self._metrics.duration.labels(topic).observe(time.perf_counter() - began)
        self._metrics.lag.labels(topic).set(max(0.0, time.time() - message.timestamp))

    async def _judge(
        self, topic: str, handler: Handler, message: Any, headers: Mapping[str, bytes]
    ) -> str:
        """Handles one record to its end; says how it ended."""
        # A letter that was sent again is for the group that could not handle it: nobody else has missed it.
        if headers.get(REDRIVEN_HEADER) and headers.get(GROUP_HEADER) != self._group.encode():
            return "not_for_us"
        try:
            envelope = envelope_of(
                topic, message.partition, message.offset, headers, message.value or b""
            )
        except Undecodable as error:
            return await self._bury(message, headers, "UNDECODABLE", type(error).__name__, 1)
        with self._span(
            envelope, redriven=(headers.get(REDRIVEN_HEADER) or b"").decode(errors="replace")
        ) as span:
            reason, error_name, attempts = await self._attempt(handler, envelope, span)
            return (
                await self._bury(message, headers, reason, error_name, attempts)
                if reason
                else "handled"
            )

    async def _attempt(
        self, handler: Handler, envelope: Envelope, span: Span
    ) -> tuple[str, str, int]:
        """Tries until it holds. Gives ("", "", n) when handled, else why the record is a dead letter."""
        delay, attempt = _FIRST_DELAY_S, 0
        while True:
            attempt += 1
            try:
                await handler(envelope)
            except Undecodable as error:
                return "UNDECODABLE", type(error).__name__, attempt
            except RpcError as error:
                # An absent database or a contended row says nothing about the record: it waits, however long.
                if error.code is not grpc.StatusCode.UNAVAILABLE:
                    return error.reason, type(error).__name__, attempt
                span.add_event(
                    "retry", {"safeconduct.reason": error.reason, "safeconduct.attempt": attempt}
                )
            except Exception as error:  # noqa: BLE001 - every fault of a handler ends in a dead letter, not in Faust
                _LOG.exception(
                    "handler failed",
                    event_type=envelope.type,
                    event_id=str(envelope.event_id),
                    attempt=attempt,
                )
                if attempt >= _ATTEMPTS and not is_storage_fault(error):
                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                    return "HANDLER_FAILED", type(error).__name__, attempt
            else:
                return "", "", attempt
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            delay = min(delay * 2, _LONGEST_DELAY_S)

    async def _bury(
        self, message: Any, headers: Mapping[str, bytes], reason: str, error: str, attempts: int
    ) -> str:
        """Writes the dead letter. When that fails, the latch falls and this never returns: nothing is acknowledged."""
        try:
            await self._letters.write(
                message.topic,
                message.partition,
                message.offset,
                message.key,
                message.value,
                headers,
                reason,
                error,
                attempts,
            )
        except Exception as failure:  # noqa: BLE001 - whatever it is, the record is not stored
            _LOG.critical(
                "dead letter not written; the process ends",
                topic=message.topic,
                error=type(failure).__name__,
            )
            await self._fall()
        _LOG.error(
            "dead letter",
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            reason=reason,
        )
        return "dead_letter"

    async def _fall(self) -> Never:
        """The fatal latch: the process ends, and until then this record holds its partition."""
        self._fatal.set()
        while True:
            await asyncio.Event().wait()

    @contextlib.contextmanager
    def _span(self, envelope: Envelope, redriven: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a generator context manager
        # A letter that was sent again is another episode: a trace of its own, linked to the one before.
        parent = context_of("" if redriven else envelope.traceparent)
        with self._tracer.start_as_current_span(
            f"process {envelope.topic}",
            context=parent,
            kind=SpanKind.CONSUMER,
            links=link_to(envelope.traceparent),
            attributes={
                semconv.MESSAGING_SYSTEM: "kafka",
                semconv.MESSAGING_OPERATION_NAME: "process",
                semconv.MESSAGING_OPERATION_TYPE: "process",
                semconv.MESSAGING_DESTINATION: envelope.topic,
                semconv.MESSAGING_PARTITION: str(envelope.partition),
                semconv.MESSAGING_OFFSET: envelope.offset,
                semconv.MESSAGING_CONSUMER_GROUP: self._group,
                semconv.MESSAGING_MESSAGE_ID: str(envelope.event_id),
                semconv.EVENT_NAME: envelope.type,
                **({semconv.REDRIVEN: redriven} if redriven else {}),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span


def _assigned(app: faust.App) -> int:
    """How many partitions the app has; none before its thread has a client."""
    thread = getattr(app.consumer, "_thread", None) if app.consumer is not None else None
    kafka = getattr(thread, "_consumer", None)
    return len(kafka.assignment()) if kafka is not None else 0


async def _watch(app: faust.App, assigned: Gauge) -> None:
    """Returns when the consumer is broken: aiokafka parks its errors until asked, and Faust never asks."""
    while True:
        await asyncio.sleep(1)
        thread = getattr(app.consumer, "_thread", None) if app.consumer is not None else None
        kafka = getattr(thread, "_consumer", None)
        coordinator = getattr(kafka, "_coordinator", None)
        if thread is None or coordinator is None or not hasattr(coordinator, "_coordination_task"):
            continue
        assigned.set(_assigned(app))

        async def check(coordinator: Any = coordinator) -> None:
            coordinator.check_errors()

        try:
            await asyncio.wait_for(
                asyncio.wrap_future(asyncio.run_coroutine_threadsafe(check(), thread.thread_loop)),
                timeout=10,
            )
        except Exception as error:  # noqa: BLE001 - any error is the verdict
            _LOG.warning("kafka coordinator failed", error=type(error).__name__)
            return


async def _stopped(app: faust.App, seconds: float) -> bool:
    """Fetch ends, what is in flight finishes, offsets are committed, the group is left. False when it will not end.

    Without a broker Faust waits a minute for its consumer thread, though that thread has died; then there is nothing
    left to wait for. A thread that lives on could go on fetching: that is the doubt in which the process ends.
    """
    stopping = asyncio.ensure_future(app.stop())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # Not wait_for: the app swallows cancellation while a handler is stuck.
        await asyncio.wait({stopping}, timeout=0.5)
        if stopping.done() or _is_thread_dead(app):
            return True
    return False


def _is_thread_dead(app: faust.App) -> bool:
    runner = (
        getattr(getattr(app.consumer, "_thread", None), "_thread", None)
        if app.consumer is not None
        else None
    )
    return runner is not None and not runner.is_alive()
