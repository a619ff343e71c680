"""Sends a batch of outbox records of one shard, in order, and tells what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from chassis.streams.outbox_record import OutboxRecord, Route, headers_of
from chassis.streams.relay_metrics import RelayMetrics
from chassis.telemetry import semconv
from chassis.telemetry.tracing import context_of, traceparent

_LOG = structlog.get_logger("relay")
REFUSALS: Final = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTimestampError,
    PolicyViolationError,
    UnsupportedForMessageFormatError,
)
"""Errors by which a broker refuses a batch for what is in it. Repeating it would not help."""
# An idempotent producer retries for ever. After this time the session ends, so that a replica that
# can reach the broker may take the shards.
SEND_TIMEOUT_S: Final = 15.0


@dataclass(slots=True)
class SentBatch:
    """The fate of the records of one shard."""

    shard: int
    size: int
    """Number of records in the batch."""
    acknowledged: list[OutboxRecord] = field(default_factory=list)
    """The records that may be deleted: of the acknowledged ones those before the first failure."""
    unsendable: list[tuple[OutboxRecord, str]] = field(default_factory=list)
    """The records that can never be sent, with the reason in UPPER_SNAKE."""
    failure: BaseException | None = None
    """The first error that is not the fault of one record. The producer must not be used again."""

    @property
    def is_refused(self) -> bool:
        """True if the broker refused a request of this batch for what is in it."""
        return isinstance(self.failure, REFUSALS)


# Record, topic, span and acknowledgement. A tuple, because one is made for every record.
_InFlight = tuple[OutboxRecord, str, Span, "asyncio.Future[object]"]


class RecordSender:
    """Sends with one producer. Shards may send at the same time, none waits for another."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        route: Route,
        source: str,
        type_prefix: str,
        tracer: Tracer,
        metrics: RelayMetrics,
    ) -> None:
        self._producer, self._route = producer, route
        self._source, self._prefix = source, type_prefix
        self._tracer, self._metrics = tracer, metrics
        self.acknowledged_at = float("-inf")
        """time.monotonic() of the newest acknowledgement."""

    async def send(self, shard: int, records: Sequence[OutboxRecord]) -> SentBatch:
        """Sends the records and waits until each is acknowledged or has failed. Raises no error.

        A record that can never be sent holds back the later records of its stream only.
        """
        # Step of the model: PublishRecord
        batch = SentBatch(shard, len(records))
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._acknowledge(batch, await self._start(batch, records))
        except Exception as error:  # noqa: BLE001 - reported by the caller, which ends the session
            batch.failure = batch.failure or error
        return batch

    async def _start(self, batch: SentBatch, records: Sequence[OutboxRecord]) -> list[_InFlight]:
        """Gives the records to the producer; stops at the first error that is not a record's."""
        in_flight: list[_InFlight] = []
        held_back: set[UUID] = set()
        for record in records:
            if record.stream_id in held_back:
                continue
            try:
                in_flight.append(await self._start_one(record))
            except MessageSizeTooLargeError:
                self._hold_back(batch, record, "RECORD_TOO_LARGE", held_back)
            except (KafkaError, TimeoutError, OSError) as error:
                batch.failure = error
                break
            except Exception as error:  # noqa: BLE001 - a defect that shows with this record
                self._hold_back(batch, record, "NOT_ENCODABLE", held_back)
                _LOG.error("a record could not be encoded", error=type(error).__name__)
        return in_flight

    @staticmethod
    def _hold_back(
        batch: SentBatch, record: OutboxRecord, reason: str, held_back: set[UUID]
    ) -> None:
        batch.unsendable.append((record, reason))
        if record.stream_id is not None:
            held_back.add(record.stream_id)

    async def _start_one(self, record: OutboxRecord) -> _InFlight:
        address, key = self._route(record)
        span = self._span(record, address.topic)
        try:
            headers = headers_of(record, self._source, self._prefix, traceparent(span))
            future = await self._producer.send(
                address.topic,
                record.payload,
                key=key,
                partition=address.partition,
                headers=headers,
            )
        except BaseException as error:
            _end_span(span, error)
            raise
        return record, address.topic, span, future

    async def _acknowledge(self, batch: SentBatch, in_flight: Sequence[_InFlight]) -> None:
        """Waits for every answer. After the first error no later record counts as acknowledged."""
        has_failed = False
        for record, topic, span, future in in_flight:
            try:
                await future
            except Exception as error:  # noqa: BLE001 - reported by the caller
                _end_span(span, error)
                batch.failure = batch.failure or error
                has_failed = True
                if isinstance(error, REFUSALS) and batch.size == 1:
                    batch.unsendable.append((record, "REFUSED_BY_BROKER"))
                continue
            _end_span(span, None)
            self._metrics.count(topic, record)
            if not has_failed:
                batch.acknowledged.append(record)
        if batch.acknowledged:
            self.acknowledged_at = time.monotonic()

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
