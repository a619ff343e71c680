"""The consumer of other services' events: a Faust consumer group with acknowledgement by hand.

Each partition handles one record at a time. The offset of a record is committed only after its
handler's transaction has committed, or after the broker has confirmed its dead letter. The agent
never raises into Faust, which would skip the record (a canary test shows it).

If we cannot prove that a record is stored, or that a consumer has stopped, we crash: `run` returns
without committing the record's offset, and the process ends. If the broker is lost, the session of
the Faust app ends, and a new session starts in the same process (docs/adr/0002-faust.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Never

import faust
import grpc
import structlog
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.rpc.errors import RpcError
from chassis.store.storage_faults import is_storage_fault
from chassis.streams import faust_app
from chassis.streams.dead_letters import GROUP_HEADER, REDRIVEN_HEADER, DeadLetterWriter
from chassis.streams.envelope import Envelope, Handler, Undecodable, envelope_of
from chassis.telemetry import semconv
from chassis.telemetry.logging import clear_ids
from chassis.telemetry.tracing import Telemetry, context_of, link_to

_LOG = structlog.get_logger("consumer")
# The pauses between these attempts add up to 6 s at most: a rebalance waits 30 s for the record.
_MAX_ATTEMPTS = 6
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.2, 5.0
_START_TIMEOUT_S, _STOP_TIMEOUT_S = 60.0, 20.0
# After a crash a record still blocks its partition, so a regular stop cannot succeed.
_CRASH_STOP_TIMEOUT_S = 3.0
_FIRST_RESTART_S, _LONGEST_RESTART_S = 0.5, 5.0
# A session that lasted this long was healthy: the next restart waits the shortest time again.
_HEALTHY_SESSION_S = 30.0


class _Metrics:
    """The metrics of a consumer."""

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


class Consumer:
    """One replica of a consumer group. `handlers` maps topics to their handlers."""

    def __init__(
        self,
        group: str,
        bootstrap: str,
        handlers: Mapping[str, Handler],
        dead_letters: DeadLetterWriter,
        telemetry: Telemetry,
    ) -> None:
        self._group, self._bootstrap = group, bootstrap
        self._handlers, self._dead_letters = dict(handlers), dead_letters
        self._tracer, self._metrics = telemetry.tracer, _Metrics(telemetry.registry)
        self._crashed = asyncio.Event()
        self._app: faust.App | None = None

    @property
    def is_assigned(self) -> bool:
        """True while at least one partition is assigned to this replica."""
        return self._app is not None and faust_app.assigned_partitions(self._app) > 0

    async def run(self) -> None:
        """Consumes until cancelled, and then leaves the group. Returns only after a crash.

        The caller must end the process when this returns.
        """
        delay = _FIRST_RESTART_S
        while not self._crashed.is_set():
            began = time.monotonic()
            app = self._app = self._build()
            try:
                await self._run_session(app)
            finally:
                self._app = None
                self._metrics.assigned.set(0)
                has_crashed = self._crashed.is_set()
                timeout_s = _CRASH_STOP_TIMEOUT_S if has_crashed else _STOP_TIMEOUT_S
                if not await faust_app.stop(app, timeout_s):
                    _LOG.error("the consumer does not stop; the process ends")
                    self._crashed.set()
            if self._crashed.is_set():
                return
            was_healthy = time.monotonic() - began > _HEALTHY_SESSION_S
            delay = _FIRST_RESTART_S if was_healthy else min(delay * 2, _LONGEST_RESTART_S)
            _LOG.warning("the consumer starts a new session", after_seconds=delay)
            await asyncio.sleep(delay)

    async def _run_session(self, app: faust.App) -> None:
        """Runs a Faust app until it stops, its coordinator fails, or the consumer crashes."""
        crashed = asyncio.ensure_future(self._crashed.wait())
        watchdog = asyncio.ensure_future(faust_app.watch(app, self._metrics.assigned))
        start = asyncio.ensure_future(app.start())
        tasks = {crashed, watchdog, start}
        try:
            await asyncio.wait(tasks, timeout=_START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            has_started = start.done() and not start.exception()
            if has_started and not watchdog.done() and not crashed.done():
                stopped = asyncio.ensure_future(app.wait_until_stopped())
                tasks.add(stopped)
                await asyncio.wait(
                    {crashed, watchdog, stopped}, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _build(self) -> faust.App:
        app = faust_app.new_app(self._group, self._bootstrap)
        for name, handler in self._handlers.items():
            topic = app.topic(
                name,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                internal=False,
            )
            app.agent(topic, name=f"consume-{name}", isolated_partitions=True)(
                self._agent(name, handler)
            )
        return app

    def _agent(self, name: str, handler: Handler) -> Callable[[Any], Awaitable[None]]:
        async def consume(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    await self._consume(name, handler, event.message)
                except Exception:  # noqa: BLE001 - raised into Faust, it would lose the record
                    _LOG.critical(
                        "a record was neither handled nor stored; the process ends",
                        topic=name,
                        exc_info=True,
                    )
                    await self._crash()
                await stream.ack(event)

        return consume

    async def _consume(self, topic: str, handler: Handler, message: Any) -> None:
        """Handles one record and measures it. When this returns, the record may be acknowledged."""
        # The ids that the previous record bound to the log are not this record's.
        clear_ids()
        began = time.perf_counter()
        headers: dict[str, bytes] = dict(message.headers or ())
        outcome = await self._process(topic, handler, message, headers)
        self._metrics.handled.labels(topic, outcome).inc()
        self._metrics.duration.labels(topic).observe(time.perf_counter() - began)
        self._metrics.lag.labels(topic).set(max(0.0, time.time() - message.timestamp))

    async def _process(
        self, topic: str, handler: Handler, message: Any, headers: Mapping[str, bytes]
    ) -> str:
        """Handles one record; returns its outcome: handled, dead_letter or other_group."""
        # A redriven dead letter is for the group that failed on it; the others have handled it.
        if headers.get(REDRIVEN_HEADER) and headers.get(GROUP_HEADER) != self._group.encode():
            return "other_group"
        try:
            envelope = envelope_of(
                topic, message.partition, message.offset, headers, message.value or b""
            )
        except Undecodable as error:
            await self._store_dead_letter(message, headers, "UNDECODABLE", type(error).__name__, 1)
            return "dead_letter"
        redriven = (headers.get(REDRIVEN_HEADER) or b"").decode(errors="replace")
        with self._span(envelope, redriven) as span:
            reason, error_name, attempts = await self._attempt(handler, envelope, span)
            if not reason:
                return "handled"
            await self._store_dead_letter(message, headers, reason, error_name, attempts)
            return "dead_letter"

    async def _attempt(
        self, handler: Handler, envelope: Envelope, span: Span
    ) -> tuple[str, str, int]:
        """Calls the handler until it succeeds or the record must become a dead letter.

        Returns the dead letter's reason (empty: handled), the error's type, and the attempts.
        """
        delay, attempt = _FIRST_RETRY_S, 0
        while True:
            attempt += 1
            try:
                await handler(envelope)
            except Undecodable as error:
                return "UNDECODABLE", type(error).__name__, attempt
            except RpcError as error:
                # UNAVAILABLE, for instance a lost database or contention, is not the record's
                # fault: it is retried without a limit.
                if error.code is not grpc.StatusCode.UNAVAILABLE:
                    return error.reason, type(error).__name__, attempt
                span.add_event(
                    "retry", {"safeconduct.reason": error.reason, "safeconduct.attempt": attempt}
                )
            except Exception as error:  # noqa: BLE001 - a fault ends in a dead letter, not in Faust
                _LOG.exception(
                    "handler failed",
                    event_type=envelope.type,
                    event_id=str(envelope.event_id),
                    attempt=attempt,
                )
                if attempt >= _MAX_ATTEMPTS and not is_storage_fault(error):
                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                    return "HANDLER_FAILED", type(error).__name__, attempt
            else:
                return "", "", attempt
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            delay = min(delay * 2, _LONGEST_RETRY_S)

    async def _store_dead_letter(
        self, message: Any, headers: Mapping[str, bytes], reason: str, error: str, attempts: int
    ) -> None:
        """Writes the dead letter. If that fails, it crashes and never returns."""
        try:
            await self._dead_letters.write(
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
        except Exception as failure:  # noqa: BLE001 - after any error the record may not be stored
            _LOG.critical(
                "a dead letter was not written; the process ends",
                topic=message.topic,
                error=type(failure).__name__,
            )
            await self._crash()
        _LOG.error(
            "dead letter",
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            reason=reason,
        )

    async def _crash(self) -> Never:
        """Makes `run` return. The record that crashed blocks its partition until the process ends.

        It never returns, because returning to Faust would acknowledge or skip the record.
        """
        self._crashed.set()
        while True:
            await asyncio.Event().wait()

    @contextlib.contextmanager
    def _span(self, envelope: Envelope, redriven: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a generator context manager
        # A redrive is a new act of a person, perhaps days later: a new trace, linked to the old.
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
