"""The consumer of other services' events: a Faust consumer group with acknowledgement by hand.

Each partition handles one record at a time. The offset of a record is committed only after its
effect, its parked event or its dead letter is stored. The agent never raises into Faust, which
would skip the record (a canary test shows it).

If we cannot prove that a record is stored, or that a consumer has stopped, we crash: `run` returns
without committing the record's offset, and the process ends. If the broker is lost, the session of
the Faust app ends, and a new session starts in the same process (docs/adr/0002-faust.md).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Never

import faust
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.streams import faust_app
from chassis.streams.event_processor import EventProcessor
from chassis.telemetry.tracing import Telemetry
from chassis.transport.brokers import Bootstrap

_LOG = structlog.get_logger("consumer")
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
    """One replica of a consumer group, which passes each record to an `EventProcessor`."""

    def __init__(
        self, bootstrap: Bootstrap, processor: EventProcessor, telemetry: Telemetry
    ) -> None:
        self._bootstrap, self._processor = bootstrap, processor
        self._metrics = _Metrics(telemetry.registry)
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
        app = faust_app.new_app(self._processor.group, self._bootstrap)
        for name in self._processor.handlers:
            topic = app.topic(
                name,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                internal=False,
            )
            app.agent(topic, name=f"consume-{name}", isolated_partitions=True)(self._agent(name))
        return app

    def _agent(self, name: str) -> Callable[[Any], Awaitable[None]]:
        async def consume(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    await self._consume(name, event.message)
                except Exception:  # noqa: BLE001 - raised into Faust, it would lose the record
                    _LOG.critical(
                        "a record was neither handled nor stored; the process ends",
                        topic=name,
                        exc_info=True,
                    )
                    await self._crash()
                await stream.ack(event)

        return consume

    async def _consume(self, topic: str, message: Any) -> None:
        """Handles one record and measures it. When this returns, the record may be acknowledged."""
        began = time.perf_counter()
        outcome = await self._processor.process(message)
        self._metrics.handled.labels(topic, outcome).inc()
        self._metrics.duration.labels(topic).observe(time.perf_counter() - began)
        self._metrics.lag.labels(topic).set(max(0.0, time.time() - message.timestamp))

    async def _crash(self) -> Never:
        """Makes `run` return. The record that crashed blocks its partition until the process ends.

        It never returns, because returning to Faust would acknowledge or skip the record.
        """
        self._crashed.set()
        while True:
            await asyncio.Event().wait()
