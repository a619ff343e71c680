"""Encodes spans as OTLP for less CPU than the SDK's encoder. The SDK's exporter sends them.

Measured: 15 instead of 41 µs a span. With the SDK's encoder, tracing every call costs a service 23
% of its CPU per submission, with this one 10 %; the limit is 20 %. The SDK's encoder hashes the
resource for each span and wraps each value in a message of its own. Here, spans are grouped by
identity (all spans of a process share one resource), and protobuf builds nested messages from dicts
in C. A property test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import (
    ResourceSpans,
    ScopeSpans,
    Span,
    SpanFlags,
    Status,
)
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

_SCALARS: Final[Mapping[type, str]] = {
    str: "string_value",
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
}
_LOCAL: Final = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_REMOTE: Final = _LOCAL | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
_KINDS: Final = {kind: Span.SpanKind.Value(f"SPAN_KIND_{kind.name}") for kind in SpanKind}
_UNSET: Final = Status()


class SpanExporter(OTLPSpanExporter):
    """The SDK's exporter, with its connection, retries and settings, and another encoder."""

    def _translate_data(self, data: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
        return encode(data)


def encode(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    """Returns the request with these spans, grouped by resource and scope."""
    # It is filled in place. A message that is put into another one is copied with its content.
    request = ExportTraceServiceRequest()
    resources: dict[int, ResourceSpans] = {}
    scopes: dict[tuple[int, int], ScopeSpans] = {}
    for span in spans:
        resource, scope = span.resource, span.instrumentation_scope
        within = scopes.get((id(resource), id(scope)))
        if within is None:
            around = resources.get(id(resource))
            if around is None:
                around = resources[id(resource)] = request.resource_spans.add(
                    schema_url=resource.schema_url
                )
                around.resource.attributes.extend(
                    KeyValue(**each) for each in _attributes(resource.attributes)
                )
            within = scopes[id(resource), id(scope)] = around.scope_spans.add()
            _set_scope(within, scope)
        _add(within, span)
    return request


def _set_scope(spans: ScopeSpans, scope: InstrumentationScope | None) -> None:
    spans.scope.SetInParent()
    if scope is not None:
        spans.schema_url = scope.schema_url or ""
        spans.scope.name, spans.scope.version = scope.name, scope.version or ""
        spans.scope.attributes.extend(KeyValue(**each) for each in _attributes(scope.attributes))


def _add(spans: ScopeSpans, span: ReadableSpan) -> None:
    context, parent, status = span.context, span.parent, span.status
    assert context is not None, "a recorded span has a context"
    sent = spans.spans.add(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        parent_span_id=parent.span_id.to_bytes(8, "big") if parent else b"",
        flags=_flags(parent),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        attributes=_attributes(span.attributes),
        status=_UNSET,
        dropped_attributes_count=span.dropped_attributes,
        dropped_events_count=span.dropped_events,
        dropped_links_count=span.dropped_links,
    )
    # Most spans have none of these, so they are not built in advance.
    if context.trace_state:
        sent.trace_state = ",".join(f"{key}={value}" for key, value in context.trace_state.items())
    if status.status_code is not StatusCode.UNSET:
        sent.status.MergeFrom(Status(code=status.status_code.value, message=status.description))  # type: ignore[arg-type]  # same numbers
    if span.events:
        sent.events.extend(_event(event) for event in span.events)
    if span.links:
        sent.links.extend(_link(link) for link in span.links)


def _event(event: Event) -> Span.Event:
    return Span.Event(
        name=event.name,
        time_unix_nano=event.timestamp,
        attributes=_attributes(event.attributes),
        dropped_attributes_count=event.dropped_attributes,
    )


def _link(link: Link) -> Span.Link:
    return Span.Link(
        trace_id=link.context.trace_id.to_bytes(16, "big"),
        span_id=link.context.span_id.to_bytes(8, "big"),
        attributes=_attributes(link.attributes),
        dropped_attributes_count=link.dropped_attributes,
        flags=_flags(link.context),
    )


def _flags(context: SpanContext | None) -> int:
    return _REMOTE if context is not None and context.is_remote else _LOCAL


def _attributes(attributes: Mapping[str, Any] | None) -> Any:
    return (
        [{"key": key, "value": _value(value)} for key, value in attributes.items()]
        if attributes
        else []
    )


def _value(value: Any) -> dict[str, Any]:
    kind = _SCALARS.get(type(value))
    if kind is not None:
        return {kind: value}
    if isinstance(value, Mapping):
        return {"kvlist_value": {"values": _attributes(value)}}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {"array_value": {"values": [_value(each) for each in value]}}
    return {"string_value": str(value)}  # for instance a member of an enum
