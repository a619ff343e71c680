"""Handles consumed records one by one: calls the handler, retries, and parks what fails.

When a method returns, the record's effect, its place among the parked events, or its dead letter is
stored, so that the record may be acknowledged. A record without a readable source stream becomes a
dead letter, and so does one whose source does not own the topic. All others are parked with the
later events of their stream (see `store.parked`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import grpc
import structlog
from google.protobuf import descriptor_pool
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import Gauge

from chassis.rpc.errors import RpcError
from chassis.store.fence import ParkedBehindError
from chassis.store.parked import BEHIND, UNKNOWN_TYPE, ParkedEvent, ParkedEvents
from chassis.store.storage_faults import is_storage_fault
from chassis.streams.dead_letters import GROUP_HEADER, REDRIVEN_HEADER, DeadLetterWriter
from chassis.streams.defects import Defects
from chassis.streams.envelope import Envelope, Handler, Undecodable, envelope_of
from chassis.telemetry import semconv
from chassis.telemetry.logging import clear_ids
from chassis.telemetry.tracing import Telemetry, context_of, link_to

_LOG = structlog.get_logger("consumer")
# The pauses between these attempts add up to 6 s at most: a rebalance waits 30 s for the record.
_MAX_ATTEMPTS: Final = 6
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.2, 5.0
_DRAIN_S: Final = 1.0

KnownTypes = Mapping[str, frozenset[str]]
"""Short names of the known events by topic. Of a topic that is not listed all are known."""


def events_of(topics: Mapping[str, Handler]) -> dict[str, frozenset[str]]:
    """Returns the events of each topic that this release knows, by short name.

    A topic is named as the proto package of its events. Raises KeyError for other topics.
    """
    pool = descriptor_pool.Default()
    files = {topic: f"{topic.replace('.', '/')}/events.proto" for topic in topics}
    return {
        topic: frozenset(pool.FindFileByName(file).message_types_by_name)
        for topic, file in files.items()
    }


def sources_of(topics: Iterable[str]) -> dict[str, str]:
    """Returns the `ce_source` of the only service that publishes to each topic, its owner.

    A topic is named as the proto package of its events, `safeconduct.OWNER.v1`.
    """
    return {topic: f"/{topic.split('.')[1]}" for topic in topics}


class EventProcessor:
    """Handles the records of one consumer group. `handlers` maps topics to their handlers.

    `sources` has the source of all events by topic. In a topic that is not listed, any is accepted.
    """

    def __init__(
        self,
        group: str,
        handlers: Mapping[str, Handler],
        dead_letters: DeadLetterWriter,
        parked: ParkedEvents,
        telemetry: Telemetry,
        known_types: KnownTypes | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        self.group, self.handlers = group, dict(handlers)
        self._dead_letters, self._parked = dead_letters, parked
        self._tracer, self._known_types = telemetry.tracer, known_types or {}
        self._sources = sources or {}
        self._defects = Defects()
        self._count = Gauge(
            "safeconduct_parked_events", "Parked events.", registry=telemetry.registry
        )
        self._age = Gauge(
            "safeconduct_parked_oldest_event_age_seconds",
            "Time since the oldest parked event was parked.",
            registry=telemetry.registry,
        )

    @property
    def not_ready_reason(self) -> str | None:
        """Returns why nothing is handled, or None."""
        return self._defects.reason

    async def process(self, message: Any) -> str:
        """Handles a Kafka record; returns handled, parked, dead_letter or other_group.

        Waits while the database is away, and while a defect of this release stops consumption.
        Raises KafkaError if a dead letter cannot be stored.
        """
        # The ids that the previous record bound to the log are not this record's.
        clear_ids()
        headers: dict[str, bytes] = dict(message.headers or ())
        # A redriven dead letter is for the group that failed on it; the others have handled it.
        if headers.get(REDRIVEN_HEADER) and headers.get(GROUP_HEADER) != self.group.encode():
            return "other_group"
        try:
            envelope = envelope_of(
                message.topic, message.partition, message.offset, headers, message.value or b""
            )
        except Undecodable as error:
            await self._store_dead_letter(message, headers, "UNDECODABLE", type(error).__name__)
            return "dead_letter"
        if envelope.source != self._sources.get(envelope.topic, envelope.source):
            # Parked, it would hold back the true events of the stream that it names.
            await self._store_dead_letter(message, headers, "FOREIGN_SOURCE", "")
            return "dead_letter"
        await self._defects.wait_until_none()
        redriven = (headers.get(REDRIVEN_HEADER) or b"").decode(errors="replace")
        with self._span(envelope, redriven) as span:
            reason, error_name, attempts = await self._attempt(envelope, span)
            if not reason:
                return "handled"
            event = _parked_event(envelope, message, reason, error_name, attempts)
            await self._until_stored(lambda: self._parked.add(event))
        if reason != BEHIND:
            _LOG.error(
                "event parked",
                event_type=envelope.type,
                source=envelope.source,
                stream_id=str(envelope.stream_id),
                version=envelope.version,
                reason=reason,
            )
        return "parked"

    async def retry_parked(self) -> None:
        """Handles parked events that are due until cancelled, each stream in order.

        Several replicas may handle the same event: the fence makes the second time a duplicate. The
        row is deleted only after the event was handled, so a process that ends in between loses
        nothing.
        """
        while True:
            try:
                await self._defects.wait_until_none()
                await self._parked.remove_handled()
                for source, stream_id in await self._parked.due_streams(self._known_types):
                    while (event := await self._parked.first(source, stream_id)) is not None:
                        if not await self._retry(event):
                            break
                events, age = await self._parked.summary()
                self._count.set(events)
                self._age.set(age)
            except Exception as error:
                if not is_storage_fault(error):
                    raise
            await asyncio.sleep(_DRAIN_S * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _retry(self, event: ParkedEvent) -> bool:
        """Tries a parked event again; returns whether it was handled and removed."""
        headers = {name: raw for name, raw in event.headers if raw is not None}
        envelope = envelope_of(event.topic, event.partition, event.offset, headers, event.payload)
        clear_ids()
        with self._span(envelope, f"parked/{event.id}") as span:
            try:
                reason, error_name, attempts = await self._attempt(envelope, span, waits=False)
            except RpcError:
                return False  # it is due again in the next round
        if reason == BEHIND:
            return False  # a replica has parked an earlier event of the stream meanwhile
        if reason:
            await self._parked.note_failure(event, reason, error_name, attempts)
            return False
        await self._parked.remove(event)
        _LOG.info("parked event handled", event_type=event.type, stream_id=str(event.stream_id))
        return True

    async def _attempt(
        self, envelope: Envelope, span: Span, *, waits: bool = True
    ) -> tuple[str, str, int]:
        """Calls the handler until it succeeds or the event must be parked.

        Returns the reason for parking (empty: handled), the error's type, and the attempts. Raises
        RpcError UNAVAILABLE unless it `waits` for what is away.
        """
        if self._is_unknown(envelope):
            return UNKNOWN_TYPE, "", 0
        return await self._call_handler(envelope, span, waits=waits)

    def _is_unknown(self, envelope: Envelope) -> bool:
        known = self._known_types.get(envelope.topic)
        return known is not None and envelope.type not in known

    async def _call_handler(
        self, envelope: Envelope, span: Span, *, waits: bool
    ) -> tuple[str, str, int]:
        handler = self.handlers[envelope.topic]
        delay, attempt = _FIRST_RETRY_S, 0
        while True:
            attempt += 1
            try:
                await handler(envelope)
            except ParkedBehindError:
                return BEHIND, "", 0
            except Undecodable as error:
                return "UNDECODABLE", type(error).__name__, attempt
            except RpcError as error:
                # UNAVAILABLE, for instance a lost database or a newer row, is not the record's
                # fault: it is retried without a limit.
                if error.code is not grpc.StatusCode.UNAVAILABLE:
                    return error.reason, type(error).__name__, attempt
                if not waits:
                    raise
                span.add_event(
                    "retry", {"safeconduct.reason": error.reason, "safeconduct.attempt": attempt}
                )
            except Exception as error:  # noqa: BLE001 - a fault parks the event, or stops all
                _LOG.exception(
                    "handler failed",
                    event_type=envelope.type,
                    event_id=str(envelope.event_id),
                    attempt=attempt,
                )
                if self._must_park(envelope, attempt, error):
                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                    return "HANDLER_FAILED", type(error).__name__, attempt
            else:
                self._defects.note_success(envelope.type)
                return "", "", attempt
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            delay = min(delay * 2, _LONGEST_RETRY_S)

    def _must_park(self, envelope: Envelope, attempt: int, error: Exception) -> bool:
        """Returns whether the event is to be parked: it failed often, and not by our own fault."""
        if is_storage_fault(error) or attempt < _MAX_ATTEMPTS:
            return False
        return not self._defects.is_defect(envelope.type, envelope.stream_id, error)

    async def _until_stored(self, store: Callable[[], Awaitable[None]]) -> None:
        """Repeats `store` while the database is away."""
        while True:
            try:
                return await store()
            except Exception as error:
                if not is_storage_fault(error):
                    raise
            await asyncio.sleep(_LONGEST_RETRY_S * random.uniform(0.1, 0.2))  # noqa: S311 - jitter

    async def _store_dead_letter(
        self, message: Any, headers: Mapping[str, bytes], reason: str, error: str
    ) -> None:
        await self._dead_letters.write(
            message.topic,
            message.partition,
            message.offset,
            message.key,
            message.value,
            headers,
            reason,
            error,
            1,
        )
        _LOG.error(
            "dead letter",
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            reason=reason,
        )

    @contextlib.contextmanager
    def _span(self, envelope: Envelope, redriven: str) -> Iterator[Span]:
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
                semconv.MESSAGING_CONSUMER_GROUP: self.group,
                semconv.MESSAGING_MESSAGE_ID: str(envelope.event_id),
                semconv.EVENT_NAME: envelope.type,
                **({semconv.REDRIVEN: redriven} if redriven else {}),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span


def _parked_event(
    envelope: Envelope, message: Any, reason: str, error: str, attempts: int
) -> ParkedEvent:
    return ParkedEvent(
        topic=envelope.topic,
        partition=envelope.partition,
        offset=envelope.offset,
        source=envelope.source,
        stream_id=envelope.stream_id,
        version=envelope.version,
        event_id=envelope.event_id,
        type=envelope.type,
        key=message.key,
        payload=envelope.payload,
        headers=list(message.headers or ()),
        reason=reason,
        error=error,
        attempts=attempts,
    )
