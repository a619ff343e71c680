"""Spans in memory, by trace: decoded from OTLP exports, bounded in number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

MOST_SPANS: Final = 200_000
MOST_SPANS_PER_TRACE: Final = 10_000

Value: TypeAlias = "str | bool | int | float | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True)
class Link:
    """A reference from one span to another. The ids are in lower-case hex."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event within a span. `time_ns` is in Unix nanoseconds."""

    name: str
    time_ns: int
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Ids are in lower-case hex, times in Unix nanoseconds.

    `parent_span_id` is None at the root.
    `kind` is INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER; `status` is UNSET, OK or ERROR.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    events: tuple[Event, ...]
    links: tuple[Link, ...]
    status: str


class SpanStore:
    """Keeps the newest spans by trace. Threads may share a store.

    Above `most_spans` the trace that was updated longest ago is dropped. A trace keeps at most
    MOST_SPANS_PER_TRACE spans; later ones are dropped.
    """

    def __init__(self, most_spans: int = MOST_SPANS) -> None:
        self._most_spans = most_spans
        self._lock = threading.Lock()
        self._traces: OrderedDict[str, dict[str, Span]] = OrderedDict()
        self._count = 0

    def add(self, spans: Iterable[Span]) -> None:
        """Stores the spans. A span with the same trace id and span id is replaced."""
        with self._lock:
            for span in spans:
                trace = self._traces.setdefault(span.trace_id, {})
                self._traces.move_to_end(span.trace_id)
                if span.span_id not in trace:
                    if len(trace) >= MOST_SPANS_PER_TRACE:
                        continue
                    self._count += 1
                trace[span.span_id] = span
            while self._count > self._most_spans:
                _, dropped = self._traces.popitem(last=False)
                self._count -= len(dropped)

    def trace(self, trace_id: str) -> list[Span]:
        """Returns the spans of a trace by start time; empty if the trace is unknown or dropped."""
        with self._lock:
            spans = list(self._traces.get(trace_id.lower(), {}).values())
        return sorted(spans, key=lambda span: (span.start_ns, span.span_id))

    def trace_ids(self) -> list[str]:
        """Returns the ids of the stored traces, the one that was updated last at the end."""
        with self._lock:
            return list(self._traces)

    def clear(self) -> None:
        """Deletes all spans."""
        with self._lock:
            self._traces.clear()
            self._count = 0


def spans_of(request: ExportTraceServiceRequest) -> list[Span]:
    """Returns the spans of one OTLP export."""
    return [
        _span(span, _service(resource))
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _service(resource: trace_pb2.ResourceSpans) -> str:
    return str(_attributes(resource.resource.attributes).get("service.name", ""))


def _span(span: trace_pb2.Span, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        service=service,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple(
            Event(event.name, event.time_unix_nano, _attributes(event.attributes))
            for event in span.events
        ),
        links=tuple(Link(link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        status=trace_pb2.Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bytes_value":
            return value.bytes_value.hex()
        case "array_value":
            return [_value(each) for each in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case _:
            return None
