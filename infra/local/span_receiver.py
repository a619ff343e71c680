"""Receives spans over OTLP/gRPC, stores them, and returns a trace as JSON over HTTP.

Exports are forwarded to the trace viewer, if there is one. A slow or missing viewer delays nothing.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

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

from infra.local.ports import LOOPBACK, free_port
from infra.local.span_store import SpanStore, spans_of

_log = logging.getLogger(__name__)

FORWARD_SECONDS: Final = 2.0
MOST_OPEN_FORWARDS: Final = 64


class SpanReceiver:
    """Two servers on the loopback around a store: OTLP/gRPC, and HTTP `GET /traces/<trace_id>`.

    `forward_to` is the `host:port` of another OTLP/gRPC receiver, which gets every export.
    """

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
        self._forward: _Forwarder | None = None

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
        """The OTLP endpoint of the services."""
        return f"http://{LOOPBACK}:{self._otlp_port}"

    @property
    def http_address(self) -> str:
        """The base address of `GET /traces/<trace_id>`."""
        return f"http://{LOOPBACK}:{self._http_port}"

    def start(self) -> None:
        """Starts both servers. Raises OSError or RuntimeError if a port is taken."""
        self._forward = _Forwarder(self._forward_to) if self._forward_to else None
        self._http = _server(self.store, self._http_port)
        threading.Thread(
            target=self._http.serve_forever, name="spans over HTTP", daemon=True
        ).start()
        self._otlp = grpc.server(ThreadPoolExecutor(max_workers=4, thread_name_prefix="spans"))
        add_TraceServiceServicer_to_server(_Receiver(self.store, self._forward), self._otlp)  # type: ignore[no-untyped-call]  # the package ships no types
        self._otlp.add_insecure_port(f"{LOOPBACK}:{self._otlp_port}")
        self._otlp.start()

    def stop(self) -> None:
        """Stops the OTLP server, then the HTTP server."""
        if self._otlp is not None:
            self._otlp.stop(grace=1.0).wait()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        if self._forward is not None:
            self._forward.close()
        self._otlp = self._http = self._forward = None


class _Receiver(TraceServiceServicer):
    def __init__(self, store: SpanStore, forward: _Forwarder | None) -> None:
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


class _Forwarder:
    """Forwards at most MOST_OPEN_FORWARDS exports at a time. Others are dropped."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._stub = TraceServiceStub(self._channel)  # type: ignore[no-untyped-call]  # same
        self._free = threading.BoundedSemaphore(MOST_OPEN_FORWARDS)

    def send(self, request: ExportTraceServiceRequest) -> None:
        if self._free.acquire(blocking=False):
            call = self._stub.Export.future(request, timeout=FORWARD_SECONDS)
            call.add_done_callback(lambda _: self._free.release())

    def close(self) -> None:
        self._channel.close()


def _server(store: SpanStore, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
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

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    server.daemon_threads = True
    return server


def _is_trace_id(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 16 and len(text) == 32
    except ValueError:
        return False
