"""Records one call as a span, as metrics and as a line of the access log.

A refusal leaves the status of the span UNSET. A fault sets ERROR, and shows its reason only.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import structlog
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    format_trace_id,
    set_span_in_context,
)

from chassis.rpc.error_mapping import ERROR_REF
from chassis.rpc.errors import CommonReason, RpcError
from chassis.rpc.metrics import RpcMetrics
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of

_FAULT_CODES: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
# UNAVAILABLE on purpose: the client uses another replica or comes back, and no operator is needed.
_EXPECTED: Final = frozenset(
    {CommonReason.DRAINING, CommonReason.SLOW_CONSUMER, CommonReason.NOT_READY}
)
_NO_SENDER: Final = Context()


@dataclass(slots=True)
class CallRecord:
    """The facts of one call, filled in while it runs."""

    method: str
    span: Span
    is_stream: bool
    begun: float = field(default_factory=time.perf_counter)
    principal: str = ""
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    error_ref: str = ""

    @contextmanager
    def not_counted(self) -> Iterator[None]:
        """Leaves the time inside the block out of the call's duration."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self.begun += time.perf_counter() - since

    def fail(self, error: RpcError) -> None:
        """Takes code, reason and reference from the error that ends the call."""
        self.code, self.reason = error.code, error.reason
        self.error_ref = error.metadata.get(ERROR_REF, "")


class CallRecorder:
    """Begins and ends the records of all calls of a server."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._tracer = telemetry.tracer
        self._metrics = RpcMetrics(telemetry.registry)
        # `bind` makes the configured logger once. `get_logger` alone would make one for each line.
        self._log = structlog.get_logger().bind()

    def begin(
        self, method: str, metadata: Iterable[tuple[str, Any]], *, is_stream: bool
    ) -> CallRecord:
        """Returns the record of a call that begins. Its span becomes the current one.

        The parent of the span is the sender's span, if the metadata name it.
        """
        parent, name = _sender(metadata), method.removeprefix("/")
        attributes = {semconv.RPC_SYSTEM: "grpc", semconv.RPC_METHOD: name}
        span = self._tracer.start_span(
            name, context=parent, kind=SpanKind.SERVER, attributes=attributes
        )
        # Every call runs in a task with a context of its own: nothing is detached at the end.
        otel_context.attach(set_span_in_context(span, parent))
        self._metrics.begin(method)
        return CallRecord(method, span, is_stream)

    def end(self, call: CallRecord) -> None:
        """Ends the span, counts the call and writes the line."""
        seconds = time.perf_counter() - call.begun
        _describe(call)
        own = call.span.get_span_context()
        exemplar = {"trace_id": format_trace_id(own.trace_id)} if own.trace_flags.sampled else None
        self._metrics.end(
            call.method, call.code.name, None if call.is_stream else seconds, exemplar
        )
        optional = {
            key: value
            for key in ("principal", "reason", "error_ref")
            if (value := getattr(call, key))
        }
        self._log.info(
            "rpc",
            method=call.method,
            code=call.code.name,
            milliseconds=round(seconds * 1000, 2),
            **optional,
        )
        call.span.end()


def _describe(call: CallRecord) -> None:
    attributes = {semconv.RPC_STATUS: call.code.name}
    if call.principal:
        attributes[semconv.PRINCIPAL] = call.principal
    if call.error_ref:
        attributes[semconv.ERROR_REF] = call.error_ref
    if call.code in _FAULT_CODES and call.reason and call.reason not in _EXPECTED:
        attributes[semconv.ERROR_TYPE] = call.reason
        call.span.set_status(Status(StatusCode.ERROR, call.reason))
    elif call.reason:
        attributes[semconv.REFUSAL] = call.reason
    call.span.set_attributes(attributes)


def _sender(metadata: Iterable[tuple[str, Any]]) -> Context:
    traceparent, tracestate = "", ""
    for key, value in metadata:
        if key == semconv.TRACEPARENT:
            traceparent = str(value)
        elif key == semconv.TRACESTATE:
            tracestate = str(value)
    return context_of(traceparent, tracestate) if traceparent else _NO_SENDER
