"""Spans, log lines and metrics of one process: where they go and what they carry.

Ids, reasons and numbers only. An exception's text may quote what a person wrote, so a log line shows the exception's
types and frames and never its text.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from structlog.typing import EventDict, WrappedLogger

from chassis.telemetry import semconv
from chassis.telemetry.spans import tracer_of

log = structlog.get_logger()

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_EMPTY: Final = Context()
_MAX_TYPES: Final = 10
_MAX_FRAMES: Final = 30
_MOST_KINDS: Final = 1_000
_LINGER_S: Final = 0.02
_ids: Final[ContextVar[Mapping[str, str]]] = ContextVar("ids", default=MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a process measures with: the tracer, the metrics registry, and the names of service and version."""

    service_name: str
    version: str
    tracer: trace.Tracer
    registry: CollectorRegistry
    provider: TracerProvider

    def flush(self, timeout_s: float = 5.0) -> None:
        """Send the spans that wait; blocks, at most for this long. Spans that end later are sent too."""
        self.provider.force_flush(int(timeout_s * 1000))

    def close(self) -> None:
        """Send what waits and end the sender; blocks for some seconds if the collector is away."""
        self.provider.shutdown()


def setup(
    service_name: str,
    version: str,
    otlp_endpoint: str | None = None,
    log_level: str = "INFO",
    span_processors: tuple[SpanProcessor, ...] = (),
) -> Telemetry:
    """Begin to log as JSON lines to standard output and to trace; without an endpoint only `span_processors` get spans.

    Logging is one per process, so a second call changes it; tracer and registry are each call's own.
    """
    _setup_logging(service_name, version, log_level)
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
    return Telemetry(service_name, version, tracer_of(provider, "safeconduct"), registry, provider)


def trace_id() -> str:
    """The current span's trace id, 32 hexadecimal digits, or empty outside of any span."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else ""


def traceparent(span: trace.Span | None = None) -> str:
    """The span, or else the current one, as a W3C `traceparent`; empty outside of any span."""
    own = (span or trace.get_current_span()).get_span_context()
    return (
        f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}" if own.is_valid else ""
    )


def context_of(traceparent: str, tracestate: str = "") -> Context:
    """The OpenTelemetry context in which the sender's span is current; an empty one if the text is no traceparent."""
    if tracestate or not _TRACEPARENT.fullmatch(traceparent):
        carrier = {semconv.TRACEPARENT: traceparent, semconv.TRACESTATE: tracestate}
        return _PROPAGATOR.extract(carrier, context=Context())
    # The ordinary case without the propagator's carriers and getters, which cost as much as a span.
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
    """A link to the sender's span, or none if the text is no traceparent."""
    span = trace.get_current_span(context_of(traceparent)).get_span_context()
    return (trace.Link(span),) if span.is_valid else ()


def annotate(ids: Mapping[str, str]) -> None:
    """Put these ids (for instance `application.id`) on the current span and on every later log line of this task."""
    trace.get_current_span().set_attributes(ids)
    _ids.set({**_ids.get(), **ids})


def forget_ids() -> None:
    """Later log lines of this task are about something else."""
    _ids.set({})


def report_unhandled(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """A loop's exception handler: asyncio's own would print the text of the exception."""
    exception = context.get("exception")
    log.error("unhandled_in_loop", what=str(context.get("message", "")), exc_info=exception)


def exception_types(exception: BaseException) -> list[str]:
    """Names of the exception and its causes, outermost first; a group is followed by its members."""
    names: list[str] = []
    waiting: list[BaseException | None] = [exception]
    while waiting and len(names) < _MAX_TYPES:
        each = waiting.pop(0)
        if each is not None:
            names.append(
                f"{type(each).__module__}.{type(each).__qualname__}".removeprefix("builtins.")
            )
            waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
            waiting.append(
                each.__cause__ or (None if each.__suppress_context__ else each.__context__)
            )
    return names


def exception_frames(exception: BaseException) -> list[str]:
    """Where it was raised, outermost frame first: file, line and function, never a value."""
    frames = traceback.extract_tb(exception.__traceback__)[-_MAX_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _setup_logging(service_name: str, version: str, level: str) -> None:
    number = logging.getLevelNamesMapping()[level]

    def complete(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
        """One step for all that every line has: a step costs more than what it does."""
        event.update(
            _ids.get(),
            level=level,
            time=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            service=service_name,
            service_version=version,
        )
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            event.update(
                trace_id=trace.format_trace_id(span.trace_id),
                span_id=trace.format_span_id(span.span_id),
            )
        return _describe_exception(event) if "exc_info" in event else event

    # One encoder for all lines: `json.dumps` makes one for each as soon as it is given a default.
    encode = json.JSONEncoder(default=_name_of).encode
    render = structlog.processors.JSONRenderer(serializer=lambda event, **_: encode(event))
    structlog.configure(
        processors=[complete, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    handler = _StandardOutput()
    handler.addFilter(Seldom())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, complete],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), handlers=[handler], force=True
    )  # other people's libraries
    logging.raiseExceptions = (
        False  # a line that cannot be written must not be explained with its exception's text
    )


class Seldom(logging.Filter):
    """Lets a library say the same thing once in `seconds`, and says with the next one how many were kept back.

    Without its broker a client tries again a hundred times a second and says so each time.
    """

    def __init__(self, seconds: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._clock = seconds, clock
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """True: it is said."""
        kind, now = (record.name, str(record.msg)), self._clock()
        at, kept_back = self._said.get(kind, (-math.inf, 0))
        if now - at < self._seconds:
            self._said[kind] = at, kept_back + 1
            return False
        if len(self._said) >= _MOST_KINDS:
            self._said.clear()
        self._said[kind] = now, 0
        if kept_back:
            record.msg = f"{record.msg} (and {kept_back} more like it)"
        return True


class _Lines:
    """Lines to standard output. One that tells nothing bad leaves with those that follow it within a moment."""

    _leaving: ClassVar[asyncio.TimerHandle | None] = None

    def __init__(self, *_: object) -> None:
        """What a logger was asked for by does not matter."""

    @staticmethod
    def _flush() -> None:
        sys.stdout.flush()

    def warning(self, line: str) -> None:
        """Writes it at once, behind what waits."""
        sys.stdout.write(line + "\n")
        self._flush()

    error = critical = exception = fatal = warning

    def info(self, line: str) -> None:
        """Writes it, in a running loop together with others."""
        sys.stdout.write(line + "\n")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        waiting = _Lines._leaving
        if waiting is None or waiting.when() < loop.time():
            _Lines._leaving = loop.call_later(_LINGER_S, self._flush)

    debug = msg = log = info


class _StandardOutput(logging.Handler):
    """Standard output as it is when the line is written, as structlog does."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), flush=True)
        except Exception:  # noqa: BLE001 - logging's own contract
            self.handleError(record)


def _describe_exception(event: EventDict) -> EventDict:
    given = event.pop("exc_info")
    if given is True:
        given = sys.exc_info()
    exception = given[1] if isinstance(given, tuple) else given
    if isinstance(exception, BaseException):
        event["exception"] = {
            "types": exception_types(exception),
            "frames": exception_frames(exception),
        }
    return event


def _name_of(value: Any) -> str:
    """What JSON has no form for is shown by its type: its text might say too much."""
    return f"<{type(value).__name__}>"
