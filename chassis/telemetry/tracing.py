"""Tracing with the OpenTelemetry SDK, and what a process measures with.

Spans carry ids, reasons and numbers. An exception is recorded by its type, because its text may
quote what a person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from chassis.telemetry import semconv
from chassis.telemetry.logging import add_ids, setup_logging

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_EMPTY: Final = Context()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The tracer and the metrics registry of a process, and its service's name and version."""

    service_name: str
    version: str
    tracer: trace.Tracer
    registry: CollectorRegistry
    provider: TracerProvider

    def flush(self, timeout_s: float = 5.0) -> None:
        """Exports the spans that have ended. Blocks for `timeout_s` at most."""
        self.provider.force_flush(int(timeout_s * 1000))

    def close(self) -> None:
        """Exports the spans that have ended, and stops. Without a collector it blocks seconds."""
        self.provider.shutdown()


def setup(
    service_name: str,
    version: str,
    otlp_endpoint: str | None = None,
    log_level: str = "INFO",
    span_processors: tuple[SpanProcessor, ...] = (),
) -> Telemetry:
    """Returns new telemetry and makes the process log JSON lines.

    Without `otlp_endpoint` only `span_processors` get the spans. Logging is one for the process, so
    a second call replaces it; tracer and registry are new with every call.
    """
    setup_logging(service_name, version, log_level)
    resource = Resource.create({"service.name": service_name, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for processor in span_processors:
        provider.add_span_processor(processor)
    if otlp_endpoint:
        from chassis.telemetry.otlp import SpanExporter

        insecure = not otlp_endpoint.startswith("https://")
        provider.add_span_processor(
            BatchSpanProcessor(SpanExporter(endpoint=otlp_endpoint, insecure=insecure))
        )
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return Telemetry(service_name, version, provider.get_tracer("safeconduct"), registry, provider)


@contextmanager
def current_span(tracer: trace.Tracer, name: str) -> Iterator[Span]:
    """Runs the block in a new current span.

    An exception is recorded by its type, which also describes the status ERROR. The tracer's own
    `start_as_current_span` would record the text and the stack trace of the exception.
    """
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            kind = type(error)
            span.add_event(
                "exception", {"exception.type": f"{kind.__module__}.{kind.__qualname__}"}
            )
            span.set_status(Status(StatusCode.ERROR, kind.__name__))
            raise


def trace_id() -> str:
    """Returns the trace id of the current span (32 hexadecimal digits), or "" outside of a span."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else ""


def traceparent(span: Span | None = None) -> str:
    """Returns the W3C `traceparent` of `span`, or else of the current span.

    Outside of a span it is empty.
    """
    own = (span or trace.get_current_span()).get_span_context()
    return (
        f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}" if own.is_valid else ""
    )


def context_of(traceparent: str, tracestate: str = "") -> Context:
    """Returns a context in which the sender's span is current.

    The context is empty if `traceparent` is not valid.
    """
    if tracestate or not _TRACEPARENT.fullmatch(traceparent):
        carrier = {semconv.TRACEPARENT: traceparent, semconv.TRACESTATE: tracestate}
        return _PROPAGATOR.extract(carrier, context=Context())
    # The usual case without the propagator: its carriers and getters cost as much as a span.
    span = trace.SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(traceparent[53:], 16)),
    )
    return (
        trace.set_span_in_context(trace.NonRecordingSpan(span), _EMPTY) if span.is_valid else _EMPTY
    )


def link_to(traceparent: str) -> tuple[trace.Link, ...]:
    """Returns a link to the sender's span, or no link if `traceparent` is not valid."""
    span = trace.get_current_span(context_of(traceparent)).get_span_context()
    return (trace.Link(span),) if span.is_valid else ()


def annotate(ids: Mapping[str, str]) -> None:
    """Adds ids, e.g. `application.id`, to the current span and to later log lines of this task."""
    trace.get_current_span().set_attributes(ids)
    add_ids(ids)
