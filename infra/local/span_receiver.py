"""Receives spans over OTLP/gRPC, keeps them per trace in bounded memory, and shows a trace over HTTP.

A trace viewer, if there is one, gets every export as it came; it can be slow or gone and nobody waits for it.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self, TypeAlias

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    TraceServiceStub,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from infra.local.ports import LOOPBACK, free_port

_log = logging.getLogger(__name__)

MOST_SPANS: Final = 200_000
MOST_SPANS_PER_TRACE: Final = 10_000
FORWARD_SECONDS: Final = 2.0
MOST_FORWARDS_UNDER_WAY: Final = 64

Value: TypeAlias = "str | bool | int | float | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that this one names as related; ids in lower-case hex."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened within a span, in Unix nanoseconds."""

    name: str
    time_ns: int
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """One span: ids in lower-case hex, times in Unix nanoseconds, `parent_span_id` None at the root.

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
    """The newest spans, by trace; the trace that was heard of longest ago is forgotten first. Safe between threads."""

    def __init__(self, most_spans: int = MOST_SPANS) -> None:
        self._most_spans = most_spans
        self._lock = threading.Lock()
        self._traces: OrderedDict[str, dict[str, Span]] = OrderedDict()
        self._count = 0

    def add(self, spans: Iterable[Span]) -> None:
        """Keep these spans; one that came before, by trace and span id, is replaced."""
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
                _, forgotten = self._traces.popitem(last=False)
                self._count -= len(forgotten)

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace by start time; empty if it is unknown or forgotten."""
        with self._lock:
            spans = list(self._traces.get(trace_id.lower(), {}).values())
        return sorted(spans, key=lambda span: (span.start_ns, span.span_id))

    def trace_ids(self) -> list[str]:
        """The traces that are known, the one heard of last at the end."""
        with self._lock:
            return list(self._traces)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._traces.clear()
            self._count = 0


class SpanReceiver:
    """The two servers around a store: OTLP/gRPC in, `GET /traces/<trace_id>` out, both on the loopback."""

    def __init__(
        self,
        store: SpanStore | None = None,
        *,
        otlp_port: int | None = None,
        http_port: int | None = None,
        forward_to: str | None = None,
    ) -> None:
        self.store = store or SpanStore()
        self._otlp_port = otlp_port or free_port()
        self._http_port = http_port or free_port()
        self._forward_to = forward_to
        self._otlp: grpc.Server | None = None
        self._http: ThreadingHTTPServer | None = None
        self._forward: _Forward | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def otlp_endpoint(self) -> str:
        """Where services export to."""
        return f"http://{LOOPBACK}:{self._otlp_port}"

    @property
    def http_address(self) -> str:
        """Base address of `GET /traces/<trace_id>`."""
        return f"http://{LOOPBACK}:{self._http_port}"

    def start(self) -> None:
        """Serve both ports; OSError or RuntimeError if one is taken."""
        self._forward = _Forward(self._forward_to) if self._forward_to else None
        self._http = _server(self.store, self._http_port)
        threading.Thread(
            target=self._http.serve_forever, name="spans over HTTP", daemon=True
        ).start()
        self._otlp = grpc.server(ThreadPoolExecutor(max_workers=4, thread_name_prefix="spans"))
        add_TraceServiceServicer_to_server(_Receiver(self.store, self._forward), self._otlp)  # type: ignore[no-untyped-call]  # the package ships no types
        self._otlp.add_insecure_port(f"{LOOPBACK}:{self._otlp_port}")
        self._otlp.start()

    def stop(self) -> None:
        """Stop receiving, then answering."""
        if self._otlp is not None:
            self._otlp.stop(grace=1.0).wait()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        if self._forward is not None:
            self._forward.close()
        self._otlp = self._http = self._forward = None


def spans_of(request: ExportTraceServiceRequest) -> list[Span]:
    """The spans of one export."""
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


class _Receiver(TraceServiceServicer):
    def __init__(self, store: SpanStore, forward: _Forward | None) -> None:
        self._store = store
        self._forward = forward

    def Export(  # noqa: N802 - the name is the contract's
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        del context
        self._store.add(spans_of(request))
        if self._forward is not None:
            self._forward.send(request)
        return ExportTraceServiceResponse()


class _Forward:
    """Hands exports on to a viewer, a bounded number at a time; what does not fit or fails is dropped."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._stub = TraceServiceStub(self._channel)  # type: ignore[no-untyped-call]  # same
        self._places = threading.BoundedSemaphore(MOST_FORWARDS_UNDER_WAY)

    def send(self, request: ExportTraceServiceRequest) -> None:
        if self._places.acquire(blocking=False):
            call = self._stub.Export.future(request, timeout=FORWARD_SECONDS)
            call.add_done_callback(lambda _: self._places.release())

    def close(self) -> None:
        self._channel.close()


def _server(store: SpanStore, port: int) -> ThreadingHTTPServer:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            trace_id = self.path.removeprefix("/traces/")
            if not self.path.startswith("/traces/") or not _is_trace_id(trace_id):
                self._answer(HTTPStatus.NOT_FOUND, {"error": "GET /traces/<32 hex digits>"})
                return
            self._answer(
                HTTPStatus.OK, [dataclasses.asdict(span) for span in store.trace(trace_id)]
            )

        def _answer(self, status: HTTPStatus, content: object) -> None:
            body = json.dumps(content).encode("utf-8")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            _log.debug("spans over HTTP: %s", arguments)

    server = ThreadingHTTPServer((LOOPBACK, port), Answers)
    server.daemon_threads = True
    return server


def _is_trace_id(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 16 and len(text) == 32
    except ValueError:
        return False
